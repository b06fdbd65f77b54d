package search

import (
	"context"
	"sync"

	"github.com/onceproof/onceproof/scenarios"
)

// Outcome is what came of one plan.
type Outcome string

const (
	AsExpected Outcome = "as expected"
	Unjudged   Outcome = "could not be judged" // such as a request that never came
	Permitted  Outcome = "permitted"           // violated, as a line of the configuration allows
	Unexpected Outcome = "violated"            // a guarantee that should hold
)

// Config of one search.
type Config struct {
	Scenario *scenarios.Scenario
	Seed     uint64
	Faults   int // of one plan, at most
	Parallel int // plans that run at a time, at least 1

	// Try runs one plan. Several run at a time.
	Try func(context.Context, Draw) (Outcome, error)

	Over     func() bool    // no new plan is begun once it is true
	Progress func(Progress) // told of each plan, one at a time; may be nil
}

// Progress is what came of one plan and of the search so far.
type Progress struct {
	Draw    Draw
	Outcome Outcome
	Summary Summary
}

// Summary counts.
type Summary struct {
	Plans, Judged  int
	Cells, CellsOf int   // drawn, of how many
	Found          *Draw // the first that was unexpectedly violated; nil if none was
}

// Run tries plans until one ends in a violation that was not expected, or the
// search is over. An error is Try's, or the context's.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	z, err := New(cfg.Scenario, cfg.Seed, cfg.Faults)
	if err != nil {
		return Summary{}, err
	}
	h := &hunt{cfg: cfg, searcher: z}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range max(cfg.Parallel, 1) {
		workers.Go(func() {
			if h.work(ctx) {
				cancel() // what the others run now is no longer wanted
			}
		})
	}
	workers.Wait()
	return h.summary, h.err
}

// hunt is one search under way.
type hunt struct {
	cfg Config

	mu       sync.Mutex
	searcher *Searcher
	summary  Summary
	err      error
}

// work tries plans, one after the other, and reports whether the search has ended.
func (h *hunt) work(ctx context.Context) (ended bool) {
	for !h.cfg.Over() {
		draw, ok := h.next(ctx)
		if !ok {
			return true
		}
		outcome, err := h.cfg.Try(ctx, draw)
		if h.note(ctx, draw, outcome, err) {
			return true
		}
	}
	return false
}

func (h *hunt) next(ctx context.Context) (Draw, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil || h.summary.Found != nil || ctx.Err() != nil {
		return Draw{}, false
	}
	draw, err := h.searcher.Next()
	h.err = err
	return draw, err == nil
}

// note counts a plan, and reports whether the search has ended with it.
func (h *hunt) note(ctx context.Context, draw Draw, outcome Outcome, err error) (ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.summary.Found != nil || h.err != nil:
		return true // another worker has ended it; this plan may have been cut short
	case ctx.Err() != nil:
		h.err = context.Cause(ctx)
		return true
	case err != nil:
		h.err = err
		return true
	}
	s := &h.summary
	s.Plans++
	s.Cells, s.CellsOf = h.searcher.Coverage()
	if outcome != Unjudged {
		s.Judged++
	}
	if outcome == Unexpected {
		s.Found = &draw
	}
	if h.cfg.Progress != nil {
		h.cfg.Progress(Progress{draw, outcome, *s})
	}
	return s.Found != nil
}
