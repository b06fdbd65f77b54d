package checker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// edge is what a group of programs made in one topic.
type edge struct {
	topic string
	rows  map[int32]*table[yield] // by input partition
	// Of its committed records, those with a known input and the others.
	traced, untraced int64
}

// yield is what was made from one input on one edge: so many committed records, and
// the first two of them.
type yield struct {
	first, second place
	n             int64
}

// lineage is one more input of a record that has several.
type lineage struct{ at, from place }

// observeLineage takes in what records of programs were made from.
func (j *judge) observeLineage(e *history.Event) error {
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	for i, off := range e.Off {
		if off < 0 || off > maxOff {
			return fmt.Errorf("offset %d out of range", off)
		}
		if i >= len(e.From) {
			break
		}
		from, err := j.placeOf(e.From[i])
		if err != nil {
			return err
		}
		switch row := j.parts[tp].rows.at(off); {
		case from == 0, row.flags&fLogged == 0:
		case row.from == 0:
			row.from = from
		case row.from != from:
			j.lineages.add(lineage{makePlace(tp, off), from})
		}
	}
	return nil
}

// made takes in a committed record of a program that reads a group's inputs.
func (j *judge) made(at place, r *record, owner *proc) {
	g := j.groupOf(owner)
	if g.program == nil {
		g.program, g.edges = owner.info, map[string]*edge{}
	}
	topic := j.parts[at.tp()].tp.Topic
	e := g.edges[topic]
	if e == nil {
		e = &edge{topic: topic, rows: map[int32]*table[yield]{}}
		g.edges[topic] = e
	}
	if r.from == 0 {
		e.untraced++
		return
	}
	e.traced++
	g.outputs = true
	j.counts["outputs"]++
	if *owner.values.at(r.val.n())&vTwice == 0 { // the second copy of one send is a duplicate-write
		j.madeFrom(g, e, at, r.from)
	}
	// Who keeps his positions elsewhere than in Kafka, as Connect does, has none to commit.
	if in := g.input(j, r.from.tp()); (in.told || in.hasFinal) && j.stagedOnly(r, owner, r.from.tp()) {
		j.outputOffset(at, r, owner, g)
	}
}

func (j *judge) madeFrom(g *group, e *edge, at, from place) {
	t := e.rows[from.tp()]
	if t == nil {
		t = newTable[yield](j.pool)
		e.rows[from.tp()] = t
	}
	m := t.at(from.off())
	switch m.n++; m.n {
	case 1:
		m.first = at
	case 2:
		m.second = at
	}
	in := g.input(j, from.tp())
	if in.traced < 0 || from.off() < in.traced {
		in.traced = from.off()
	}
	in.tracedEnd = max(in.tracedEnd, from.off()+1)
}

// stagedOnly says whether a record's transaction can only have got its input straight
// from the partition tp: it holds an offset of that, or none at all. Where it holds
// others', the input may have come by way of a repartition topic.
func (j *judge) stagedOnly(r *record, owner *proc, tp int32) bool {
	if r.txn == 0 {
		return true
	}
	x := j.txns.at(int64(r.txn - 1))
	return x.staged == 0 || j.stagedFor(x, owner.group, tp) != nil
}

// moreInputs takes in the further inputs of records that have several.
func (j *judge) moreInputs() {
	j.lineages.scan(func(_ int64, l *lineage) bool {
		r := j.parts[l.at.tp()].rows.at(l.at.off())
		if r.val == 0 || r.flags&fAborted != 0 || r.flags&(fInTxn|fCommitted) == fInTxn {
			return true
		}
		owner := j.procs[r.val.proc()]
		if !owner.reads() {
			return true
		}
		g := j.groupOf(owner)
		if e := g.edges[j.parts[l.at.tp()].tp.Topic]; e != nil {
			j.madeFrom(g, e, l.at, l.from)
		}
		return true
	})
}

// reads says whether p is of a program that works off inputs.
func (p *proc) reads() bool { return p.info != nil && p.info.Program && p.info.Role != "producer" }

// inputsOf are the partitions that a group of programs works off: those of the topics
// that the scenario says or that its outputs come from, but for what it writes itself.
func (j *judge) inputsOf(g *group) []*inputPart {
	topics := map[string]bool{g.program.Input: true}
	for _, e := range g.edges {
		for tp := range e.rows {
			topics[j.parts[tp].tp.Topic] = true
		}
	}
	var ins []*inputPart
	for _, pt := range j.parts {
		if topics[pt.tp.Topic] && g.edges[pt.tp.Topic] == nil && pt.tp.Part >= 0 {
			ins = append(ins, g.input(j, pt.id))
		}
	}
	return ins
}

// eachInput calls f for every visible input that the group has worked off: below its
// committed offset, or, where it commits none to Kafka, below the last one that it
// made anything from. It says how many are not known by any id.
func (j *judge) eachInput(g *group, ins []*inputPart, f func(in *inputPart, at place, r *record)) (unnamed int64) {
	for _, in := range ins {
		pt := j.parts[in.tp]
		start, end := in.traced, in.tracedEnd
		if g.program.Config["auto.offset.reset"] == "earliest" {
			start = 0
			if pt.hasWM {
				start = pt.marks[0]
			}
		}
		if in.hasFinal || in.pending {
			end = in.final
		}
		if start < 0 {
			continue
		}
		pt.rows.read(start, func(off int64, r *record) bool {
			if off >= end {
				return false
			}
			if r.flags&fLogged == 0 || r.flags&(fMarker|fAborted) != 0 || r.flags&(fInTxn|fCommitted) == fInTxn {
				return true
			}
			if !j.named(r) && g.madeAt(makePlace(in.tp, off)) == 0 {
				unnamed++
				return true
			}
			f(in, makePlace(in.tp, off), r)
			return true
		})
	}
	return unnamed
}

// named says whether an input can be found again in what was made from it: a worker
// sent it, or its own input is known.
func (j *judge) named(r *record) bool {
	if r.from != 0 {
		return true
	}
	p := (*proc)(nil)
	if r.val != 0 {
		p = j.procs[r.val.proc()]
	}
	return p != nil && (p.info == nil || !p.info.Program)
}

// madeAt is how many records the group made from an input, in all topics.
func (g *group) madeAt(at place) (n int64) {
	for _, e := range g.edges {
		n += e.at(at).n
	}
	return n
}

func (e *edge) at(in place) yield {
	if t := e.rows[in.tp()]; t != nil {
		if m := t.get(in.off()); m != nil {
			return *m
		}
	}
	return yield{}
}

// abortedInput reports what a program yield from a record of an aborted transaction.
func (j *judge) abortedInput(g *group, e *edge, in place, m yield) {
	r := *j.parts[in.tp()].rows.at(in.off())
	j.finds.report(guarantee.AbortedRead, func() draft {
		out := *j.parts[m.first.tp()].rows.at(m.first.off())
		d := draft{focus: []place{in, m.first}, client: g.program.Name, txn: r.txn}
		d.events = append(d.events, j.logEvent(in, &r))
		if e, ok := j.markerBehind(in, r.pid); ok {
			d.events = append(d.events, e)
		}
		d.events = append(d.events, j.logEvent(m.first, &out))
		d.text = fmt.Sprintf("%s was made from %s (%s), a record of a transaction that was aborted: the application was given it.",
			j.placeName(m.first), j.placeName(in), j.valName(r.val))
		d.legal = "no record of an aborted transaction"
		return d
	})
}

// madeTwice reports more records from one input than its contract allows.
func (j *judge) madeTwice(g *group, in place, m yield, c contract) {
	j.finds.report(guarantee.DuplicateOutput, func() draft {
		a, b := *j.parts[m.first.tp()].rows.at(m.first.off()), *j.parts[m.second.tp()].rows.at(m.second.off())
		d := draft{focus: []place{m.first, m.second}, client: g.program.Name, txn: b.txn}
		d.events = append(d.events, j.sendEvents(m.first, &a)...)
		d.events = append(d.events, j.sendEvents(m.second, &b)...)
		if len(d.events) > 3 {
			d.events = []WitnessEvent{d.events[0], d.events[2]}
		}
		d.events = append(d.events, j.logEvent(m.first, &a), j.logEvent(m.second, &b))
		d.text = fmt.Sprintf("One input, %d outputs where %s: from %s, group %s made %s (%s) and %s (%s)%s.",
			m.n, c.words(), j.placeName(in), g.name, j.placeName(m.first), j.valName(a.val), j.placeName(m.second), j.valName(b.val), c.basis())
		d.legal = c.words()
		return d
	})
}

// edgesByName are the group's edges in the order of their topics.
func (g *group) edgesByName() []*edge {
	var all []*edge
	for _, name := range slices.Sorted(maps.Keys(g.edges)) {
		all = append(all, g.edges[name])
	}
	return all
}
