package process

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// burst is a run of sends that were invoked in one line and have not all ended.
type burst struct {
	e    history.Event
	over []bool // by their place in e
	left int
}

func (b *burst) last() int64 { return b.e.ID + int64(len(b.e.Val)) - 1 }

// unfinished is what has not ended, as runs.
func (b *burst) unfinished() []history.Event {
	var runs []history.Event
	for i := 0; i < len(b.over); i++ {
		if b.over[i] {
			continue
		}
		z := i + 1
		for z < len(b.over) && !b.over[z] {
			z++
		}
		e := b.e
		e.ID += int64(i)
		e.Run = z-i > 1
		e.Val = b.e.Val[i:z]
		if len(b.e.Key) > 0 {
			e.Key = b.e.Key[i:z]
		}
		if len(b.e.From) > 0 {
			e.From = b.e.From[i:z]
		}
		runs = append(runs, e)
		i = z
	}
	return runs
}

func (l *ledger) beginRun(e *history.Event, r rule) error {
	if e.ID <= l.lastID {
		return fmt.Errorf("invoke with id %d after id %d; each operation takes a higher number", e.ID, l.lastID)
	}
	if r.check != nil {
		if err := r.check(l, e); err != nil {
			return err
		}
	}
	b := &burst{e: *e, over: make([]bool, len(e.Val)), left: len(e.Val)}
	l.bursts = append(l.bursts, b)
	l.lastID = b.last()
	return nil
}

// finishSends ends the sends of e, one or a run, that bursts have opened. A run
// may end sends of several bursts, and some that were invoked alone. It says
// false where e is no business of bursts.
func (l *ledger) finishSends(e *history.Event) (ended bool, err error) {
	n := int64(1)
	if e.Run {
		n = int64(len(e.Val))
	}
	var b *burst
	for id := e.ID; id < e.ID+n; id++ {
		if b == nil || id < b.e.ID || id > b.last() {
			b = l.burstOf(id)
		}
		switch alone := l.open[id]; {
		case b == nil && len(alone) == 0 && !e.Run:
			return false, nil
		case b != nil && b.e.Op == e.Op && !b.over[id-b.e.ID]:
			b.over[id-b.e.ID] = true
			b.left--
		case b == nil && len(alone) == 1 && alone[0].Op == e.Op:
			delete(l.open, id)
		default:
			return false, fmt.Errorf("%s %s with id %d was never invoked, or has ended before", e.Op, e.Type, id)
		}
	}
	l.bursts = slices.DeleteFunc(l.bursts, func(b *burst) bool { return b.left == 0 })
	return true, nil
}

func (l *ledger) burstOf(id int64) *burst {
	i, found := slices.BinarySearchFunc(l.bursts, id, func(b *burst, id int64) int {
		switch {
		case b.last() < id:
			return -1
		case b.e.ID > id:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return l.bursts[i]
}
