package sidecar

import (
	"fmt"
	"time"
)

// Impairment is how badly packets pass over a link.
type Impairment struct {
	By, Most time.Duration // each is so much later, drawn between the two
	Loss     float64       // the share that does not arrive
	Rate     int64         // bytes a second; 0 = no limit
}

// Arg is what parseImpaired reads.
func (i Impairment) Arg(peer string) string {
	return fmt.Sprintf("%s %s %s %g %d", peer, i.By, max(i.By, i.Most), i.Loss, i.Rate)
}

// Passage is what passed over an impaired link so far.
type Passage struct {
	Packets uint64        `json:"packets"`
	Dropped uint64        `json:"dropped"`
	Waited  time.Duration `json:"waited"` // the longest
}

// Frozen is for Drag.
const Frozen time.Duration = -1

// drag is what happens to writes: each waits so long, or, Frozen, until it is over.
type drag struct {
	by     time.Duration
	frozen bool
}

func (d drag) none() bool { return d.by == 0 && !d.frozen }
