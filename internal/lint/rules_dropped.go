package lint

import (
	"slices"
	"strings"
)

// dropping are settings of frameworks with which a record that fails is left out.
var dropping = []struct {
	fact   string
	values []string // any of them is part of the value
	what   string
}{
	{"errors.tolerance", []string{"all"}, "a record that a converter or a transformation refuses is left out, and the offset goes on"},
	{"skips-records", []string{"continue", "true"}, "a record that cannot be read or worked on is logged and left out"},
	{"production-handler", []string{"continue"}, "a record that cannot be written is logged and left out, with its input committed"},
	{"failure-strategy", []string{"ignore"}, "a record whose work failed is committed all the same"},
	{"wait-for-write", []string{"false"}, "a record counts as done before the broker has its output: what cannot be written then is lost"},
	{"async", []string{"true"}, "a write returns at once, and the application is not told of an error"},
	{"delivery-reports", []string{"false"}, "no delivery is reported, so no lost record is noticed"},
	{"return-errors", []string{"false"}, "no error of a send is given to the application, so no lost record is noticed"},
	{"break-on-error", []string{"false"}, "a record whose work failed is committed with those after it"},
}

var droppedRules = []Rule{{
	ID: "failures-dropped", Property: "errors", Severity: Warning,
	Promise: "a record that fails is left out, and what comes after it is committed",
	Fix:     "let the failure stop the client, or keep the record in a dead-letter topic and count it",
	Why: "Kafka keeps what it acknowledged. A framework that is told to go on after a failure commits the offsets behind a record that has no " +
		"result. That may be what is wanted of poison pills; it is no delivery of every record.",
	Sources: []Source{{"KIP-298: Error Handling in Connect", "https://cwiki.apache.org/confluence/display/KAFKA/KIP-298%3A+Error+Handling+in+Connect"}},
	Breaks:  []string{"no-loss"}, Unshown: "it is the framework's doing, outside a worker; ignore-send-errors shows the same by hand",
	check: func(a *Application) (hits []hit) {
		for _, d := range dropping {
			p, ok := a.Facts[d.fact]
			low := strings.ToLower(p.Value)
			if !ok || d.fact == "break-on-error" && a.Framework != "camel" || !slices.ContainsFunc(d.values, func(v string) bool { return strings.Contains(low, v) }) {
				continue
			}
			hits = append(hits, hit{at: Setting{Property: p.Written(), Value: p.Value, File: a.place(), Line: p.Line, Column: p.Column}, promise: d.what})
		}
		return hits
	},
}}
