package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// port is a loopback port that stays ours while it listens and while it does
// not. A socket that is bound to it but never listens keeps it reserved, so that
// a closed door refuses connections as a dead broker's port does, and can be
// opened again on the same number.
type port struct {
	addr    *net.TCPAddr
	reserve int // file descriptor

	mu sync.Mutex
	l  *net.TCPListener // nil while it refuses
}

// newPort reserves a free port; it refuses connections until listen is called.
func newPort() (*port, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
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
	return &port{addr: addr, reserve: fd}, nil
}

// listen accepts connections from now on; no effect if it does already. The
// caller serves the returned listener, if there is one.
func (p *port) listen() (*net.TCPListener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		return nil, nil
	}
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
	l, err := lc.Listen(context.Background(), "tcp4", p.addr.String())
	if err != nil {
		return nil, err
	}
	p.l = l.(*net.TCPListener)
	return p.l, nil
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
	unix.Close(p.reserve)
}
