package roles

import (
	"context"
	"math"
	"time"

	"github.com/onceproof/onceproof/history"
)

// Burst is how many records are let go at once, at most.
const Burst = 256

// NoRecord is what Take returns at the end.
const NoRecord = 0

const catchUp = time.Second // of missed records that are made up for, at most

// Pacer lets records go at a rate. It counts from its start, so that it does not
// drift; after a freeze it makes up for the last second and forgets the rest.
type Pacer struct {
	rate  float64 // records a second; 0 = no limit
	start int64   // ns, moved on after a freeze
	given int64   // records since start
}

// NewPacer starts now. A rate of 0 is no limit.
func NewPacer(rate float64) *Pacer { return &Pacer{rate: rate, start: history.Now()} }

// Take waits for the next records to be due and returns how many, at most limit;
// none when ctx has ended.
func (p *Pacer) Take(ctx context.Context, limit int) int {
	limit = min(limit, Burst)
	if ctx.Err() != nil {
		return NoRecord
	}
	if p.rate <= 0 {
		return limit
	}
	for {
		now := history.Now()
		due := int64(float64(now-p.start)/1e9*p.rate) + 1 - p.given
		if most := int64(math.Ceil(p.rate * catchUp.Seconds())); due > most {
			p.start += int64(float64(due-most) / p.rate * 1e9)
			due = most
		}
		if due > 0 {
			n := int(min(due, int64(limit)))
			p.given += int64(n)
			return n
		}
		// Rounded, the next may be due now and not yet be due: time must pass.
		left := time.Duration(p.start + int64(float64(p.given)/p.rate*1e9) - now)
		timer := time.NewTimer(max(left, time.Microsecond))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return NoRecord
		}
	}
}
