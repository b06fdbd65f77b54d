// Package lint says, before any run, what a configuration can promise at best.
//
//	properties files ─┐
//	                  ├─> applications ──> rules ──> issues ──> promises
//	a scenario ───────┘
//
// Each rule is demonstrated by a shipped scenario: linting that scenario fires
// the rule, running it shows what breaks, and its fixed twin has neither.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity of an issue.
type Severity string

const (
	Error   Severity = "error"   // one ordinary fault breaks the promise
	Warning Severity = "warning" // it takes a coincidence, or something that cannot be seen from here
	Info    Severity = "info"    // worth knowing
)

// rank orders severities, the worst first.
func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Info}, s) }

// Issue is one setting that forfeits a promise. Its JSON form is lint's.
type Issue struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Property string   `json:"property"`
	File     string   `json:"file"`
	Line     int      `json:"line"` // 0 = the property is not set in File
	Promise  string   `json:"promise"`
	Fix      string   `json:"fix"`
	Scenario string   `json:"scenario"` // that demonstrates it

	Client  string   `json:"-"` // whose it is, in a scenario
	Value   string   `json:"-"` // that counts: the file's, or the library's default
	Written string   `json:"-"` // the setting in the file's own words, where they are others
	Column  int      `json:"-"` // 0 = not known
	Breaks  []string `json:"-"` // guarantees
	Risks   []string `json:"-"` // guarantees that it puts at risk besides
	Changes []Change `json:"-"` // that mend it
}

// Place is where an issue stands: "producer.properties:3".
func (i Issue) Place() string {
	if i.Line == 0 {
		return i.File
	}
	return fmt.Sprintf("%s:%d", i.File, i.Line)
}

// Setting is the property with its value: "acks=1", or "commit: after-batch",
// which is the application's own.
func (i Issue) Setting() string {
	switch {
	case i.Property == "commit" && i.Written == inferredMark:
		return "commit: " + i.Value + " (inferred; --pattern says otherwise)"
	case i.Property == "commit" && i.Written != "":
		return i.Written + " (commit: " + i.Value + ")"
	case i.Property == "library":
		return "library " + i.Value
	case i.Property == "commit":
		return "commit: " + i.Value
	case i.Written != "" && !strings.HasPrefix(i.Written, i.Property+"="):
		return fmt.Sprintf("%s (%s=%s)", i.Written, i.Property, i.Value)
	case i.Line == 0 && i.Value != "":
		return fmt.Sprintf("%s=%s by default", i.Property, i.Value)
	case i.Value == "":
		return i.Property
	}
	return i.Property + "=" + i.Value
}

// Part is a file that a change belongs in.
type Part string

const (
	Producer Part = "producer"
	Consumer Part = "consumer"
	Broker   Part = "broker"
	Code     Part = "code" // the application's own: Property is "commit" or "resend"
)

// Change is one line to write. An empty value takes the line out.
type Change struct {
	Part            Part
	Property, Value string
}

func (c Change) String() string {
	switch {
	case c.Part == Code:
		return fmt.Sprintf("in the application: %s: %s", c.Property, c.Value)
	case c.Value == "":
		return fmt.Sprintf("%s: take %s out", c.Part, c.Property)
	}
	return fmt.Sprintf("%s: %s=%s", c.Part, c.Property, c.Value)
}

// Lint applies every rule to every application. The worst issues come first, then
// those of one file in the order of its lines.
//
// A setting that the files leave open counts with the default that they name, else with
// the best value that it may get: Promises says what depends on it.
func Lint(apps []*Application) []Issue { return lintAll(settled(apps, choices(apps))) }

func lintAll(apps []*Application) []Issue {
	issues := []Issue{}
	for _, a := range apps {
		for i := range rules {
			issues = append(issues, rules[i].apply(a)...)
		}
	}
	slices.SortStableFunc(issues, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.CompactFunc(issues, func(a, b Issue) bool {
		return a.Rule == b.Rule && a.Place() == b.Place() && a.Property == b.Property && a.Scenario == b.Scenario && (a.Client == b.Client || a.Line > 0)
	})
}
