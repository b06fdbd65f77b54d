// Package jepsengen writes large, legal histories in the form of
// jepsen.tests.kafka: for benchmarks of the EDN reader and of the checker.
//
//	go test ./history -run TestJepsenBench -jepsen.txns=1000000 -v
//
// It is a sequential simulation: a send takes effect when its operation ends, so
// that every history is legal by construction. It holds no more than the logs.
package jepsengen

import (
	"bufio"
	"io"
	"math/rand/v2"
	"strconv"
)

// Options of Write. Zero fields take the default that is named.
type Options struct {
	Operations int // invocations of :send, :poll or :txn
	Txn        bool
	Vector     bool // one vector of all operations; else one map a line
	Subscribe  bool // :subscribe and a rebalance now and then; else :assign
	Processes  int  // at work at once; 10
	Keys       int  // 8
	Seed       uint64
}

// Write writes a history: the operations of o, interleaved over o.Processes, one
// operation in 200 failed and one in 1,000 of unknown outcome, then the final
// polls of every key from its beginning.
func Write(w io.Writer, o Options) error {
	if o.Processes == 0 {
		o.Processes = 10
	}
	if o.Keys == 0 {
		o.Keys = 8
	}
	s := &simulation{Options: o, w: bufio.NewWriterSize(w, 1<<20), rnd: rand.New(rand.NewPCG(o.Seed, 7)), logs: make([]keyLog, o.Keys)}
	if o.Vector {
		s.b = append(s.b, '[')
	}
	for range o.Processes {
		s.workers = append(s.workers, s.worker(nil))
	}
	for done := 0; done < o.Operations || s.open > 0; {
		p := s.workers[s.rnd.IntN(len(s.workers))]
		switch {
		case p.open:
			s.complete(p)
		case done < o.Operations:
			done++
			s.invoke(p)
		}
	}
	for k := range s.logs {
		s.finalPolls(k)
	}
	if o.Vector {
		s.b = append(s.b, ']')
	}
	s.flush()
	return s.w.Flush() // keeps the first error of all writes
}

type simulation struct {
	Options
	w       *bufio.Writer
	b       []byte // the operation that is being written
	rnd     *rand.Rand
	logs    []keyLog
	workers []*worker
	next    int // process number
	index   int
	now     int64
	open    int
}

// keyLog is what can be read of one key: offsets rise with gaps for the markers
// of transactions.
type keyLog struct {
	offsets, values []int64
	end, sent       int64
}

type worker struct {
	process int
	keys    []int
	at      map[int]int // where it stands in the log of each key
	open    bool
	f       string
	mops    []mop
}

type mop struct {
	send  bool
	key   int
	value int64
}

// worker starts a process that polls some keys: those of the one that crashed, on
// from where that one stood.
func (s *simulation) worker(crashed *worker) *worker {
	p := &worker{process: s.next, at: map[int]int{}}
	s.next++
	if crashed != nil {
		p.keys, p.at = crashed.keys, crashed.at
	} else {
		first := s.rnd.IntN(s.Keys)
		for i := range max(1, s.Keys/4) {
			p.keys = append(p.keys, (first+i)%s.Keys)
		}
	}
	s.assign(p, false)
	return p
}

func (s *simulation) assign(p *worker, beginning bool) {
	f := "assign"
	if s.Subscribe && !beginning {
		f = "subscribe"
	}
	for _, typ := range []string{"invoke", "ok"} {
		s.begin(typ, f, p.process)
		s.b = append(s.b, '[')
		for i, k := range p.keys {
			if i > 0 {
				s.b = append(s.b, ' ')
			}
			s.b = strconv.AppendInt(s.b, int64(k), 10)
		}
		s.b = append(s.b, ']')
		if beginning {
			s.b = append(s.b, ", :seek-to-beginning? true"...)
		}
		s.end()
	}
}

func (s *simulation) invoke(p *worker) {
	n := 1
	if s.Txn {
		n = 1 + s.rnd.IntN(7)
	}
	p.mops, p.open = p.mops[:0], true
	s.open++
	p.f = "poll"
	for range n {
		m := mop{send: s.rnd.IntN(2) == 0}
		if m.send {
			p.f = "send"
			m.key = s.rnd.IntN(s.Keys)
			l := &s.logs[m.key]
			l.sent++
			m.value = l.sent
		}
		p.mops = append(p.mops, m)
	}
	if s.Txn {
		p.f = "txn"
	}
	s.begin("invoke", p.f, p.process)
	s.mops(p, nil)
	s.end()
}

// complete ends the operation of p: ok, failed, or of an unknown outcome, after
// which a new process takes its place.
func (s *simulation) complete(p *worker) {
	p.open = false
	s.open--
	switch n := s.rnd.IntN(1000); {
	case n < 5:
		s.begin("fail", p.f, p.process)
		s.mops(p, nil)
		s.b = append(s.b, ", :error {:type :abort, :abort-ok? true, :tried-commit? false, :definite? true}"...)
		s.end()
	case n < 6:
		s.begin("info", p.f, p.process)
		s.mops(p, nil)
		s.b = append(s.b, ", :error [:timeout \"no response within 1000 ms\"]"...)
		s.end()
		if s.rnd.IntN(2) == 0 {
			s.apply(p)
		}
		*p = *s.worker(p)
	default:
		offsets := s.apply(p)
		s.begin("ok", p.f, p.process)
		s.mops(p, offsets)
		if s.Subscribe && n < 30 {
			s.b = append(s.b, ", :rebalance-log [{:type :revoked, :keys ["...)
			s.b = strconv.AppendInt(s.b, int64(p.keys[0]), 10)
			s.b = append(s.b, "]}]"...)
		}
		s.end()
	}
}

// apply makes the sends of p visible, behind what its polls return, and tells
// their offsets.
func (s *simulation) apply(p *worker) []int64 {
	offsets := make([]int64, len(p.mops))
	var wrote []int
	for i, m := range p.mops {
		if m.send {
			l := &s.logs[m.key]
			offsets[i] = l.end
			l.end++
			wrote = append(wrote, m.key)
		}
	}
	for _, k := range wrote {
		s.logs[k].end++ // the marker
	}
	return offsets
}

// mops writes micro-operations; with offsets, as they ended.
func (s *simulation) mops(p *worker, offsets []int64) {
	s.b = append(s.b, '[')
	for i, m := range p.mops {
		if i > 0 {
			s.b = append(s.b, ' ')
		}
		switch {
		case m.send && offsets == nil:
			s.b = append(s.b, "[:send "...)
			s.b = strconv.AppendInt(s.b, int64(m.key), 10)
			s.b = append(s.b, ' ')
			s.b = strconv.AppendInt(s.b, m.value, 10)
			s.b = append(s.b, ']')
		case m.send:
			s.b = append(s.b, "[:send "...)
			s.b = strconv.AppendInt(s.b, int64(m.key), 10)
			s.b = append(s.b, ' ')
			s.pair(offsets[i], m.value)
			s.b = append(s.b, ']')
		case offsets == nil:
			s.b = append(s.b, "[:poll]"...)
		default:
			s.poll(p, 50)
		}
	}
	s.b = append(s.b, ']')
	if offsets == nil {
		return
	}
	for i, m := range p.mops {
		if m.send {
			l := &s.logs[m.key]
			l.offsets, l.values = append(l.offsets, offsets[i]), append(l.values, m.value)
		}
	}
}

// poll writes what p reads next, at most limit records of each key.
func (s *simulation) poll(p *worker, limit int) {
	s.b = append(s.b, "[:poll {"...)
	first := true
	for _, k := range p.keys {
		l := &s.logs[k]
		from := p.at[k]
		to := min(len(l.offsets), from+limit)
		if from == to {
			continue
		}
		if p.at[k] = to; !first {
			s.b = append(s.b, ", "...)
		}
		first = false
		s.b = strconv.AppendInt(s.b, int64(k), 10)
		s.b = append(s.b, " ["...)
		for i := from; i < to; i++ {
			if i > from {
				s.b = append(s.b, ' ')
			}
			s.pair(l.offsets[i], l.values[i])
		}
		s.b = append(s.b, ']')
	}
	s.b = append(s.b, "}]"...)
}

func (s *simulation) pair(offset, value int64) {
	s.b = append(s.b, '[')
	s.b = strconv.AppendInt(s.b, offset, 10)
	s.b = append(s.b, ' ')
	s.b = strconv.AppendInt(s.b, value, 10)
	s.b = append(s.b, ']')
}

// finalPolls reads one key from its beginning to its end.
func (s *simulation) finalPolls(k int) {
	p := &worker{process: s.next, keys: []int{k}, at: map[int]int{}}
	s.next++
	s.assign(p, true)
	for p.at[k] < len(s.logs[k].offsets) {
		s.begin("invoke", "poll", p.process)
		s.b = append(s.b, "[[:poll]]"...)
		s.end()
		s.begin("ok", "poll", p.process)
		s.b = append(s.b, '[')
		s.poll(p, 500)
		s.b = append(s.b, ']')
		s.end()
	}
}

func (s *simulation) begin(typ, f string, process int) {
	s.now += 1 + s.rnd.Int64N(20_000)
	if s.index > 0 {
		s.b = append(s.b, '\n')
	}
	s.b = append(s.b, "{:type :"...)
	s.b = append(s.b, typ...)
	s.b = append(s.b, ", :f :"...)
	s.b = append(s.b, f...)
	s.b = append(s.b, ", :process "...)
	s.b = strconv.AppendInt(s.b, int64(process), 10)
	s.b = append(s.b, ", :time "...)
	s.b = strconv.AppendInt(s.b, s.now, 10)
	s.b = append(s.b, ", :index "...)
	s.b = strconv.AppendInt(s.b, int64(s.index), 10)
	s.b = append(s.b, ", :value "...)
	s.index++
}

func (s *simulation) end() {
	s.b = append(s.b, '}')
	if len(s.b) > 1<<16 {
		s.flush()
	}
}

func (s *simulation) flush() {
	_, _ = s.w.Write(s.b) // Flush tells its error
	s.b = s.b[:0]
}
