package process

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/onceproof/onceproof/internal/network"
)

// Main is a worker as a function: it reads a Spec and commands from stdin, prints its
// hello and events on stdout, and returns the exit code. It meets the brokers in the
// network of ctx, ends gracefully when ctx ends, and at once when stdin does.
type Main func(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int

// inside is a worker that runs in this process. Nobody can kill goroutines; what can
// be done to one is what anybody sees of a SIGKILL: in one moment it prints nothing
// more, and all its connections are gone for good. What is left of it then ends by
// itself, and nobody waits for that.
type inside struct {
	main   Main
	ctx    context.Context
	cancel context.CancelFunc
	lines  *lines
	theirs [3]net.Conn

	once   sync.Once
	gone   chan struct{} // closed when the worker is no more; after code and signal are set
	code   int
	killed string // the signal
}

func newInside(main Main, in network.Network) (*inside, streams) {
	p := &inside{main: main, lines: &lines{Network: in, open: map[*line]struct{}{}}, gone: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(network.With(context.Background(), p.lines))
	var ours [3]net.Conn
	for i := range ours {
		ours[i], p.theirs[i] = net.Pipe()
	}
	return p, streams{ours[0], ours[1], ours[2]}
}

func (p *inside) start() (pid int, err error) {
	go func() { p.end(p.main(p.ctx, p.theirs[0], p.theirs[1], p.theirs[2]), "") }()
	return 0, nil
}

// end is the end of everything that others see of the worker. Its output goes first:
// what it prints is not more than what it did.
func (p *inside) end(code int, signal string) {
	p.once.Do(func() {
		p.theirs[1].Close()
		p.theirs[2].Close()
		p.lines.cut()
		p.theirs[0].Close()
		p.cancel()
		p.code, p.killed = code, signal
		close(p.gone)
	})
}

func (p *inside) wait() (code int, signal string) {
	<-p.gone
	return p.code, p.killed
}

func (p *inside) signal(sig syscall.Signal) error {
	select {
	case <-p.gone:
		return os.ErrProcessDone
	default:
	}
	switch sig {
	case syscall.SIGKILL:
		p.end(-1, signalName(sig))
	case syscall.SIGTERM:
		p.cancel()
	}
	return nil
}

// ErrInside is wrapped by what cannot be done to a worker inside this process.
var ErrInside = errors.New("the worker is no process of its own")

func (p *inside) freeze(_ context.Context, stop bool, _ <-chan struct{}) error {
	if stop {
		return ErrInside
	}
	return p.signal(syscall.SIGCONT)
}

// lines are a worker's connections, which end with it.
type lines struct {
	network.Network
	mu   sync.Mutex
	over bool
	open map[*line]struct{}
}

type line struct {
	net.Conn
	of *lines
}

func (l *lines) DialContext(ctx context.Context, netw, address string) (net.Conn, error) {
	c, err := l.Network.DialContext(ctx, netw, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		network.Reset(c)
		return nil, net.ErrClosed
	}
	held := &line{c, l}
	l.open[held] = struct{}{}
	return held, nil
}

func (l *line) Close() error {
	l.of.mu.Lock()
	delete(l.of.open, l)
	l.of.mu.Unlock()
	return l.Conn.Close()
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for held := range l.open {
		network.Reset(held.Conn)
	}
	clear(l.open)
}
