package jepsenkafka

// decision is what became of a transaction.
type decision int8

const (
	ongoing decision = iota
	committed
	aborted
)

// txn is one transaction of one producer.
type txn struct {
	owner    *producer
	end      decision
	hung     bool            // never decided: a plant
	keys     []int           // partitions that it added, in order
	offsets  map[int]int64   // offsets that it sends to the group
	unmarked int             // markers that are not yet written
	marked   map[int]bool    // partitions whose marker is written
	sender   *thread         // whose operation it is
	first    map[int]int64   // its first offset in each partition
	values   map[int][]int64 // what it sent, for plants
}

// entry is one slot of a partition's log.
type entry struct {
	value   int64
	txn     *txn // nil outside transactions
	by      author
	control bool // a marker, or a record of the broker's own
	gone    bool // lost by a plant
}

// author is the process and the operation that sent a record.
type author struct {
	process int
	op      *Op
}

// partition is one log. Its offsets are the indices of its entries.
type partition struct {
	entries []entry
	open    []*txn // transactions without a marker here, by their first offset
	fetched int64  // the furthest position of any consumer
}

// lso is the last stable offset: below it every transaction is decided.
func (p *partition) lso(key int) int64 {
	if len(p.open) > 0 {
		return p.open[0].first[key]
	}
	return int64(len(p.entries))
}

// append writes one record at the end of the log, and returns its offset.
func (w *world) append(key int, value int64, t *txn, by author) int64 {
	p := w.partition(key)
	if w.chance(w.c.Gap) {
		p.entries = append(p.entries, entry{control: true})
	}
	at := int64(len(p.entries))
	if t != nil {
		if _, in := t.first[key]; !in {
			t.first[key] = at
			t.keys = append(t.keys, key)
			t.unmarked++
			p.open = append(p.open, t)
		}
		t.values[key] = append(t.values[key], value)
	}
	p.entries = append(p.entries, entry{value: value, txn: t, by: by})
	if by.op != nil {
		at = w.misplace(key, at, by)
	}
	return at
}

// visible says whether a read_committed consumer is given the entry, which lies
// below the last stable offset.
func (e *entry) visible() bool {
	return !e.control && !e.gone && (e.txn == nil || e.txn.end == committed)
}

// begin starts a transaction of the producer. The one before it must have all its
// markers: until then the coordinator answers CONCURRENT_TRANSACTIONS.
func (w *world) begin(t *thread) *txn {
	if last := t.producer.txn; last != nil {
		if last.end == ongoing {
			w.endTxn(last, aborted)
		}
		if !last.hung {
			w.markAll(last)
		}
	}
	x := &txn{owner: t.producer, sender: t, marked: map[int]bool{}, first: map[int]int64{}, values: map[int][]int64{}}
	t.producer.txn = x
	return x
}

// stage sends a group's offsets into the transaction.
func (w *world) stage(x *txn, offsets map[int]int64) {
	if len(offsets) == 0 {
		return
	}
	x.offsets = offsets
	x.unmarked++
	for key := range offsets {
		w.group.pending[key]++
	}
}

// endTxn decides the transaction: the first decision is the last. The markers
// follow, at once or each in its own time.
func (w *world) endTxn(x *txn, d decision) {
	if x.end != ongoing || x.hung {
		return
	}
	x.end = d
	if !w.chance(w.c.LateMark) {
		w.markAll(x)
		return
	}
	for _, key := range x.keys {
		w.later(1+w.r.IntN(20), func() { w.mark(x, key) })
	}
	if x.offsets != nil {
		w.later(1+w.r.IntN(20), func() { w.markOffsets(x) })
	}
}

func (w *world) markAll(x *txn) {
	for _, key := range x.keys {
		w.mark(x, key)
	}
	if x.offsets != nil {
		w.markOffsets(x)
	}
}

// mark writes the transaction's marker to one partition: a control record, which
// takes an offset.
func (w *world) mark(x *txn, key int) {
	if x.marked[key] {
		return
	}
	x.marked[key] = true
	p := w.partition(key)
	for i, open := range p.open {
		if open == x {
			p.open = append(p.open[:i], p.open[i+1:]...)
			break
		}
	}
	p.entries = append(p.entries, entry{control: true})
}

// markOffsets applies the transaction's offsets to the group, or drops them.
func (w *world) markOffsets(x *txn) {
	for key, off := range x.offsets {
		w.group.pending[key]--
		if x.end == committed {
			w.group.committed[key] = off
		}
	}
	x.offsets = nil
}
