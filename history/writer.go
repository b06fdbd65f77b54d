package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Frames end at this size or age, whichever comes first. What a crash of this
// process can lose is the frame that is being filled and those in the queue.
const (
	frameSize  = 1 << 20
	frameAge   = time.Second
	frameQueue = 8 // full frames that wait for the file; then Append waits too
)

// Writer appends events. Safe for concurrent use; it keeps their order.
//
//	Append ── JSON line ──> open frame ── full, or a second old ──> queue ──> zstd ──> file
//
// Append only formats the line; a goroutine of its own compresses and writes.
// Nothing is ever dropped: while the file is slower than the events, Append waits.
type Writer struct {
	out     io.Writer
	enc     *zstd.Encoder
	scratch []byte // a compressed frame

	mu      sync.Mutex
	changed sync.Cond // anything below changed
	open    []byte    // lines of the frame that is being filled
	queue   [][]byte  // full frames, in order
	free    [][]byte  // written ones, to be filled again
	cuts    int64     // frames that ever went into the queue
	written int64     // and those that have left it for the file
	closed  bool
	err     error // the first one; everything after it fails with it

	stop    chan struct{} // closed by Close
	running sync.WaitGroup
}

// NewWriter writes the header. Frames end about every second or 1 MiB. The
// writer runs until it is closed.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format = fmt.Sprintf("%s/%d", FormatName, FormatMajor)
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("history: header: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameSize))
	if err != nil {
		return nil, fmt.Errorf("history: zstd: %w", err)
	}
	wr := &Writer{out: w, enc: enc, open: newFrame(), stop: make(chan struct{})}
	wr.changed.L = &wr.mu
	if err := wr.write(append(line, '\n')); err != nil {
		return nil, err
	}
	wr.running.Go(wr.drain)
	wr.running.Go(wr.age)
	return wr, nil
}

// newFrame has room for what a slow run tells in frameAge; a fast one's grows, and is
// used again.
func newFrame() []byte { return make([]byte, 0, frameSize/16) }

// Append queues one event; it does not keep slices of e after it returns. It
// fails for an event that no reader would take, and with the first error of the
// underlying writer.
func (w *Writer) Append(e *Event) error {
	if err := e.complete(); err != nil {
		return fmt.Errorf("history: %s event of %q: %w", e.Op, e.Proc, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.open) >= frameSize && !w.cut() {
		w.changed.Wait()
	}
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return errors.New("history: append after close")
	}
	before := len(w.open)
	w.open = append(MarshalLine(w.open, e), '\n')
	if n := len(w.open) - before; n > MaxLine {
		w.open = w.open[:before]
		return fmt.Errorf("history: %s event of %q: a line of %d bytes; the limit is %d: split the batch", e.Op, e.Proc, n, MaxLine)
	}
	if len(w.open) >= frameSize {
		w.cut()
	}
	return nil
}

// Flush ends the current frame and waits until it is written.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.cut() {
		w.changed.Wait()
	}
	for upTo := w.cuts; w.written < upTo && w.err == nil; {
		w.changed.Wait()
	}
	return w.err
}

// Close ends the last frame and reports any earlier error. It does not close
// what the writer writes to.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		for !w.cut() {
			w.changed.Wait()
		}
		w.closed = true
		close(w.stop)
		w.changed.Broadcast()
	}
	w.mu.Unlock()
	w.running.Wait()
	return w.err
}

// cut moves the open frame into the queue; false says that the queue is full.
// The caller holds mu.
func (w *Writer) cut() bool {
	switch {
	case len(w.open) == 0:
		return true
	case w.err != nil: // nobody will write it
		w.open = w.open[:0]
		return true
	case len(w.queue) >= frameQueue:
		return false
	}
	w.queue = append(w.queue, w.open)
	w.cuts++
	if n := len(w.free); n > 0 {
		w.open, w.free = w.free[n-1][:0], w.free[:n-1]
	} else {
		w.open = newFrame()
	}
	w.changed.Broadcast()
	return true
}

// age cuts a frame that events come into too slowly to fill it.
func (w *Writer) age() {
	tick := time.NewTicker(frameAge)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			w.mu.Lock()
			w.cut() // if the queue is full, the next Append or tick does it
			w.mu.Unlock()
		}
	}
}

// drain writes the queue, until the writer is closed and the queue is empty.
func (w *Writer) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queue) == 0 {
			if w.closed || w.err != nil {
				return
			}
			w.changed.Wait()
		}
		frame := w.queue[0]
		copy(w.queue, w.queue[1:])
		w.queue = w.queue[:len(w.queue)-1]
		w.mu.Unlock()
		err := w.write(frame)
		w.mu.Lock()
		w.written++
		if err != nil && w.err == nil {
			w.err, w.queue = err, nil
		}
		if cap(frame) <= 2*frameSize {
			w.free = append(w.free, frame)
		}
		w.changed.Broadcast()
	}
}

// write writes lines as one frame, which can be read without any other.
func (w *Writer) write(lines []byte) error {
	w.scratch = w.enc.EncodeAll(lines, w.scratch[:0])
	if _, err := w.out.Write(w.scratch); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
