package checker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// checkFile judges a history of testdata.
func checkFile(t *testing.T, name string) *Report {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := history.NewReader(name, f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rep, err := Check(context.Background(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// jepsenNamesOf are Jepsen's names of all that was found.
func jepsenNamesOf(rep *Report) map[guarantee.Anomaly]string {
	all := map[guarantee.Anomaly]string{}
	for _, g := range rep.Guarantees {
		for _, f := range g.Anomalies {
			all[f.Kind] = strings.Join(f.Jepsen, " ")
		}
	}
	return all
}

// TestCases judges the histories of testdata/jepsen, each of which says in its first
// line what is right.
func TestCases(t *testing.T) {
	want := map[string]struct {
		found   map[guarantee.Anomaly]string // with Jepsen's names
		unknown map[guarantee.Guarantee]string
		open    string // Jepsen's names of what is undecided
	}{
		"01-rebalance-after-failed-poll.edn": {},
		"02-acked-never-read.edn":            {unknown: map[guarantee.Guarantee]string{guarantee.NoLoss: "unseen"}, open: "unseen"},
		"04-torn-transaction.edn":            {unknown: map[guarantee.Guarantee]string{guarantee.NoLoss: "nobody read 1 of the values of transactions that did commit"}},
		"05-lost-unknown-offset.edn":         {found: map[guarantee.Anomaly]string{guarantee.LostWrite: "unseen"}},
		"03-int-nonmonotonic-send.edn":       {found: map[guarantee.Anomaly]string{guarantee.ReorderedWrite: "int-nonmonotonic-send"}},
		"06-int-poll-skip.edn":               {found: map[guarantee.Anomaly]string{guarantee.SkippedPoll: "int-poll-skip"}},
		"07-int-nonmonotonic-send-poll-between.edn": {
			found: map[guarantee.Anomaly]string{guarantee.ReorderedWrite: "int-nonmonotonic-send"}},
		"08-skip-at-the-beginning.edn":              {found: map[guarantee.Anomaly]string{guarantee.SkippedPoll: ""}},
		"09-int-back-between-polls-no-log.edn":      {unknown: map[guarantee.Guarantee]string{guarantee.Order: "int-nonmonotonic-poll", guarantee.NoLoss: "unseen"}, open: "unseen int-nonmonotonic-poll"},
		"10-int-skip-between-polls-no-log.edn":      {found: map[guarantee.Anomaly]string{guarantee.LostWrite: "lost-write unseen"}, unknown: map[guarantee.Guarantee]string{guarantee.Order: "int-poll-skip"}, open: "int-poll-skip"},
		"11-own-read-of-an-aborted-transaction.edn": {found: map[guarantee.Anomaly]string{guarantee.DirtyRead: "precommitted-read"}},
	}
	files, err := filepath.Glob("testdata/jepsen/*.edn")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		w, ok := want[name]
		if !ok {
			t.Errorf("%s: this test has no right value for it", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			rep := checkFile(t, file)
			if w.found == nil {
				w.found = map[guarantee.Anomaly]string{}
			}
			if diff := cmp.Diff(w.found, jepsenNamesOf(rep)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var names []string
			for _, g := range rep.Guarantees {
				for _, f := range g.Undecided {
					names = append(names, f.Jepsen...)
				}
			}
			if got := strings.Join(names, " "); got != w.open {
				t.Errorf("undecided: %q, want %q", got, w.open)
			}
			for _, g := range rep.Guarantees {
				reason, open := w.unknown[g.Guarantee]
				if (g.Verdict == guarantee.Unknown) != open || !strings.Contains(g.Reason, reason) {
					t.Errorf("%s: %s (%s)", g.Guarantee, g.Verdict, g.Reason)
				}
			}
		})
	}
}
