package verify

import (
	"slices"

	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/scenarios"
)

// template is a shipped scenario whose faults say something about a kind of
// application. Its clients get the user's configuration; its faults, rates and
// the pace of its timeouts stay.
type template struct {
	scenario string
	fits     func(a *lint.Application) bool
}

// templates are what may go into a suite. A fault that strikes on a request is of
// use only where the application sends such requests.
var templates = []template{
	{"lost-acknowledgement", producesAlone},
	{"reordering", producesAlone},
	{"acks-0", producesAlone},
	{"leader-isolated", producesAlone},
	{"producer-sleeps", func(a *lint.Application) bool { return a.Role == scenarios.Producer && a.Batch > 0 }},
	{"exactly-once", commits(scenarios.CommitTxn)},
	{"crash-around-end-txn", commits(scenarios.CommitTxn, scenarios.CommitTxnOutside)},
	{"late-end-txn", commits(scenarios.CommitTxn, scenarios.CommitTxnOutside)},
	{"zombie-wakes", commits(scenarios.CommitTxn, scenarios.CommitTxnOutside)},
	{"rebalance-storm", commits(scenarios.CommitTxn, scenarios.CommitTxnOutside)},
	{"coordinator-dies-in-commit", commits(scenarios.CommitTxn, scenarios.CommitTxnOutside)},
	{"commit-after-processing", commits(scenarios.CommitEach, scenarios.CommitBatch)},
	{"commit-after-each-record", commits(scenarios.CommitEach, scenarios.CommitBatch, scenarios.CommitBefore)},
	{"group-coordinator-dies", commits(scenarios.CommitEach, scenarios.CommitBatch, scenarios.CommitBefore)},
	{"late-commit", commits(scenarios.CommitEach, scenarios.CommitBatch, scenarios.CommitBefore)},
	{"auto-commit", commits(scenarios.CommitAuto)},
	{"rolling-restart", func(a *lint.Application) bool { return a.Role == scenarios.Processor }},
	{"read-uncommitted", func(a *lint.Application) bool { return a.Role == scenarios.Consumer }},
}

// producesAlone: what is sent, it sends outside transactions.
func producesAlone(a *lint.Application) bool {
	return a.Producer != nil && a.Batch == 0 && a.Commit != scenarios.CommitTxn && a.Commit != scenarios.CommitTxnOutside
}

func commits(patterns ...string) func(*lint.Application) bool {
	return func(a *lint.Application) bool {
		return a.Role == scenarios.Processor && slices.Contains(patterns, a.Commit)
	}
}
