package search

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Explored is a scenario whose faults were moved.
type Explored struct {
	Scenario *scenario.Scenario
	Aims     []checker.Cell // where each moved fault goes, in the order of the faults
}

// Explore moves each fault of s that can be moved to the cell that was hit least
// so far: its kind stays, what triggers it and whom it strikes change. The same
// scenario, seed and hits give the same faults, and each fault is drawn by itself.
// Faults that have no cell of their own stay as they are.
func Explore(s *scenario.Scenario, seed uint64, hits map[checker.Cell]int64) Explored {
	moved := *s
	moved.Faults = slices.Clone(s.Faults)
	e := Explored{Scenario: &moved}
	hits = maps.Clone(hits)
	if hits == nil {
		hits = map[checker.Cell]int64{}
	}
	for i := range moved.Faults {
		f := &moved.Faults[i]
		all := places(s, *f)
		if len(all) == 0 || waitedFor(s, f.Name) || len(f.When.After) > 0 {
			continue
		}
		text, err := json.Marshal(*f)
		if err != nil { // a fault always marshals
			text = []byte(f.Describe())
		}
		d := dice{seed: seed}.in(s.Run).of("explore "+string(text), i)
		best := leastMet(all, hits, d)
		hits[best.cell]++
		if best.when != nil {
			f.When = best.when(d)
		}
		if best.victim.Broker != "" {
			f.Args.Broker = best.victim.Broker
		}
		if best.victim.Client != "" {
			f.Args.Client = best.victim.Client
		}
		f.Name = "" // which told of the moment that it had
		e.Aims = append(e.Aims, best.cell)
	}
	return e
}

// waitedFor says whether the moment of a fault decides about another.
func waitedFor(s *scenario.Scenario, name string) bool {
	return name != "" && slices.ContainsFunc(s.Faults, func(f scenario.Fault) bool {
		return slices.Contains(f.When.After, name) || f.Args.Until == name
	})
}

// places are the templates to which f can be moved: those of its kind that strike its
// sort of victim, within transactions if there are any.
func places(s *scenario.Scenario, f scenario.Fault) []template {
	var all []template
	switch f.Kind {
	case scenario.KindDrop, scenario.KindDelay, scenario.KindCut, scenario.KindHold, scenario.KindDuplicate:
		if f.When.On == nil {
			return nil
		}
		for _, c := range s.Clients {
			for _, request := range requests(c) {
				all = append(all, wire(c, request)...)
			}
		}
		all = slices.DeleteFunc(all, func(t template) bool { return t.cell.Kind != string(f.Kind) })
	case scenario.KindCrash, scenario.KindKill, scenario.KindStop, scenario.KindRestart, scenario.KindPause, scenario.KindWipe,
		scenario.KindFillDisk, scenario.KindSlowDisk, scenario.KindFreezeDisk, scenario.KindSkew, scenario.KindStarve, scenario.KindSqueeze:
		if f.Args.Client == "" {
			all = ofBrokers(s, f.Kind)
			break
		}
		for _, c := range s.Clients {
			all = append(all, ofClient(f.Kind, c)...)
		}
	}
	within := slices.DeleteFunc(slices.Clone(all), func(t template) bool { return t.cell.Phase == checker.PhaseNone })
	if len(within) > 0 {
		return within
	}
	if f.Args.Broker == "" || f.When.On != nil {
		return nil
	}
	return all // no transactions: the roles alone, at its own time
}
