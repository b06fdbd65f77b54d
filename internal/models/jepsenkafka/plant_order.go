package jepsenkafka

import "slices"

// readEarly moves an operation, with its reads, before the invocation of a send
// whose record it returns: its process did nothing in between. It says whether
// there is such an operation.
func readEarly(h *History, skip int) bool {
	r := rules{h: h, found: map[string]int{}, writer: map[at]int{}, seen: map[at]bool{}}
	r.index()
	idle := make([]int, len(h.Ops)) // of an invocation: the last entry of its process before it
	last := map[int]int{}
	for i, o := range h.Ops {
		before, any := last[o.Process]
		if !any {
			before = -1
		}
		idle[i], last[o.Process] = before, i
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		if o.Type != OK || o.F != Poll {
			continue
		}
		to := -1
		o.reads(func(key int, p Pair) {
			w, known := r.writer[at{key, p.Value}]
			if known && h.Ops[w].Type == OK && idle[o.Invoked] < h.Ops[w].Invoked && h.Ops[w].Process != o.Process {
				to = h.Ops[w].Invoked
			}
		})
		if to < 0 || to > o.Invoked {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		h.move(i, to)
		return true
	}
	return false
}

// move puts an operation, from its invocation to its completion, before an earlier
// entry of the history. Times stay in order.
func (h *History) move(completion, to int) {
	times := make([]int64, len(h.Ops))
	for i := range h.Ops {
		times[i] = h.Ops[i].Time
	}
	order := make([]int, 0, len(h.Ops))
	for i := range h.Ops {
		if i == to {
			order = append(order, h.Ops[completion].Invoked, completion)
		}
		if i != completion && i != h.Ops[completion].Invoked {
			order = append(order, i)
		}
	}
	now := make([]int, len(h.Ops)) // where an entry went
	for i, from := range order {
		now[from] = i
	}
	ops := make([]Op, 0, len(h.Ops))
	for i, from := range order {
		o := h.Ops[from]
		o.Time, o.Invoked = times[i], now[o.Invoked]
		ops = append(ops, o)
	}
	h.Ops = slices.Clip(ops)
}
