package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onceproof/onceproof/internal/network"
)

// port is a loopback port that stays ours while it listens and while it does not,
// so that a closed door refuses connections as a dead broker's port does, and can be
// opened again on the same number.
type port struct {
	addr        *net.TCPAddr
	open        func() (net.Listener, error)
	releasePort func() // gives the number back

	mu sync.Mutex
	l  net.Listener // nil while it refuses
}

// newPort reserves a free port; it refuses connections until listen is called.
func newPort(in network.Network) (*port, error) {
	if in == network.TCP {
		return reservePort()
	}
	l, err := in.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l.Close() // a network in memory gives no number twice
	addr := l.Addr().(*net.TCPAddr)
	return &port{
		addr:        addr,
		open:        func() (net.Listener, error) { return in.Listen("tcp", addr.String()) },
		releasePort: func() {},
	}, nil
}

// reservePort keeps a port of this machine by a socket that is bound to it and never
// listens.
func reservePort() (*port, error) {
	// Not SOCK_CLOEXEC: macOS lacks it. The lock keeps a fork from coming in between.
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	bound := func() (*net.TCPAddr, error) {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return nil, err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, err
		}
		sa, err := unix.Getsockname(fd)
		if err != nil {
			return nil, err
		}
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*unix.SockaddrInet4).Port}, nil
	}
	addr, err := bound()
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	return &port{
		addr:        addr,
		open:        func() (net.Listener, error) { return listenBeside(addr) },
		releasePort: func() { unix.Close(fd) },
	}, nil
}

// listenBeside listens on an address to which another socket of ours is bound.
func listenBeside(addr *net.TCPAddr) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, rc syscall.RawConn) error {
		var err error
		ctlErr := rc.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if ctlErr != nil {
			return ctlErr
		}
		return err
	}}
	lc.SetMultipathTCP(false) // nothing on the loopback interface has a second path
	return lc.Listen(context.Background(), "tcp4", addr.String())
}

// listen accepts connections from now on; no effect if it does already. The
// caller serves the returned listener, if there is one.
func (p *port) listen() (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		return nil, nil
	}
	l, err := p.open()
	if err != nil {
		return nil, err
	}
	p.l = l
	return l, nil
}

// refuse stops accepting; connections that were not accepted yet are reset.
func (p *port) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		p.l.Close()
		p.l = nil
	}
}

func (p *port) close() {
	p.refuse()
	p.releasePort()
}
