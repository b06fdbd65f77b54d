package jepsenkafka

import "slices"

// shrink leaves out operations, steps of operations and records of polls while the
// history keeps what holds says of it.
func shrink(h *History, holds func(*History) bool) *History {
	for size := max(1, len(h.Ops)/4); ; size /= 2 {
		for at := 0; at < len(h.Ops); {
			if small := without(h, at, size); len(small.Ops) < len(h.Ops) && holds(small) {
				h = small
			} else {
				at += size
			}
		}
		if size <= 1 {
			break
		}
	}
	for i := range h.Ops {
		for j := 0; j < len(h.Ops[i].Micro); j++ {
			if small := withoutStep(h, i, j); small != nil && holds(small) {
				h = small
				j--
			}
		}
	}
	for i := range h.Ops {
		for j := range h.Ops[i].Micro {
			for k := range h.Ops[i].Micro[j].Polled {
				for n := len(h.Ops[i].Micro[j].Polled[k].Pairs) - 1; n >= 0; n-- {
					if small := withoutPair(h, i, j, k, n); holds(small) {
						h = small
					}
				}
			}
		}
	}
	return h
}

// without leaves out the operations that are invoked from one entry on.
func without(h *History, from, n int) *History {
	out := &History{Config: h.Config}
	index := map[int]int{}
	for i, o := range h.Ops {
		invoked := i
		if o.Type != Invoke {
			invoked = o.Invoked
		}
		if invoked >= from && invoked < from+n {
			continue
		}
		if o.Type == Invoke {
			index[i] = len(out.Ops)
		} else {
			o.Invoked = index[o.Invoked]
		}
		out.Ops = append(out.Ops, o)
	}
	return out
}

// withoutStep leaves out one step of an operation, and of its invocation.
func withoutStep(h *History, i, j int) *History {
	o := h.Ops[i]
	if o.Type == Invoke || len(o.Micro) < 2 {
		return nil
	}
	out := &History{Config: h.Config, Ops: slices.Clone(h.Ops)}
	for _, at := range []int{i, o.Invoked} {
		p := &out.Ops[at]
		p.Micro = slices.Delete(slices.Clone(p.Micro), j, j+1)
	}
	return out
}

func withoutPair(h *History, i, j, k, n int) *History {
	out := &History{Config: h.Config, Ops: slices.Clone(h.Ops)}
	o := &out.Ops[i]
	o.Micro = slices.Clone(o.Micro)
	m := &o.Micro[j]
	m.Polled = slices.Clone(m.Polled)
	b := &m.Polled[k]
	b.Pairs = slices.Delete(slices.Clone(b.Pairs), n, n+1)
	return out
}
