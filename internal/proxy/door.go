package proxy

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

// Door is one client instance's way in: a loopback port for each broker. The
// ports stay the same until the proxy is closed. A broker that appears later
// gets its port when a response first names it.
type Door struct {
	p      *Proxy
	client string

	mu    sync.Mutex
	ports map[int32]*port
}

// Open opens the door of a client instance ("till/0"): one loopback listener for
// each broker. It stays open across the client's incarnations; opening it again
// returns the same door.
func (p *Proxy) Open(client string) (*Door, error) {
	if client == "" {
		return nil, fmt.Errorf("open a door: the client has no name")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("open the door of %s: %w", client, ErrClosed)
	}
	if d := p.doors[client]; d != nil {
		return d, nil
	}
	d := &Door{p: p, client: client, ports: map[int32]*port{}}
	for _, id := range slices.Sorted(maps.Keys(p.cfg.Brokers())) {
		if _, err := d.open(id); err != nil {
			d.close()
			return nil, err
		}
	}
	if len(d.ports) == 0 {
		return nil, fmt.Errorf("open the door of %s: no brokers", client)
	}
	p.doors[client] = d
	return d, nil
}

// Bootstrap returns the door's addresses, host:port, in the order of node ids.
func (d *Door) Bootstrap() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var addrs []string
	for _, id := range slices.Sorted(maps.Keys(d.ports)) {
		addrs = append(addrs, d.ports[id].addr.String())
	}
	return addrs
}

// Address returns the door's address, host:port, of one broker, or "" if the
// door does not know it.
func (d *Door) Address(broker int32) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if pt := d.ports[broker]; pt != nil {
		return pt.addr.String()
	}
	return ""
}

// open returns the port of a broker, made if need be; p.mu is held.
func (d *Door) open(broker int32) (*port, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if pt := d.ports[broker]; pt != nil {
		return pt, nil
	}
	pt, err := newPort(d.p.cfg.Network)
	if err != nil {
		return nil, fmt.Errorf("open the door of %s to broker %d: %w", d.client, broker, err)
	}
	d.ports[broker] = pt
	if d.p.refusing(d.client, broker) {
		return pt, nil
	}
	if err := d.serve(pt, broker); err != nil {
		return nil, err
	}
	return pt, nil
}

// serve listens on pt, if it does not yet.
func (d *Door) serve(pt *port, broker int32) error {
	l, err := pt.listen()
	if err != nil {
		return fmt.Errorf("listen for %s to broker %d on %s: %w", d.client, broker, pt.addr, err)
	}
	if l != nil {
		d.p.wg.Go(func() { d.accept(l, broker) })
	}
	return nil
}

func (d *Door) accept(l net.Listener, broker int32) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed
		}
		c := newConn(d, broker, client)
		if !d.p.addConn(c) {
			network.Reset(client)
			continue
		}
		d.p.wg.Go(func() {
			defer d.p.removeConn(c)
			c.run()
		})
	}
}

// close closes every port; the connections are the proxy's to close.
func (d *Door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, pt := range d.ports {
		pt.close()
	}
}

// address is the door's address of a broker that a response names.
func (d *Door) address(broker int32, host string, portNumber int32) (string, int32, error) {
	d.p.learn(broker, net.JoinHostPort(host, strconv.Itoa(int(portNumber))))
	d.mu.Lock()
	pt := d.ports[broker]
	d.mu.Unlock()
	if pt == nil {
		d.p.mu.Lock()
		defer d.p.mu.Unlock()
		if d.p.closed {
			return "", 0, ErrClosed
		}
		var err error
		if pt, err = d.open(broker); err != nil {
			return "", 0, err
		}
	}
	return pt.addr.IP.String(), int32(pt.addr.Port), nil
}

// brokers lists the brokers that the door leads to, for a Metadata response
// that no broker gave.
func (d *Door) brokers() []kmsg.MetadataResponseBroker {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []kmsg.MetadataResponseBroker
	for _, id := range slices.Sorted(maps.Keys(d.ports)) {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = id, d.ports[id].addr.IP.String(), int32(d.ports[id].addr.Port)
		list = append(list, b)
	}
	return list
}

func (d *Door) topic(id [16]byte, name []byte) { d.p.topics.learn(id, name) }
