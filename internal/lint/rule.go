package lint

import (
	"fmt"
	"strings"
)

// Rule is one way in which a configuration forfeits a promise.
type Rule struct {
	ID       string
	Property string   // the one that its page is about
	Severity Severity // the worst that it may have
	Promise  string   // what is forfeited, and how, in one clause
	Fix      string   // what to write instead
	Why      string   // its page's paragraph
	Sources  []Source
	Breaks   []string // guarantees
	Risks    []string // guarantees that it puts at risk besides, by a coincidence more
	Scenario string   // the shipped scenario that shows it
	Unshown  string   // why no run shows it, where Scenario is ""

	check func(*Application) []hit
}

// Source is where Kafka says so.
type Source struct{ Name, URL string }

// hit is one finding of a rule; what it leaves zero is the rule's own.
type hit struct {
	at       Setting
	severity Severity
	promise  string
	fix      string
	breaks   []string
	risks    []string
	scenario string
	changes  []Change
}

// one is a single hit.
func one(at Setting, changes ...Change) []hit { return []hit{{at: at, changes: changes}} }

func (r *Rule) apply(a *Application) []Issue {
	var issues []Issue
	for _, h := range r.check(a) {
		i := Issue{
			Rule: r.ID, Severity: r.Severity, Property: h.at.Property, File: h.at.File, Line: h.at.Line,
			Promise: r.Promise, Fix: r.Fix, Scenario: r.Scenario,
			Client: a.Client, Value: h.at.Value, Written: h.at.Written, Column: h.at.Column, Breaks: r.Breaks, Risks: r.Risks, Changes: h.changes,
		}
		if h.severity != "" {
			i.Severity = h.severity
		}
		if h.promise != "" {
			i.Promise = h.promise
		}
		if h.fix != "" {
			i.Fix = h.fix
		}
		if h.scenario != "" {
			i.Scenario = h.scenario
		}
		if h.risks != nil {
			i.Risks = h.risks
		}
		if h.breaks != nil {
			i.Breaks = h.breaks
		}
		issues = append(issues, i)
	}
	return issues
}

// Rules are all rules, in the order of their pages.
func Rules() []Rule { return rules }

// Lookup finds a rule by its name.
func Lookup(id string) (Rule, bool) {
	for _, r := range rules {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

var rules = func() []Rule {
	var all []Rule
	for _, group := range [][]Rule{producerRules, transactionRules, consumerRules, aheadRules, groupRules, brokerRules, droppedRules, bugRules} {
		all = append(all, group...)
	}
	return all
}()

// kip is a Kafka improvement proposal as a source, its title as its page has it:
// " - Exactly Once…", or ": Producer will…".
func kip(number int, title string) Source {
	page := fmt.Sprintf("KIP-%d%s", number, title)
	return Source{page, "https://cwiki.apache.org/confluence/display/KAFKA/" + strings.NewReplacer(" ", "+", ":", "%3A").Replace(page)}
}

// documented is a property in Kafka's documentation as a source.
func documented(part, property string) Source {
	return Source{"Kafka documentation, " + property, "https://kafka.apache.org/documentation/#" + part + "configs_" + property}
}
