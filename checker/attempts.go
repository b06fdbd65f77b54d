package checker

import (
	"slices"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// attempt is a send whose place an acknowledgement did not tell.
type attempt struct {
	inv, end         int64
	from             place
	invLine, endLine uint32
	tp               int32 // -1 if the library would have chosen
	txn              int32 // index + 1
	err              uint16
	outcome          attemptOutcome // 0 = there is none
	_                [5]uint8
}

type attemptOutcome uint8

const (
	attemptAcked attemptOutcome = iota + 1
	attemptFailed
	attemptUnknown
)

func attemptOf(t history.Type) attemptOutcome {
	switch t {
	case history.OK:
		return attemptAcked
	case history.Fail:
		return attemptFailed
	}
	return attemptUnknown
}

// attempted keeps how a send ended; an acknowledgement outweighs what other
// attempts at the same value were told.
func (j *judge) attempted(v value, a attempt) {
	p := j.procs[v.proc()]
	if p.attempts == nil {
		p.attempts = newSparseTable[attempt](j.pool)
	}
	if old := p.attempts.at(v.n()); old.outcome != attemptAcked {
		*old = a
	}
}

// attempt is how the send of v ended, if no acknowledgement told its place.
func (j *judge) attempt(v value) (attempt, bool) {
	if v == 0 {
		return attempt{}, false
	}
	p := j.procs[v.proc()]
	if p.attempts == nil {
		return attempt{}, false
	}
	if a := p.attempts.get(v.n()); a != nil && a.outcome != 0 {
		return *a, true
	}
	return attempt{}, false
}

// eachAttempt goes through all of them, in the order of values.
func (j *judge) eachAttempt(f func(v value, a *attempt)) {
	for _, p := range j.procs {
		if p.attempts == nil {
			continue
		}
		p.attempts.read(0, func(n int64, a *attempt) bool {
			if a.outcome != 0 {
				f(makeValue(p.id, n), a)
			}
			return true
		})
	}
}

// mostErrNames bounds the names of errors that witnesses show.
const mostErrNames = 1 << 12

// errName is the number of an error's name, 0 for none.
func (j *judge) errName(err *history.Error) uint16 {
	if err == nil || err.Name == "" {
		return 0
	}
	i := slices.Index(j.errNames, err.Name)
	if i < 0 {
		if len(j.errNames) == mostErrNames {
			return 0
		}
		i = len(j.errNames)
		j.errNames = append(j.errNames, strings.Clone(err.Name))
	}
	return uint16(i + 1)
}
