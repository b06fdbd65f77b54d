package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// take adds a line to the current poll of p.
func (x *ednExport) take(p *ednProc, e *Event) error {
	if p.poll == nil {
		p.poll = &ednPoll{id: e.ID, txn: e.Txn, pairs: map[int][][2]int64{}}
	}
	return x.add(p.poll, e)
}

// add leaves out records that carry no value id: gaps are legal there.
func (x *ednExport) add(poll *ednPoll, e *Event) error {
	for i, off := range e.Off {
		if i >= len(e.Val) || e.Val[i] == (Value{}) {
			continue
		}
		n, err := x.value(e.Val[i])
		if err != nil {
			return err
		}
		k := x.key(e.TP)
		if poll.pairs[k] == nil {
			poll.keys = append(poll.keys, k)
		}
		poll.pairs[k] = append(poll.pairs[k], [2]int64{off, n})
		poll.n++
	}
	return nil
}

// polled ends the current poll: a micro-operation of its transaction, or an
// operation of its own. The next poll is invoked at once, since when it really
// began is not always told, and this is the earliest.
func (x *ednExport) polled(p *ednProc) {
	poll := p.poll
	p.poll = nil
	if o := p.txns[poll.txn]; o != nil && poll.txn != 0 {
		o.mops = append(o.mops, &ednMop{poll: poll})
		return
	}
	if len(poll.keys) == 0 {
		return
	}
	x.polls(p)
	x.write(p.consumer, OK, "poll", "["+string(poll.append(nil))+"]")
	p.polling = false
	x.polls(p)
}

// polls has the process that polls invoke one, if it has not yet.
func (x *ednExport) polls(p *ednProc) {
	if p.consumer < 0 {
		p.consumer = x.process
		x.process++
	}
	if !p.polling {
		x.write(p.consumer, Invoke, "poll", "[[:poll]]")
		p.polling = true
	}
}

// assign replaces what the process that polls is assigned.
func (x *ednExport) assign(p *ednProc) {
	if p.polling {
		x.write(p.consumer, OK, "poll", "[[:poll {}]]")
		p.polling = false
	}
	if p.consumer < 0 {
		p.consumer = x.process
		x.process++
	}
	keys := []byte{'['}
	for i, tp := range sorted(p.assigned) {
		if i > 0 {
			keys = append(keys, ' ')
		}
		keys = fmt.Append(keys, x.key(tp))
	}
	keys = append(keys, ']')
	x.write(p.consumer, Invoke, "assign", string(keys))
	x.write(p.consumer, OK, "assign", string(keys))
	x.polls(p)
}

// last is what the audit read: a last process for each library, as Jepsen's own
// final polls.
func (x *ednExport) last(e *Event) error {
	p := x.proc("audit/" + e.Note)
	if !p.assigned[e.TP] {
		p.assigned[e.TP] = true
		x.assign(p)
	}
	if err := x.take(p, e); err != nil {
		return err
	}
	x.polled(p)
	return nil
}

func (poll *ednPoll) append(b []byte) []byte {
	b = append(b, "[:poll {"...)
	for i, k := range poll.keys {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "%d [", k)
		for j, pair := range poll.pairs[k] {
			if j > 0 {
				b = append(b, ' ')
			}
			b = fmt.Appendf(b, "[%d %d]", pair[0], pair[1])
		}
		b = append(b, ']')
	}
	return append(b, "}]"...)
}

func sorted[V any](m map[TopicPartition]V) []TopicPartition {
	return slices.SortedFunc(maps.Keys(m), func(a, b TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Part, b.Part))
	})
}
