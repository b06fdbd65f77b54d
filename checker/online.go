package checker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/onceproof/onceproof/history"
)

// Online judges a run while it goes on. It is given each event as it is
// recorded, and says at once what needs no final log to be seen; Finish gives
// the verdicts that Check gives of the same history. Memory stays within
// Options.Memory however long the run: state beyond it lies in a temporary file.
// Its methods may be called concurrently; the zero value is of no use.
type Online struct {
	mu    sync.Mutex
	j     *judge
	line  int64
	err   error
	parts map[int32]*ackLog
	ended bool
	seen  map[Anomaly]int64
}

// NewOnline begins. notify, if not nil, is told of each violation that is seen
// before the end, once a kind; it must not call the Online.
func NewOnline(h history.Header, opt Options, notify func(Anomaly)) *Online {
	o := &Online{j: newJudge(h, opt), line: 1, parts: map[int32]*ackLog{}, seen: map[Anomaly]int64{}}
	o.j.finds.notify = func(a Anomaly) {
		o.seen[a]++
		if notify != nil && !o.ended && o.seen[a] == 1 {
			notify(a)
		}
	}
	o.j.ackSeen = o.acked
	return o
}

// Observe takes one event in, in the history's order. Slices of e are not kept.
// After an error, which is about the event, nothing more is judged.
func (o *Online) Observe(e *history.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.line++
	if o.err != nil || o.ended {
		return o.err
	}
	if err := o.j.observe(e, o.line); err != nil {
		o.err = fmt.Errorf("judge the run: event %d: %w", o.line-1, err)
	}
	return o.err
}

// Violations is what was seen so far, with counts.
func (o *Online) Violations() map[Anomaly]int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.seen)
}

// Finish ends the run and gives its verdicts.
func (o *Online) Finish() (*Report, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return nil, errors.New("finish the judgement: it is finished already")
	}
	o.ended = true
	if o.err == nil {
		// What was seen early is found again, with all its context.
		for _, a := range earlyKinds {
			delete(o.j.finds.byKind, a)
		}
		o.j.finish()
		o.err = o.j.pool.err
	}
	var rep *Report
	if o.err == nil {
		rep = o.j.verdicts()
	}
	return rep, errors.Join(o.err, o.j.close())
}

// earlyKinds are found early from acknowledgements, and again at the end from the log.
var earlyKinds = []Anomaly{RealtimeReorder}

// ackLog is the last acknowledgements of one partition in the order of their
// times, each with the largest offset up to it.
type ackLog struct {
	at  []int64
	top []int64
	by  []int32 // the process of that largest offset
}

// ackWindow is how many acknowledgements an ackLog looks back. Sends are seldom
// in flight for longer; those that are, are judged at the end.
const ackWindow = 4096

// acked compares an acknowledgement with those before it: a record that was
// acknowledged before this send began stands before this one.
func (o *Online) acked(tp int32, off int64, r *record) {
	l := o.parts[tp]
	if l == nil {
		l = &ackLog{}
		o.parts[tp] = l
	}
	if r.inv != 0 {
		i, _ := slices.BinarySearch(l.at, r.inv)
		if i > 0 && l.top[i-1] > off && l.by[i-1] != r.val.proc() {
			j := o.j
			rec, top := *r, l.top[i-1]
			j.finds.report(RealtimeReorder, func() draft {
				at := makePlace(tp, off)
				return draft{events: j.sendEvents(at, &rec), text: fmt.Sprintf("%s got %s, though offset %d was acknowledged before its send began.", j.valName(rec.val), j.placeName(at), top)}
			})
		}
	}
	n := len(l.at)
	at, top, by := r.ack, off, r.val.proc()
	if n > 0 {
		at = max(at, l.at[n-1]) // a little later than it was, if lines came out of order: never too early
		if l.top[n-1] > top {
			top, by = l.top[n-1], l.by[n-1]
		}
	}
	if n == 2*ackWindow {
		l.at, l.top, l.by = slices.Delete(l.at, 0, ackWindow), slices.Delete(l.top, 0, ackWindow), slices.Delete(l.by, 0, ackWindow)
	}
	l.at, l.top, l.by = append(l.at, at), append(l.top, top), append(l.by, by)
}
