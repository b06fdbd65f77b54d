package harness

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// batchKey tells batches apart that one client sends: a repeated batch has the
// same. The checksum is over all but what the broker writes.
type batchKey struct {
	tp      history.TopicPartition
	crc     uint32
	pid     int64
	epoch   int16
	seq     int32
	records int32
}

func (k batchKey) sequenced() bool { return k.pid >= 0 && k.seq >= 0 }

// flight is one request's part for one partition.
type flight struct {
	id int64
	tp history.TopicPartition
}

// deducedSend is a batch as it was first seen: so many records, in one operation.
type deducedSend struct {
	key    batchKey
	proc   string
	id     int64
	txn    int64
	first  int64 // number of its first record's value
	flying int   // requests that carry it and have no answer
	acked  bool
	places []int64 // where brokers said that they put it
}

func (s *deducedSend) values() []history.Value {
	vals := make([]history.Value, s.key.records)
	for i := range vals {
		vals[i] = history.Value{Proc: s.proc, N: s.first + int64(i)}
	}
	return vals
}

// produce takes in a batch that is on its way to the broker.
func (p *program) produce(e history.Event, txn int64) {
	records, ok := e.Data["records"].(int32)
	if !ok || records <= 0 {
		return // of an older message format, which has no batches
	}
	seq, _ := e.Data["base-sequence"].(int32)
	crc, _ := e.Data["crc"].(uint32)
	key := batchKey{e.TP, crc, e.PID, e.Epoch, seq, records}
	if !e.HasPID {
		key.pid = -1
	}
	s := p.repeated(key)
	if s == nil {
		s = &deducedSend{key: key, proc: p.proc, id: p.nextID(), txn: txn, first: p.values}
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
func (p *program) repeated(key batchKey) *deducedSend {
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
	p.sends = slices.DeleteFunc(p.sends, func(o *deducedSend) bool { return o == s })
	p.send(s, history.OK, e)
}

// send emits a send's beginning or end.
func (p *program) send(s *deducedSend, typ history.Type, e history.Event) {
	out := history.Event{T: e.T, Proc: s.proc, Type: typ, Op: history.OpSend, ID: s.id, Txn: s.txn, TP: s.key.tp, Val: s.values()}
	if typ == history.OK {
		for i := range int64(s.key.records) {
			out.Off = append(out.Off, e.Off[0]+i)
		}
	}
	p.emit(out)
}

// logBatch is a batch in the final log.
type logBatch struct {
	base int64
	batchKey
}

// assign says which send each record in the final log of a partition comes from,
// by offset. A batch is known by its place where a broker has told it, else by its
// checksum or sequence; of two that are alike the first comes from the send that
// was first. More copies than sends are copies of the last.
func (d *deducer) assign(log []logBatch) map[int64]history.Value {
	d.mu.Lock()
	defer d.mu.Unlock()
	var (
		places  = map[history.TopicPartition]map[int64]*deducedSend{}
		byKey   = map[batchKey][]*deducedSend{}
		given   = map[*deducedSend]bool{}
		values  = map[int64]history.Value{}
		pending []logBatch
	)
	for _, p := range d.programs {
		for key, sends := range p.batches {
			for _, k := range alike(key) {
				byKey[k] = append(byKey[k], sends...)
			}
			for _, s := range sends {
				for _, at := range s.places {
					if places[key.tp] == nil {
						places[key.tp] = map[int64]*deducedSend{}
					}
					places[key.tp][at] = s
				}
			}
		}
	}
	give := func(b logBatch, s *deducedSend) {
		given[s] = true
		for i := range int64(b.records) {
			values[b.base+i] = history.Value{Proc: s.proc, N: s.first + i}
		}
	}
	for _, b := range log {
		s := places[b.tp][b.base]
		if s == nil || s.key.records != b.records || s.key.pid != b.pid || s.key.seq != b.seq {
			pending = append(pending, b)
			continue
		}
		give(b, s)
	}
	for _, b := range pending {
		for _, k := range alike(b.batchKey) {
			sends := byKey[k]
			if len(sends) == 0 {
				continue
			}
			i := slices.IndexFunc(sends, func(s *deducedSend) bool { return !given[s] })
			if i < 0 {
				i = len(sends) - 1
			}
			give(b, sends[i])
			break
		}
	}
	return values
}

// alike are the keys by which a batch may be known: where a broker compresses
// again the checksum is another, and the sequence still tells.
func alike(k batchKey) []batchKey {
	if !k.sequenced() {
		return []batchKey{k}
	}
	bare := k
	bare.crc = 0
	return []batchKey{bare}
}

func parseTopicPartition(text string) (history.TopicPartition, bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return history.TopicPartition{}, false
	}
	part, err := strconv.ParseInt(text[i+1:], 10, 32)
	return history.TopicPartition{Topic: text[:i], Part: int32(part)}, err == nil
}
