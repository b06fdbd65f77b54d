package reports

import (
	"sort"

	"github.com/onceproof/onceproof/history"
)

// A stall is a silence of one client instance: a stretch of time, ended by an
// acknowledgement, in which nothing that it had asked for was acknowledged. The
// longest one that overlaps a fault is how long that fault was felt.
type stalls struct {
	last  map[string]int64 // instance -> time of its last acknowledgement, ns
	gaps  []window
	least int64 // shorter silences are no stalls, ns
}

const (
	leastStall = int64(50e6)
	maxStalls  = 4096
)

func newStalls() stalls { return stalls{last: map[string]int64{}, least: leastStall} }

func (s *stalls) add(t int64, instance string, e *history.Event) {
	if e.Type != history.OK || e.Op != history.OpSend && e.Op != history.OpCommit && e.Op != history.OpCommitOffsets {
		return
	}
	last, ok := s.last[instance]
	s.last[instance] = max(t, last)
	if !ok || t-last < s.least {
		return
	}
	s.gaps = append(s.gaps, window{last, t})
	if len(s.gaps) > maxStalls { // the longer half stays
		sort.Slice(s.gaps, func(i, j int) bool { return s.gaps[i].length() > s.gaps[j].length() })
		s.gaps = s.gaps[:maxStalls/2]
		s.least = s.gaps[len(s.gaps)-1].length()
	}
}

func (w window) length() int64 { return w.to - w.from }

// felt is the longest stall that overlaps from..to, ns.
func (s *stalls) felt(from, to int64) int64 {
	longest := int64(0)
	for _, g := range s.gaps {
		if g.from <= to && g.to >= from {
			longest = max(longest, g.length())
		}
	}
	return longest
}

// stall says how long the fault of a step was felt, "" if it was not.
func (tl *Timeline) stall(step int) string {
	if s := tl.strike(step).Stall; s > 0 {
		return duration(s * 1000)
	}
	return ""
}

// strike is the fault of a step, or none.
func (tl *Timeline) strike(step int) Strike {
	if tl != nil {
		for _, f := range tl.Faults {
			if f.Step == step {
				return f
			}
		}
	}
	return Strike{}
}
