package harness

import (
	"slices"
	"sync"
	"time"
)

// status tells whoever watches where the run stands.
type status struct {
	report func(Progress)

	mu    sync.Mutex
	now   Progress
	total time.Duration
}

func (s *status) phase(name string) {
	s.change("", func(p *Progress) { p.Phase = name })
}

func (s *status) log(message string) { s.change(message, func(*Progress) {}) }

func (s *status) faultBegan(fault, seenBy string) {
	s.change(fault+": "+seenBy, func(p *Progress) { p.Faults = append(slices.Clone(p.Faults), fault) })
}

func (s *status) faultEnded(fault, seenBy string) {
	s.change(fault+" is over: "+seenBy, func(p *Progress) {
		p.Faults = slices.Clone(p.Faults)
		if i := slices.Index(p.Faults, fault); i >= 0 {
			p.Faults = slices.Delete(p.Faults, i, i+1)
		}
	})
}

// isStruck says whether a fault strikes now.
func (s *status) isStruck() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.now.Faults) > 0
}

func (s *status) tick(elapsed time.Duration, clients []ClientProgress) {
	s.change("", func(p *Progress) { p.Elapsed, p.Clients = min(elapsed, s.total), clients })
}

func (s *status) change(message string, f func(*Progress)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.now)
	s.now.Total = s.total
	if s.report == nil {
		return
	}
	p := s.now
	p.Message = message
	s.report(p)
}
