// Package proxy is the only door between clients and brokers. It frames Kafka's
// protocol, rewrites the addresses in responses so that clients stay with it,
// applies rules to requests and responses, and is the run's wire witness.
//
//	client ──> door (one listener a broker, its own for each client instance) ──> proxy ──> broker
//
// Each client instance has a door of its own, so that every connection is known
// to be that client's whatever its client.id says. docs/proxy.md describes what
// each rule does to a connection, and the wire events.
package proxy

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
)

// ErrClosed is wrapped by what needs a proxy that is still open.
var ErrClosed = errors.New("the proxy is closed")

// Config of a proxy.
type Config struct {
	// Brokers returns the real address of each broker by node id; called when a
	// connection is dialled, so that it may change. It must not block.
	Brokers func() map[int32]string
	// Record takes wire events; may be nil. Called from many goroutines, and in
	// the way of the request that it tells of: it should be quick. docs/proxy.md
	// describes the events.
	Record func(history.Event)
	Now    func() int64 // ns of CLOCK_MONOTONIC
	// Network is where doors listen and brokers are dialled; nil = TCP.
	Network network.Network
}

// Proxy serves doors until it is closed. Its methods may be called concurrently.
type Proxy struct {
	cfg    Config
	wg     sync.WaitGroup // accept loops and connections
	stop   chan struct{}  // closed by Close
	rules  atomic.Pointer[[]*Handle]
	topics topicNames
	stats  counters
	ids    atomic.Int64 // of connections

	requests atomic.Int64 // ids of wire events

	mu      sync.Mutex // before Door.mu
	closed  bool
	doors   map[string]*Door
	conns   map[*conn]struct{}
	refused []*linkFault
	dead    map[int32]bool // brokers that refuse us, and so are refused at every door
	shapes  []*shaping
	learned map[int32]string // addresses that responses gave
}

// New returns a proxy without doors.
func New(cfg Config) (*Proxy, error) {
	if cfg.Brokers == nil || cfg.Now == nil {
		return nil, errors.New("proxy: Config needs Brokers and Now")
	}
	if cfg.Network == nil {
		cfg.Network = network.TCP
	}
	p := &Proxy{
		cfg:     cfg,
		stop:    make(chan struct{}),
		doors:   map[string]*Door{},
		conns:   map[*conn]struct{}{},
		learned: map[int32]string{},
		dead:    map[int32]bool{},
	}
	p.rules.Store(&[]*Handle{})
	return p, nil
}

// Close closes every door and connection and waits for all goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.stop)
		for _, d := range p.doors {
			d.close()
		}
		for c := range p.conns {
			c.abort()
		}
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}

// enter registers a connection that was just accepted. It is false if the
// connection must not be.
func (p *Proxy) addConn(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refusing(c.client, c.broker) {
		return false
	}
	p.conns[c] = struct{}{}
	c.reshape(p.shapesOf(c))
	p.stats.connections.Add(1)
	return true
}

func (p *Proxy) removeConn(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// learn remembers the address that a response gave a broker.
func (p *Proxy) learn(broker int32, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learned[broker] = addr
}

// realAddress is where to dial a broker: where Config.Brokers says, or else
// where the broker itself said that it is.
func (p *Proxy) realAddress(broker int32) (string, error) {
	if addr := p.cfg.Brokers()[broker]; addr != "" {
		return addr, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr := p.learned[broker]; addr != "" {
		return addr, nil
	}
	return "", fmt.Errorf("broker %d has no address", broker)
}

// topicNames maps topic ids to names, as Metadata responses tell them.
type topicNames struct{ m sync.Map } // [16]byte -> string

func (t *topicNames) learn(id [16]byte, name []byte) {
	if _, known := t.m.Load(id); !known {
		t.m.Store(id, string(name))
	}
}

// name returns "" for an id that no response has told.
func (t *topicNames) name(id [16]byte) string {
	name, _ := t.m.Load(id)
	s, _ := name.(string)
	return s
}
