package checker

import "github.com/onceproof/onceproof/guarantee"

// passes are those of the rules that stand in files of their own, in no order.
var passes []func(*judge)

// addRule adds a rule: an anomaly, with all that is to be said of it, and the pass that
// looks for it when the whole history is known. A rule's file calls it in the
// initialisation of a variable: docs/adding-a-check.md.
func addRule(e Explanation, pass func(*judge)) guarantee.Anomaly {
	explanations[e.Anomaly] = e
	breaks[e.Guarantee] = append(breaks[e.Guarantee], e.Anomaly)
	passes = append(passes, pass)
	return e.Anomaly
}
