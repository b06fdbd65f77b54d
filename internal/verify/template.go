package verify

import (
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
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
	{"producer-sleeps", func(a *lint.Application) bool { return a.Role == guarantee.Producer && a.Batch > 0 }},
	{"exactly-once", commits(guarantee.CommitTxn)},
	{"crash-around-end-txn", commits(guarantee.CommitTxn, guarantee.CommitTxnOutside)},
	{"late-end-txn", commits(guarantee.CommitTxn, guarantee.CommitTxnOutside)},
	{"zombie-wakes", commits(guarantee.CommitTxn, guarantee.CommitTxnOutside)},
	{"rebalance-storm", commits(guarantee.CommitTxn, guarantee.CommitTxnOutside)},
	{"coordinator-dies-in-commit", commits(guarantee.CommitTxn, guarantee.CommitTxnOutside)},
	{"commit-after-processing", func(a *lint.Application) bool { // it strikes on what a processor produces
		return a.Role == guarantee.Processor && commits(guarantee.CommitEach, guarantee.CommitBatch)(a)
	}},
	{"commit-after-each-record", commits(guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitBefore)},
	{"group-coordinator-dies", commits(guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitBefore)},
	{"late-commit", commits(guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitBefore)},
	{"auto-commit", commits(guarantee.CommitAuto)},
	{"auto-commit-hand-off", commits(guarantee.CommitAuto)}, // whose slow work meets what the library has stored already
	{"rolling-restart", func(a *lint.Application) bool { return a.Role == guarantee.Processor }},
	{"read-uncommitted", func(a *lint.Application) bool { return a.Role == guarantee.Consumer }},
}

// producesAlone: what is sent, it sends outside transactions.
func producesAlone(a *lint.Application) bool {
	return a.Producer != nil && a.Batch == 0 && a.Commit != guarantee.CommitTxn && a.Commit != guarantee.CommitTxnOutside
}

func commits(patterns ...string) func(*lint.Application) bool {
	return func(a *lint.Application) bool {
		return a.Role != guarantee.Producer && slices.Contains(patterns, a.Commit)
	}
}
