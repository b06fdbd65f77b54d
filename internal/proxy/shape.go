package proxy

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Shape changes how bytes flow on connections. Rate and latency hold for each
// connection by itself.
type Shape struct {
	Latency, Jitter time.Duration // added to each direction; jitter is drawn between 0 and Jitter, and never reorders
	Rate            int64         // bytes a second, each direction; 0 = unlimited. A few bytes a second are a slow drip
	Way             Way           // of latency, jitter and rate; blackholes have their own
	BlackholeUp     bool          // client to broker: bytes wait until heal, as retransmissions would
	BlackholeDown   bool          // broker to client
	// HalfOpen makes the broker's side of each connection end, old and new,
	// while the client's stays open and hears nothing. It is reset at heal.
	HalfOpen bool
	Seed     uint64
}

// Way is a direction of a link; the zero value is both.
type Way int

const (
	BothWays Way = iota
	ToBroker
	ToClient
)

// on is s as one direction of a connection feels it.
func (s Shape) on(down bool) Shape {
	if s.Way == ToBroker && down || s.Way == ToClient && !down {
		s.Latency, s.Jitter, s.Rate = 0, 0, 0
	}
	return s
}

func (s Shape) check() error {
	switch {
	case s.Latency < 0 || s.Jitter < 0 || s.Rate < 0:
		return errors.New("a latency, jitter or rate is negative")
	case s == Shape{Seed: s.Seed, Way: s.Way}:
		return errors.New("it changes nothing")
	}
	return nil
}

// shaping is one active Shape.
type shaping struct {
	link  Link
	shape Shape
}

// Shape changes how bytes flow on the connections of l, those that are open and
// those to come, until heal is called. Shapes overlap freely: latencies add up,
// the lowest rate counts. At heal, what was blackholed goes on its way.
func (p *Proxy) Shape(l Link, s Shape) (heal func(), err error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("shape a link: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("shape a link: %w", ErrClosed)
	}
	f := &shaping{link: l, shape: s}
	p.shapes = append(p.shapes, f)
	p.reshape(l)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shapes = slices.DeleteFunc(p.shapes, func(o *shaping) bool { return o == f })
		p.reshape(l)
	}), nil
}

// reshape brings the shapes of l's connections up to date; p.mu is held.
func (p *Proxy) reshape(l Link) {
	for c := range p.conns {
		if l.covers(c.client, c.broker) {
			c.reshape(p.shapesOf(c))
		}
	}
}

// shapesOf returns the shapes that cover c; p.mu is held.
func (p *Proxy) shapesOf(c *conn) []Shape {
	var shapes []Shape
	for _, f := range p.shapes {
		if f.link.covers(c.client, c.broker) {
			shapes = append(shapes, f.shape)
		}
	}
	return shapes
}

// reshape makes shapes the connection's.
func (c *conn) reshape(shapes []Shape) {
	c.toBroker.setShapes(shapes)
	c.toClient.setShapes(shapes)
	half := slices.ContainsFunc(shapes, func(s Shape) bool { return s.HalfOpen })
	switch {
	case half && c.halfOpen.CompareAndSwap(false, true):
		c.mu.Lock()
		if c.up != nil {
			c.up.Close()
		}
		c.mu.Unlock()
	case !half && c.halfOpen.Load():
		c.abort()
	}
}
