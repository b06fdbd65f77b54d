package jepsenkafka

import (
	"maps"
	"slices"
)

// sent is called when a send was appended and before it is acknowledged.
func (w *world) sent(t *thread, m *MicroOp) {
	by := author{process: t.process}
	switch {
	case w.planted.name == plantDuplicate && w.strikes(plantDuplicate):
		again := w.append(m.Key, m.Value, t.txn, by)
		if w.r.IntN(2) == 0 {
			m.Offset = again
		}
	case w.planted.name == plantLateDuplicate && w.strikes(plantLateDuplicate):
		key, value := m.Key, m.Value
		w.later(w.patience(), func() { w.append(key, value, nil, by) })
	case w.planted.name == plantPhantom && w.strikes(plantPhantom):
		w.append(m.Key, 1_000_000+m.Value, nil, by)
	case t.txn == nil:
		w.loseSends(t, []*MicroOp{m})
	}
	if w.planted.name == plantTruncated {
		w.truncate(m.Key)
	}
}

// failed is called when a send was refused.
func (w *world) failed(m *MicroOp) {
	if w.strikes(plantFailedLands) {
		w.append(m.Key, m.Value, nil, author{})
	}
}

// lose is called when a transaction was committed, whose client will be told so.
func (w *world) lose(t *thread) {
	var sends []*MicroOp
	t.op.sends(func(m *MicroOp) { sends = append(sends, m) })
	w.loseSends(t, sends)
}

// loseSends loses one of the sends, which no consumer has been given yet.
func (w *world) loseSends(t *thread, sends []*MicroOp) {
	if len(sends) == 0 {
		return
	}
	m := sends[w.r.IntN(len(sends))]
	switch {
	case w.planted.name == plantLostUntold && m.Offset == NoOffset && w.strikes(plantLostUntold):
	case w.planted.name == plantLost && w.strikes(plantLost):
	default:
		return
	}
	w.drop(m.Key, m.Value)
}

// drop loses a value wherever it stands in its partition.
func (w *world) drop(key int, value int64) {
	p := w.partition(key)
	for i := range p.entries {
		if e := &p.entries[i]; e.value == value && !e.control {
			e.gone = true
		}
	}
}

// loseLast is called before the final polls: a partition loses its last record,
// which was acknowledged and which nobody was given.
func (w *world) loseLast() {
	if w.planted.name != plantLostLast {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(w.parts)) {
		p := w.parts[key]
		for i := len(p.entries) - 1; i >= 0; i-- {
			e := &p.entries[i]
			if !e.visible() {
				continue
			}
			told, known := w.told[at{key, e.value}]
			if known && w.ops[told.op].Type == OK && int64(i) >= p.fetched && w.strikes(plantLostLast) {
				e.gone = true
			}
			break
		}
	}
}

// tear is called when a transaction was committed, whose client does not know it:
// one of its partitions is lost. The other must be read.
func (w *world) tear(t *thread) {
	x := t.txn
	untold := w.planted.name == plantTornUntold
	if len(x.keys) < 2 || !untold && w.planted.name != plantTorn || !w.strikes(w.planted.name) {
		return
	}
	key := x.keys[w.r.IntN(len(x.keys))]
	for _, value := range x.values[key] {
		w.drop(key, value)
	}
	t.op.sends(func(m *MicroOp) {
		if untold && m.Key == key {
			m.Acked, m.Offset = false, NoOffset
		}
	})
	w.planted.op = t.op
}

// hang is called for a transaction whose client has lost touch.
func (w *world) hang(x *txn) bool {
	x.hung = len(x.keys) > 0 && w.strikes(plantHanging)
	return x.hung
}

// truncate loses the end of a log, as an unclean leader election does. What comes
// next gets the same offsets.
func (w *world) truncate(key int) {
	p := w.partition(key)
	n := len(p.entries) - 1 - w.r.IntN(3)
	if n < 0 || len(p.open) > 0 || !w.strikes(plantTruncated) {
		return
	}
	p.entries = p.entries[:n]
	p.fetched = min(p.fetched, int64(n))
	for _, t := range w.threads {
		if pos, ok := t.consumer.pos[key]; ok && pos > int64(n) {
			t.consumer.pos[key] = int64(n) // KIP-320: the consumer finds out
		}
	}
}

// misplace is called when a record was appended at an offset. Where a plant says
// so, it changes places with an earlier record of its process, which no consumer
// has passed. It returns the offset that the new record has then.
func (w *world) misplace(key int, at int64, by author) int64 {
	name := w.planted.name
	if name != plantSendBackward && name != plantIntSendBackward {
		return at
	}
	p := w.partition(key)
	for i := at - 1; i >= p.fetched; i-- {
		e, now := &p.entries[i], &p.entries[at]
		within := e.by.op == by.op
		if e.control || e.by.process != by.process || e.by.op == nil || within != (name == plantIntSendBackward) {
			continue
		}
		if name == plantSendBackward && e.txn != nil && e.txn.end != committed || !w.strikes(name) {
			return at
		}
		*e, *now = *now, *e
		w.acknowledge(key, now.value, at, now.by.op)
		if x := e.txn; x != nil && x.first[key] > i {
			x.first[key] = i
		}
		return i
	}
	return at
}

// acknowledge changes the offset that a send was told, in the history and in the
// operation that is still under way.
func (w *world) acknowledge(key int, value, at int64, op *Op) {
	change := func(m *MicroOp) {
		if m.Key == key && m.Value == value && m.Offset != NoOffset {
			m.Offset = at
		}
	}
	op.sends(change)
	if p, told := w.told[atOf(key, value)]; told {
		change(&w.ops[p.op].Micro[p.micro])
	}
}

func atOf(key int, value int64) at { return at{key, value} }
