package faults

import (
	"context"
	"time"
)

// Interfaces that a fault may implement besides the four methods of a fault.

// patient is for faults whose proofs need another bound than Options.Proof: 0 = that
// one, negative = as long as the caller's context lasts.
type patient interface {
	patience() (effect, gone time.Duration)
}

// targeted is for faults that strike brokers or client processes themselves; asked
// after Inject.
type targeted interface {
	victims() (brokers []int32, clients []string)
}

// fencer is for faults that strike transactional ids; asked after Inject.
type fencer interface{ fenced() []string }

// labeled is for rules of the proxy: the label goes with each request that they strike
// into the history. Set before Inject.
type labeled interface{ setLabel(string) }

// repeating is for faults that strike several times: waitLast returns after the last
// strike, or when ctx ends. Called after the effect was seen.
type repeating interface{ waitLast(ctx context.Context) }

// holding is for faults that keep something back: release lets it go, now and from now on.
type holding interface{ release() }
