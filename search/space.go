// Package search looks for a plan that breaks a scenario: it draws faults, their
// triggers and targets, and prefers what it has not tried yet.
//
//	scenario ──> draws of faults ──> runs ──> the first violation that was not expected
//
// What it draws, a network and a cluster may do: requests and responses that are
// lost, late or refused with an error that Kafka sends where it did not act,
// processes that die, pause or move. A violation that it finds is one of the
// client, its configuration or the broker.
package search

import (
	"fmt"
	"slices"
	"time"

	"github.com/onceproof/onceproof/scenarios"
)

// Cell is one thing that can be tried: a kind of fault at a place where it
// strikes, "drop EndTxn response", "kill leader".
type Cell string

// template makes faults of one cell.
type template struct {
	cell Cell
	draw func(d dice) scenarios.Fault
}

// space is every cell of a scenario.
func space(s *scenarios.Scenario) []template {
	var all []template
	for _, c := range s.Clients {
		for _, request := range requests(c) {
			all = append(all, wire(c.Name, request)...)
		}
		all = append(all, processes(c.Name)...)
	}
	all = append(all, brokers(s)...)
	d := dice{}.in(s.Run).of("probe", 0)
	return slices.DeleteFunc(all, func(t template) bool {
		for range probes {
			if possible(s, t.draw(d)) {
				return false
			}
		}
		return true
	})
}

// probes are how many draws of a cell may be impossible, such as one that lasts
// longer than the run, before the cell is.
const probes = 5

// requests are those that a client's role and properties make it send.
func requests(c scenarios.Client) []string {
	var out []string
	transactional := c.Config["transactional.id"] != ""
	if c.Role != scenarios.Consumer {
		out = append(out, "Produce")
	}
	if transactional {
		out = append(out, "InitProducerId", "EndTxn")
	}
	if c.Role == scenarios.Producer {
		return out
	}
	out = append(out, "Fetch", "OffsetFetch")
	if c.Config["group.protocol"] == "consumer" {
		out = append(out, "ConsumerGroupHeartbeat")
	} else {
		out = append(out, "JoinGroup", "SyncGroup", "Heartbeat")
	}
	if c.Commit == scenarios.CommitTxn {
		return append(out, "TxnOffsetCommit")
	}
	return append(out, "OffsetCommit")
}

// refusals are the errors with which a broker refuses a request that it did not
// act on, as it does while leaders and coordinators move.
var refusals = map[string][]string{
	"Produce":         {"NOT_LEADER_OR_FOLLOWER"},
	"Fetch":           {"NOT_LEADER_OR_FOLLOWER"},
	"InitProducerId":  {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS"},
	"EndTxn":          {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS"},
	"TxnOffsetCommit": {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"OffsetCommit":    {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"OffsetFetch":     {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"JoinGroup":       {"NOT_COORDINATOR"},
	"SyncGroup":       {"NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"},
	"Heartbeat":       {"NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"},
}

// rare are requests that a client sends a few times in a run: one more of them may
// never come.
var rare = []string{"InitProducerId", "JoinGroup", "SyncGroup", "OffsetFetch"}

// wire are the faults that strike one request of a client, and the crashes of the
// client at that request.
func wire(client, request string) []template {
	at := func(phase string, d dice) scenarios.Trigger {
		nth := d.nth()
		if slices.Contains(rare, request) {
			nth = 1 + nth%2
		}
		return scenarios.Trigger{On: &scenarios.Match{Request: request, Client: client, Nth: nth, Phase: phase}}
	}
	var out []template
	put := func(kind scenarios.FaultKind, phase string, fill func(d dice, f *scenarios.Fault)) {
		out = append(out, template{Cell(fmt.Sprintf("%s %s %s of %s", kind, request, phase, client)), func(d dice) scenarios.Fault {
			f := scenarios.Fault{Kind: kind, When: at(phase, d)}
			fill(d, &f)
			return f
		}})
	}
	nothing := func(dice, *scenarios.Fault) {}
	later := func(d dice, f *scenarios.Fault) { f.Args.Delay = d.lasting() }
	for _, phase := range []string{scenarios.PhaseRequest, scenarios.PhaseResponse} {
		put(scenarios.KindDrop, phase, nothing)
		put(scenarios.KindDelay, phase, later)
		put(scenarios.KindCrash, phase, func(d dice, f *scenarios.Fault) { f.Args.Client, f.For = client, d.lasting() })
	}
	put(scenarios.KindHold, scenarios.PhaseRequest, later)
	if codes := refusals[request]; len(codes) > 0 {
		put(scenarios.KindError, scenarios.PhaseRequest, func(d dice, f *scenarios.Fault) { f.Args.Code = codes[d.below(len(codes))] })
	}
	return out
}

// processes are the faults that strike a client at some time.
func processes(client string) []template {
	var out []template
	for _, kind := range []scenarios.FaultKind{scenarios.KindPause, scenarios.KindCut, scenarios.KindBlackhole} {
		out = append(out, template{Cell(fmt.Sprintf("%s %s", kind, client)), func(d dice) scenarios.Fault {
			return scenarios.Fault{Kind: kind, When: d.time(), Args: scenarios.FaultArgs{Client: client}, For: d.lasting()}
		}})
	}
	return out
}

// brokers are the faults that strike a broker in a role.
func brokers(s *scenarios.Scenario) []template {
	var targets []scenarios.Target
	for _, t := range s.Cluster.Topics {
		targets = append(targets, scenarios.Target("leader("+t.Name+"/0)"))
	}
	for _, c := range s.Clients {
		if g := c.Config["group.id"]; g != "" {
			targets = append(targets, scenarios.Target("coordinator(group "+g+")"))
		}
	}
	targets = append(targets, "controller")
	var out []template
	for _, target := range targets {
		for _, kind := range []scenarios.FaultKind{scenarios.KindKill, scenarios.KindStop, scenarios.KindPause, scenarios.KindRestart, scenarios.KindPartition} {
			out = append(out, template{Cell(fmt.Sprintf("%s %s", kind, target)), func(d dice) scenarios.Fault {
				f := scenarios.Fault{Kind: kind, When: d.time()}
				if kind == scenarios.KindPartition {
					f.Args.Isolate = target
				} else {
					f.Args.Broker = target
				}
				if kind != scenarios.KindRestart {
					f.For = d.lasting()
				}
				return f
			}})
		}
	}
	for _, t := range s.Cluster.Topics {
		out = append(out, template{Cell("move-leader " + t.Name), func(d dice) scenarios.Fault {
			return scenarios.Fault{Kind: scenarios.KindMoveLeader, When: d.time(), Args: scenarios.FaultArgs{TP: t.Name + "/0"}}
		}})
	}
	return out
}

// possible reports whether f can strike in s, on the backend that s names.
func possible(s *scenarios.Scenario, f scenarios.Fault) bool {
	_, err := with(s, []scenarios.Fault{f}, s.Run.Seed)
	return err == nil
}

// with is s with these faults in place of its own, checked as a file would be.
func with(s *scenarios.Scenario, faults []scenarios.Fault, seed uint64) (*scenarios.Scenario, error) {
	c := *s
	c.Faults, c.Control, c.Fixed = faults, nil, nil
	c.Run.Seed, c.Run.HasSeed = seed, true
	yaml, err := scenarios.Marshal(&c)
	if err != nil {
		return nil, err
	}
	parsed, err := scenarios.Parse(s.File, yaml)
	if err != nil {
		return nil, err
	}
	return parsed, scenarios.CheckBackend(parsed, parsed.Cluster.Backend)
}

const grain = 100 * time.Millisecond
