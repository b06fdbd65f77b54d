package cluster

import (
	"errors"
	"net"
	"sync"

	"github.com/onceproof/onceproof/internal/network"
)

// gate is the listener of one embedded broker. It can be shut, which refuses
// new connections and cuts the open ones as a dead process would, and opened
// again on the same port, while kfake keeps waiting in one Accept.
type gate struct {
	in   network.Network
	addr net.Addr

	mu     sync.Mutex
	ln     net.Listener  // nil while shut
	opened chan struct{} // closed when ln is set or the gate is closed
	closed bool
	conns  map[*gateConn]struct{}
}

func newGate(in network.Network, address string) (*gate, error) {
	ln, err := in.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	g := &gate{in: in, addr: ln.Addr(), ln: ln, opened: make(chan struct{}), conns: map[*gateConn]struct{}{}}
	close(g.opened)
	return g, nil
}

// Accept waits through shut times and fails only once the gate is closed.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mu.Lock()
		ln, opened, closed := g.ln, g.opened, g.closed
		g.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if ln == nil {
			<-opened
			continue
		}
		conn, err := ln.Accept()
		if err != nil {
			g.mu.Lock()
			same := g.ln == ln
			g.mu.Unlock()
			if same {
				return nil, err // not our doing
			}
			continue
		}
		c := &gateConn{Conn: conn, gate: g}
		g.mu.Lock()
		live := g.ln == ln
		if live {
			g.conns[c] = struct{}{}
		}
		g.mu.Unlock()
		if live {
			return c, nil
		}
		network.Reset(conn) // it came in while the gate was being shut
	}
}

// shut refuses and cuts. It returns how many connections it cut.
func (g *gate) shut() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ln == nil {
		return 0
	}
	g.ln.Close()
	g.ln = nil
	g.opened = make(chan struct{})
	n := len(g.conns)
	for c := range g.conns {
		network.Reset(c.Conn)
	}
	clear(g.conns)
	return n
}

// open listens again.
func (g *gate) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.ln != nil {
		return nil
	}
	ln, err := g.in.Listen("tcp", g.addr.String())
	if err != nil {
		return err
	}
	g.ln = ln
	close(g.opened)
	return nil
}

// Close shuts for good.
func (g *gate) Close() error {
	g.shut()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		close(g.opened)
	}
	return nil
}

func (g *gate) Addr() net.Addr { return g.addr }

// gateConn leaves its gate when kfake closes it.
type gateConn struct {
	net.Conn
	gate *gate
}

func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
