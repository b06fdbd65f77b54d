package plan_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		scenario string
		seed     uint64
	}{{"guide-recipe", 7}, {"exactly-once", 7}, {"testdata/every-form.yaml", 7}, {"testdata/every-form.yaml", 8}} {
		s, err := scenario.Load(c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Build(s, c.seed)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", s.Metadata.Name+"-"+string('0'+rune(c.seed))+".plan")
		if *update {
			if err := os.WriteFile(file, []byte(p.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), p.String()); diff != "" {
			t.Errorf("%s, seed %d (-want +got; -update rewrites):\n%s", c.scenario, c.seed, diff)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	s, err := scenario.Load("testdata/every-form.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back plan.Plan
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, &back, cmpopts.IgnoreTypes(scenario.Pos{})); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if p.String() != back.String() {
		t.Errorf("text differs:\n%s", cmp.Diff(p.String(), back.String()))
	}
}

// TestFaultsDoNotMoveEachOther: with a fault more or less, every other fault has
// the same strikes, durations and seeds.
func TestFaultsDoNotMoveEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		seed := rapid.Uint64().Draw(t, "seed")
		all, err := plan.Build(s, seed)
		if err != nil {
			t.Fatal(err)
		}
		gone := rapid.IntRange(0, len(s.Faults)-1).Draw(t, "gone")
		fewer := *s
		fewer.Faults = slices.Delete(slices.Clone(s.Faults), gone, gone+1)
		fewer.Faults = slices.DeleteFunc(fewer.Faults, func(f scenario.Fault) bool {
			return s.Faults[gone].Name != "" && slices.Contains(f.When.After, s.Faults[gone].Name)
		})
		less, err := plan.Build(&fewer, seed)
		if err != nil {
			t.Fatal(err)
		}
		strikes := func(p *plan.Plan, line int) (out []plan.Step) {
			for _, step := range p.Steps {
				if step.Fault.Pos.Line == line {
					step.N, step.After, step.Text = 0, nil, ""
					out = append(out, step)
				}
			}
			return out
		}
		for _, f := range fewer.Faults {
			if diff := cmp.Diff(strikes(all, f.Pos.Line), strikes(less, f.Pos.Line)); diff != "" {
				t.Fatalf("fault %d moved when fault %d went (-with +without):\n%s", f.Pos.Line, gone+1, diff)
			}
		}
	})
}

func TestEveryStrikeIsInTimeAndHealed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		p, err := plan.Build(s, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		last := map[int]time.Duration{}
		for i, step := range p.Steps {
			if step.N != i+1 {
				t.Fatalf("step %d has number %d", i+1, step.N)
			}
			for _, cause := range step.After {
				if cause >= step.N {
					t.Fatalf("step %d waits for step %d", step.N, cause)
				}
			}
			f := step.Fault
			if step.For < f.For.Min || step.For > f.For.Max {
				t.Fatalf("%s lasts %v, not within %v", step.Text, step.For, f.For)
			}
			if f.When.Every == nil {
				continue
			}
			if step.At < s.Run.Warmup+f.When.Every.Min || step.At+step.For > s.Run.Duration {
				t.Fatalf("%s: not between warm-up (%v) and the end (%v)", step.Text, s.Run.Warmup, s.Run.Duration)
			}
			if before, ok := last[f.Pos.Line]; ok {
				if wait := step.At - before; wait < f.When.Every.Min || wait > f.When.Every.Max {
					t.Fatalf("%s: %v after the one before, not within %v", step.Text, wait, *f.When.Every)
				}
			}
			last[f.Pos.Line] = step.At
		}
		for _, f := range s.Faults {
			if e := f.When.Every; e != nil && s.Run.Warmup+e.Max+f.For.Max <= s.Run.Duration {
				if _, ok := last[f.Pos.Line]; !ok {
					t.Fatalf("%s every %v never strikes", f.Describe(), *e)
				}
			}
		}
	})
}

func TestSeedDecides(t *testing.T) {
	s, err := scenario.Load("testdata/every-form.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := func(seed uint64) string {
		p, err := plan.Build(s, seed)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Split(p.String(), "\n")[1:], "\n")
	}
	seven := text(7)
	if again := text(7); seven != again {
		t.Error("the same seed gave two plans")
	}
	if seven == text(8) {
		t.Error("two seeds gave the same plan")
	}
}

func TestBuildRefuses(t *testing.T) {
	at := time.Second
	for want, s := range map[string]*scenario.Scenario{
		`plan "x": warm-up (0s) takes the whole run (0s)`: {},
		`plan "x": restart any broker waits for "gone", which never strikes`: {
			Run:    scenario.Run{Duration: time.Minute},
			Faults: []scenario.Fault{{Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "any"}, When: scenario.Trigger{After: scenario.Causes{"gone"}}}},
		},
		`plan "x": restart any broker waits, by way of others, for itself`: {
			Run: scenario.Run{Duration: time.Minute},
			Faults: []scenario.Fault{
				{Name: "a", Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "any"}, When: scenario.Trigger{After: scenario.Causes{"b"}}},
				{Name: "b", Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "any"}, When: scenario.Trigger{After: scenario.Causes{"a"}}},
				{Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "any"}, When: scenario.Trigger{At: &at}},
			},
		},
		`plan "x": restart any broker every 0s: the wait must be longer than nothing`: {
			Run:    scenario.Run{Duration: time.Minute},
			Faults: []scenario.Fault{{Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "any"}, When: scenario.Trigger{Every: &scenario.Span{}}}},
		},
	} {
		s.Metadata.Name = "x"
		_, err := plan.Build(s, 1)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// drawScenario draws faults; each has its number as Pos.Line.
func drawScenario(t *rapid.T) *scenario.Scenario {
	ms := func(least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, "ms")) * time.Millisecond
	}
	span := func(least, most int) scenario.Span {
		low := ms(least, most)
		return scenario.Span{Min: low, Max: low + ms(0, 900)}
	}
	s := &scenario.Scenario{Run: scenario.Run{Duration: ms(20000, 60000), Warmup: ms(0, 3000)}}
	for i := range rapid.IntRange(1, 6).Draw(t, "faults") {
		f := scenario.Fault{
			Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: rapid.SampledFrom([]scenario.Target{"any", "broker(1)"}).Draw(t, "whom")},
			Pos: scenario.Pos{Line: i + 1},
		}
		if rapid.Bool().Draw(t, "named") {
			f.Name = string('a' + rune(i))
		}
		f.For = span(1, 2000)
		switch rapid.IntRange(0, 4).Draw(t, "when") {
		case 0:
			every := span(3000, 9000)
			f.When.Every = &every
		case 1:
			at := ms(3000, 15000)
			f.When.At = &at
		case 2:
			p := rapid.Float64Range(0.2, 0.7).Draw(t, "progress")
			f.When.Progress = &p
		case 3:
			f.When.On = &scenario.Match{Request: "Produce", Nth: rapid.IntRange(1, 3).Draw(t, "nth")}
		}
		s.Faults = append(s.Faults, f)
	}
	return s
}

// TestAfterSeveral: a fault that waits for two strikes after the later of them, and its
// step names both.
func TestAfterSeveral(t *testing.T) {
	at := func(d time.Duration) scenario.Trigger { return scenario.Trigger{At: &d} }
	restart := scenario.FaultArgs{Broker: "any"}
	s := &scenario.Scenario{Run: scenario.Run{Duration: time.Minute}, Faults: []scenario.Fault{
		{Kind: scenario.KindRestart, Args: restart, When: scenario.Trigger{After: scenario.Causes{"late", "early"}}},
		{Name: "late", Kind: scenario.KindRestart, Args: restart, When: at(20 * time.Second)},
		{Name: "early", Kind: scenario.KindRestart, Args: restart, When: at(5 * time.Second)},
	}}
	p, err := plan.Build(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	last := p.Steps[2]
	if diff := cmp.Diff([]int{1, 2}, last.After); diff != "" {
		t.Errorf("the last step waits for (-want +got):\n%s", diff)
	}
	if want := "restart any broker, once steps 1 and 2 were seen"; last.Text != want {
		t.Errorf("%q, want %q", last.Text, want)
	}
}
