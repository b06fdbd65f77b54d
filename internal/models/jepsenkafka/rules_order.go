package jepsenkafka

import (
	"maps"
	"slices"
)

// step is how far the second value stands behind the first in the key's log; 1 if
// that is not known.
func (r *rules) step(key int, a, b int64) int {
	d := r.logs[key]
	if d == nil {
		return 1
	}
	i, knownA := d.index[a]
	j, knownB := d.index[b]
	if !knownA || !knownB {
		return 1
	}
	return j - i
}

// within finds what is wrong inside one operation.
func (r *rules) within() {
	r.completions(func(_ int, o *Op) {
		moved, last := map[int]bool{}, map[int]int64{}
		for _, e := range o.Rebalance {
			for _, key := range e.Keys {
				moved[key] = true
			}
		}
		o.reads(func(key int, p Pair) {
			if before, again := last[key]; again && !moved[key] {
				switch d := r.step(key, before, p.Value); {
				case d > 1:
					r.found[IntPollSkip]++
				case d < 1:
					r.found[IntNonmonotonicPoll]++
				}
			}
			last[key] = p.Value
		})
		sent := map[int]int64{}
		o.sends(func(m *MicroOp) {
			if before, again := sent[m.Key]; again {
				switch d := r.step(m.Key, before, m.Value); {
				case d > 1:
					r.allowed[IntSendSkip]++
				case d < 1:
					r.found[IntNonmonotonicSend]++
				}
			}
			sent[m.Key] = m.Value
		})
	})
}

// process is what one process read and sent last of each key.
type process struct {
	read, sent map[int]int64
	ever       map[int]int64 // the last one whose place is known, whatever was assigned since
}

// between finds what is wrong between one process's operations.
func (r *rules) between() {
	procs := map[int]*process{}
	for i := range r.h.Ops {
		o := &r.h.Ops[i]
		if o.Type == Invoke || o.Process == Nemesis {
			continue
		}
		p := procs[o.Process]
		if p == nil {
			p = &process{map[int]int64{}, map[int]int64{}, map[int]int64{}}
			procs[o.Process] = p
		}
		switch o.F {
		case Assign, Subscribe:
			if o.Type != Fail {
				p.keep(o)
			}
		case Send, Poll, Txn:
			r.compare(p, o)
		}
	}
}

func (p *process) keep(o *Op) {
	gone := func(key int, _ int64) bool { return !slices.Contains(o.Keys, key) }
	maps.DeleteFunc(p.sent, gone)
	maps.DeleteFunc(p.read, gone)
	if o.Seek {
		clear(p.read)
	}
}

func (r *rules) compare(p *process, o *Op) {
	last, first := map[int]int64{}, map[int]bool{}
	o.reads(func(key int, pair Pair) {
		if before, known := p.read[key]; known && !first[key] {
			switch d := r.step(key, before, pair.Value); {
			case d > 1:
				r.found[PollSkip]++
			case d < 1:
				r.found[NonmonotonicPoll]++
			}
		}
		first[key], last[key] = true, pair.Value
	})
	if o.Type == OK {
		maps.Copy(p.read, last)
	}
	if o.Type == Fail {
		return
	}
	sent := map[int]bool{}
	o.sends(func(m *MicroOp) {
		if b, known := p.sent[m.Key]; known && !sent[m.Key] && r.step(m.Key, b, m.Value) < 1 {
			r.found[NonmonotonicSend]++
		}
		if b, known := p.ever[m.Key]; known && !sent[m.Key] && r.step(m.Key, b, m.Value) < 1 {
			r.allowed[NonmonotonicSend]++
		}
		sent[m.Key] = true
		p.sent[m.Key] = m.Value
		if d := r.logs[m.Key]; d != nil {
			if _, known := d.index[m.Value]; known {
				p.ever[m.Key] = m.Value
			}
		}
	})
}
