// Package search looks for a plan that breaks a scenario: it draws faults, their
// triggers and targets, and prefers what no run has met yet.
//
//	scenario ──> draws of faults ──> runs ──> the first violation that was not expected
//	                  ↑                │
//	                  └── evidence ────┘
//
// What it draws, a network and a cluster may do: requests and responses that are
// lost, late, repeated or refused with an error that Kafka sends where it did not
// act, processes that die, pause or move. A violation that it finds is one of the
// client, its configuration or the broker.
package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// template makes faults of one kind at one place: "drop EndTxn response of till".
// cell is the meeting that the evidence counts if it strikes as it should.
type template struct {
	name   string
	cell   checker.Cell
	when   func(d dice) scenario.Trigger // nil: at some time
	victim scenario.FaultArgs            // whom, where that is not the request's sender
	fill   func(d dice, f *scenario.Fault)
	needs  func(d dice) scenario.Fault // what must strike before, or there is nothing to strike; nil: nothing
}

// draw makes a fault.
func (t template) draw(d dice) scenario.Fault {
	f := scenario.Fault{Kind: scenario.FaultKind(t.cell.Kind), Args: t.victim, When: t.trigger(d)}
	if t.fill != nil {
		t.fill(d, &f)
	}
	return f
}

func (t template) trigger(d dice) scenario.Trigger {
	if t.when == nil {
		return d.time()
	}
	return t.when(d)
}

// space is every template of a scenario that can strike there. can, which may be nil,
// tells what more than the backend forbids.
func space(s *scenario.Scenario, can func(scenario.Fault) error) []template {
	var all []template
	for _, c := range s.Clients {
		for _, request := range requests(c) {
			all = append(all, wire(c, request)...)
		}
		for _, kind := range []scenario.FaultKind{scenario.KindPause, scenario.KindCut, scenario.KindBlackhole, scenario.KindReset} {
			all = append(all, ofClient(kind, c)...)
		}
	}
	for _, kind := range []scenario.FaultKind{scenario.KindKill, scenario.KindStop, scenario.KindPause, scenario.KindRestart, scenario.KindPartition} {
		all = append(all, ofBrokers(s, kind)...)
	}
	all = append(all, moves(s)...)
	return feasible(s, all, dice{}.in(s.Run).of("probe", 0), can)
}

// feasible are those of all that can strike. Reading a scenario takes a while, so one
// is read with a fault of each, and again with each half of them if it makes no sense.
func feasible(s *scenario.Scenario, all []template, d dice, can func(scenario.Fault) error) []template {
	if len(all) == 0 {
		return nil
	}
	if len(all) == 1 {
		if _, ok := possible(all[0], d, fits(s, can)); !ok {
			return nil
		}
		return all
	}
	var faults []scenario.Fault
	for _, t := range all {
		f := t.draw(d)
		if can != nil && can(f) != nil {
			break
		}
		faults = append(faults, f)
	}
	if len(faults) == len(all) {
		if _, err := with(s, faults, s.Run.Seed); err == nil {
			return all
		}
	}
	half := len(all) / 2
	return append(slices.Clone(feasible(s, all[:half], d, can)), feasible(s, all[half:], d, can)...)
}

// probes are how many draws of a template may be impossible, such as one that lasts
// longer than the run, before the template is.
const probes = 5

// possible draws a fault of t that can strike.
func possible(t template, d dice, can func(scenario.Fault) error) (scenario.Fault, bool) {
	for range probes {
		if f := t.draw(d); can == nil || can(f) == nil {
			return f, true
		}
	}
	return scenario.Fault{}, false
}

// fits is an error for a fault that cannot strike in s, on the backend that s names, or
// of which can, which may be nil, says so.
func fits(s *scenario.Scenario, can func(scenario.Fault) error) func(scenario.Fault) error {
	return func(f scenario.Fault) error {
		if can != nil {
			if err := can(f); err != nil {
				return err
			}
		}
		_, err := with(s, []scenario.Fault{f}, s.Run.Seed)
		return err
	}
}

// with is s with these faults in place of its own, checked as a file would be.
func with(s *scenario.Scenario, faults []scenario.Fault, seed uint64) (*scenario.Scenario, error) {
	c := *s
	c.Faults, c.Control, c.Fixed = faults, nil, nil
	c.Run.Seed, c.Run.HasSeed = seed, true
	return scenario.Checked(&c)
}

// wire are the faults that strike one request of a client, and the crashes of the
// client at that request.
func wire(c scenario.Client, request string) []template {
	var out []template
	put := func(kind scenario.FaultKind, phase string, role checker.Role, fill func(d dice, f *scenario.Fault)) {
		out = append(out, template{
			name: fmt.Sprintf("%s %s %s of %s", kind, request, phase, c.Name),
			cell: checker.Cell{Kind: string(kind), Phase: phaseAt(c, request, phase), Role: role},
			when: onRequest(c.Name, request, phase), fill: fill, needs: needs(c, request),
		})
	}
	role := checker.RoleOf(request)
	later := func(d dice, f *scenario.Fault) { f.Args.Delay = d.lasting() }
	for _, phase := range []string{scenario.PhaseRequest, scenario.PhaseResponse} {
		put(scenario.KindDrop, phase, role, nil)
		put(scenario.KindCut, phase, role, nil)
		put(scenario.KindDelay, phase, role, later)
		put(scenario.KindCrash, phase, checker.RoleClient, func(d dice, f *scenario.Fault) { f.Args.Client, f.For = c.Name, d.lasting() })
	}
	if request != unordered {
		put(scenario.KindHold, scenario.PhaseRequest, role, later)
	}
	if slices.Contains(repeated, request) {
		put(scenario.KindDuplicate, scenario.PhaseResponse, role, nil)
	}
	if codes := refusals[request]; len(codes) > 0 {
		put(scenario.KindError, scenario.PhaseRequest, role, func(d dice, f *scenario.Fault) { f.Args.Code = codes[d.below(len(codes))] })
	}
	return out
}

// onRequest is the trigger of one request of a client.
func onRequest(client, request, phase string) func(d dice) scenario.Trigger {
	return func(d dice) scenario.Trigger {
		nth := d.nth()
		if slices.Contains(rare, request) {
			nth = 1
		}
		return scenario.Trigger{On: &scenario.Match{Request: request, Client: client, Nth: nth, Phase: phase}}
	}
}

// phaseAt is how far a transaction of c is when a request of it passes.
func phaseAt(c scenario.Client, request, phase string) checker.Phase {
	for _, m := range momentsOf(c) {
		if m.request == request && (m.stage == phase || request != "EndTxn") {
			return m.phase
		}
	}
	return checker.PhaseNone
}

// moment is a request that tells a transaction's phase. The very beginning is left
// out: from transaction protocol 2 on, no request tells it.
type moment struct {
	phase          checker.Phase
	request, stage string
}

// momentsOf are those of c's transactions, none if it has none.
func momentsOf(c scenario.Client) []moment {
	if c.Config["transactional.id"] == "" {
		return nil
	}
	all := []moment{{checker.PhaseProducing, "Produce", scenario.PhaseResponse}}
	if c.Commit == guarantee.CommitTxn {
		all = append(all, moment{checker.PhaseOffsets, "TxnOffsetCommit", scenario.PhaseResponse})
	}
	return append(all, moment{checker.PhaseEnding, "EndTxn", scenario.PhaseRequest}, moment{checker.PhaseEnded, "EndTxn", scenario.PhaseResponse})
}

// ofClient are the faults of a kind that strike a client at some time, or at a moment
// of its transactions.
func ofClient(kind scenario.FaultKind, c scenario.Client) []template {
	victim := scenario.FaultArgs{Client: c.Name}
	return atMoments(kind, c.Name, victim, checker.RoleClient, momentsOf(c), c.Name)
}

// ofBrokers are the faults of a kind that strike a broker in a role, at some time or at
// a moment of a client's transactions.
func ofBrokers(s *scenario.Scenario, kind scenario.FaultKind) []template {
	put := func(w victim, moments []moment, client string) []template {
		args := scenario.FaultArgs{Broker: w.target}
		if kind == scenario.KindPartition {
			args = scenario.FaultArgs{Isolate: w.target}
		}
		return atMoments(kind, string(w.target), args, w.role, moments, client)
	}
	var out []template
	for _, w := range whom(s, nil) {
		out = append(out, put(w, nil, "")...)
	}
	for _, c := range s.Clients {
		if moments := momentsOf(c); len(moments) > 0 {
			for _, w := range whom(s, &c) {
				out = append(out, put(w, moments, c.Name)[1:]...)
			}
		}
	}
	return out
}

// atMoments is first the fault at some time, then at each moment of client.
func atMoments(kind scenario.FaultKind, whom string, victim scenario.FaultArgs, role checker.Role, moments []moment, client string) []template {
	lasts := func(d dice, f *scenario.Fault) {
		if kind != scenario.KindRestart && kind != scenario.KindReset {
			f.For = d.lasting()
		}
	}
	out := []template{{
		name: fmt.Sprintf("%s %s", kind, whom), cell: checker.Cell{Kind: string(kind), Phase: checker.PhaseNone, Role: role}, victim: victim, fill: lasts,
	}}
	if kind == scenario.KindCut || kind == scenario.KindReset {
		moments = nil // with a request, a cut is of that request's connection
	}
	for _, m := range moments {
		out = append(out, template{
			name: fmt.Sprintf("%s %s at %s %s of %s", kind, whom, m.request, m.stage, client), cell: checker.Cell{Kind: string(kind), Phase: m.phase, Role: role},
			when: onRequest(client, m.request, m.stage), victim: victim, fill: lasts,
		})
	}
	return out
}

// moves are leaders and coordinators that move while everybody lives.
func moves(s *scenario.Scenario) []template {
	var out []template
	put := func(kind scenario.FaultKind, what string, role checker.Role, args scenario.FaultArgs) {
		out = append(out, template{name: fmt.Sprintf("%s %s", kind, what), cell: checker.Cell{Kind: string(kind), Phase: checker.PhaseNone, Role: role}, victim: args})
	}
	for _, t := range s.Cluster.Topics {
		put(scenario.KindMoveLeader, t.Name, checker.RoleLeader, scenario.FaultArgs{TP: t.Name + "/0"})
	}
	for _, c := range s.Clients {
		if g := c.Config["group.id"]; g != "" && !strings.Contains(g, "${") {
			put(scenario.KindMoveCoordinator, "of group "+g, checker.RoleGroupCoordinator, scenario.FaultArgs{Group: g})
		}
	}
	return out
}

type victim struct {
	role   checker.Role
	target scenario.Target
}

// whom are the brokers that have a role for c, or, without one, for anybody: one of
// each role.
func whom(s *scenario.Scenario, c *scenario.Client) []victim {
	all := []victim{{checker.RoleController, "controller"}}
	clients := s.Clients
	if c != nil {
		clients = []scenario.Client{*c}
	}
	add := func(role checker.Role, form, name string) {
		v := victim{role, scenario.Target(fmt.Sprintf(form, name))}
		if name != "" && !strings.Contains(name, "${") && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	for _, c := range clients {
		topic := cmp.Or(c.Output, c.Topic)
		for _, t := range s.Cluster.Topics {
			if t.Name != topic {
				continue
			}
			add(checker.RoleLeader, "leader(%s/0)", topic)
			if t.Replicas > 1 && s.Cluster.Backend != "embedded" {
				add(checker.RoleFollower, "follower(%s/0)", topic)
			}
		}
		expand := strings.NewReplacer("${client}", c.Name, "${instance}", "0")
		add(checker.RoleGroupCoordinator, "coordinator(group %s)", expand.Replace(c.Config["group.id"]))
		add(checker.RoleTxnCoordinator, "coordinator(txn %s)", expand.Replace(c.Config["transactional.id"]))
	}
	return all
}

const grain = 100 * time.Millisecond
