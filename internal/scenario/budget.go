package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Choice is what a budget of time buys.
type Choice struct {
	Picked, Left []*Scenario
	Cost         time.Duration // of all that were picked
}

// Pick chooses scenarios for a budget by their value: those that urgent names
// (they failed last time) first, then time and again the one that brings most
// that the others have not shown for the time that it costs. What brings nothing
// new comes last. The order of Picked is the order to run them in.
func Pick(all []*Scenario, budget time.Duration, cost func(*Scenario) time.Duration, urgent func(*Scenario) bool) Choice {
	var c Choice
	shown := map[string]bool{}
	left := slices.Clone(all)
	for len(left) > 0 {
		best, bestValue := -1, [3]float64{}
		for i, s := range left {
			if c.Cost+cost(s) > budget {
				continue
			}
			v := [3]float64{0, news(s, shown) / cost(s).Seconds(), -cost(s).Seconds()}
			if urgent(s) {
				v[0] = 1
			}
			if best < 0 || slices.Compare(v[:], bestValue[:]) > 0 {
				best, bestValue = i, v
			}
		}
		if best < 0 {
			break
		}
		s := left[best]
		for _, a := range s.aspects() {
			shown[a] = true
		}
		c.Picked, c.Cost = append(c.Picked, s), c.Cost+cost(s)
		left = slices.Delete(left, best, best+1)
	}
	c.Left = left
	return c
}

func news(s *Scenario, shown map[string]bool) float64 {
	n := 0.0
	for _, a := range s.aspects() {
		if !shown[a] {
			n++
		}
	}
	return n
}

// aspects are what a run of s can show that another may not: each fault with
// whom and where on the wire it strikes and what the clients were doing, each
// library in its part, each guarantee that is expected to break.
func (s *Scenario) aspects() []string {
	var out []string
	commits := []string{}
	for _, c := range s.Clients {
		out = append(out, fmt.Sprintf("client %s %s %s", c.Library, c.Role, c.Commit))
		if c.Commit != "" {
			commits = append(commits, c.Commit)
		}
	}
	for _, f := range s.Faults {
		what := string(f.Kind) + " " + whom(f.Args)
		if on := f.When.On; on != nil {
			what += " on " + on.Request + " " + cmp.Or(on.Phase, PhaseRequest)
		}
		out = append(out, "fault "+what)
		for _, c := range commits {
			out = append(out, "fault "+what+" under "+c)
		}
	}
	for g, v := range s.Expect {
		if v == "violated" {
			out = append(out, "breaks "+g)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func whom(a FaultArgs) string {
	for _, t := range []Target{a.Broker, a.Isolate, a.From, a.To} {
		if t == "" {
			continue
		}
		if ref, err := t.Parse(); err == nil {
			return string(ref.Kind)
		}
		return string(t)
	}
	if a.Client != "" {
		return "client"
	}
	return ""
}

// Expected costs of a run beside its load, where no earlier run tells.
const (
	startEmbedded = 3 * time.Second
	startDocker   = 20 * time.Second
	endOfRun      = 5 * time.Second // heal, drain, audit, judge
)

// Cost is about how long a run of s takes.
func (s *Scenario) Cost() time.Duration {
	start := startEmbedded
	if s.Cluster.Backend != "embedded" {
		start = startDocker
	}
	return start + s.Run.Duration + endOfRun
}
