package search

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

func explored(t *testing.T) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load("exactly-once")
	if err != nil {
		t.Fatal(err)
	}
	at := 3 * time.Second
	s.Cluster.Backend = "docker"
	s.Faults = []scenario.Fault{
		{Kind: scenario.KindKill, When: scenario.Trigger{At: &at}, Args: scenario.FaultArgs{Broker: "any"}, For: scenario.Span{Min: time.Second, Max: time.Second}},
		{Kind: scenario.KindCrash, When: scenario.Trigger{At: &at}, Args: scenario.FaultArgs{Client: "till"}, For: scenario.Span{Min: time.Second, Max: time.Second}},
		{Kind: scenario.KindMoveLeader, When: scenario.Trigger{At: &at}, Args: scenario.FaultArgs{TP: "orders/0"}},
	}
	return s
}

// TestExploreReachesEveryCell: as long as a cell is empty, none is aimed at twice.
func TestExploreReachesEveryCell(t *testing.T) {
	s := explored(t)
	all := map[checker.Cell]bool{}
	for _, f := range s.Faults[:2] {
		for _, c := range places(s, f) {
			all[c.cell] = true
		}
	}
	if len(all) != 4*5+4 {
		t.Fatalf("%d cells, want four phases of a kill in five roles and of a crash: %v", len(all), all)
	}
	hits := map[checker.Cell]int64{}
	for n := range uint64(20) { // a kill has 20 cells
		e := Explore(s, n, hits)
		if len(e.Aims) != 2 {
			t.Fatalf("aims %v, want the kill's and the crash's", e.Aims)
		}
		if c := e.Aims[0]; hits[c] > 0 {
			t.Errorf("run %d: %v again", n, c)
		}
		for i, f := range e.Scenario.Faults[:2] {
			if f.When.On == nil || f.When.On.Nth == 0 || f.When.At != nil {
				t.Errorf("fault %d has the trigger %v", i, f.When)
			}
		}
		for _, c := range e.Aims {
			hits[c]++
		}
		if _, err := plan.Build(e.Scenario, n); err != nil {
			t.Error(err)
		}
	}
	if len(hits) != len(all) {
		t.Errorf("%d of %d cells were aimed at", len(hits), len(all))
	}
}

func TestExploreIsDeterministic(t *testing.T) {
	s := explored(t)
	hits := map[checker.Cell]int64{{Kind: "kill", Phase: "ending", Role: "leader"}: 3}
	a, b := Explore(s, 7, hits), Explore(s, 7, hits)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	if s.Faults[0].When.At == nil || s.Faults[0].Args.Broker != "any" {
		t.Errorf("the scenario itself was changed: %+v", s.Faults[0])
	}
	if diff := cmp.Diff(s.Faults[2], a.Scenario.Faults[2]); diff != "" {
		t.Errorf("a fault without a cell was moved: %s", diff)
	}
}

// TestExploreKeepsTheVictimsKind: what struck a client strikes a client.
func TestExploreKeepsTheVictimsKind(t *testing.T) {
	s := explored(t)
	at := 3 * time.Second
	for _, k := range []scenario.FaultKind{scenario.KindCrash, scenario.KindPause, scenario.KindStop, scenario.KindRestart} {
		f := scenario.Fault{Kind: k, When: scenario.Trigger{At: &at}, Args: scenario.FaultArgs{Client: "till"}}
		for _, c := range places(s, f) {
			if c.victim.Broker != "" || c.cell.Role != "client" {
				t.Errorf("%s of a client goes to %v", k, c.cell)
			}
		}
	}
}
