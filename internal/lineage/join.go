package lineage

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// Edge says that the record at TP and Off was made from From.
type Edge struct {
	TP   history.TopicPartition
	Off  int64
	From history.Input
}

// id is the hash of a value id or of a declared text: what an input is known by, and
// what an output names.
type id uint64

// seen is one record of a partition; its ids stand in Partition.ids.
type seen struct {
	off      int64
	provides int32 // ids that it is known by: the first ones
	refers   int32 // ids that it names: those after them
	at       int32 // of the first id
	writer   int32 // index of Join.writers, -1 if nobody's
	hidden   bool
}

// Partition gathers the records of one partition in offset order. Not safe for
// concurrent use; several partitions may be gathered side by side.
type Partition struct {
	join    *Join
	tp      history.TopicPartition
	records []seen
	ids     []id
}

// Join is where the partitions meet. Partition and Done are safe for concurrent use.
type Join struct {
	seed maphash.Seed
	done chan []*Partition // holds the one list of partitions that are gathered
}

// NewJoin makes an empty Join.
func NewJoin() *Join {
	j := &Join{seed: maphash.MakeSeed(), done: make(chan []*Partition, 1)}
	j.done <- nil
	return j
}

// Partition begins to gather one partition.
func (j *Join) Partition(tp history.TopicPartition) *Partition { return &Partition{join: j, tp: tp} }

// value is the id of a send of one of our producers.
func (j *Join) value(v history.Value) id {
	var h maphash.Hash
	h.SetSeed(j.seed)
	h.WriteString(v.Proc)
	h.WriteByte('#')
	for n := uint64(v.N); ; n >>= 8 {
		h.WriteByte(byte(n))
		if n < 256 {
			return id(h.Sum64())
		}
	}
}

func (j *Join) text(s string) id { return id(maphash.String(j.seed, "="+s)) }

// Record is what lineage needs of one record.
type Record struct {
	Off      int64
	Writer   int             // number of the client that wrote it, as the caller counts; -1 if nobody's
	Provides []history.Value // value ids that name it
	Refers   []history.Value // value ids of what it was made from
	// What the scenario declares: the record's own ids and those of its inputs, as text.
	ID, Of []string
}

// Add takes in the next record.
func (p *Partition) Add(r Record) {
	s := seen{off: r.Off, at: int32(len(p.ids)), writer: int32(r.Writer)}
	for _, v := range r.Provides {
		p.ids = append(p.ids, p.join.value(v))
	}
	for _, t := range r.ID {
		p.ids = append(p.ids, p.join.text(t))
	}
	s.provides = int32(len(p.ids)) - s.at
	for _, v := range r.Refers {
		p.ids = append(p.ids, p.join.value(v))
	}
	for _, t := range r.Of {
		p.ids = append(p.ids, p.join.text(t))
	}
	s.refers = int32(len(p.ids)) - s.at - s.provides
	if s.provides+s.refers > 0 {
		p.records = append(p.records, s)
	}
}

// Hide says of records that no read_committed consumer is given them: their
// transaction was aborted, or is still open. offs need not be in order.
func (p *Partition) Hide(offs []int64) {
	for _, off := range offs {
		if i, ok := slices.BinarySearchFunc(p.records, off, func(s seen, off int64) int { return cmp.Compare(s.off, off) }); ok {
			p.records[i].hidden = true
		}
	}
}

// Done hands the partition to the join.
func (p *Partition) Done() { p.join.done <- append(<-p.join.done, p) }

// entry is an input that is known by an id; next is the next of the same id.
type entry struct {
	part   int32
	next   int32 // index + 1
	off    int64
	hidden bool
}

// topicID is an id within one topic.
type topicID struct {
	topic int32
	id    id
}

// Edges joins what was gathered. reads are the topics that a writer reads; of a writer
// that is not known to read any, every other topic counts. Edges come in the order of
// partitions and offsets.
//
// Where several inputs have one id, its outputs go to them in turn: two copies of an
// input whose outputs are two are one each. An output of an aborted transaction goes
// to the first.
func (j *Join) Edges(reads func(writer int) []string, each func(Edge)) {
	parts := <-j.done
	j.done <- parts
	slices.SortFunc(parts, func(a, b *Partition) int {
		return cmp.Or(cmp.Compare(a.tp.Topic, b.tp.Topic), cmp.Compare(a.tp.Part, b.tp.Part))
	})
	x := newIndex(parts)
	for pi, p := range parts {
		for i := range p.records {
			s := &p.records[i]
			if s.refers == 0 {
				continue
			}
			var found []history.Input
			for _, ref := range p.ids[s.at+s.provides : s.at+s.provides+s.refers] {
				for _, topic := range x.topicsOf(reads, int(s.writer), p.tp.Topic) {
					in, ok := x.input(x.topic[p.tp.Topic], topic, ref, s, int32(pi))
					if ok && !slices.Contains(found, in) {
						found = append(found, in)
						each(Edge{p.tp, s.off, in})
					}
				}
			}
		}
	}
}

// index finds inputs by topic and id.
type index struct {
	parts   []*Partition
	topic   map[string]int32
	first   map[topicID]int32 // index of entries + 1
	last    map[topicID]int32
	entries []entry
	turns   map[turn]int
}

// turn counts the outputs of one id in one topic.
type turn struct {
	out int32
	in  topicID
}

func newIndex(parts []*Partition) *index {
	x := &index{parts: parts, topic: map[string]int32{}, first: map[topicID]int32{}, last: map[topicID]int32{}, turns: map[turn]int{}}
	for pi, p := range parts {
		t, ok := x.topic[p.tp.Topic]
		if !ok {
			t = int32(len(x.topic))
			x.topic[p.tp.Topic] = t
		}
		for _, s := range p.records {
			for _, known := range p.ids[s.at : s.at+s.provides] {
				k := topicID{t, known}
				x.entries = append(x.entries, entry{part: int32(pi), off: s.off, hidden: s.hidden})
				n := int32(len(x.entries))
				if l := x.last[k]; l != 0 {
					x.entries[l-1].next = n
				} else {
					x.first[k] = n
				}
				x.last[k] = n
			}
		}
	}
	return x
}

func (x *index) topicsOf(reads func(int) []string, writer int, own string) []int32 {
	var ts []int32
	for _, name := range reads(writer) {
		if t, ok := x.topic[name]; ok {
			ts = append(ts, t)
		}
	}
	if len(ts) > 0 {
		return ts
	}
	for name, t := range x.topic {
		if name != own {
			ts = append(ts, t)
		}
	}
	slices.Sort(ts)
	return ts
}

// input is the input of out with the id ref.
func (x *index) input(outTopic, topic int32, ref id, out *seen, part int32) (history.Input, bool) {
	k := topicID{topic, ref}
	var visible, all []entry
	for i := x.first[k]; i != 0; i = x.entries[i-1].next {
		e := x.entries[i-1]
		if e.part == part && e.off == out.off {
			continue
		}
		all = append(all, e)
		if !e.hidden {
			visible = append(visible, e)
		}
	}
	if len(visible) > 0 {
		all = visible
	}
	if len(all) == 0 {
		return history.Input{}, false
	}
	e := all[0]
	if !out.hidden {
		t := turn{outTopic, k}
		e = all[x.turns[t]%len(all)]
		if len(all) > 1 {
			x.turns[t]++
		}
	}
	return history.Input{TP: x.parts[e.part].tp, Off: e.off}, true
}
