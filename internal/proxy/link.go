package proxy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Link selects connections: a client ("" = all) and a broker (-1 = all).
type Link struct {
	Client string
	Broker int32
}

// covers says whether a connection belongs to l. The client "till" covers each
// of its instances.
func (l Link) covers(client string, broker int32) bool {
	return (l.Broker < 0 || l.Broker == broker) && clientMatches(l.Client, client)
}

func clientMatches(want, client string) bool {
	return want == "" || want == client ||
		len(client) > len(want) && client[len(want)] == '/' && strings.HasPrefix(client, want)
}

// linkFault is one active Refuse.
type linkFault struct{ link Link }

// Refuse cuts the connections of l and refuses new ones until heal is called.
// cut tells how many connections were cut. Refusals overlap freely: a link is
// open again when the last one that covers it is healed. An error means that
// nothing was done.
func (p *Proxy) Refuse(l Link) (heal func(), cut int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, 0, fmt.Errorf("refuse %v: %w", l, ErrClosed)
	}
	f := &linkFault{link: l}
	p.refused = append(p.refused, f)
	p.eachPort(func(d *Door, pt *port, broker int32) {
		if l.covers(d.client, broker) {
			pt.refuse()
		}
	})
	for c := range p.conns {
		if l.covers(c.client, c.broker) && !c.heldApart.Load() {
			if !c.clientGone.Load() {
				cut++
			}
			c.abort()
		}
	}
	return sync.OnceFunc(func() { p.unrefuse(f) }), cut, nil
}

func (p *Proxy) unrefuse(f *linkFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = slices.DeleteFunc(p.refused, func(o *linkFault) bool { return o == f })
	if p.closed {
		return
	}
	p.eachPort(func(d *Door, pt *port, broker int32) {
		if f.link.covers(d.client, broker) && !p.refusing(d.client, broker) {
			// The port is reserved, so this fails only when the process is out
			// of file descriptors; then the door refuses on, and says so.
			if err := d.serve(pt, broker); err != nil {
				p.stats.unopened.Add(1)
			}
		}
	})
}

// refusing says whether a link is refused; p.mu is held.
func (p *Proxy) refusing(client string, broker int32) bool {
	return slices.ContainsFunc(p.refused, func(f *linkFault) bool { return f.link.covers(client, broker) })
}

// eachPort calls fn with every port of every door; p.mu is held.
func (p *Proxy) eachPort(fn func(d *Door, pt *port, broker int32)) {
	for _, d := range p.doors {
		d.mu.Lock()
		for broker, pt := range d.ports {
			fn(d, pt, broker)
		}
		d.mu.Unlock()
	}
}

func (p *Proxy) connsOf(l Link) []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	var conns []*conn
	for c := range p.conns {
		if l.covers(c.client, c.broker) {
			conns = append(conns, c)
		}
	}
	return conns
}
