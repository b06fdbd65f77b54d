package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// entry is one record of a partition's log, or a control record.
type entry struct {
	val    history.Value
	from   history.Input
	key    string
	pid    int64 // -1 without idempotence
	epoch  int16
	seq    int32
	inTxn  bool
	marker string // of a control record: commit or abort
	fate   string // of a transactional record: "" while open
	inner  bool   // it is not the first of its batch
	note   string // of a control record that decides nothing: who became leader
}

// tail is what a partition knows of one producer.
type tail struct {
	epoch   int16
	last    int32   // sequence of its last record, -1 after a new epoch
	batches []batch // the last five, by which repetitions are known
	open    int64   // first offset of its open transaction, -1 if there is none
}

type batch struct {
	first, count int32
	off          int64
}

// partition is one partition's log. The leader appends; what the other replicas
// have is below high.
type partition struct {
	w         *world
	tp        history.TopicPartition
	replicas  []int
	leader    int
	life      int // of the leader, when it became that
	epoch     int32
	base      int64 // offset of the first record: what was before was deleted
	log       []entry
	high      int64 // high watermark
	lastHigh  int64 // when the last append is replicated
	producers map[int64]*tail
	told      int64  // of defects: the end of what was acknowledged or read too early
	decided   []span // transactions whose marker is not replicated yet
}

// span is a transaction's first offset and its marker's.
type span struct{ first, marker int64 }

func (p *partition) end() int64 { return p.base + int64(len(p.log)) }

func (p *partition) at(off int64) *entry { return &p.log[off-p.base] }

// stable is the last stable offset: nothing before it is open, or decided by a
// marker that could still be lost.
func (p *partition) stable() int64 {
	lso := p.high
	for _, t := range p.producers {
		if t.open >= 0 {
			lso = min(lso, t.open)
		}
	}
	for _, s := range p.decided {
		if s.marker >= p.high {
			lso = min(lso, s.first)
		}
	}
	return lso
}

// place checks a batch against what is known of its producer: where it stands if it
// is a repetition, else -1.
func (p *partition) place(pid int64, epoch int16, seq, count int32) (int64, code) {
	if pid < 0 {
		return -1, none
	}
	t := p.producers[pid]
	w := p.w
	switch {
	case t == nil || epoch > t.epoch:
		if seq != 0 && !w.defect(NoSequenceCheck) {
			return -1, outOfOrderSequence
		}
		return -1, none
	case epoch < t.epoch && w.defect(NoEpochCheck):
		w.broke()
		return -1, none
	case epoch < t.epoch:
		return -1, invalidEpoch
	}
	for _, b := range t.batches {
		if b.first == seq && b.count == count {
			if w.defect(NoDedup) {
				w.broke()
				return -1, none
			}
			return b.off, none
		}
	}
	switch {
	case seq == t.last+1:
	case w.defect(NoSequenceCheck):
		if seq <= t.last {
			w.broke() // it lands behind what came after it
		}
	case seq <= t.last:
		return -1, duplicateSequence
	default:
		return -1, outOfOrderSequence
	}
	return -1, none
}

// write puts entries behind the log's end and returns where the first stands.
func (p *partition) write(entries ...entry) int64 {
	off := p.end()
	for i := range entries {
		entries[i].inner = i > 0
		p.log = append(p.log, entries[i])
		p.follow(off + int64(i))
	}
	if e := &entries[0]; e.pid >= 0 && e.marker == "" && e.note == "" {
		t := p.producers[e.pid]
		t.batches = append(t.batches, batch{e.seq, int32(len(entries)), off})
		if len(t.batches) > 5 {
			t.batches = slices.Clone(t.batches[1:])
		}
	}
	return off
}

// follow takes the record at off into what is known of its producer.
func (p *partition) follow(off int64) {
	e := p.at(off)
	if e.pid < 0 || e.note != "" {
		return
	}
	t := p.producers[e.pid]
	if t == nil {
		t = &tail{epoch: e.epoch, last: -1, open: -1}
		p.producers[e.pid] = t
	}
	if e.epoch > t.epoch {
		t.epoch, t.last, t.batches = e.epoch, -1, nil
	}
	if e.marker != "" {
		if t.open >= 0 {
			for o := t.open; o < off; o++ {
				if x := p.at(o); x.pid == e.pid && x.inTxn && x.fate == "" {
					x.fate = e.marker
				}
			}
			p.decided = append(p.decided, span{t.open, off})
		}
		t.open = -1
		return
	}
	t.last = max(t.last, e.seq)
	if e.inTxn && t.open < 0 {
		t.open = off
	}
}

// truncate forgets what stands from offset to on; batches stay whole.
func (p *partition) truncate(to int64) {
	for to < p.end() && p.at(to).inner {
		to++
	}
	if to >= p.end() {
		return
	}
	if p.told > to {
		p.w.broke()
	}
	p.log = slices.Clone(p.log[:to-p.base])
	p.high = min(p.high, to)
	p.replay()
}

// replay builds anew what is known of the producers.
func (p *partition) replay() {
	old := p.producers
	p.producers, p.decided = map[int64]*tail{}, nil
	for i := range p.log {
		p.log[i].fate = ""
	}
	for off := p.base; off < p.end(); off++ {
		p.follow(off)
	}
	p.raise(p.high)
	for pid, t := range p.producers {
		before := old[pid]
		if before == nil || before.epoch != t.epoch {
			continue
		}
		for _, b := range before.batches {
			if b.off+int64(b.count) <= p.end() {
				t.batches = append(t.batches, b)
			}
		}
	}
}

// replicate lets done happen once what stands in the log now is replicated, or says
// false if another leader came before.
func (p *partition) replicate(b *broker, done func(ok bool)) {
	epoch, end, w := p.epoch, p.end(), p.w
	p.lastHigh = max(p.lastHigh, w.now+w.between(50*microsecond, w.cfg.Replication))
	w.after(p.lastHigh-w.now, func() {
		b.run(func() {
			if p.epoch != epoch || p.leader != b.id {
				done(false)
				return
			}
			p.raise(end)
			done(true)
		})
	})
}

// raise moves the high watermark up to end.
func (p *partition) raise(end int64) {
	p.high = max(p.high, min(end, p.end()))
	p.decided = slices.DeleteFunc(p.decided, func(s span) bool { return s.marker < p.high })
}

// fetched is a part of a log that a client was given.
type fetched struct {
	tp           history.TopicPartition
	first        int64
	entries      []entry
	high, stable int64
	committed    bool
	code         code
}

// read gives a client records from offset from on, at most so many.
func (p *partition) read(from int64, committed bool, most int) fetched {
	f := fetched{tp: p.tp, first: from, high: p.high, stable: p.stable(), committed: committed}
	limit := p.high
	if committed {
		limit = f.stable
		if p.w.defect(StableIsHigh) {
			limit = p.high
		}
	}
	if p.w.defect(ReadsUnreplicated) {
		limit = p.end()
		p.told = max(p.told, min(limit, from+int64(most)))
	}
	from = max(from, p.base)
	f.first = from
	if from < limit {
		f.entries = slices.Clone(p.log[from-p.base : min(limit, from+int64(most))-p.base])
	}
	return f
}
