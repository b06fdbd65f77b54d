package network

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// window is how many bytes may be under way in one direction before the writer
// waits for the reader.
const window = 256 << 10

// conn is one end of a connection. As with most of net.Conn's users, one goroutine
// reads and one writes at a time; Close and deadlines may come from any.
type conn struct {
	in, out   *stream
	here      net.Addr
	there     net.Addr
	closed    atomic.Bool
	unlinger  atomic.Bool // Close resets
	readTill  deadline
	writeTill deadline
}

func pair(latency func() time.Duration, here, there net.Addr) (ours, theirs *conn) {
	up, down := newStream(latency), newStream(latency)
	ours = &conn{in: down, out: up, here: here, there: there}
	theirs = &conn{in: up, out: down, here: there, there: here}
	return ours, theirs
}

// Read waits for bytes that have arrived.
func (c *conn) Read(b []byte) (int, error) {
	for {
		if c.closed.Load() {
			return 0, c.failed("read", net.ErrClosed)
		}
		if c.readTill.over() {
			return 0, c.failed("read", os.ErrDeadlineExceeded)
		}
		n, wait, err := c.in.take(b)
		switch {
		case err == io.EOF:
			return n, err
		case err != nil:
			return n, c.failed("read", err)
		case n > 0 || len(b) == 0:
			return n, nil
		}
		c.in.arrived.await(c.readTill.sooner(wait))
	}
}

// Write returns when all of b is under way.
func (c *conn) Write(b []byte) (int, error) {
	for n := 0; ; {
		if c.closed.Load() {
			return n, c.failed("write", net.ErrClosed)
		}
		if c.writeTill.over() {
			return n, c.failed("write", os.ErrDeadlineExceeded)
		}
		m, err := c.out.put(b[n:])
		n += m
		switch {
		case err != nil:
			return n, c.failed("write", err)
		case n == len(b):
			return n, nil
		}
		c.out.room.await(c.writeTill.sooner(0))
	}
}

// Close lets what was written arrive, unless SetLinger(0) came before: then it is
// lost, and the other side sees a reset.
func (c *conn) Close() error {
	if c.unlinger.Load() {
		c.reset()
		return nil
	}
	if c.closed.Swap(true) {
		return c.failed("close", net.ErrClosed)
	}
	c.out.end(io.EOF)
	c.in.end(syscall.EPIPE) // what the other side still writes goes nowhere
	return nil
}

func (c *conn) reset() {
	if c.closed.Swap(true) {
		return
	}
	c.out.end(syscall.ECONNRESET)
	c.in.end(syscall.ECONNRESET)
}

// SetLinger is as net.TCPConn's, for 0 and less than 0.
func (c *conn) SetLinger(sec int) error {
	c.unlinger.Store(sec == 0)
	return nil
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.here, Addr: c.there, Err: err}
}

func (c *conn) LocalAddr() net.Addr  { return c.here }
func (c *conn) RemoteAddr() net.Addr { return c.there }

func (c *conn) SetDeadline(t time.Time) error {
	return firstOf(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.readTill.set(t)
	c.in.arrived.tell()
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeTill.set(t)
	c.out.room.tell()
	return nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// deadline is a time that may change; the zero one never comes.
type deadline struct{ at atomic.Pointer[time.Time] }

func (d *deadline) set(t time.Time) { d.at.Store(&t) }

func (d *deadline) over() bool {
	t := d.at.Load()
	return t != nil && !t.IsZero() && !time.Now().Before(*t)
}

// sooner is how long to wait at most: until the deadline, or for wait where that is
// not 0; 0 = without end.
func (d *deadline) sooner(wait time.Duration) time.Duration {
	t := d.at.Load()
	if t == nil || t.IsZero() {
		return wait
	}
	left := max(time.Until(*t), 1)
	if wait == 0 {
		return left
	}
	return min(wait, left)
}

// stream is one direction of a connection.
type stream struct {
	latency func() time.Duration
	arrived bell // for the reader: more came, or something else changed
	room    bell // for the writer

	mu     sync.Mutex
	chunks []chunk
	bytes  int
	last   time.Time // when the last chunk arrives: none overtakes another
	ended  error     // io.EOF: after the last chunk; another at once, and nothing arrives any more
}

type chunk struct {
	b  []byte
	at time.Time // when it arrives
}

func newStream(latency func() time.Duration) *stream {
	return &stream{latency: latency, arrived: newBell(), room: newBell()}
}

// put takes over as much of b as there is room for.
func (s *stream) put(b []byte) (int, error) {
	at := time.Now().Add(s.latency())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.ended {
	case nil:
	case io.EOF:
		return 0, syscall.EPIPE
	default:
		return 0, s.ended
	}
	n := min(len(b), window-s.bytes)
	if n == 0 {
		return 0, nil
	}
	if at.Before(s.last) {
		at = s.last
	}
	s.last = at
	s.chunks = append(s.chunks, chunk{append([]byte(nil), b[:n]...), at})
	s.bytes += n
	s.arrived.tell()
	return n, nil
}

// take copies what has arrived into b. If nothing has, wait is how long the next
// chunk takes, 0 if none is under way.
func (s *stream) take(b []byte) (n int, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil && s.ended != io.EOF {
		return 0, 0, s.ended
	}
	now := time.Now()
	for len(s.chunks) > 0 && n < len(b) && !s.chunks[0].at.After(now) {
		head := &s.chunks[0]
		m := copy(b[n:], head.b)
		n += m
		if head.b = head.b[m:]; len(head.b) == 0 {
			s.chunks[0] = chunk{}
			s.chunks = s.chunks[1:]
		}
	}
	switch {
	case n > 0:
		s.bytes -= n
		s.room.tell()
	case len(s.chunks) > 0:
		wait = s.chunks[0].at.Sub(now)
	case s.ended == io.EOF:
		err = io.EOF
	}
	return n, wait, err
}

// end ends the stream; the first word counts, but a reset comes after an orderly end too.
func (s *stream) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil || s.ended == io.EOF && why != io.EOF {
		s.ended = why
	}
	if s.ended != io.EOF {
		s.chunks, s.bytes = nil, 0
	}
	s.arrived.tell()
	s.room.tell()
}

// bell wakes the one who waits for it, or who will.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) tell() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// await returns when the bell rings or, unless d is 0, after d.
func (b bell) await(d time.Duration) {
	if d == 0 {
		<-b
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-b:
	case <-t.C:
	}
}
