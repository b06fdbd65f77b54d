package proxy

import "sync/atomic"

// Stats are counts since the start.
type Stats struct {
	Connections int64
	Requests    map[int16]int64 // by API key
	// Unparsed counts connections that were ended because what came over them
	// was not Kafka's protocol, or of a version that the proxy does not know.
	Unparsed int64
	// Undialled counts connections that were reset because their broker could
	// not be reached.
	Undialled int64
	// Unopened counts ports that could not listen again after a refusal.
	Unopened int64
}

type counters struct {
	connections atomic.Int64
	unparsed    atomic.Int64
	undialled   atomic.Int64
	unopened    atomic.Int64
	requests    [len(apis)]atomic.Int64
}

// Stats returns a snapshot.
func (p *Proxy) Stats() Stats {
	s := Stats{
		Connections: p.stats.connections.Load(),
		Unparsed:    p.stats.unparsed.Load(),
		Undialled:   p.stats.undialled.Load(),
		Unopened:    p.stats.unopened.Load(),
		Requests:    map[int16]int64{},
	}
	for api := range p.stats.requests {
		if n := p.stats.requests[api].Load(); n > 0 {
			s.Requests[int16(api)] = n
		}
	}
	return s
}

// InFlight returns the requests that the broker has not answered yet, by API key,
// on l: also those that are still on their way to it, and those whose client is
// gone.
func (p *Proxy) InFlight(l Link) map[int16]int {
	counts := map[int16]int{}
	for _, c := range p.connsOf(l) {
		c.q.count(counts)
	}
	return counts
}
