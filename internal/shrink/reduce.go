package shrink

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// reduction gives the candidates that are smaller than s in one respect, the
// largest cut first.
type reduction func(s *scenario.Scenario) []candidate

// candidate is one change that makes a scenario smaller.
type candidate struct {
	what  string
	apply func(*scenario.Scenario)
}

// reductions in the order in which they are tried: what makes every later run
// cheaper comes first.
var reductions = []reduction{
	embedded, shorter, once, fewerFaults, shorter, fewerClients, shorter, fewerInstances, fewerPartitions, fewerBrokers, sooner, simpler, fewerProperties,
}

// embedded leaves out the replication: no container has to start.
func embedded(s *scenario.Scenario) []candidate {
	if s.Cluster.Backend == "embedded" {
		return nil
	}
	return []candidate{{"on the embedded cluster", func(s *scenario.Scenario) { s.Cluster.Backend = "embedded" }}}
}

// grain is what times are rounded to.
const grain = 100 * time.Millisecond

// shorter halves the run, then takes a quarter of it away. Times of faults and the
// counts that trigger them shrink with it.
func shorter(s *scenario.Scenario) []candidate {
	var out []candidate
	for _, share := range []float64{0.5, 0.75} {
		d := scaled(s.Run.Duration, share)
		if d < 2*time.Second || d >= s.Run.Duration {
			continue
		}
		out = append(out, candidate{fmt.Sprintf("%v instead of %v", d, s.Run.Duration), func(s *scenario.Scenario) {
			s.Run.Duration = d
			s.Run.Warmup = min(s.Run.Warmup, scaled(s.Run.Warmup, share))
			for i := range s.Faults {
				quicken(&s.Faults[i], share)
			}
		}})
	}
	return out
}

// once lets a fault that comes again and again come a single time.
func once(s *scenario.Scenario) []candidate {
	var out []candidate
	for i, f := range s.Faults {
		if f.When.Every == nil {
			continue
		}
		at := s.Run.Warmup + f.When.Every.Min
		out = append(out, candidate{fmt.Sprintf("%s once, at %v", called(f, i), at), func(s *scenario.Scenario) {
			s.Faults[i].When = scenario.Trigger{At: &at}
		}})
	}
	return out
}

// quicken brings a fault forward.
func quicken(f *scenario.Fault, share float64) {
	if f.When.At != nil {
		at := scaled(*f.When.At, share)
		f.When.At = &at
	}
	if on := f.When.On; on != nil && on.Nth > 1 {
		on.Nth = max(1, int(float64(on.Nth)*share))
	}
}

func scaled(d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * share).Round(grain)
}

// sooner lets a fault strike earlier, and end earlier.
func sooner(s *scenario.Scenario) []candidate {
	var out []candidate
	for i, f := range s.Faults {
		if on := f.When.On; on != nil && on.Nth > 1 {
			out = append(out, candidate{fmt.Sprintf("%s at match %d instead of %d", called(f, i), on.Nth/2, on.Nth), func(s *scenario.Scenario) { s.Faults[i].When.On.Nth /= 2 }})
		}
		if half := scaled(f.For.Max, 0.5); half >= grain && half < f.For.Max {
			out = append(out, candidate{fmt.Sprintf("%s for %v", called(f, i), half), func(s *scenario.Scenario) {
				s.Faults[i].For = scenario.Span{Min: half, Max: half}
			}})
		}
	}
	return out
}

func fewerFaults(s *scenario.Scenario) []candidate {
	return without(len(s.Faults), func(i, j int) candidate {
		return candidate{"without " + span("fault", i, j, func(k int) string { return called(s.Faults[k], k) }), func(s *scenario.Scenario) {
			s.Faults = slices.Delete(s.Faults, i, j)
		}}
	})
}

func fewerClients(s *scenario.Scenario) []candidate {
	return without(len(s.Clients), func(i, j int) candidate {
		return candidate{"without " + span("client", i, j, func(k int) string { return s.Clients[k].Name }), func(s *scenario.Scenario) {
			s.Clients = slices.Delete(s.Clients, i, j)
			s.Cluster.Topics = slices.DeleteFunc(s.Cluster.Topics, func(t scenario.Topic) bool { return !used(s, t.Name) })
		}}
	})
}

func used(s *scenario.Scenario, topic string) bool {
	return slices.ContainsFunc(s.Clients, func(c scenario.Client) bool {
		return c.Topic == topic || c.Input == topic || c.Output == topic || c.Retry.Topic == topic
	})
}

func fewerInstances(s *scenario.Scenario) []candidate {
	var out []candidate
	for i, c := range s.Clients {
		for _, n := range []int{1, c.Count - 1} {
			if n > 0 && n < c.Count {
				out = append(out, candidate{fmt.Sprintf("%d of %s instead of %d", n, c.Name, c.Count), func(s *scenario.Scenario) { s.Clients[i].Count = n }})
			}
		}
	}
	return out
}

func fewerPartitions(s *scenario.Scenario) []candidate {
	var out []candidate
	for i, t := range s.Cluster.Topics {
		if t.Partitions > 1 {
			out = append(out, candidate{"one partition of " + t.Name, func(s *scenario.Scenario) { s.Cluster.Topics[i].Partitions = 1 }})
		}
	}
	return out
}

func fewerBrokers(s *scenario.Scenario) []candidate {
	if s.Cluster.Brokers <= 1 {
		return nil
	}
	return []candidate{{"one broker", func(s *scenario.Scenario) {
		s.Cluster.Brokers = 1
		delete(s.Cluster.Config, "min.insync.replicas")
		for i := range s.Cluster.Topics {
			s.Cluster.Topics[i].Replicas = 1
		}
	}}}
}

// simpler takes away how the application behaves beyond the least.
func simpler(s *scenario.Scenario) []candidate {
	var out []candidate
	for i, c := range s.Clients {
		if c.Process != (scenario.Process{}) {
			out = append(out, candidate{c.Name + " without processing time or failures", func(s *scenario.Scenario) { s.Clients[i].Process = scenario.Process{} }})
		}
		if c.Retry != (scenario.Retry{}) {
			out = append(out, candidate{c.Name + " without retries of its own", func(s *scenario.Scenario) {
				s.Clients[i].Retry = scenario.Retry{}
				s.Cluster.Topics = slices.DeleteFunc(s.Cluster.Topics, func(t scenario.Topic) bool { return !used(s, t.Name) })
			}})
		}
		if c.Size > 0 {
			out = append(out, candidate{c.Name + " with small records", func(s *scenario.Scenario) { s.Clients[i].Size = 0 }})
		}
	}
	return out
}

// fewerProperties leaves what matters: each property that stays is needed.
func fewerProperties(s *scenario.Scenario) []candidate {
	var out []candidate
	drop := func(whose string, config map[string]string, of func(*scenario.Scenario) map[string]string) {
		names := slices.Sorted(maps.Keys(config))
		out = append(out, without(len(names), func(i, j int) candidate {
			return candidate{"without " + whose + span("property", i, j, func(k int) string { return names[k] }), func(s *scenario.Scenario) {
				for _, name := range names[i:j] {
					delete(of(s), name)
				}
			}}
		})...)
	}
	drop("the cluster's ", s.Cluster.Config, func(s *scenario.Scenario) map[string]string { return s.Cluster.Config })
	for i, c := range s.Clients {
		drop(c.Name+"'s ", c.Config, func(s *scenario.Scenario) map[string]string { return s.Clients[i].Config })
	}
	return out
}

// without gives the candidates that leave out a stretch i..j of n parts: halves
// first, then ever smaller ones, down to each part alone.
func without(n int, leave func(i, j int) candidate) []candidate {
	var out []candidate
	for size := n; size > 0; size /= 2 {
		for i := 0; i+size <= n; i += size {
			out = append(out, leave(i, i+size))
		}
		if rest := n % size; rest > 0 {
			out = append(out, leave(n-rest, n))
		}
	}
	return out
}

// called is how a fault is named to a reader.
func called(f scenario.Fault, i int) string {
	if f.Name != "" {
		return f.Name
	}
	return fmt.Sprintf("fault %d (%s)", i+1, f.Describe())
}

func span(kind string, i, j int, name func(int) string) string {
	if j == i+1 {
		return name(i)
	}
	plural := kind + "s"
	if kind == "property" {
		plural = "properties"
	}
	return fmt.Sprintf("%d %s, %s to %s", j-i, plural, name(i), name(j-1))
}
