package plan

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/scenarios"
)

// Cell is one kind of meeting, in the checker's words: a fault of Kind strikes
// something in Role while a transaction is in Phase.
type Cell struct{ Kind, Phase, Role string }

func (c Cell) String() string { return fmt.Sprintf("%s of the %s while %s", c.Kind, c.Role, c.Phase) }

// Explored is a scenario whose faults were moved.
type Explored struct {
	Scenario *scenarios.Scenario
	Aims     []Cell // where each moved fault goes, in the order of the faults
}

// Explore moves each fault of s that can be moved to the cell that was hit least
// so far: its kind stays, what triggers it and whom it strikes change. Cells alike
// are taken in an order drawn from seed. The same scenario, seed and hits give the
// same faults. Faults that have no cell of their own stay as they are.
func Explore(s *scenarios.Scenario, seed uint64, hits map[Cell]int64) Explored {
	moved := *s
	moved.Faults = slices.Clone(s.Faults)
	e := Explored{Scenario: &moved}
	taken := map[Cell]int64{}
	keys := keys(s.Faults)
	for i := range moved.Faults {
		f := &moved.Faults[i]
		all := candidates(s, *f)
		if len(all) == 0 || waitedFor(s, f.Name) || len(f.When.After) > 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(draws{seed, keys[i]}.sub("explore", 0), 0))
		rng.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		best := slices.MinFunc(all, func(a, b candidate) int {
			return cmp.Compare(hits[a.cell]+taken[a.cell], hits[b.cell]+taken[b.cell])
		})
		taken[best.cell]++
		best.move(f, 2+rng.IntN(6))
		f.Name = "" // which told of the moment that it had
		e.Aims = append(e.Aims, best.cell)
	}
	return e
}

// waitedFor says whether the moment of a fault decides about another.
func waitedFor(s *scenarios.Scenario, name string) bool {
	return name != "" && slices.ContainsFunc(s.Faults, func(f scenarios.Fault) bool {
		return slices.Contains(f.When.After, name) || f.Args.Until == name
	})
}

// candidate is a cell that a fault can be moved to.
type candidate struct {
	cell   Cell
	on     *scenarios.Match // nil: its trigger stays
	broker scenarios.Target // "" : not a broker's fault
	client string
}

// move makes f the nth such request's.
func (c candidate) move(f *scenarios.Fault, nth int) {
	if c.on != nil {
		on := *c.on
		on.Nth = nth
		f.When = scenarios.Trigger{On: &on}
	}
	if c.broker != "" {
		f.Args.Broker = c.broker
	}
	if c.client != "" {
		f.Args.Client = c.client
	}
}

// moment is a request that tells a transaction's phase.
type moment struct {
	phase, role    string // role of the broker that the request goes to
	request, stage string
	offsets        bool // only clients that commit offsets send it
}

// moments leaves out the very beginning: from transaction protocol 2 on, no
// request tells it.
var moments = []moment{
	{"producing", "leader", "Produce", scenarios.PhaseResponse, false},
	{"offsets", "group-coordinator", "TxnOffsetCommit", scenarios.PhaseResponse, true},
	{"ending", "txn-coordinator", "EndTxn", scenarios.PhaseRequest, false},
	{"ended", "txn-coordinator", "EndTxn", scenarios.PhaseResponse, false},
}

// candidates are the cells to which f can be moved.
func candidates(s *scenarios.Scenario, f scenarios.Fault) []candidate {
	var all []candidate
	for _, c := range s.Clients {
		if c.Config["transactional.id"] == "" {
			continue
		}
		for _, m := range moments {
			if m.offsets && (c.Role != scenarios.Processor || c.Commit != scenarios.CommitTxn) {
				continue
			}
			all = append(all, at(s, f, c, m)...)
		}
	}
	if len(all) > 0 || f.Args.Broker == "" || f.When.On != nil {
		return all
	}
	for _, w := range whom(s, nil) { // no transactions: the roles alone
		all = append(all, candidate{cell: Cell{string(f.Kind), "none", w.role}, broker: w.target})
	}
	return all
}

// at are the candidates for one moment of one client's transactions.
func at(s *scenarios.Scenario, f scenarios.Fault, c scenarios.Client, m moment) []candidate {
	on := &scenarios.Match{Request: m.request, Client: c.Name, Phase: m.stage}
	switch f.Kind {
	case scenarios.KindDrop, scenarios.KindDelay, scenarios.KindCut:
		if f.When.On == nil {
			return nil
		}
		return []candidate{{cell: Cell{string(f.Kind), m.phase, m.role}, on: on}}
	case scenarios.KindHold:
		on.Phase = scenarios.PhaseRequest
		if m.phase == "ended" {
			return nil
		}
		return []candidate{{cell: Cell{string(f.Kind), m.phase, m.role}, on: on}}
	case scenarios.KindDuplicate:
		on.Phase = scenarios.PhaseResponse
		if m.phase == "ending" {
			return nil
		}
		return []candidate{{cell: Cell{string(f.Kind), m.phase, m.role}, on: on}}
	case scenarios.KindCrash, scenarios.KindKill, scenarios.KindStop, scenarios.KindRestart, scenarios.KindPause, scenarios.KindWipe,
		scenarios.KindFillDisk, scenarios.KindSlowDisk, scenarios.KindFreezeDisk, scenarios.KindSkew, scenarios.KindStarve, scenarios.KindSqueeze:
	default:
		return nil
	}
	if f.Args.Client != "" {
		return []candidate{{cell: Cell{string(f.Kind), m.phase, "client"}, on: on, client: c.Name}}
	}
	var all []candidate
	for _, w := range whom(s, &c) {
		all = append(all, candidate{cell: Cell{string(f.Kind), m.phase, w.role}, on: on, broker: w.target})
	}
	return all
}

type victim struct {
	role   string
	target scenarios.Target
}

// whom are the brokers that have a role for c, or, without one, for anybody.
func whom(s *scenarios.Scenario, c *scenarios.Client) []victim {
	all := []victim{{"controller", "controller"}}
	clients := s.Clients
	if c != nil {
		clients = []scenarios.Client{*c}
	}
	named := map[string]bool{}
	add := func(role, form, name string) {
		if name == "" || strings.Contains(name, "${") || named[role] {
			return
		}
		named[role] = true
		all = append(all, victim{role, scenarios.Target(fmt.Sprintf(form, name))})
	}
	for _, c := range clients {
		topic := cmp.Or(c.Output, c.Topic)
		for _, t := range s.Cluster.Topics {
			if t.Name != topic {
				continue
			}
			add("leader", "leader(%s/0)", topic)
			if t.Replicas > 1 && s.Cluster.Backend != "embedded" {
				add("follower", "follower(%s/0)", topic)
			}
		}
		expand := strings.NewReplacer("${client}", c.Name, "${instance}", "0")
		add("group-coordinator", "coordinator(group %s)", expand.Replace(c.Config["group.id"]))
		add("txn-coordinator", "coordinator(txn %s)", expand.Replace(c.Config["transactional.id"]))
	}
	return all
}
