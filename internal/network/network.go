// Package network is where clients, proxy and brokers of a run meet: TCP on this
// machine, or memory.
//
//	n := network.NewMemory(seed)
//	l, err := n.Listen("tcp", "127.0.0.1:0")
//	c, err := n.DialContext(ctx, "tcp", l.Addr().String())
//
// Nearly everything that dials has a context, and the context tells where: a proof
// that a broker refuses must look where the broker is.
package network

import (
	"context"
	"net"
)

// Network is what listens and dials. Its methods may be called concurrently.
type Network interface {
	Listen(network, address string) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// TCP is this machine's network.
var TCP Network = tcp{}

type tcp struct{}

func (tcp) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (tcp) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

type key struct{}

// With returns a context whose network is n.
func With(ctx context.Context, n Network) context.Context { return context.WithValue(ctx, key{}, n) }

// From is the network of ctx, TCP if it names none.
func From(ctx context.Context) Network {
	if n, ok := ctx.Value(key{}).(Network); ok {
		return n
	}
	return TCP
}

// Beside is n as those see it who stand beside its listeners: what they send takes no
// time where n is memory. Who waits for an answer with a lock held must be there, or a
// bubble's time stands still.
func Beside(n Network) Network {
	if m, ok := n.(*Memory); ok {
		return m.Near()
	}
	return n
}

// Dial connects to address, host:port, in the network of ctx.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	return From(ctx).DialContext(ctx, "tcp", address)
}

// Reset closes as the kernel closes a killed process's connection with unread data:
// at once, so that no byte written just before still arrives.
func Reset(c net.Conn) {
	if lingers, ok := c.(interface{ SetLinger(int) error }); ok {
		lingers.SetLinger(0)
	}
	c.Close()
}
