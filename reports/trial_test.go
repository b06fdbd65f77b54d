package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// trialOf makes a trial of a sample without a run folder.
func trialOf(t *testing.T, s sample, library string, started time.Time) Trial {
	t.Helper()
	trial := Trial{Dir: filepath.Join("runs", s.in.Report.Scenario+"-"+started.Format("0102")), Scenario: s.in.Report.Scenario,
		Library: library, Version: "v1", Started: started, Report: s.in.Report, timeline: timelineOfSample(t, s)}
	trial.measure()
	return trial
}

var day = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

func someTrials(t *testing.T) []Trial {
	good, bad := passingRun(), violatedRun()
	good.in.Report.Scenario, bad.in.Report.Scenario = "late-end", "late-end"
	same := passingRun()
	return []Trial{
		trialOf(t, same, "franz-go", day), trialOf(t, same, "sarama", day),
		trialOf(t, good, "franz-go", day), trialOf(t, good, "franz-go", day.AddDate(0, 0, 1)),
		trialOf(t, bad, "sarama", day), trialOf(t, good, "sarama", day.AddDate(0, 0, 1)),
		{Scenario: "late-end", Library: "segmentio <b>", Unsupported: "it has no transactions"},
	}
}

func TestLoadTrialReadsARunFolder(t *testing.T) {
	s := violatedRun()
	s.in.Dir = t.TempDir()
	f, err := os.Create(filepath.Join(s.in.Dir, history.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := history.NewWriter(f, s.in.Header)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.events {
		if err := w.Append(&s.events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.in.History = func() (*history.Reader, error) { return history.Open(s.in.Dir) }
	if err := Write(s.in); err != nil {
		t.Fatal(err)
	}
	trial, err := LoadTrial(s.in.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if trial.Scenario != "guide-recipe" || trial.Library != "franz-go" || trial.Version != "v1.22.2" || trial.Started.Year() != 2026 {
		t.Errorf("read %q, %q, %q, %v", trial.Scenario, trial.Library, trial.Version, trial.Started)
	}
	if trial.Rate < 350 || trial.Rate > 450 { // shop's 200 and till's 200
		t.Errorf("rate %v, want about 400", trial.Rate)
	}
	if trial.Stall < 900*time.Millisecond || trial.Stall > 1500*time.Millisecond { // till/0 was dead for 1.05 s
		t.Errorf("longest stall %v, want about 1.1 s", trial.Stall)
	}
	if err := os.WriteFile(filepath.Join(s.in.Dir, FileVerdict), []byte(`{"format":"other/1"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadTrial(s.in.Dir); err == nil || !strings.Contains(err.Error(), "other/1") {
		t.Errorf("a verdict of another format: error %v", err)
	}
}

func TestComparePutsDifferencesFirst(t *testing.T) {
	c := Compare(someTrials(t))
	if len(c.Scenarios) != 2 || c.Scenarios[0].Scenario != "late-end" || !c.Scenarios[0].Differs || c.Scenarios[1].Differs {
		t.Fatalf("scenarios in the order %+v", c.Scenarios)
	}
	s := c.Scenarios[0]
	if s.Guarantees[0] != guarantee.NoDuplicates || s.Guarantees[1] != guarantee.Order {
		t.Errorf("columns %v, want those that tell the libraries apart first", s.Guarantees)
	}
	var names []string
	for _, l := range s.Libraries {
		names = append(names, l.Library)
	}
	if d := cmp.Diff([]string{"sarama", "franz-go", "segmentio <b>"}, names); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	cell := s.Libraries[0].Cells[0]
	if cell.Violated != 1 || cell.Holds != 1 || cell.Describe() != "1 of 2" || cell.Dir != "runs/late-end-1120" {
		t.Errorf("sarama's no-duplicates: %+v, %q", cell, cell.Describe())
	}
}

// TestOverview: what the scenario expects is told apart from what broke besides, what
// could not be tried from what held; a single scenario needs none.
func TestOverview(t *testing.T) {
	c := Compare(someTrials(t))
	o := c.overview()
	if d := cmp.Diff([]string{"franz-go", "sarama", "segmentio <b>"}, o.Libraries); d != "" {
		t.Errorf("columns (-want +got):\n%s", d)
	}
	var got []string
	for _, row := range o.Rows {
		for _, cell := range row.Cells {
			got = append(got, row.Scenario+": "+symbol(cell.Verdict)+" "+cell.Describe())
		}
	}
	want := []string{
		"late-end: ✓ ", "late-end: ✗ order 1/2 (no-duplicates 1/2)", "late-end: – unsupported",
		"exactly-once: ✓ ", "exactly-once: ✓ ", "exactly-once: – not run",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("cells (-want +got):\n%s", d)
	}
	c.Scenarios = c.Scenarios[:1]
	if o := c.overview(); len(o.Rows) > 0 {
		t.Errorf("one scenario has an overview: %+v", o)
	}
}

func TestTheSameFaultIsDrawnForEachLibrary(t *testing.T) {
	slow := trialOf(t, violatedRun(), "sarama", day)
	for i := range slow.timeline.Faults {
		if f := &slow.timeline.Faults[i]; f.Step == 2 {
			f.Stall += 3e6
		}
		if f := &slow.timeline.Faults[i]; f.Step == 3 {
			f.Effect = 0 // never felt
		}
	}
	quick := trialOf(t, violatedRun(), "franz-go", day)
	got := sameFaults([]LibraryResult{{Library: "franz-go", shape: &quick}, {Library: "sarama", shape: &slow}, {Library: "none", Unsupported: "no"}})
	if len(got) != len(quick.timeline.Faults)-1 || got[0].spread != 3*time.Second {
		t.Fatalf("%d faults, the first with a spread of %v; want all but the one that sarama never felt, the kill with 3 s first", len(got), got[0].spread)
	}
	for _, p := range got[0].Pictures {
		if p.Points == "" || len(p.Bands) == 0 || p.Bands[0].X == "" {
			t.Errorf("%s: an empty picture", p.Name)
		}
	}
	if one := sameFaults([]LibraryResult{{Library: "franz-go", shape: &quick}}); one != nil {
		t.Error("one library alone is compared with nothing")
	}
}

func TestComparisonPages(t *testing.T) {
	c := Compare(someTrials(t))
	var md, page, js bytes.Buffer
	if err := c.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.md", md.Bytes())
	if err := c.HTML(&page, "runs"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="late-end-1120/report.html"`, "1 of 2", "unsupported: it has no transactions", "segmentio &lt;b&gt;", "95 % interval"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.String(), "http") && !strings.Contains(page.String(), "http-equiv") {
		t.Error("the page points outside")
	}
	if err := c.JSON(&js); err != nil {
		t.Fatal(err)
	}
	var back Comparison
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || back.Format != ComparisonFormat || len(back.Scenarios) != 2 {
		t.Errorf("JSON does not read back: %v", err)
	}
	writePage(t, "compare.html", page.Bytes())
}

// TestFatalErrorsAndRecoveriesAreCounted: over all trials of a library; a run that
// the infrastructure spoilt counts for nothing but itself.
func TestFatalErrorsAndRecoveriesAreCounted(t *testing.T) {
	one, two, spoilt := trialOf(t, violatedRun(), "sarama", day), trialOf(t, violatedRun(), "sarama", day.AddDate(0, 0, 1)), trialOf(t, violatedRun(), "sarama", day)
	one.Fatal, two.Fatal = map[string]int{"ErrFenced": 2}, map[string]int{"ErrFenced": 1, "ErrAuth": 1}
	spoilt.Report.Infra, spoilt.Fatal = "no engine", map[string]int{"ErrOther": 9}
	l := Compare([]Trial{one, two, spoilt}).Scenarios[0].Libraries[0]
	if l.Runs != 3 || l.Unjudged != 1 || l.Why != "no engine" || l.UnjudgedDir != spoilt.Dir {
		t.Errorf("runs %d, unjudged %d (%s, %s)", l.Runs, l.Unjudged, l.Why, l.UnjudgedDir)
	}
	if d := cmp.Diff([]string{"order"}, l.Found); d != "" {
		t.Errorf("what the spoilt run found all the same (-want +got):\n%s", d)
	}
	if cell := Compare([]Trial{spoilt}).Scenarios[0].Libraries[0].glance(); cell.Describe() != "not judged, yet order" {
		t.Errorf("its cell says %q", cell.Describe())
	}
	if l.Fatal != 4 || l.fatalWords() != "4 (ErrAuth, ErrFenced)" {
		t.Errorf("fatal errors %d, %q", l.Fatal, l.fatalWords())
	}
	for _, c := range l.Cells {
		if c.runs() != 2 {
			t.Errorf("%s counts %d runs, want the 2 that were judged", c.Guarantee, c.runs())
		}
	}
	if len(l.Recoveries) == 0 {
		t.Fatal("no fault was felt")
	}
	for i, f := range l.Recoveries {
		if f.Runs != 2 || f.Worst < f.Median || i > 0 && f.step < l.Recoveries[i-1].step {
			t.Errorf("fault %+v", f)
		}
		if strings.Contains(f.Fault, "till/") {
			t.Errorf("%q names an instance, which differs from run to run", f.Fault)
		}
	}
}

// writePage keeps a page for the browser tests.
func writePage(t *testing.T, name string, page []byte) {
	t.Helper()
	if *pagesDir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pagesDir, name), page, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTrendMarksTheFirstBadRun(t *testing.T) {
	var ts []Trial
	for i, bad := range []bool{false, false, true, true, false, true} {
		s := passingRun()
		if bad {
			s = violatedRun()
			s.in.Report.Scenario = "exactly-once"
		}
		ts = append(ts, trialOf(t, s, "franz-go", day.AddDate(0, 0, i)))
	}
	ts[0], ts[5] = ts[5], ts[0] // order of the arguments does not matter
	series := trend("runs", ts)
	if len(series) != 1 {
		t.Fatalf("%d series, want 1", len(series))
	}
	var order trendRow
	for _, r := range series[0].Rows {
		if r.Guarantee == guarantee.Order {
			order = r
		}
	}
	var first, bad []int
	for i, c := range order.Cells {
		if c.First {
			first = append(first, i)
		}
		if c.Bad {
			bad = append(bad, i)
		}
	}
	if d := cmp.Diff([]int{2, 5}, first); d != "" {
		t.Errorf("first bad runs (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{2, 3, 5}, bad); d != "" {
		t.Errorf("bad runs (-want +got):\n%s", d)
	}
	var page bytes.Buffer
	if err := Trend(&page, "runs", ts); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "order: turned bad on 2026-11-22 09:30 (violated, expected holds)") {
		t.Error("the page does not name the first bad run")
	}
	writePage(t, "trend.html", page.Bytes())
}

func TestBaselineFailsOnlyOnWhatGotWorse(t *testing.T) {
	known := trialOf(t, violatedRun(), "franz-go", day)
	b := NewBaseline([]Trial{known})
	var buf bytes.Buffer
	if err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	golden(t, "baseline.json", buf.Bytes())
	b, err := ReadBaseline(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*Trial)) Trial {
		next := trialOf(t, violatedRun(), "franz-go", day)
		f(&next)
		return next
	}
	for name, c := range map[string]struct {
		trial Trial
		want  []string
	}{
		"the same": {known, nil},
		"a finding less": {change(func(t *Trial) {
			t.Report.Guarantees[2].Anomalies = nil
			t.Report.Guarantees[2].Verdict = guarantee.Holds
		}), nil},
		"more of a kind":   {change(func(t *Trial) { t.Report.Guarantees[1].Anomalies[0].Count = 900 }), nil},
		"new fingerprint":  {change(func(t *Trial) { t.Report.Guarantees[1].Anomalies[0].Fingerprint = "new" }), []string{"new finding duplicate-write"}},
		"not shown now":    {change(func(t *Trial) { t.Report.Guarantees[0].Verdict = guarantee.NotExercised }), []string{"no-loss: held before, now not-exercised"}},
		"not judged":       {change(func(t *Trial) { t.Report.Infra = "no engine" }), []string{"could not be judged: no engine"}},
		"slower recovery":  {change(func(t *Trial) { t.Stall *= 3 }), []string{"more than 2 times"}},
		"unknown scenario": {change(func(t *Trial) { t.Scenario = "other" }), []string{"order: violated, expected holds (the baseline does not know other)"}},
	} {
		got := b.Worse(c.trial, 2)
		if len(got) != len(c.want) {
			t.Errorf("%s: worse is %v, want %q", name, got, c.want)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i].Text, c.want[i]) {
				t.Errorf("%s: worse is %v, want %q", name, got[i], c.want[i])
			}
		}
	}
	if _, err := ReadBaseline(strings.NewReader(`{"format":"onceproof-baseline/9","scenarios":{}}`)); err == nil || !strings.Contains(err.Error(), "--update-baseline") {
		t.Errorf("a baseline of another format: error %v, want the way out", err)
	}
}

func TestAnnotations(t *testing.T) {
	s := violatedRun()
	s.in.Report.Guarantees[2].Anomalies[0].Witnesses[0].Forfeit = "my/shop.yaml:21: acks=1, 100%"
	s.in.Report.Guarantees[8].Verdict, s.in.Report.Guarantees[8].Reason = guarantee.Unknown, "a time-out"
	var buf bytes.Buffer
	if err := Annotations(&buf, s.in); err != nil {
		t.Fatal(err)
	}
	golden(t, "annotations.txt", buf.Bytes())
	if lines := strings.Split(strings.TrimSpace(buf.String()), "\n"); len(lines) != 2 {
		t.Errorf("%d lines, want one each for order and progress:\n%s", len(lines), buf.String())
	}
}
