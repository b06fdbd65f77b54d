package faketime

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/search"
)

func load(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	Brief(s)
	return s
}

// hunt tries n plans of s, or until one ends as ends says, and tells how many a minute
// those were.
func hunt(t *testing.T, s *scenario.Scenario, n int, ends func(search.Result, *checker.Report) bool) (search.Summary, string) {
	t.Helper()
	out := t.TempDir()
	found := ""
	began := time.Now()
	var left = make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	outcomes := map[search.Outcome]int{}
	sum, err := search.Run(t.Context(), search.Config{
		Scenario: s, Seed: *seed, Plan: *only, Faults: 3, Parallel: runtime.GOMAXPROCS(0), Can: Can,
		Try: func(_ context.Context, d search.Draw) (search.Result, error) {
			dir := filepath.Join(out, fmt.Sprint("plan-", d.N))
			report, runErr, err := Run(t, d.Scenario, dir)
			if err != nil {
				return search.Result{}, fmt.Errorf("plan %d (%s): %w", d.N, strings.Join(d.Names, ", "), err)
			}
			r := search.Judged(s, report, runErr)
			if testing.Verbose() || *only > 0 {
				t.Logf("plan %d: %s: %s: %s", d.N, r.Outcome, strings.Join(d.Names, ", "), report.Why)
			}
			if r.Outcome = search.AsExpected; ends(search.Judged(s, report, runErr), report) {
				r.Outcome, found = search.Unexpected, dir
				return r, nil
			}
			return r, os.RemoveAll(dir)
		},
		Over: func() bool {
			select {
			case <-left:
				return false
			default:
				return true
			}
		},
		Progress: func(p search.Progress) { outcomes[p.Outcome]++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d: %d plans, %.0f a minute, %d of %d faults drawn, which met transactions in %d ways",
		*seed, sum.Plans, float64(sum.Plans)/time.Since(began).Minutes(), sum.Drawn, sum.DrawnOf, sum.Met)
	return sum, found
}

// keep moves a run's folder to where it outlives the test.
func keep(t *testing.T, dir string) string {
	kept, err := os.MkdirTemp("", "onceproof-faketime-")
	if err == nil {
		err = os.CopyFS(kept, os.DirFS(dir))
	}
	if err != nil {
		t.Error(err)
	}
	return kept
}

// TestHolds: whatever is drawn, the configuration that must hold does.
func TestHolds(t *testing.T) {
	n := *plans
	if n == 0 {
		n = 40
	}
	sum, dir := hunt(t, load(t, *name), n, func(r search.Result, _ *checker.Report) bool { return r.Outcome == search.Unexpected })
	if sum.Found != nil {
		yaml, _ := scenario.Marshal(sum.Found.Scenario)
		t.Errorf("plan %d of seed %d (%s) breaks %s; onceproof check %s\nagain: go test ./search/faketime -args -scenario %s -seed %d -plan %d\n%s",
			sum.Found.N, *seed, strings.Join(sum.Found.Names, ", "), *name, keep(t, dir), *name, *seed, sum.Found.N, yaml)
	}
}

// TestFindsMistakes: each known mistake is found within so many plans.
func TestFindsMistakes(t *testing.T) {
	if *only > 0 || *plans > 0 {
		t.Skip("a search of one's own was asked for, by -plan or -plans")
	}
	client := func(s *scenario.Scenario, name string) *scenario.Client {
		i := slices.IndexFunc(s.Clients, func(c scenario.Client) bool { return c.Name == name })
		return &s.Clients[i]
	}
	set := func(c *scenario.Client, property, value string) {
		c.Config = maps.Clone(c.Config)
		c.Config[property] = value
	}
	for _, m := range []struct {
		mistake string
		make    func(s *scenario.Scenario)
		shows   guarantee.Anomaly
		within  int
	}{
		{"idempotence off", func(s *scenario.Scenario) { set(client(s, "shop"), "enable.idempotence", "false") }, guarantee.DuplicateWrite, 200},
		{"commit before processing", func(s *scenario.Scenario) {
			till := client(s, "till")
			till.Commit = guarantee.CommitBefore
			plain(till)
		}, guarantee.LostInput, 200},
		{"commit after processing", func(s *scenario.Scenario) {
			till := client(s, "till")
			till.Commit = guarantee.CommitBatch
			plain(till)
		}, guarantee.DuplicateOutput, 200},
		{"offsets outside of the transaction", func(s *scenario.Scenario) { client(s, "till").Commit = guarantee.CommitTxnOutside }, guarantee.DuplicateOutput, 200},
		{"reads what was aborted", func(s *scenario.Scenario) { set(client(s, "ledger"), "isolation.level", "read_uncommitted") }, guarantee.AbortedRead, 200},
		{"goes on after an abort", func(s *scenario.Scenario) { client(s, "till").Habits = []string{"no-rewind"} }, guarantee.LostInput, 200},
	} {
		t.Run(strings.ReplaceAll(m.mistake, " ", "-"), func(t *testing.T) {
			s := load(t, "exactly-once")
			m.make(s)
			if m.shows != guarantee.AbortedRead { // the ledger counts twice after a crash, as it may
				s.Clients = slices.DeleteFunc(s.Clients, func(c scenario.Client) bool { return c.Name == "ledger" })
			}
			sum, _ := hunt(t, s, m.within, func(_ search.Result, r *checker.Report) bool {
				return slices.ContainsFunc(r.Guarantees, func(g checker.Result) bool {
					return slices.ContainsFunc(g.Anomalies, func(f checker.Finding) bool { return f.Kind == m.shows })
				})
			})
			if sum.Found == nil {
				t.Fatalf("%d plans, and none shows %s", sum.Plans, m.shows)
			}
			t.Logf("plan %d shows %s: %s", sum.Found.N, m.shows, strings.Join(sum.Found.Names, ", "))
		})
	}
}

// plain takes the transactions from a client.
func plain(c *scenario.Client) {
	c.Config = maps.Clone(c.Config)
	for _, property := range []string{"transactional.id", "transaction.timeout.ms"} {
		delete(c.Config, property)
	}
}
