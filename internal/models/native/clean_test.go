package native

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

var (
	cases = flag.Int("native.cases", 20, "worlds to draw")
	from  = flag.Uint64("native.seed", 1, "the first world's seed")
	keep  = flag.String("native.keep", "", "folder in which histories that were judged wrong are kept")
)

// judge gives a history to the judge as cmd/onceproof does.
func judge(t testing.TB, name string, h *History) *checker.Report {
	t.Helper()
	text, err := h.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r, err := history.NewReader(name, bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer r.Close()
	report, err := checker.Check(t.Context(), r, checker.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return report
}

func keepHistory(t testing.TB, name string, h *History) {
	if *keep == "" {
		return
	}
	text, err := h.Bytes()
	if err == nil {
		err = os.WriteFile(fmt.Sprintf("%s/%s.jsonl", *keep, name), text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestCleanWorlds(t *testing.T) {
	verdicts := map[string]int{}
	lines, alarms, infra, permitted := 0, 0, 0, 0
	for i := range *cases {
		seed := *from + uint64(i)
		h := Run(Draw(seed))
		lines += len(h.Lines)
		report := judge(t, fmt.Sprintf("seed %d", seed), h)
		if report.Infra != "" {
			infra++
		}
		bad := h.Truth.Undrained
		if bad {
			t.Errorf("seed %d: the world did not drain: the model is wrong (%d lines, most %d)", seed, len(h.Lines), Draw(seed).MaxLines)
		}
		may := Draw(seed).permits()
		for _, g := range report.Guarantees {
			verdicts[fmt.Sprintf("%s %s", g.Guarantee, g.Verdict)]++
			for _, a := range g.Anomalies {
				if may[string(a.Kind)] {
					permitted++
					continue
				}
				bad = true
				text := ""
				if len(a.Witnesses) > 0 {
					text = a.Witnesses[0].Text
				}
				t.Errorf("seed %d: %s (%s, permitted %q): %s", seed, a.Kind, g.Verdict, g.Permitted, text)
			}
		}
		if bad {
			alarms++
			keepHistory(t, fmt.Sprint(seed), h)
		}
	}
	t.Logf("%d worlds (%d with a fault that met nothing), %d lines, %d alarms, %d permitted: %v", *cases, infra, lines, alarms, permitted, verdicts)
}
