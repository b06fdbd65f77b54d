package search

import (
	"context"
	"sync"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Config of one search.
type Config struct {
	Scenario *scenario.Scenario
	Seed     uint64
	Plan     int // draw this one alone; 0 = all
	Faults   int // of one plan, at most
	Parallel int // plans that run at a time, at least 1

	// Can, which may be nil, is an error for a fault that must not be drawn.
	Can func(scenario.Fault) error
	// Try runs one plan. Several run at a time.
	Try func(context.Context, Draw) (Result, error)

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
	Drawn, DrawnOf int   // kinds of faults and places, of how many
	Met            int   // cells of the evidence: kind, phase of a transaction, role
	Found          *Draw // the first that was unexpectedly violated; nil if none was
}

// Run tries plans until one ends in a violation that was not expected, or the
// search is over. An error is Try's, or the context's.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	z, err := New(cfg.Scenario, cfg.Seed, cfg.Faults, cfg.Can)
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
	begun    bool
	err      error
}

// work tries plans, one after the other, and reports whether the search has ended.
func (h *hunt) work(ctx context.Context) (ended bool) {
	for !h.cfg.Over() {
		draw, ok := h.next(ctx)
		if !ok {
			return h.failed() // else another one has ended it, or is at the only plan
		}
		result, err := h.cfg.Try(ctx, draw)
		if h.note(ctx, draw, result, err) {
			return true
		}
	}
	return false
}

func (h *hunt) failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err != nil
}

func (h *hunt) next(ctx context.Context) (Draw, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil || h.summary.Found != nil || ctx.Err() != nil {
		return Draw{}, false
	}
	if h.cfg.Plan > 0 && h.begun {
		return Draw{}, false
	}
	h.begun = true
	draw, err := h.searcher.draw(h.cfg.Plan)
	h.err = err
	return draw, err == nil
}

// note counts a plan, and reports whether the search has ended with it.
func (h *hunt) note(ctx context.Context, draw Draw, result Result, err error) (ended bool) {
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
	h.searcher.Met(result.Met)
	s.Drawn, s.DrawnOf, s.Met = h.searcher.Coverage()
	if result.Outcome != Unjudged {
		s.Judged++
	}
	if result.Outcome == Unexpected {
		s.Found = &draw
	}
	if h.cfg.Progress != nil {
		h.cfg.Progress(Progress{draw, result.Outcome, *s})
	}
	return s.Found != nil || h.cfg.Plan > 0
}
