package process

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// slack is how far a worker's stamp may lie outside the time in which it must
// have been taken: processes calibrate the shared clock apart.
const slack = int64(1e6)

// rule says how an operation is reported.
type rule struct {
	invoke bool // an invoke line must come before its end
	txn    bool // belongs to a transaction
	check  func(l *ledger, e *history.Event) error
}

// rules are the operations of the worker protocol; a worker reports no other.
var rules = map[history.Op]rule{
	history.OpInitProducer:  {invoke: true},
	history.OpBegin:         {txn: true},
	history.OpSend:          {invoke: true, check: (*ledger).values},
	history.OpSetAside:      {invoke: true, check: (*ledger).values},
	history.OpPoll:          {check: polled},
	history.OpProcess:       {check: inputs},
	history.OpSendOffsets:   {invoke: true, txn: true, check: offsets},
	history.OpCommit:        {invoke: true, txn: true},
	history.OpAbort:         {invoke: true, txn: true},
	history.OpCommitOffsets: {invoke: true, check: offsets},
	history.OpFetchOffsets:  {},
	history.OpAssigned:      {check: partition},
	history.OpRevoked:       {check: partition},
	history.OpLost:          {check: partition},
	history.OpSeek:          {check: partition},
	history.OpClose:         {invoke: true},
}

// ledger follows what one incarnation reports: it refuses what the protocol does
// not allow, and knows the operations that have not ended. Not safe for
// concurrent use.
type ledger struct {
	proc   string
	now    func() int64
	last   int64 // stamp of the last line; before the first, the earliest possible
	lastID int64 // the highest operation number
	open   map[int64][]history.Event
	bursts []*burst // open runs of sends, by their numbers
	closed bool     // a graceful end was reported
}

func newLedger(proc string, now func() int64) *ledger {
	return &ledger{proc: proc, now: now, last: now() - slack, open: map[int64][]history.Event{}}
}

// take checks e and books it.
func (l *ledger) take(e *history.Event) error {
	r, known := rules[e.Op]
	switch {
	case !known:
		return fmt.Errorf("op %q is none that a worker reports", e.Op)
	case e.T < l.last:
		return fmt.Errorf("t %d is before %d, that of an earlier line", e.T, l.last)
	case e.T > l.now()+slack:
		return fmt.Errorf("t %d is in the future: now is %d; t is CLOCK_MONOTONIC in ns", e.T, l.now())
	case e.ID < 1:
		return fmt.Errorf("%s has id %d; operations are numbered from 1", e.Op, e.ID)
	case r.txn && e.Txn < 1:
		return fmt.Errorf("%s has no txn; transactions are numbered from 1", e.Op)
	}
	l.last = e.T
	switch {
	case e.Type != history.Invoke:
		return l.finish(e, r)
	case e.Run:
		return l.beginRun(e, r)
	default:
		return l.begin(e, r)
	}
}

func (l *ledger) begin(e *history.Event, r rule) error {
	if same := l.open[e.ID]; len(same) > 0 {
		if same[0].Op != e.Op {
			return fmt.Errorf("id %d is an open %s, now invoked as %s", e.ID, same[0].Op, e.Op)
		}
	} else if e.ID <= l.lastID {
		return fmt.Errorf("invoke with id %d after id %d; each operation takes a higher number", e.ID, l.lastID)
	}
	if r.check != nil && r.invoke {
		if err := r.check(l, e); err != nil {
			return err
		}
	}
	l.lastID = max(l.lastID, e.ID)
	l.open[e.ID] = append(l.open[e.ID], *e)
	return nil
}

func (l *ledger) finish(e *history.Event, r rule) error {
	switch e.Type {
	case history.OK, history.Fail, history.Info:
	default:
		return fmt.Errorf("type %q is none of invoke, ok, fail, info", e.Type)
	}
	open := l.open[e.ID]
	if len(open) == 0 && len(l.bursts) > 0 || e.Run {
		if ended, err := l.finishSends(e); ended || err != nil {
			return err
		}
	}
	switch {
	case len(open) > 0 && open[0].Op != e.Op:
		return fmt.Errorf("id %d is an open %s, now ended as %s", e.ID, open[0].Op, e.Op)
	case len(open) == 0 && r.invoke:
		return fmt.Errorf("%s %s with id %d was never invoked, or has ended before", e.Op, e.Type, e.ID)
	}
	if r.check != nil && !r.invoke && e.Type == history.OK {
		if err := r.check(l, e); err != nil {
			return err
		}
	}
	l.lastID = max(l.lastID, e.ID)
	l.closed = l.closed || e.Op == history.OpClose && e.Type == history.OK
	l.settle(e, open)
	return nil
}

// settle closes the line of an operation that e ends: the one of its partition
// when the operation has several, else all.
func (l *ledger) settle(e *history.Event, open []history.Event) {
	if len(open) > 1 && e.TP.Topic != "" {
		if i := slices.IndexFunc(open, func(o history.Event) bool { return o.TP == e.TP }); i >= 0 {
			l.open[e.ID] = slices.Delete(open, i, i+1)
			return
		}
	}
	delete(l.open, e.ID)
}

// unfinished returns an info for each operation that has no end, in the order in
// which they were invoked, and forgets them.
func (l *ledger) unfinished(t int64, how string) []history.Event {
	var events []history.Event
	for _, open := range l.open {
		for _, e := range open {
			e.T, e.Type = max(t, l.last), history.Info
			e.Err = &history.Error{Name: "process-ended", Text: how}
			events = append(events, e)
		}
	}
	for _, b := range l.bursts {
		for _, e := range b.unfinished() {
			e.T, e.Type = max(t, l.last), history.Info
			e.Err = &history.Error{Name: "process-ended", Text: how}
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b history.Event) int { return int(a.ID - b.ID) })
	clear(l.open)
	l.bursts = nil
	return events
}

func (l *ledger) values(e *history.Event) error {
	if len(e.Val) == 0 || e.TP.Topic == "" {
		return fmt.Errorf("%s needs tp and val", e.Op)
	}
	for _, v := range e.Val {
		if v.Proc != l.proc || v.N < 1 {
			return fmt.Errorf("%s of value %q; this process sends \"%s#n\", n from 1", e.Op, v, l.proc)
		}
	}
	if len(e.From) != 0 && len(e.From) != len(e.Val) {
		return fmt.Errorf("%s has %d values and %d inputs; from has as many as val, or is left out", e.Op, len(e.Val), len(e.From))
	}
	return nil
}

func polled(_ *ledger, e *history.Event) error {
	if len(e.Off) > 0 && (e.TP.Topic == "" || e.TP.Part < 0) {
		return fmt.Errorf("poll needs tp with a partition")
	}
	if len(e.Val) != len(e.Off) {
		return fmt.Errorf("poll has %d offsets and %d values; a record without a value id has \"\"", len(e.Off), len(e.Val))
	}
	if len(e.From) != 0 && len(e.From) != len(e.Off) {
		return fmt.Errorf("poll has %d offsets and %d inputs; from has as many as off, or is left out", len(e.Off), len(e.From))
	}
	return nil
}

func inputs(_ *ledger, e *history.Event) error {
	if len(e.From) == 0 {
		return fmt.Errorf("process needs from, the input that was processed")
	}
	return nil
}

func offsets(_ *ledger, e *history.Event) error {
	if e.Group == "" || e.TP.Topic == "" || e.TP.Part < 0 || len(e.Off) != 1 {
		return fmt.Errorf("%s needs group, tp with a partition, and one off, the next offset to read; one line a partition", e.Op)
	}
	return nil
}

func partition(_ *ledger, e *history.Event) error {
	if e.TP.Topic == "" || e.TP.Part < 0 {
		return fmt.Errorf("%s needs tp with a partition; one line a partition", e.Op)
	}
	return nil
}

// count adds e to c.
func (c *counters) count(e *history.Event) {
	if e.Err != nil {
		c.errors.Add(1)
	}
	switch {
	case e.Op == history.OpSend && e.Type == history.Invoke:
		c.sent.Add(int64(len(e.Val)))
	case e.Type != history.OK:
	case e.Op == history.OpSend:
		c.acked.Add(int64(max(len(e.Off), len(e.Val), 1))) // acks=0 tells no offset
	case e.Op == history.OpPoll:
		c.polled.Add(int64(len(e.Off)))
	case e.Op == history.OpProcess:
		c.processed.Add(int64(len(e.From)))
	case e.Op == history.OpCommit || e.Op == history.OpCommitOffsets:
		c.commits.Add(1)
	}
}
