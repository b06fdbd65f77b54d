package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

// twice is small with a producer whose lost acknowledgement becomes a second record.
var twice = strings.NewReplacer("name: small", "name: twice", "config: {acks: all}", "config: {acks: all, enable.idempotence: false}").Replace(small)

// TestGateInCI runs what a pipeline runs: a first time to take in what is known,
// then gates of the same run as known, worse, and slower.
func TestGateInCI(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "twice.yaml", twice)
	step := filepath.Join(dir, "step.md")
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", step)
	got := onceproof(t, dir, "run", "twice.yaml", "--out", "artefacts", "--baseline", "known.json", "--update-baseline", "--quiet")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d: what is taken into the baseline is known\n%s\n%s", got.code, got.out, got.stderr)
	}
	for file, want := range map[string]string{
		step: "Not exactly once",
		filepath.Join(dir, "artefacts", "summary.md"): "duplicate-write",
		filepath.Join(dir, "artefacts", "junit.xml"):  `name="onceproof.twice"`,
		filepath.Join(dir, "known.json"):              `"duplicate-write"`,
	} {
		if text := read(t, file); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", file, want, text)
		}
	}
	if !strings.Contains(got.stderr, "::error ") || !strings.Contains(got.stderr, "title=twice%3A no-duplicates violated") {
		t.Errorf("no annotation on stderr:\n%s", got.stderr)
	}

	folder := runFolder(t, filepath.Join(dir, "artefacts"))
	for name, c := range map[string]struct {
		change func(*reports.Baseline)
		code   int
		says   string
	}{
		"known":     {func(*reports.Baseline) {}, suite.ExitExpected, "no worse"},
		"new kind":  {func(b *reports.Baseline) { clear(b.Scenarios["twice"].Findings) }, suite.ExitDiffers, "new finding duplicate-write"},
		"unknown":   {func(b *reports.Baseline) { clear(b.Scenarios) }, suite.ExitDiffers, "the baseline does not know twice"},
		"not shown": {func(b *reports.Baseline) { b.Scenarios["twice"].Guarantees[guarantee.Fencing] = guarantee.Holds }, suite.ExitUnjudged, "fencing: held before, now not-exercised"},
		"slower": {func(b *reports.Baseline) {
			s := b.Scenarios["twice"]
			s.Stall = time.Millisecond
			b.Scenarios["twice"] = s
		}, suite.ExitDiffers, "recovery: a fault was felt for"},
	} {
		g := &suite.Gate{File: filepath.Join(dir, "known.json"), Ratio: 2}
		if err := g.Open(); err != nil {
			t.Fatal(err)
		}
		c.change(g.Baseline)
		o := judgedAgain(t, folder)
		if err := g.Weigh(&o); err != nil {
			t.Fatal(err)
		}
		if o.Code != c.code || !strings.Contains(o.Why, c.says) {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, o.Code, o.Why, c.code, c.says)
		}
		if err := g.Close(dir, suite.Results{o}); err != nil {
			t.Fatal(err)
		}
		if n := failures(t, filepath.Join(dir, "junit.xml")); (n > 0) != (c.code != suite.ExitExpected) {
			t.Errorf("%s: exit %d but %d failed cases in junit.xml", name, c.code, n)
		}
	}

	trend := onceproof(t, dir, "report", "--trend", "artefacts")
	if trend.code != suite.ExitExpected || !strings.Contains(trend.out, "no-duplicates: turned bad on") || !strings.Contains(read(t, filepath.Join(dir, "trend.html")), "<th scope=\"row\">no-duplicates</th>") {
		t.Errorf("report --trend: exit %d\n%s%s", trend.code, trend.out, trend.stderr)
	}
}

func TestGateRefusesBeforeAnythingStarts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "small.yaml", small)
	write(t, dir, "other.json", `{"format":"onceproof-baseline/9","scenarios":{}}`)
	for _, c := range []struct{ args, says string }{
		{"--baseline none.json", "--update-baseline makes one"},
		{"--update-baseline", "wants --baseline FILE"},
		{"--baseline other.json", "onceproof-baseline/1"},
		{"--budget 1s", "none of 1 scenarios fits"},
	} {
		got := onceproof(t, dir, append([]string{"run", "small.yaml"}, strings.Fields(c.args)...)...)
		if got.code != suite.ExitUsage || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%s: exit %d, %s; want %d and %q", c.args, got.code, got.stderr, suite.ExitUsage, c.says)
		}
		if runs, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); len(runs) > 0 {
			t.Errorf("%s: something ran: %v", c.args, runs)
		}
	}
}

func TestABudgetSaysWhatItLeavesOut(t *testing.T) {
	got := onceproof(t, t.TempDir(), "run", "--budget", "2m", "--backend", "embedded", "--plan")
	if got.code != suite.ExitExpected || !strings.Contains(got.stderr, "a budget of 2m0s buys ") || !strings.Contains(got.stderr, "left out for want of time: ") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if n := strings.Count(got.out, "seed"); n == 0 {
		t.Errorf("no plan of what the budget buys:\n%s", got.out)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func runFolder(t *testing.T, dir string) string {
	t.Helper()
	dirs := reports.RunFolders(dir)
	if len(dirs) != 1 {
		t.Fatalf("run folders %v in %s, want one", dirs, dir)
	}
	return dirs[0]
}

// judgedAgain is the outcome of the run in folder, as its expectations have it.
func judgedAgain(t *testing.T, folder string) suite.Outcome {
	t.Helper()
	report, in, err := suite.JudgeDir(t.Context(), folder, checker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := jobAgain(suite.Options{}, folder)
	if err != nil {
		t.Fatal(err)
	}
	return suite.Outcome{Job: j, Dir: folder, Code: report.Exit, Why: report.Why, Report: report, Input: in}
}

// failures counts what a CI shows as failed.
func failures(t *testing.T, file string) int {
	t.Helper()
	var doc struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(read(t, file)), &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range doc.Suites {
		n += s.Failures + s.Errors
	}
	return n
}
