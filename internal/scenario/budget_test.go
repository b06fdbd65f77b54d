package scenario

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func names(all []*Scenario) []string {
	out := []string{}
	for _, s := range all {
		out = append(out, s.Metadata.Name)
	}
	return out
}

// kinds is a scenario of one fault of each kind.
func kinds(name string, kinds ...FaultKind) *Scenario {
	s := &Scenario{Metadata: Metadata{Name: name}}
	for _, k := range kinds {
		s.Faults = append(s.Faults, Fault{Kind: k})
	}
	return s
}

func TestABudgetBuysWhatIsNewForItsTime(t *testing.T) {
	all := []*Scenario{
		kinds("kill", KindKill), kinds("kill-again", KindKill), kinds("three", KindKill, KindPause, KindCut),
		kinds("crash", KindCrash), kinds("long", KindDrop, KindHold, KindError, KindDelay),
	}
	minutes := map[string]int{"kill": 1, "kill-again": 1, "three": 1, "crash": 1, "long": 30}
	cost := func(s *Scenario) time.Duration { return time.Duration(minutes[s.Metadata.Name]) * time.Minute }
	for _, tt := range []struct {
		name         string
		budget       time.Duration
		failed       string
		picked, left []string
	}{
		{"what shows most first", 2 * time.Minute, "", []string{"three", "crash"}, []string{"kill", "kill-again", "long"}},
		{"what failed comes first", 2 * time.Minute, "kill-again", []string{"kill-again", "three"}, []string{"kill", "crash", "long"}},
		{"nothing new comes last", 4 * time.Minute, "", []string{"three", "crash", "kill", "kill-again"}, []string{"long"}},
		{"all of it", time.Hour, "", []string{"three", "crash", "long", "kill", "kill-again"}, []string{}},
		{"nothing fits", time.Second, "", []string{}, []string{"kill", "kill-again", "three", "crash", "long"}},
	} {
		got := Pick(all, tt.budget, cost, func(s *Scenario) bool { return s.Metadata.Name == tt.failed })
		if d := cmp.Diff([][]string{tt.picked, tt.left}, [][]string{names(got.Picked), names(got.Left)}); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		if got.Cost > tt.budget {
			t.Errorf("%s: costs %v", tt.name, got.Cost)
		}
	}
}

// TestEveryShippedScenarioShowsSomething: one that has no aspect would never be worth its time.
func TestEveryShippedScenarioShowsSomething(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if got := Pick(all, 1000*time.Hour, (*Scenario).Cost, func(*Scenario) bool { return false }); len(got.Picked) != len(all) {
		t.Errorf("%d of %d picked without a limit", len(got.Picked), len(all))
	}
	for _, s := range all {
		if len(s.aspects()) < 2 {
			t.Errorf("%s shows only %v", s.Metadata.Name, s.aspects())
		}
	}
}
