package history

import (
	"bytes"
	"io"
	"sync"
)

// jepsenReader decodes on all cores:
//
//	file ── decompress, cut ──> piece ──> worker: decode ──> block ──┐
//	         (one goroutine)      └──────── in order ────────> translator ──> batches ──> Next
//
// Where a piece is cut is a guess: that an operation begins there. The translator
// proves it, piece by piece: if the one before ended between two operations, the
// guess was right, and the block is what a single reader would have read. If not,
// it reads on from the end of what it had, and the block of the worker is dropped.
// So a wrong guess costs time, and nothing else.
type jepsenReader struct {
	cutter  ednCutter
	stop    func()
	limit   int64
	general bool
	workers int

	started bool
	order   chan *ednJob // in the order of the file
	jobs    chan *ednJob
	out     chan *batch
	free    chan *batch
	quit    chan struct{}
	wg      sync.WaitGroup
	buffers sync.Pool // of *[]byte
	blocks  sync.Pool // of *block

	batch *batch // that next is reading
	i     int
	cut   bool
}

// ednJob is a piece on its way through a worker.
type ednJob struct {
	ednPiece
	first bool
	blk   *block
	state ednState // behind it
	n     int      // how far the worker came
	wrong error    // what is wrong there
	done  chan struct{}
}

func newJepsenReader(r io.Reader, stop func()) *jepsenReader {
	return &jepsenReader{cutter: ednCutter{r: r, size: pieceSize}, stop: stop, limit: maxImport, workers: workers,
		order: make(chan *ednJob, jobsAhead), jobs: make(chan *ednJob, jobsAhead),
		out: make(chan *batch, 2), free: make(chan *batch, 4), quit: make(chan struct{})}
}

func (r *jepsenReader) start() {
	r.started = true
	r.wg.Go(func() {
		defer r.stop()
		defer close(r.jobs)
		defer close(r.order)
		r.read()
	})
	for range r.workers {
		r.wg.Go(r.work)
	}
	r.wg.Go(func() {
		defer close(r.out)
		r.translate()
	})
}

func (r *jepsenReader) read() {
	for first := true; ; first = false {
		buf, _ := r.buffers.Get().(*[]byte)
		if buf == nil {
			buf = new([]byte)
		}
		j := &ednJob{ednPiece: r.cutter.next(*buf), first: first, done: make(chan struct{})}
		for _, to := range []chan *ednJob{r.order, r.jobs} {
			select {
			case to <- j:
			case <-r.quit:
				return
			}
		}
		if j.final {
			return
		}
	}
}

func (r *jepsenReader) work() {
	d := newDecoder()
	d.general = r.general
	for j := range r.jobs {
		j.blk = r.newBlock()
		j.state = ednState{began: !j.first, unsure: !j.first}
		j.n, j.wrong = d.decode(&j.piece, &j.state, j.blk)
		close(j.done)
	}
}

func (r *jepsenReader) newBlock() *block {
	b, _ := r.blocks.Get().(*block)
	if b == nil {
		b = &block{}
	}
	b.reset()
	return b
}

// translator is what the translating goroutine has.
type translator struct {
	*jepsenReader
	jepsen *jepsen
	dec    *decoder
	state  ednState
	tail   piece // of a form that is not whole
	wanted int   // length of the tail at which to try it again
	quits  bool
}

func (r *jepsenReader) translate() {
	t := &translator{jepsenReader: r, dec: newDecoder()}
	t.dec.general = r.general
	t.jepsen = newJepsen(t.send, r.limit)
	for j := range r.order {
		select {
		case <-j.done:
		case <-r.quit:
			return
		}
		err := t.job(j)
		switch {
		case t.quits:
			return
		case err == nil && !j.final:
			text := j.text
			r.buffers.Put(&text)
			r.blocks.Put(j.blk)
			continue
		case err == nil:
			t.end(j)
			err = io.EOF
		}
		b := t.jepsen.batch
		b.err, b.cut = err, err == io.EOF && t.cutOff(j)
		t.hand(b)
		return
	}
}

// send hands on a batch, and returns an empty one.
func (t *translator) send(b *batch) *batch {
	if b != nil && !t.hand(b) {
		b.reset()
		return b
	}
	select {
	case b = <-t.free:
	default:
		b = newBatch()
	}
	b.reset()
	return b
}

// hand hands on a batch; false says that nobody wants it any more.
func (t *translator) hand(b *batch) bool {
	select {
	case t.out <- b:
		return true
	case <-t.quit:
		t.quits = true
		return false
	}
}

// job takes the operations of one piece.
func (t *translator) job(j *ednJob) error {
	rest := j.piece
	if j.first || len(t.tail.text) == 0 && t.state.began && !t.state.outside && !t.state.comment {
		if err := t.jepsen.take(j.blk); err != nil || t.quits {
			return err
		}
		if j.wrong != nil {
			return j.wrong
		}
		if j.first {
			t.state = j.state
		}
		t.state.comment = j.state.comment
		rest = j.from(j.n)
	}
	if err := t.rest(rest); err != nil || t.quits {
		return err
	}
	if j.err != nil {
		line, col := j.place(len(j.text))
		return &placed{line, col, j.err}
	}
	return nil
}

// rest reads on sequentially, from where a form was not whole or a worker did not
// know what to make of a bracket.
func (t *translator) rest(p piece) error {
	if len(t.tail.text) > 0 {
		t.tail.text = append(t.tail.text, p.text...)
		t.tail.last = p.last
		if p = t.tail; len(p.text) < t.wanted && !p.last {
			return nil
		}
	}
	if len(p.text) == 0 {
		return nil
	}
	blk := t.newBlock()
	n, wrong := t.dec.decode(&p, &t.state, blk)
	if err := t.jepsen.take(blk); err != nil || t.quits {
		return err
	}
	if wrong != nil {
		return wrong
	}
	t.blocks.Put(blk)
	rest := p.from(n)
	t.tail = piece{text: bytes.Clone(rest.text), line: rest.line, col: rest.col}
	t.wanted = 2 * len(rest.text)
	return nil
}

// from is p from its byte i on.
func (p *piece) from(i int) piece {
	line, col := p.place(i)
	return piece{text: p.text[i:], line: line - 1, col: col - 1, last: p.last}
}

// end ends what the history leaves open.
func (t *translator) end(j *ednJob) {
	line, _ := j.place(len(j.text))
	t.jepsen.unfinished(line)
}

// cutOff says that the history ends where more must follow.
func (t *translator) cutOff(j *ednJob) bool {
	return j.cut || len(t.tail.text) > 0 || t.state.inside && !t.state.outside
}

// next fills e. At the end it returns io.EOF, or what is wrong and where.
func (r *jepsenReader) next(e *Event) (line int64, err error) {
	if !r.started {
		r.start()
	}
	for {
		if b := r.batch; b != nil {
			if r.i < len(b.events) {
				*e = b.events[r.i]
				line = b.lines[r.i]
				r.i++
				return line, nil
			}
			r.cut = r.cut || b.cut
			if b.err != nil {
				return 0, b.err
			}
			select {
			case r.free <- b:
			default:
			}
		}
		r.batch, r.i = <-r.out, 0
		if r.batch == nil {
			return 0, io.EOF
		}
	}
}

func (r *jepsenReader) truncated() bool { return r.cut }

// close ends the goroutines; the reading one at the latest when its Read returns.
func (r *jepsenReader) close(wait bool) {
	if !r.started {
		r.started = true
		r.stop()
		return
	}
	close(r.quit)
	if wait {
		r.wg.Wait()
	}
}
