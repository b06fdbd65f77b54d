package jepsenkafka

import (
	"maps"
	"slices"
)

// draw takes an operation by chance.
func (w *world) draw(t *thread) *Op {
	sub := w.c.Sub
	if len(t.consumer.assigned) == 0 && t.consumer.topics == nil {
		sub = max(sub, 0.3)
	}
	switch {
	case w.chance(w.c.Crash):
		return &Op{F: Crash}
	case w.chance(w.c.Debug):
		return &Op{F: Debug, Keys: w.someKeys()}
	case w.chance(sub):
		keys := w.someKeys()
		if w.c.Mode == BySubscribe {
			return &Op{F: Subscribe, Keys: keys}
		}
		apart := len(minus(keys, t.consumer.assigned)) == len(keys)
		return &Op{F: Assign, Keys: keys, Seek: (apart || w.c.Rereads) && w.r.IntN(3) == 0}
	}
	o := &Op{F: Txn}
	n := 1
	if w.c.Txn {
		n += w.r.IntN(4)
	}
	sends := 0
	for range n {
		m := MicroOp{}
		if w.r.IntN(2) == 0 {
			m.IsSend, m.Offset = true, NoOffset
			m.Key, m.Value = w.newValue()
			sends++
		}
		o.Micro = append(o.Micro, m)
	}
	switch sends {
	case 0:
		o.F = Poll
	case n:
		o.F = Send
	}
	return o
}

// newValue takes a key in use and its next value; a key that has had its share is
// replaced.
func (w *world) newValue() (key int, value int64) {
	i := w.r.IntN(len(w.active))
	key = w.active[i]
	w.wrote[key]++
	value = w.wrote[key]
	if int(value) >= w.c.KeyWrites {
		w.active[i] = w.next
		w.next++
	}
	return key, value
}

// someKeys are keys in use, and now and then older ones.
func (w *world) someKeys() []int {
	keys := map[int]bool{}
	for range 1 + w.r.IntN(4) {
		keys[w.active[w.r.IntN(len(w.active))]] = true
	}
	if w.r.IntN(3) == 0 {
		keys[w.r.IntN(w.next)] = true
	}
	return slices.Sorted(maps.Keys(keys))
}
