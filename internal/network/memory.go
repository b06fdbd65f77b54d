package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Latency of each write is drawn between these: as far apart as requests are on a
// network, and no two writes at the same instant.
const (
	leastLatency = 50 * time.Microsecond
	mostLatency  = 500 * time.Microsecond
)

// firstPort is the first that ":0" gives.
const firstPort = 40000

// Memory is a network in memory. Whoever waits on it waits durably, in the words of
// testing/synctest, so that a whole run (clients, proxy and brokers) fits into a
// bubble whose clock is fake.
//
// It behaves as TCP on the loopback interface does, in what the harness and Kafka's
// clients can tell apart: a port on which nobody listens refuses, a connection that
// is closed in order delivers what was sent before, one that is reset does not, and
// bytes take a while to arrive.
type Memory struct {
	mu        sync.Mutex
	rand      *rand.Rand
	next      int // the next free port: none is given twice
	listeners map[int]*listener
}

// NewMemory returns a network without listeners whose latencies are drawn from seed.
func NewMemory(seed uint64) *Memory {
	return &Memory{rand: rand.New(rand.NewPCG(seed, 0x6d656d6e6574)), next: firstPort, listeners: map[int]*listener{}}
}

// Listen listens on a port of 127.0.0.1, a free one if address names port 0. A port
// that was given is never given again, so that one whose listener was closed refuses
// until it is listened on by its number.
func (n *Memory) Listen(_, address string) (net.Listener, error) {
	port, err := portOf(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		port = n.next
		n.next++
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	if n.listeners[port] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: addr, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &listener{network: n, addr: addr, queue: make(chan *conn, backlog), closed: make(chan struct{})}
	n.listeners[port] = l
	return l, nil
}

// DialContext connects to a listener of n.
func (n *Memory) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	return n.dial(ctx, address, n.latency)
}

// Near is n as those see it who stand beside its listeners: what they send and get
// takes no time. A library that holds a lock while it waits for an answer can be
// used in a bubble so.
func (n *Memory) Near() Network { return near{n} }

type near struct{ *Memory }

func (n near) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	return n.dial(ctx, address, func() time.Duration { return 0 })
}

func (n *Memory) dial(ctx context.Context, address string, latency func() time.Duration) (net.Conn, error) {
	port, err := portOf(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	there := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	failed := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: there, Err: err}
	}
	if way := latency(); way > 0 {
		t := time.NewTimer(way)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return failed(ctx.Err())
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[port]
	if l == nil {
		return failed(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	here := &net.TCPAddr{IP: there.IP, Port: n.next}
	n.next++
	ours, theirs := pair(latency, here, there)
	select {
	case l.queue <- theirs:
		return ours, nil
	default: // nobody accepts
		return failed(os.NewSyscallError("connect", syscall.ETIMEDOUT))
	}
}

func (n *Memory) latency() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return leastLatency + time.Duration(n.rand.Int64N(int64(mostLatency-leastLatency)))
}

func portOf(address string) (int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	if host != "127.0.0.1" && host != "localhost" && host != "" {
		return 0, fmt.Errorf("%s: a network in memory has the host 127.0.0.1 alone", address)
	}
	return strconv.Atoi(port)
}

// backlog is how many connections may wait to be accepted.
const backlog = 128

type listener struct {
	network *Memory
	addr    *net.TCPAddr
	queue   chan *conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close resets what was not accepted.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.addr.Port)
		l.network.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				c.reset()
			default:
				return
			}
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }
