// Package proxy is the only door between clients and brokers. It frames Kafka's
// protocol, rewrites the addresses in responses so that clients stay with it,
// applies rules to requests and responses, and is the run's wire witness.
//
//	client ──> door (one listener a broker, its own for each client instance) ──> proxy ──> broker
//
// Each client instance has a door of its own, so that every connection is known
// to be that client's whatever its client.id says.
package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/onceproof/onceproof/history"
)

// Config of a proxy.
type Config struct {
	// Brokers returns the real address of each broker by node id; called when a
	// connection is dialled, so that it may change.
	Brokers func() map[int32]string
	// Record takes wire events; may be nil. Called from many goroutines.
	Record func(history.Event)
	Now    func() int64 // ns of CLOCK_MONOTONIC
}

// Proxy serves doors until it is closed.
type Proxy struct{}

// New returns a proxy without doors.
func New(cfg Config) (*Proxy, error) { return nil, errors.New("proxy: not built yet") }

// Door is one client instance's way in.
type Door struct{}

// Open opens the door of a client instance ("till/0"): one loopback listener for
// each broker. It stays open across the client's incarnations.
func (p *Proxy) Open(client string) (*Door, error) { return nil, errors.New("proxy: not built yet") }

// Bootstrap returns the door's addresses, host:port.
func (d *Door) Bootstrap() []string { return nil }

// Phase is when a rule acts.
type Phase int

const (
	OnRequest  Phase = iota // before the broker acts
	OnResponse              // after it acted, before the client hears
)

// Action is what a rule does with what it matched.
type Action int

const (
	Drop      Action = iota // swallow it and cut the connection to the client
	Delay                   // pass it on after Rule.Delay
	Cut                     // cut the connection (request: before it is forwarded)
	Hold                    // request only: cut the client's side, forward the request Delay later on the still open upstream connection
	Error                   // answer with Rule.Code; on request without forwarding it, on response instead of what the broker said
	Blackhole               // swallow it, the connection stays open
)

// Rule matches requests. Zero fields match everything.
type Rule struct {
	API    int16  // Kafka's API key; -1 = any
	Client string // "till": all instances; "till/0": one
	Broker int32  // node id; -1 = any
	TxnID  string
	Topic  string
	Part   int32   // -1 = any; used only with Topic
	Nth    int     // 0 = each match, n = only the nth match since the rule was added
	Prob   float64 // 0 = always; drawn from Seed
	Seed   uint64
	Phase  Phase
	Action Action
	Delay  time.Duration
	Code   int16
	// Link faults (API -1, whole connections): see Proxy.Refuse and Proxy.Shape.
}

// Hit is one request that a rule struck.
type Hit struct {
	T       int64
	Client  string
	Broker  int32
	API     int16
	Version int16
	Corr    int32
	Text    string // "Produce v11 of shop/0 to broker 2, correlation 57: response dropped"
}

// Handle is an active rule.
type Handle struct{}

// Add activates r.
func (p *Proxy) Add(r Rule) (*Handle, error) { return nil, errors.New("proxy: not built yet") }

// Wait returns the first hit, as soon as there is one.
func (h *Handle) Wait(ctx context.Context) (Hit, error) { return Hit{}, ctx.Err() }

// Hits returns all hits so far.
func (h *Handle) Hits() []Hit { return nil }

// Remove deactivates the rule; requests already delayed or held go their way.
func (h *Handle) Remove() {}

// Link selects connections: a client ("" = all) and a broker (-1 = all).
type Link struct {
	Client string
	Broker int32
}

// Refuse cuts the connections of l and refuses new ones until heal is called.
// cut tells how many connections were cut.
func (p *Proxy) Refuse(l Link) (heal func(), cut int, err error) {
	return nil, 0, errors.New("proxy: not built yet")
}

// Shape changes how bytes flow on the connections of l until heal is called.
type Shape struct {
	Latency, Jitter time.Duration
	Rate            int64 // bytes a second; 0 = unlimited
	BlackholeUp     bool  // client to broker
	BlackholeDown   bool  // broker to client
	Seed            uint64
}

func (p *Proxy) Shape(l Link, s Shape) (heal func(), err error) {
	return nil, errors.New("proxy: not built yet")
}

// Stats are counts since the start.
type Stats struct {
	Connections int64
	Requests    map[int16]int64 // by API key
	Unparsed    int64
}

// Stats returns a snapshot.
func (p *Proxy) Stats() Stats { return Stats{} }

// InFlight returns the requests that wait for a response, by API key, on l.
func (p *Proxy) InFlight(l Link) map[int16]int { return nil }

// Close closes every door and connection and waits for all goroutines.
func (p *Proxy) Close() error { return nil }
