package harness

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
)

func TestRestartsComeEverMoreSlowly(t *testing.T) {
	const ms = time.Millisecond
	type end struct {
		acked  int64 // since the last
		struck bool
	}
	for name, c := range map[string]struct {
		ends   []end
		waits  []time.Duration
		broken int // at which end; 0 = never
	}{
		"a client that never works": {
			ends: make([]end, 5), waits: []time.Duration{500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 4000 * ms}, broken: 5,
		},
		"work in between": {
			ends: []end{{}, {}, {acked: 1}, {}, {}, {}, {acked: 1}}, waits: []time.Duration{500 * ms, 1000 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 500 * ms},
		},
		"a fault excuses, for as long as it strikes": {
			ends:  slices.Concat(slices.Repeat([]end{{struck: true}}, 9), make([]end, 5)),
			waits: slices.Concat([]time.Duration{500 * ms, 1000 * ms, 2000 * ms}, slices.Repeat([]time.Duration{4000 * ms}, 11)), broken: 14,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var (
				r     restarts
				now   process.Counts
				waits []time.Duration
				at    int
			)
			for i, e := range c.ends {
				now.Acked += e.acked
				wait, broken := r.recordExit(now, e.struck)
				waits = append(waits, wait)
				if broken && at == 0 {
					at = i + 1
				}
			}
			if diff := cmp.Diff(c.waits, waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if at != c.broken {
				t.Errorf("broken at end %d, want %d", at, c.broken)
			}
		})
	}
}

// TestAProducerThatIsDoneStaysDone: one with a max ends by itself, and is not taken
// for one that has failed.
func TestAProducerThatIsDoneStaysDone(t *testing.T) {
	cfg := config(t)
	s, err := scenario.Parse("short.yaml", []byte(strings.Replace(long, "rate: 200/s", "rate: 200/s, max: 30", 1)))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Scenario = s
	if cfg.Plan, err = plan.Build(s, 7); err != nil {
		t.Fatal(err)
	}
	stop := make(chan string, 1)
	cfg.Stop = stop
	said := ""
	cfg.Progress = func(p Progress) {
		if said == "" && strings.HasPrefix(p.Message, "shop/0") {
			said = p.Message
			stop <- said
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	sent, spawned := 0, 0
	for _, e := range events(t, cfg.Dir) {
		switch {
		case !strings.HasPrefix(e.Proc, "shop/0/"):
		case e.Op == history.OpSpawn:
			spawned++
		case e.Op == history.OpSend && e.Type == history.Invoke:
			sent += len(e.Val)
		}
	}
	if spawned != 1 || sent != 30 || !strings.Contains(said, "has done") {
		t.Errorf("%d processes of the shop sent %d records, want one and 30; the run said of it: %s", spawned, sent, said)
	}
}
