package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// CheckSupport tells, before a run, which faults of s can never strike on c: what
// the backend cannot do, arguments that make no sense, targets that cannot exist.
// Errors name the place in the scenario's file and are joined.
func CheckSupport(s *scenario.Scenario, c cluster.Cluster) error {
	var errs []error
	for _, f := range everyFault(s) {
		if err := checkFault(s, f, c); err != nil {
			errs = append(errs, fmt.Errorf("%s: fault %s: %w", place(s.File, f.Pos), f.Kind, err))
		}
	}
	return errors.Join(errs...)
}

// everyFault lists what can strike, mixes taken apart.
func everyFault(s *scenario.Scenario) []scenario.Fault {
	var all []scenario.Fault
	for i := range s.Faults {
		all = append(all, s.Faults[i].Each()...)
	}
	return all
}

func checkFault(s *scenario.Scenario, f scenario.Fault, c cluster.Cluster) error {
	if _, err := makeFault(f, &Env{Cluster: c}, 0); err != nil {
		return err
	}
	if why := f.Refused(c.Backend()); why != "" {
		return fmt.Errorf("%w: %s", cluster.ErrUnsupported, why)
	}
	if need := f.Needs(); need != "" {
		if p, ok := c.(cluster.Prober); ok {
			if err := p.Probe(cluster.Need(need)); err != nil {
				return fmt.Errorf("%s: %w", f.Kind, err)
			}
		}
	}
	known := known{topics: map[string]int32{}, electorate: len(c.Brokers()), others: c.Backend() == "external"}
	known.brokers = (&Env{Cluster: c}).nodes()
	for _, t := range s.Cluster.Topics {
		known.topics[t.Name] = t.Partitions
	}
	for _, client := range s.Clients {
		for i := range max(1, client.Count) {
			known.clients = append(known.clients, fmt.Sprintf("%s/%d", client.Name, i))
		}
	}
	a := f.Args
	for _, t := range []scenario.Target{a.Broker, a.Isolate, a.From, a.To} {
		if t == "" || t == scenario.Brokers {
			continue
		}
		if err := known.target(t); err != nil {
			return err
		}
	}
	if err := known.client(a.Client); err != nil {
		return err
	}
	for _, group := range a.Split {
		for _, id := range ids(group) {
			if err := known.target(scenario.Target(fmt.Sprintf("broker(%d)", id))); err != nil {
				return err
			}
		}
	}
	if a.TP != "" {
		if err := known.target(scenario.Target("leader(" + a.TP + ")")); err != nil {
			return err
		}
	}
	if m := f.When.On; m != nil && m.Event != "" {
		if err := known.client(m.Client); err != nil {
			return fmt.Errorf("on: %w", err)
		}
	} else if m != nil {
		if _, err := checkMatch(*m); err != nil {
			return fmt.Errorf("on: %w", err)
		}
		if err := known.client(m.Client); err != nil {
			return fmt.Errorf("on: %w", err)
		}
		if m.Broker != "" {
			if err := known.target(m.Broker); err != nil {
				return fmt.Errorf("on: %w", err)
			}
		}
	}
	return nil
}

// known is what exists, as far as it can be known before the run.
type known struct {
	brokers    []cluster.BrokerID // and controllers
	electorate int                // how many of them are brokers
	clients    []string
	topics     map[string]int32 // its partitions
	others     bool             // the cluster may have topics that the scenario does not name
}

func (k known) target(t scenario.Target) error {
	p, err := parseTarget(t)
	if err != nil {
		return err
	}
	switch p.Kind {
	case scenario.TargetBroker:
		if !slices.Contains(k.brokers, cluster.BrokerID(p.Broker)) {
			return fmt.Errorf("target %s: %w; brokers: %s", t, errNoTarget, idText(k.brokers))
		}
	case scenario.TargetMinority:
		if k.electorate < 3 {
			return fmt.Errorf("target %s: %w: a minority of %d brokers is nobody", t, errNoTarget, k.electorate)
		}
	case scenario.TargetLeader, scenario.TargetFollower:
		partitions, ok := k.topics[p.Topic]
		switch {
		case strings.HasPrefix(p.Topic, "__"): // Kafka's own come by themselves
		case !ok && k.others:
		case !ok:
			return fmt.Errorf("target %s: %w; topics: %s", t, errNoTarget, list(slices.Sorted(maps.Keys(k.topics))))
		case p.Part >= partitions:
			return fmt.Errorf("target %s: %w; %s has partitions 0 to %d", t, errNoTarget, p.Topic, partitions-1)
		}
	}
	return nil
}

func (k known) client(name string) error {
	if name == "" || slices.Contains(k.clients, name) {
		return nil
	}
	for _, c := range k.clients {
		if name == clientOf(c) || name == clientOf(c)+"/*" {
			return nil
		}
	}
	return fmt.Errorf("client %q: %w; clients: %s", name, errNoTarget, list(k.clients))
}

// place is "file:line:col", as far as it is known.
func place(file string, p scenario.Pos) string {
	if p.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Col)
}

func kindNames() string {
	var names []string
	for k := range makers {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
