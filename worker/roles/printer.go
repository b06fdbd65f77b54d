package roles

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/onceproof/onceproof/history"
)

// Printer prints events, each stamped and numbered at the moment when it takes
// its place in the output, so that neither stamps nor numbers ever go back.
//
// What must be out before a call (an invoke) is followed by flush. Everything
// else is written by a goroutine of its own as soon as it gets to it: while one
// write is under way, the lines behind it gather for the next.
type Printer struct {
	mu      sync.Mutex // guards the fields below
	lines   []byte
	burst   history.Event // sends that will be one line, a run; none while it has no values
	id      int64
	greeted bool
	err     error // of the first failed write: the harness is gone

	writing sync.Mutex // held while lines are taken and written
	spare   []byte
	out     io.Writer

	wake chan struct{}
	quit chan struct{} // closed by Close
	done sync.WaitGroup
}

// NewPrinter prints to out. Close ends the goroutine that it starts.
func NewPrinter(out io.Writer) *Printer {
	p := &Printer{out: out, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	p.done.Go(func() {
		for {
			select {
			case <-p.wake:
				gather()
				_ = p.Flush() // every caller of flush sees the error too
			case <-p.quit:
				return
			}
		}
	})
	return p
}

// gather lets acknowledgements of one batch come together in one write.
func gather() {
	timer := time.NewTimer(500 * time.Microsecond)
	<-timer.C
}

// Hello prints the first line. The library may have told of its group already:
// that waits for it.
func (p *Printer) Hello(line []byte) {
	p.mu.Lock()
	p.lines = slices.Insert(p.lines, 0, append(line, '\n')...)
	p.greeted = true
	p.mu.Unlock()
}

// Invoke prints the beginning of one operation, in one line or several, and
// returns its number. The caller flushes before it makes the call.
func (p *Printer) Invoke(events ...*history.Event) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id++
	for _, e := range events {
		e.Type, e.ID = history.Invoke, p.id
		p.add(e)
	}
	return p.id
}

// End prints the end of an operation that was invoked.
func (p *Printer) End(e *history.Event) {
	p.mu.Lock()
	p.add(e)
	p.mu.Unlock()
	p.Nudge()
}

// Tell prints an operation that has no invoke, in one line or several. It waits
// for the next flush or nudge.
func (p *Printer) Tell(events ...*history.Event) {
	p.mu.Lock()
	p.id++
	for _, e := range events {
		e.ID = p.id
		p.add(e)
	}
	p.mu.Unlock()
}

// burstMost keeps a run's line short enough to be read in one piece.
const burstMost = 1000

// add gives e its line. Sends that follow each other in everything share one,
// which is stamped when the next line, or the write, ends it: before the calls
// that it invokes, behind the ends that it tells.
func (p *Printer) add(e *history.Event) {
	if p.extends(e) {
		p.burst.Val = append(p.burst.Val, e.Val...)
		p.burst.Off = append(p.burst.Off, e.Off...)
		p.burst.From = append(p.burst.From, e.From...)
		return
	}
	p.endBurst()
	if e.Op == history.OpSend && len(e.Val) == 1 && e.Err == nil {
		off, val, from := p.burst.Off, p.burst.Val, p.burst.From
		p.burst = *e
		p.burst.Off, p.burst.Val, p.burst.From = append(off, e.Off...), append(val, e.Val...), append(from, e.From...)
		return
	}
	e.T = history.Now()
	p.lines = append(history.MarshalLine(p.lines, e), '\n')
}

func (p *Printer) extends(e *history.Event) bool {
	b, n := &p.burst, len(p.burst.Val)
	return n > 0 && n < burstMost && e.Op == b.Op && e.Type == b.Type && e.ID == b.ID+int64(n) && e.Txn == b.Txn && e.TP == b.TP &&
		e.Err == nil && len(e.Val) == 1 && len(e.Off)*n == len(b.Off) && len(e.From)*n == len(b.From)
}

func (p *Printer) endBurst() {
	b := &p.burst
	if len(b.Val) == 0 {
		return
	}
	b.T, b.Run = history.Now(), len(b.Val) > 1
	p.lines = append(history.MarshalLine(p.lines, b), '\n')
	b.Off, b.Val, b.From = b.Off[:0], b.Val[:0], b.From[:0]
}

// Nudge has the lines so far written soon.
func (p *Printer) Nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Flush returns when all lines so far are written; before the hello, none are.
func (p *Printer) Flush() error {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	if !p.greeted {
		p.mu.Unlock()
		return nil
	}
	p.endBurst()
	lines, err := p.lines, p.err
	p.lines = p.spare[:0]
	p.mu.Unlock()
	p.spare = lines
	if len(lines) == 0 || err != nil {
		return err
	}
	if _, err = p.out.Write(lines); err != nil {
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
	}
	return err
}

// Close writes what is left. What a library that is still being closed tells after it
// goes nowhere.
func (p *Printer) Close() error {
	close(p.quit)
	p.done.Wait()
	return p.Flush()
}
