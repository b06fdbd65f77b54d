package jepsenkafka

import "slices"

// reach is the offset up to which a consumer is given records: the last stable
// offset, but for the plants in which it sees an open transaction.
func (w *world) reach(t *thread, key int) int64 {
	p := w.partition(key)
	lso := p.lso(key)
	if len(p.open) != 1 || t.consumer.pos[key] > p.open[0].first[key] {
		return lso
	}
	x := p.open[0]
	if x.end != ongoing {
		return lso
	}
	var strikes bool
	switch w.planted.name {
	case plantOwnRead:
		strikes = x == t.txn && w.strikes(plantOwnRead)
	case plantDirty:
		strikes = x != t.txn && w.strikes(plantDirty)
	case plantCircular:
		strikes = x != t.txn && x.sender.txn == x && w.answers(x.sender, t) && w.strikes(plantCircular)
	}
	if !strikes {
		return lso
	}
	w.planted.op = x.sender.op
	return int64(len(p.entries))
}

// answers says whether the thread's operation still polls a key to which the other
// thread's operation sends.
func (w *world) answers(t, other *thread) bool {
	if t.op == nil || t.at >= len(t.op.Micro) {
		return false
	}
	if !slices.ContainsFunc(t.op.Micro[t.at:], func(m MicroOp) bool { return !m.IsSend }) {
		return false
	}
	return slices.ContainsFunc(other.op.Micro, func(m MicroOp) bool {
		return m.IsSend && slices.Contains(t.consumer.assigned, m.Key)
	})
}

// leaks says whether a consumer is given a record that it must not see.
func (w *world) leaks(t *thread, key int, e *entry) bool {
	if e.control || e.gone || e.txn == nil {
		return false
	}
	switch w.planted.name {
	case plantOwnRead:
		return e.txn == t.txn && w.planted.done
	case plantDirty, plantCircular:
		// Only the fetch that reaches behind the last stable offset comes here with
		// a transaction that is not decided.
		return e.txn.end == ongoing && w.planted.done
	case plantAborted, plantAbortedFailed:
		return e.txn.end == aborted && e.by.op != nil && w.strikes(w.planted.name)
	}
	return false
}

// jump is called before a poll: a position moves where it must not.
func (w *world) jump(t *thread) {
	c := t.consumer
	switch w.planted.name {
	case plantBackward, plantSkip:
		if !w.firstPoll(t) {
			return
		}
		for _, key := range c.assigned {
			last, read := c.last[key]
			if !read || c.pos[key] <= last {
				continue
			}
			if w.move(c, key, last, w.planted.name == plantSkip, w.planted.name) {
				return
			}
		}
	case plantIntBackward, plantIntSkipPolls:
		for _, key := range c.assigned {
			last := NoOffset
			for _, m := range t.op.Micro[:t.at] {
				for _, b := range m.Polled {
					if b.Key == key && len(b.Pairs) > 0 {
						last = b.Pairs[len(b.Pairs)-1].Offset
					}
				}
			}
			on := w.planted.name == plantIntSkipPolls
			if last != NoOffset && c.pos[key] > last && w.move(c, key, last, on, w.planted.name) {
				return
			}
		}
	}
}

// move sets the position of a key back to a record that was returned already, or
// on past one that was not; there must be another one behind it.
func (w *world) move(c *consumer, key int, last int64, on bool, name string) bool {
	p := w.partition(key)
	if !on {
		back := last
		for n := w.r.IntN(3); n > 0 && back > 0; back-- {
			if p.entries[back-1].visible() {
				n--
			}
		}
		if !p.entries[back].visible() || !w.strikes(name) {
			return false
		}
		c.pos[key] = back
		return true
	}
	var next []int64
	for at := c.pos[key]; at < p.lso(key) && len(next) < 3; at++ {
		if p.entries[at].visible() {
			next = append(next, at)
		}
	}
	if len(next) < 2 || !w.strikes(name) {
		return false
	}
	c.pos[key] = next[1+w.r.IntN(len(next)-1)]
	return true
}

// garble is called after a poll: what it returned is not what the log holds.
func (w *world) garble(t *thread, m *MicroOp) {
	for i := range m.Polled {
		b := &m.Polled[i]
		n := len(b.Pairs)
		switch w.planted.name {
		case plantIntRepeated:
			if w.strikes(plantIntRepeated) {
				at := w.r.IntN(n)
				b.Pairs = slices.Insert(b.Pairs, at, b.Pairs[at])
			}
		case plantIntSwapped:
			if n > 1 && w.strikes(plantIntSwapped) {
				at := w.r.IntN(n - 1)
				b.Pairs[at], b.Pairs[at+1] = b.Pairs[at+1], b.Pairs[at]
			}
		case plantIntSkip:
			if n > 2 && w.strikes(plantIntSkip) {
				at := 1 + w.r.IntN(n-2)
				b.Pairs = slices.Delete(b.Pairs, at, at+1)
			}
		case plantForeign:
			if v := w.vanished[b.Key]; len(v) > 0 && w.strikes(plantForeign) {
				b.Pairs[w.r.IntN(n)].Value = v[w.r.IntN(len(v))]
			}
		}
	}
}

// stays says whether a consumer keeps its position after an operation that was not
// ok, though Jepsen's client rewinds it.
func (w *world) stays(t *thread) bool {
	if w.planted.name != plantNoRewind || t.outcome.end {
		return false
	}
	for key := range polledOffsets(t.op.Micro) {
		if _, read := t.consumer.last[key]; read {
			return w.strikes(plantNoRewind)
		}
	}
	return false
}
