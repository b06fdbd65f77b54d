package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Outcome is one run of a suite. Report is nil where nothing could be judged.
type Outcome struct {
	Scenario string          `json:"scenario"`
	Seed     uint64          `json:"seed"`
	Dir      string          `json:"dir"`
	Exit     int             `json:"exit"`
	Why      string          `json:"why"`
	Report   *checker.Report `json:"-"`
}

func (o Outcome) judged() bool { return o.Report != nil && o.Report.Infra == "" }

// unjudged is why it was not.
func (o Outcome) unjudged() string {
	if o.Report != nil && o.Report.Infra != "" {
		return o.Report.Infra
	}
	return o.Why
}

// Answer is what verify says of a configuration; its JSON form is answer.json.
type Answer struct {
	Format     string        `json:"format"`
	Library    string        `json:"library"`
	Pattern    string        `json:"pattern,omitempty"`
	Backend    string        `json:"backend"`
	Guarantees []Row         `json:"guarantees"`
	Runs       []Outcome     `json:"runs"`
	Issues     []lint.Issue  `json:"issues"` // lint's
	Replaced   []Replaced    `json:"replaced"`
	Notes      []string      `json:"notes"`
	Change     []lint.Change `json:"change"` // the smallest that mends it; empty if nothing broke or nothing is known
	Mended     *Answer       `json:"mended,omitempty"`
	Without    []Without     `json:"without,omitempty"` // of Change, and of what was first in it, line by line

	app     *lint.Application
	allowed []string
}

// AnswerFormat is the format of Answer's JSON form.
const AnswerFormat = "onceproof-answer/1"

// Row is one guarantee over all runs.
type Row struct {
	Guarantee guarantee.Guarantee `json:"guarantee"`
	AtBest    lint.State          `json:"at-best"`
	By        []string            `json:"by,omitempty"` // the lines that forfeit it
	Verdict   guarantee.Verdict   `json:"verdict"`      // the worst that was seen
	Violated  int                 `json:"violated"`     // runs
	Holds     int                 `json:"holds"`
	Witness   string              `json:"witness,omitempty"`
	Anomaly   guarantee.Anomaly   `json:"anomaly,omitempty"`
	Dir       string              `json:"dir,omitempty"` // the run with the witness
	Allowed   bool                `json:"allowed,omitempty"`
	forfeits  []string
}

func (r Row) broken() bool { return r.Violated > 0 && !r.Allowed }

// Answer gathers what the runs of s showed.
func (s *Suite) Answer(o Options, runs []Outcome) *Answer {
	apps := []*lint.Application{s.App}
	issues := lint.Lint(apps)
	a := &Answer{
		Format: AnswerFormat, Library: s.App.Library, Pattern: s.App.Commit, Runs: runs, Issues: issues, Replaced: s.Replaced,
		Notes: s.Notes, Change: []lint.Change{}, app: s.App, allowed: o.Allow,
	}
	for _, st := range lint.Promises(apps, issues) {
		row := Row{Guarantee: guarantee.Guarantee(st.Guarantee), AtBest: st.State, Verdict: guarantee.NotExercised, Allowed: slices.Contains(o.Allow, st.Guarantee)}
		for _, i := range st.By {
			row.By = append(row.By, i.Place()+" "+i.Setting())
		}
		for _, r := range runs {
			if r.judged() {
				row.add(r)
				a.Backend = r.Report.Backend
			}
		}
		a.Guarantees = append(a.Guarantees, row)
	}
	a.Change = a.smallest()
	return a
}

func (r *Row) add(o Outcome) {
	i := slices.IndexFunc(o.Report.Guarantees, func(g checker.Result) bool { return g.Guarantee == r.Guarantee })
	if i < 0 {
		return
	}
	switch g := o.Report.Guarantees[i]; g.Verdict {
	case guarantee.Violated:
		r.Violated++
		r.Verdict = guarantee.Violated
		for _, f := range g.Anomalies {
			for _, w := range f.Witnesses {
				r.forfeits = append(r.forfeits, w.Forfeit)
				if r.Witness == "" {
					r.Witness, r.Anomaly, r.Dir = w.Text, f.Kind, o.Dir
				}
			}
		}
	case guarantee.Holds:
		r.Holds++
		if r.Verdict != guarantee.Violated {
			r.Verdict = guarantee.Holds
		}
	case guarantee.Unknown:
		if r.Verdict == guarantee.NotExercised {
			r.Verdict = guarantee.Unknown
		}
	}
}

// Broken are the guarantees that were violated and may not be.
func (a *Answer) Broken() []guarantee.Guarantee {
	var all []guarantee.Guarantee
	for _, r := range a.Guarantees {
		if r.broken() {
			all = append(all, r.Guarantee)
		}
	}
	return all
}

// Untested are the guarantees that the configuration speaks of and that no run put to
// the test, in the states of lint that are asked for.
func (a *Answer) Untested(states ...lint.State) []string {
	var all []string
	for _, r := range a.Guarantees {
		if slices.Contains(states, r.AtBest) && !r.Allowed && (r.Verdict == guarantee.NotExercised || r.Verdict == guarantee.Unknown) {
			all = append(all, string(r.Guarantee))
		}
	}
	return all
}

// Unproved is why an answer that broke nothing is no pass: what lint says is forfeited,
// or not known, was not put to the test. "" = there is nothing of that kind.
func (a *Answer) Unproved() string {
	left := a.Untested(lint.Forfeited, lint.NotKnown)
	if len(left) == 0 || len(a.Broken()) > 0 {
		return ""
	}
	names := strings.Join(left, ", ")
	return fmt.Sprintf("%s: lint says that the configuration does not promise it, and no run put it to the test; a larger --budget or --backend docker may, --allow %s passes it by", names, strings.Join(left, ","))
}

// Judged says how many of the runs were.
func (a *Answer) Judged() (n int) {
	for _, r := range a.Runs {
		if r.judged() {
			n++
		}
	}
	return n
}

// smallest is the least that has to change: for each guarantee that broke, what
// lint has against the settings that its witnesses name; where they name none
// that lint knows, everything that lint holds against the guarantee.
func (a *Answer) smallest() []lint.Change {
	changes := []lint.Change{}
	for _, r := range a.Guarantees {
		if !r.broken() {
			continue
		}
		var named, others []lint.Issue
		for _, i := range a.Issues {
			switch {
			case !slices.Contains(i.Breaks, string(r.Guarantee)):
			case slices.ContainsFunc(r.forfeits, func(f string) bool { return strings.Contains(f, i.Property+"=") }):
				named = append(named, i)
			case i.Severity == lint.Error:
				others = append(others, i)
			}
		}
		if len(named) == 0 {
			named = others
		}
		for _, i := range named {
			for _, c := range i.Changes {
				if !slices.Contains(changes, c) && !a.app.Has(c) {
					changes = append(changes, c)
				}
			}
		}
	}
	return changes
}

// Sentence is the answer in one line.
func (a *Answer) Sentence() string {
	judged := a.Judged()
	runs := fmt.Sprintf("%d runs", judged)
	if judged == 1 {
		runs = "one run"
	}
	broken := a.Broken()
	switch {
	case judged == 0:
		return "Could not be judged: " + firstLine(a.Runs[0].unjudged())
	case len(broken) > 0:
		var parts []string
		for _, r := range a.Guarantees {
			if r.broken() {
				parts = append(parts, fmt.Sprintf("%s broke in %d of %s", r.Guarantee, r.Violated, runs))
			}
		}
		return "Not exactly once: " + strings.Join(parts, ", ") + "."
	case len(a.Untested(lint.Forfeited, lint.NotKnown)) > 0:
		return fmt.Sprintf("Nothing broke in %s, which did not put to the test what the configuration does not promise: %s.", runs, strings.Join(a.Untested(lint.Forfeited, lint.NotKnown), ", "))
	case slices.ContainsFunc(a.Guarantees, func(r Row) bool { return r.AtBest == lint.Forfeited && !r.Allowed }):
		return fmt.Sprintf("Nothing broke in %s, and yet the configuration does not promise exactly once.", runs)
	case judged < len(a.Runs):
		return fmt.Sprintf("Nothing broke in %s; %d could not be judged.", runs, len(a.Runs)-judged)
	case len(a.allowed) > 0:
		return fmt.Sprintf("Nothing broke in %s but what was allowed to.", runs)
	}
	if left := a.Untested(lint.Promised, lint.AtRisk); len(left) > 0 {
		return fmt.Sprintf("Nothing broke in %s. Not put to the test: %s.", runs, strings.Join(left, ", "))
	}
	return fmt.Sprintf("Exactly once in %s: everything that the configuration promises held.", runs)
}

// Mend is the application with the answer's change made.
func (a *Answer) Mend() *lint.Application { return a.With(a.Change) }

// With is the answer's application with another change made.
func (a *Answer) With(change []lint.Change) *lint.Application { return a.app.With(change) }

// Again are the scenarios of s worth running to see that a change mends what
// broke in was: those that broke if they are still in s; all of them if the
// application commits in another way now.
func (s *Suite) Again(was *Answer) []*scenario.Scenario {
	if s.App.Commit != was.app.Commit {
		return s.Scenarios
	}
	var again []*scenario.Scenario
	for _, sc := range s.Scenarios {
		if was.BrokeIn(sc) {
			again = append(again, sc)
		}
	}
	return again
}

// Broke says whether anything broke in a run that may not.
func (a *Answer) Broke(r Outcome) bool {
	return r.judged() && slices.ContainsFunc(r.Report.Guarantees, func(g checker.Result) bool {
		return g.Verdict == guarantee.Violated && !slices.Contains(a.allowed, string(g.Guarantee))
	})
}

// BrokeIn says whether anything broke in a's run of a scenario.
func (a *Answer) BrokeIn(s *scenario.Scenario) bool {
	return slices.ContainsFunc(a.Runs, func(r Outcome) bool { return r.Scenario == s.Metadata.Name && a.Broke(r) })
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
