package history

import (
	"errors"
	"io"
	"sync"
)

// pipeline reads ahead of Next, so that decoding and judging share the cores:
//
//	file ── decompress, cut into chunks ──> job ──> worker: parse ──> batches ──> Next
//	         (one goroutine)                 └────── in order ──────────────────┘
//
// What is ahead is bounded by the number of jobs and, since a line of ten bytes
// may stand for many records, by the records of a batch.
type pipeline struct {
	order  chan *job // in the order of the file
	jobs   chan *job
	free   chan *batch
	quit   chan struct{}
	wg     sync.WaitGroup
	job    *job // the one that next is reading
	batch  *batch
	i      int // next event of batch
	cut    bool
	buffer sync.Pool // of []byte, for chunks
}

const (
	workers      = 2
	jobsAhead    = 4
	batchEvents  = 512
	batchRecords = 4096
)

// job is a chunk on its way through a worker.
type job struct {
	chunk
	out chan *batch // closed behind the last one
}

// batch is some parsed events. Their slices are cut from its own.
type batch struct {
	events []Event
	lines  []int64
	off    []int64
	key    []string
	val    []Value
	from   []Input
	cut    bool  // the last line of the file is not whole
	err    error // behind the events
	errAt  int64
}

func newBatch() *batch {
	return &batch{events: make([]Event, 0, batchEvents), lines: make([]int64, 0, batchEvents)}
}

// newPipeline parses first, the rest of the chunk that the header was in, and what c
// has behind it. It calls stop when it has done reading.
func newPipeline(first chunk, c *chunker, stop func()) *pipeline {
	p := &pipeline{
		order: make(chan *job, jobsAhead), jobs: make(chan *job, jobsAhead),
		free: make(chan *batch, 2*workers+1), quit: make(chan struct{}),
	}
	p.wg.Go(func() {
		defer stop()
		defer close(p.jobs)
		defer close(p.order)
		p.read(first, c)
	})
	for range workers {
		p.wg.Go(p.work)
	}
	return p
}

func (p *pipeline) read(ch chunk, c *chunker) {
	for {
		j := &job{chunk: ch, out: make(chan *batch, 1)}
		for _, to := range []chan *job{p.order, p.jobs} {
			select {
			case to <- j:
			case <-p.quit:
				return
			}
		}
		if ch.last {
			return
		}
		buf, _ := p.buffer.Get().(*[]byte)
		if buf == nil {
			buf = new([]byte)
		}
		ch = c.next(*buf)
	}
}

func (p *pipeline) work() {
	parser := newParser()
	for j := range p.jobs {
		ok := p.parse(parser, j)
		close(j.out)
		if !ok {
			return
		}
		text := j.text
		p.buffer.Put(&text)
	}
}

// parse sends the events of j; false says that nobody wants them any more.
func (p *pipeline) parse(parser *parser, j *job) bool {
	text, line := j.text, j.line
	for {
		b := p.newBatch()
		text, line = b.fill(parser, j, text, line)
		failed := b.err != nil // from the send on b is the reader's
		select {
		case j.out <- b:
		case <-p.quit:
			return false
		}
		if len(text) == 0 || failed {
			return true
		}
	}
}

func (p *pipeline) newBatch() *batch {
	select {
	case b := <-p.free:
		return b
	default:
		return newBatch()
	}
}

// fill parses lines until b is full, and returns those that are left.
func (b *batch) fill(parser *parser, j *job, text []byte, n int64) ([]byte, int64) {
	b.reset()
	for len(text) > 0 && !b.full() {
		line, rest, whole := cutLine(text)
		if blank(line) {
			text, n = rest, n+1
			continue
		}
		b.events = b.events[:len(b.events)+1]
		e := &b.events[len(b.events)-1]
		e.Off, e.Key, e.Val, e.From = b.off[len(b.off):], b.key[len(b.key):], b.val[len(b.val):], b.from[len(b.from):]
		err := parser.event(line, e)
		if err == nil {
			err = e.complete()
		}
		if err != nil {
			b.events = b.events[:len(b.events)-1]
			if j.last && !whole && errors.Is(err, errCut) {
				b.cut = true
				return nil, n
			}
			b.err, b.errAt = err, n
			return text, n
		}
		b.keep(e)
		b.lines = append(b.lines, n)
		text, n = rest, n+1
	}
	if len(text) == 0 {
		b.cut = b.cut || j.truncated
		b.err, b.errAt = j.err, n
	}
	return text, n
}

func (b *batch) reset() {
	if cap(b.off) < batchRecords {
		b.off = make([]int64, 0, batchRecords)
		b.key = make([]string, 0, batchRecords)
		b.val = make([]Value, 0, batchRecords)
		b.from = make([]Input, 0, batchRecords)
	}
	b.events, b.lines = b.events[:0], b.lines[:0]
	b.off, b.key, b.val, b.from = b.off[:0], b.key[:0], b.val[:0], b.from[:0]
	b.cut, b.err = false, nil
}

// full says that the next event might not find room.
func (b *batch) full() bool {
	return len(b.events) == cap(b.events) || cap(b.off)-len(b.off) == 0 || cap(b.key)-len(b.key) == 0 ||
		cap(b.val)-len(b.val) == 0 || cap(b.from)-len(b.from) == 0
}

// keep reserves what e took of b's slices, and holds e to it: whoever appends to
// a slice of e must not write into the next event's. An event that found too
// little room there has allocated its own, and the batch ends with it.
func (b *batch) keep(e *Event) {
	b.off, e.Off = reserve(b.off, e.Off)
	b.key, e.Key = reserve(b.key, e.Key)
	b.val, e.Val = reserve(b.val, e.Val)
	b.from, e.From = reserve(b.from, e.From)
}

func reserve[T any](all, taken []T) (_, _ []T) {
	n := len(taken)
	return all[:min(cap(all), len(all)+n)], taken[:n:n]
}

// next fills e. At the end it returns io.EOF, or what is wrong with which line.
func (p *pipeline) next(e *Event) (line int64, err error) {
	for {
		if b := p.batch; b != nil {
			if p.i < len(b.events) {
				*e = b.events[p.i]
				line = b.lines[p.i]
				p.i++
				return line, nil
			}
			p.cut = p.cut || b.cut
			if b.err != nil {
				return b.errAt, b.err
			}
			p.batch = nil
			select {
			case p.free <- b:
			default:
			}
		}
		if p.job == nil {
			var ok bool
			if p.job, ok = <-p.order; !ok {
				return 0, io.EOF
			}
		}
		var ok bool
		if p.batch, ok = <-p.job.out; !ok {
			p.job = nil
		}
		p.i = 0
	}
}

func (p *pipeline) truncated() bool { return p.cut }

// close ends the goroutines; the reading one at the latest when its Read returns.
func (p *pipeline) close(wait bool) {
	close(p.quit)
	if wait {
		p.wg.Wait()
	}
}
