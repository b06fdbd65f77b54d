package deduce

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// Key tells the batches apart that one client sends: a repeated batch has the
// same. The checksum is over all but what the broker writes.
type Key struct {
	TP      history.TopicPartition
	CRC     uint32
	PID     int64
	Epoch   int16
	Seq     int32
	Records int32
}

func (k Key) sequenced() bool { return k.PID >= 0 && k.Seq >= 0 }

// flight is one request's part for one partition.
type flight struct {
	id int64
	tp history.TopicPartition
}

// send is a batch as it was first seen: so many records, in one operation.
type send struct {
	key    Key
	proc   string
	id     int64
	txn    int64
	first  int64 // number of its first record's value
	flying int   // requests that carry it and have no answer
	acked  bool
	places []int64 // where brokers said that they put it
}

func (s *send) values() []history.Value {
	vals := make([]history.Value, s.key.Records)
	for i := range vals {
		vals[i] = history.Value{Proc: s.proc, N: s.first + int64(i)}
	}
	return vals
}

// produce takes in a batch that is on its way to the broker.
func (p *program) produce(e history.Event, txn int64) {
	records, ok := facts.Records.Of(&e)
	if !ok || records <= 0 {
		return // of an older message format, which has no batches
	}
	seq := facts.BaseSequence.Get(&e)
	crc := facts.CRC.Get(&e)
	key := Key{e.TP, crc, e.PID, e.Epoch, seq, records}
	if !e.HasPID {
		key.PID = -1
	}
	s := p.repeated(key)
	if s == nil {
		s = &send{key: key, proc: p.proc, id: p.nextID(), txn: txn, first: p.values}
		p.values += int64(records)
		p.batches[key] = append(p.batches[key], s)
		p.sends = append(p.sends, s)
		p.send(s, history.Invoke, e)
	}
	s.flying++
	p.flights[flight{e.ID, e.TP}] = s
}

// repeated is the send that a batch repeats, nil if it is new. Without a sequence
// a batch may by chance equal another that was sent in the same millisecond: only
// after a failed attempt is it taken for a repetition.
func (p *program) repeated(key Key) *send {
	for _, s := range p.batches[key] {
		if s.proc == p.proc && (key.sequenced() || !s.acked && s.flying == 0) {
			return s
		}
	}
	return nil
}

// produced takes in what became of a request with a batch.
func (p *program) produced(e history.Event) {
	f := flight{e.ID, e.TP}
	s := p.flights[f]
	if s == nil {
		return
	}
	delete(p.flights, f)
	s.flying--
	if e.Type != history.OK || e.Err != nil || len(e.Off) == 0 {
		return
	}
	if !slices.Contains(s.places, e.Off[0]) {
		s.places = append(s.places, e.Off[0])
	}
	if !told(e) || s.acked || s.proc != p.proc {
		return
	}
	s.acked = true
	p.sends = slices.DeleteFunc(p.sends, func(o *send) bool { return o == s })
	p.send(s, history.OK, e)
}

// send emits a send's beginning or end.
func (p *program) send(s *send, typ history.Type, e history.Event) {
	out := history.Event{
		T:    e.T,
		Proc: s.proc,
		Type: typ,
		Op:   history.OpSend,
		ID:   s.id,
		Txn:  s.txn,
		TP:   s.key.TP,
		Val:  s.values(),
	}
	if typ == history.OK {
		for i := range int64(s.key.Records) {
			out.Off = append(out.Off, e.Off[0]+i)
		}
	}
	p.emit(out)
}

// Batch is a batch in the final log, at the offset Base.
type Batch struct {
	Base int64
	Key
}

// index finds a program's sends.
type index struct {
	places map[history.TopicPartition]map[int64]*send
	byKey  map[Key][]*send
}

func (d *Deducer) newIndex() *index {
	x := &index{places: map[history.TopicPartition]map[int64]*send{}, byKey: map[Key][]*send{}}
	for _, client := range slices.Sorted(maps.Keys(d.programs)) {
		for key, sends := range d.programs[client].batches {
			bare := identity(key)
			x.byKey[bare] = append(x.byKey[bare], sends...)
			for _, s := range sends {
				for _, at := range s.places {
					if x.places[key.TP] == nil {
						x.places[key.TP] = map[int64]*send{}
					}
					x.places[key.TP][at] = s
				}
			}
		}
	}
	return x
}

// Assign says which send each record in the final log of a partition comes from,
// by offset: it is called when no client runs any more. A batch is known by its place
// where a broker has told it, else by its sequence or checksum; of two that are alike
// the first comes from the send that was first. More copies than sends are copies of
// the last.
func (d *Deducer) Assign(log []Batch) map[int64]history.Value {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.index == nil {
		d.index = d.newIndex()
	}
	var (
		given   = map[*send]bool{}
		values  = map[int64]history.Value{}
		pending []Batch
	)
	give := func(b Batch, s *send) {
		given[s] = true
		for i := range int64(b.Records) {
			values[b.Base+i] = history.Value{Proc: s.proc, N: s.first + i}
		}
	}
	for _, b := range log {
		s := d.index.places[b.TP][b.Base]
		if s == nil || s.key.Records != b.Records || s.key.PID != b.PID || s.key.Seq != b.Seq {
			pending = append(pending, b)
			continue
		}
		give(b, s)
	}
	for _, b := range pending {
		sends := d.index.byKey[identity(b.Key)]
		if len(sends) == 0 {
			continue
		}
		i := slices.IndexFunc(sends, func(s *send) bool { return !given[s] })
		if i < 0 {
			i = len(sends) - 1
		}
		give(b, sends[i])
	}
	return values
}

// identity is what a batch is known by: its producer id, epoch and sequence, or, where
// it has none, its checksum. Where a broker compresses again the checksum is another,
// and the sequence still tells.
func identity(k Key) Key {
	if k.sequenced() {
		k.CRC = 0
	}
	return k
}

func parseTopicPartition(text string) (history.TopicPartition, bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return history.TopicPartition{}, false
	}
	part, err := strconv.ParseInt(text[i+1:], 10, 32)
	return history.TopicPartition{Topic: text[:i], Part: int32(part)}, err == nil
}
