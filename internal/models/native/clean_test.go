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

// alarms are what a report on a correct world calls broken though it is promised.
func alarms(t testing.TB, name string, report *checker.Report, cfg *Config) int {
	t.Helper()
	n, may := 0, cfg.permits()
	for _, g := range report.Guarantees {
		for _, a := range g.Anomalies {
			if may[string(a.Kind)] {
				continue
			}
			n++
			text := ""
			if len(a.Witnesses) > 0 {
				text = a.Witnesses[0].Text
			}
			t.Errorf("%s: %s (%s, permitted %q): %s", name, a.Kind, g.Verdict, g.Permitted, text)
		}
	}
	return n
}

func TestCleanWorlds(t *testing.T) {
	lines, bad := 0, 0
	verdicts := map[string]int{}
	for i := range *cases {
		seed := *from + uint64(i)
		cfg := Draw(seed)
		h := Run(cfg)
		lines += len(h.Lines)
		n := 0
		if h.Truth.Undrained {
			n++
			t.Errorf("seed %d: the world did not drain: the model is wrong", seed)
		}
		report := judge(t, fmt.Sprintf("seed %d", seed), h)
		if n += alarms(t, fmt.Sprintf("seed %d", seed), report, cfg); n > 0 {
			bad++
			keepHistory(t, fmt.Sprint(seed), h)
		}
		for _, g := range report.Guarantees {
			verdicts[fmt.Sprintf("%s %s", g.Guarantee, g.Verdict)]++
		}
	}
	t.Logf("%d worlds, %d lines, %d with an alarm: %v", *cases, lines, bad, verdicts)
}
