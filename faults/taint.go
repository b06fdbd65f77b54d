package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// TaintReason tells what the faults of s may leave in brokers that healing and cleaning do
// not take away, "" if nothing: then another run may have them.
func TaintReason(s *scenario.Scenario) string {
	for _, f := range everyFault(s) {
		what, known := f.Leaves()
		switch {
		case !known:
			return fmt.Sprintf("nobody knows what %s leaves in brokers", f.Kind)
		case what != "":
			return fmt.Sprintf("%s left %s", f.Kind, what)
		case f.Kind == scenario.KindElect && f.Args.Unclean:
			return "an unclean election left replicas that differ"
		case strings.HasPrefix(f.Args.TP, "__"):
			return fmt.Sprintf("%s struck %s, which stays", f.Kind, f.Args.TP)
		}
	}
	if s.Cluster.Config["unclean.leader.election.enable"] == "true" &&
		slices.ContainsFunc(everyFault(s), func(f scenario.Fault) bool { return f.Disturbs() }) {
		return "an election that may have been unclean left replicas that differ"
	}
	return ""
}
