package verify

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
)

// run is an outcome in which every guarantee but those of broken holds. A broken
// one has a witness that names the setting.
func run(scenario string, broken map[guarantee.Guarantee]string) Outcome {
	r := &checker.Report{Scenario: scenario, Backend: "embedded"}
	for _, g := range guarantee.All {
		res := checker.Result{Guarantee: g, Verdict: guarantee.Holds}
		if forfeit, is := broken[g]; is {
			res.Verdict = guarantee.Violated
			res.Anomalies = []checker.Finding{{Kind: guarantee.DuplicateWrite, Witnesses: []checker.Witness{{Text: "One send, two records", Forfeit: forfeit}}}}
		}
		r.Guarantees = append(r.Guarantees, res)
	}
	return Outcome{Scenario: scenario, Dir: "runs/v/" + scenario, Report: r}
}

// idle is an outcome in which some guarantees were not put to the test.
func idle(scenario string, untested ...guarantee.Guarantee) Outcome {
	o := run(scenario, nil)
	for i := range o.Report.Guarantees {
		if g := &o.Report.Guarantees[i]; slices.Contains(untested, g.Guarantee) {
			g.Verdict = guarantee.NotExercised
		}
	}
	return o
}

// TestWhatWasNotTriedIsNoPass: nothing broke, but what lint calls forfeited met no fault.
func TestWhatWasNotTriedIsNoPass(t *testing.T) {
	for _, tt := range []struct {
		allow []string
		run   Outcome
		says  string
	}{
		{nil, idle("a", guarantee.NoDuplicates), "--allow no-duplicates"},
		{[]string{"no-duplicates"}, idle("a", guarantee.NoDuplicates), ""},
		{nil, run("a", nil), ""},
		{nil, run("a", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "enable.idempotence=false"}), ""},
	} {
		_, a := answer(t, guide(t), Options{Backend: "embedded", Allow: tt.allow}, tt.run)
		if got := a.Unproved(); (got == "") != (tt.says == "") || !strings.Contains(got, tt.says) {
			t.Errorf("allowing %v: %q, want %q", tt.allow, got, tt.says)
		}
	}
}

func guide(t *testing.T) *lint.Application {
	return &lint.Application{
		Library: "java", Role: guarantee.Processor, Commit: guarantee.CommitEach,
		Producer: file(t, "p", "acks=all", "enable.idempotence=false"), Consumer: file(t, "c", "group.id=g", "enable.auto.commit=false", "auto.offset.reset=earliest"),
	}
}

func answer(t *testing.T, a *lint.Application, o Options, runs ...Outcome) (*Suite, *Answer) {
	t.Helper()
	s, err := New(a, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Answer(o, runs)
}

func TestTheChangeIsWhatTheWitnessesName(t *testing.T) {
	idempotent := lint.Change{Part: lint.Producer, Property: "enable.idempotence", Value: "true"}
	tests := []struct {
		name   string
		broken map[guarantee.Guarantee]string
		want   []lint.Change
	}{
		{"nothing broke", nil, []lint.Change{}},
		{"a line that the witness names, though another forfeits it too", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "p:2: enable.idempotence=false: why"}, []lint.Change{idempotent}},
		{"the commit pattern", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "commit=after-each-record: why"}, []lint.Change{
			{Part: lint.Code, Property: "commit", Value: "transaction"}, {Part: lint.Producer, Property: "transactional.id", Value: "${client}-${instance}"},
			{Part: lint.Consumer, Property: "isolation.level", Value: "read_committed"}}},
		{"a witness that names nothing: all that is held against the guarantee", map[guarantee.Guarantee]string{guarantee.Order: ""}, []lint.Change{idempotent}},
		{"nothing explains it", map[guarantee.Guarantee]string{guarantee.NoLoss: ""}, []lint.Change{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, a := answer(t, guide(t), Options{Backend: "embedded"}, run("one", tt.broken), run("two", nil))
			if d := cmp.Diff(tt.want, a.Change); d != "" {
				t.Errorf("change (-want +got):\n%s", d)
			}
			if len(a.Broken()) != len(tt.broken) {
				t.Errorf("broken: %v", a.Broken())
			}
		})
	}
}

// TestWhatIsSoAlreadyIsNoChange: a change's part that the files have is not asked for.
func TestWhatIsSoAlreadyIsNoChange(t *testing.T) {
	app := guide(t)
	app.Consumer = file(t, "c", "group.id=g", "enable.auto.commit=false", "auto.offset.reset=earliest", "isolation.level=read_committed")
	_, a := answer(t, app, Options{Backend: "embedded"}, run("one", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "commit=after-each-record: why"}))
	want := []lint.Change{{Part: lint.Code, Property: "commit", Value: "transaction"}, {Part: lint.Producer, Property: "transactional.id", Value: "${client}-${instance}"}}
	if d := cmp.Diff(want, a.Change); d != "" {
		t.Errorf("change (-want +got):\n%s", d)
	}
}

func TestWhatRunsAgain(t *testing.T) {
	o := Options{Backend: "embedded"}
	_, was := answer(t, guide(t), o, run("verify-lost-acknowledgement", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "enable.idempotence=false"}), run("verify-reordering", nil))
	mended, err := New(was.Mend(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := mended.Again(was); len(got) != 1 || got[0].Metadata.Name != "verify-lost-acknowledgement" || got[0].Clients[0].Config["enable.idempotence"] != "true" {
		t.Errorf("again: %v", got)
	}
	// Another commit pattern sends other requests: another suite.
	_, was = answer(t, guide(t), o, run("verify-commit-after-each-record", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "commit=after-each-record"}))
	if mended, err = New(was.Mend(), o); err != nil {
		t.Fatal(err)
	}
	if got := mended.Again(was); len(got) < 5 || got[0].Clients[1].Commit != guarantee.CommitTxn || got[0].Clients[1].Config["transactional.id"] == "" {
		t.Errorf("again: %v", got)
	}
}

func TestSentences(t *testing.T) {
	o := Options{Backend: "embedded"}
	broken := map[guarantee.Guarantee]string{guarantee.NoDuplicates: "enable.idempotence=false"}
	spoilt := Outcome{Scenario: "x", Exit: 3, Why: "no engine"}
	unseen := run("x", map[guarantee.Guarantee]string{guarantee.NoDuplicates: ""}) // what broke all the same is not why
	unseen.Report.Infra, unseen.Why = "a fault was not seen", "no-duplicates: violated"
	for _, tt := range []struct {
		want  string
		app   *lint.Application
		allow []string
		runs  []Outcome
	}{
		{"Not exactly once: no-duplicates broke in 1 of 2 runs.", guide(t), nil, []Outcome{run("a", broken), run("b", nil)}},
		{"Nothing broke in 2 runs, and yet the configuration does not promise exactly once.", guide(t), nil, []Outcome{run("a", nil), run("b", nil)}},
		{"Nothing broke in one run but what was allowed to.", guide(t), []string{"no-duplicates", "order"}, []Outcome{run("a", broken)}},
		{"Exactly once in one run: everything that the configuration promises held.", production(t), nil, []Outcome{run("a", nil)}},
		{"Nothing broke in one run. Not put to the test: no-duplicates, fencing.", production(t), nil, []Outcome{idle("a", guarantee.NoDuplicates, guarantee.Fencing)}},
		{"Nothing broke in one run, which did not put to the test what the configuration does not promise: no-duplicates.", guide(t), nil, []Outcome{idle("a", guarantee.NoDuplicates)}},
		{"Nothing broke in one run; 1 could not be judged.", production(t), nil, []Outcome{run("a", nil), spoilt}},
		{"Could not be judged: no engine", production(t), nil, []Outcome{spoilt}},
		{"Could not be judged: a fault was not seen", production(t), nil, []Outcome{unseen}},
	} {
		o.Allow = tt.allow
		if _, a := answer(t, tt.app, o, tt.runs...); a.Sentence() != tt.want {
			t.Errorf("%q, want %q", a.Sentence(), tt.want)
		}
	}
}

func TestPages(t *testing.T) {
	o := Options{Backend: "embedded"}
	_, a := answer(t, guide(t), o, run("one", map[guarantee.Guarantee]string{guarantee.NoDuplicates: "p:2: enable.idempotence=false: why"}))
	_, a.Mended = answer(t, a.Mend(), o, run("one", nil))
	var text, md, js bytes.Buffer
	for _, err := range []error{a.Text(&text), a.Markdown(&md, "runs/v"), a.JSON(&js)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Not exactly once", "✗ violated in 1 of 1", "p:2: enable.idempotence=true (was false)", "nothing broke in 1 of 1 runs", "runs/v/one/report.html"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for _, want := range []string{"](one/report.html)", "# Not exactly once"} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, md.String())
		}
	}
	var back Answer
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || back.Format != AnswerFormat || back.Mended == nil || len(back.Change) != 1 {
		t.Errorf("JSON does not read back: %v", err)
	}
}

func TestDropTellsOrRefuses(t *testing.T) {
	a := production(t)
	a.Producer = file(t, "p", "acks=all", "transactional.id=t", "client.id=r1")
	s, err := New(a, Options{Backend: "embedded"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drop([]string{"client.id: it has no names"}); err != nil {
		t.Fatal(err)
	}
	for _, sc := range s.Scenarios {
		for _, c := range sc.Clients {
			if c.Config["client.id"] != "" {
				t.Errorf("%s: %s still has it", sc.Metadata.Name, c.Name)
			}
		}
	}
	if !strings.Contains(strings.Join(s.Notes, "\n"), "java cannot honour client.id") {
		t.Errorf("nobody is told: %v", s.Notes)
	}
	if err := s.Drop([]string{"acks: it has none"}); err == nil {
		t.Error("a run without acks would be about another configuration")
	}
}
