package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// laneBytes is how many bytes may be under way in one direction of a shaped
// connection before its sender has to wait.
const laneBytes = 2 << 20

// errLane is wrapped by errors of writing to a lane, to tell them from errors of
// reading what should be written.
var errLane = errors.New("the other side takes no more")

// lane is one direction of a connection. It writes straight through until a
// shape lies on it; from then on bytes travel in a queue, each chunk with the
// time at which it was sent, until the queue has run empty without a shape.
//
// Write and drain have one caller at a time; setShapes may be called by anybody.
type lane struct {
	dst  io.Writer
	ctx  context.Context // over when the connection is aborted
	now  func() int64    // ns
	down bool            // broker to client

	shaped atomic.Bool // fast path: false = nothing to look at below

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something below changes
	shapes  []Shape
	draws   []*rand.Rand // of shapes, for jitter
	queue   []chunk
	bytes   int
	running bool  // the goroutine that empties the queue
	err     error // of dst
}

type chunk struct {
	b      []byte
	sent   int64
	jitter int64 // drawn when it was sent
}

func newLane(ctx context.Context, now func() int64, down bool) *lane {
	return &lane{ctx: ctx, now: now, down: down, changed: make(chan struct{})}
}

func (l *lane) setShapes(shapes []Shape) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shapes = make([]Shape, len(shapes))
	l.draws = l.draws[:0]
	for i, s := range shapes {
		l.shapes[i] = s.on(l.down)
		l.draws = append(l.draws, rand.New(rand.NewPCG(s.Seed, 0)))
	}
	if len(shapes) > 0 {
		l.shaped.Store(true)
	}
	l.wake()
}

// wake tells everybody who waits to look again; l.mu is held.
func (l *lane) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Write takes b over: when it returns, b may be reused.
func (l *lane) Write(b []byte) (int, error) {
	if !l.shaped.Load() {
		return l.direct(b)
	}
	l.mu.Lock()
	for l.bytes >= laneBytes && l.err == nil {
		if !l.wait() {
			l.mu.Unlock()
			return 0, l.ctx.Err()
		}
	}
	if l.err != nil {
		defer l.mu.Unlock()
		return 0, fmt.Errorf("%w: %w", errLane, l.err)
	}
	if len(l.shapes) == 0 && !l.running {
		l.shaped.Store(false)
		l.mu.Unlock()
		return l.direct(b)
	}
	defer l.mu.Unlock()
	k := chunk{b: slices.Clone(b), sent: l.now()}
	for i, s := range l.shapes {
		if s.Jitter > 0 {
			k.jitter += l.draws[i].Int64N(int64(s.Jitter) + 1)
		}
	}
	l.queue = append(l.queue, k)
	l.bytes += len(b)
	if !l.running {
		l.running = true
		go l.run()
	}
	return len(b), nil
}

func (l *lane) direct(b []byte) (int, error) {
	n, err := l.dst.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errLane, err)
	}
	return n, err
}

// wait waits for a change; l.mu is held, and released meanwhile. It is false if
// the connection was aborted.
func (l *lane) wait() bool {
	ch := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-ch:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// waitUntil is wait with an end.
func (l *lane) waitUntil(at int64) bool {
	ch := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	t := time.NewTimer(time.Duration(at - l.now()))
	defer t.Stop()
	select {
	case <-ch:
	case <-t.C:
	case <-l.ctx.Done():
		return false
	}
	return true
}

// drain waits until every byte has arrived, or cannot any more.
func (l *lane) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.running && l.wait() {
	}
}

// join waits for the goroutine's end, which an aborted connection brings about.
func (l *lane) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.running {
		ch := l.changed
		l.mu.Unlock()
		<-ch
		l.mu.Lock()
	}
}

// run writes the queue to dst until it is empty.
func (l *lane) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		l.running = false
		l.wake()
	}()
	for len(l.queue) > 0 && l.err == nil && l.ctx.Err() == nil {
		switch head := &l.queue[0]; {
		case l.blackholed():
			l.wait()
		case l.now() < l.arrival(head):
			l.waitUntil(l.arrival(head))
		default:
			l.send(head)
		}
	}
}

// arrival is when k arrives under the shapes of now: a latency that was healed
// delays nothing any more. Chunks arrive in order, whatever their jitter.
func (l *lane) arrival(k *chunk) int64 {
	at, jitter := k.sent, int64(0)
	for _, s := range l.shapes {
		at += int64(s.Latency)
		jitter += int64(s.Jitter)
	}
	return at + min(k.jitter, jitter)
}

func (l *lane) blackholed() bool {
	return slices.ContainsFunc(l.shapes, func(s Shape) bool {
		return l.down && s.BlackholeDown || !l.down && s.BlackholeUp
	})
}

// send writes the head of the queue, or as much of it as the rate allows in a
// twentieth of a second, and waits as long as that takes.
func (l *lane) send(head *chunk) {
	n, rate := len(head.b), int64(0)
	for _, s := range l.shapes {
		if s.Rate > 0 && (rate == 0 || s.Rate < rate) {
			rate = s.Rate
		}
	}
	if rate > 0 {
		n = min(n, max(1, int(rate/20)))
	}
	piece := head.b[:n]
	l.mu.Unlock()
	began := l.now()
	_, err := l.dst.Write(piece)
	l.mu.Lock()
	l.err = err
	l.bytes -= n
	if head = &l.queue[0]; n == len(head.b) {
		head.b = nil
		l.queue = l.queue[1:]
	} else {
		head.b = head.b[n:]
	}
	l.wake()
	if rate > 0 {
		l.pause(began + int64(float64(n)/float64(rate)*float64(time.Second)))
	}
}

// pause waits until at, or until the shapes change so that no rate is left.
func (l *lane) pause(at int64) {
	for l.now() < at && slices.ContainsFunc(l.shapes, func(s Shape) bool { return s.Rate > 0 }) {
		if !l.waitUntil(at) {
			return
		}
	}
}
