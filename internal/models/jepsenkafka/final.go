package jepsenkafka

import (
	"container/heap"
	"maps"
	"slices"
)

// goal is where a thread stands in Jepsen's final polls.
type goal int8

const (
	crash  goal = iota // replace the client
	debug              // ask for the partitions' state
	assign             // everything, from the beginning
	poll               // until everything was returned
	reached
)

// finalPolls lets some threads read everything from the beginning, each with a new
// client, until each has what was acknowledged.
func (w *world) finalPolls() {
	if w.r.IntN(3) != 0 {
		for len(w.timers) > 0 {
			heap.Pop(&w.timers).(timer).run()
		}
	}
	w.final, w.healed = true, w.steps
	for _, chance := range []*float64{&w.c.Unknown, &w.c.Abort, &w.c.Fence} {
		*chance /= 8 // the cluster is well again
	}
	w.loseLast()
	busy := w.r.Perm(len(w.threads))[:min(w.c.FinalBy, len(w.threads))]
	for len(busy) > 0 {
		i := w.r.IntN(len(busy))
		t := w.threads[busy[i]]
		w.step(t)
		if t.goal == reached && t.op == nil {
			busy = slices.Delete(busy, i, i+1)
		}
	}
}

// finalOp is the thread's next operation in the final polls; nil if it is done.
func (w *world) finalOp(t *thread) *Op {
	switch t.goal {
	case crash:
		t.goal = debug
		return &Op{F: Crash}
	case debug:
		t.goal = assign
		if w.c.Debug > 0 {
			return &Op{F: Debug, Keys: w.allKeys()}
		}
		return w.finalOp(t)
	case assign:
		t.goal = poll
		return &Op{F: Assign, Keys: w.allKeys(), Seek: true}
	case poll:
		switch {
		case len(t.consumer.assigned) == 0 && len(w.needed) > 0:
			t.goal = assign // the process ended, or the assign failed
			return w.finalOp(t)
		case w.caughtUp(t.consumer):
			t.goal = reached
			return nil
		case w.r.IntN(400) == 0:
			t.goal = crash // Jepsen starts over every ten seconds
			return w.finalOp(t)
		}
		return &Op{F: Poll, Micro: []MicroOp{{}}}
	}
	return nil
}

func (w *world) allKeys() []int {
	keys := slices.Sorted(maps.Keys(w.needed))
	if w.r.IntN(2) == 0 {
		keys = slices.Sorted(maps.Keys(w.parts))
	}
	return keys
}

// caughtUp says whether the consumer has everything that must be returned.
func (w *world) caughtUp(c *consumer) bool {
	for key, at := range w.needed {
		if w.steps > w.healed+2*longest {
			at = min(at, w.partition(key).lso(key)) // nothing more comes
		}
		if c.pos[key] < at {
			return false
		}
	}
	return true
}
