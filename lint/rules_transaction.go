package lint

import "github.com/onceproof/onceproof/scenarios"

var eos = kip(98, " - Exactly Once Delivery and Transactional Messaging")

var transactionRules = []Rule{
	{
		ID: "commit-after-processing", Property: "commit", Severity: Error,
		Promise: "a crash between the work and its commit repeats the work: at least once",
		Fix:     "a transaction that holds the output and the offset (sendOffsetsToTransaction), a transactional.id, and isolation.level=read_committed in every reader",
		Why: "Two steps can always be parted by a crash. However small the one between the output and the offset, the next owner of the " +
			"partition starts at the committed offset and makes the output again.",
		Sources: []Source{eos, documented("producer", "transactional.id")},
		Breaks:  []string{"no-duplicates"}, Scenario: "commit-after-processing",
		check: func(a *Application) []hit {
			if a.Role == scenarios.Processor && (a.Commit == scenarios.CommitEach || a.Commit == scenarios.CommitBatch) {
				return one(a.commit(), inOneTransaction...)
			}
			return nil
		},
	},
	{
		ID: "commit-before-processing", Property: "commit", Severity: Error,
		Promise: "a crash between the commit and the work skips the record: at most once",
		Fix:     "commit after the work; for exactly once, in the transaction that holds the output",
		Why:     "The next owner of the partition starts behind a record that nobody has worked on.",
		Sources: []Source{eos},
		Breaks:  []string{"no-loss"}, Scenario: "commit-before-processing",
		check: func(a *Application) []hit {
			switch {
			case !a.reads() || a.Commit != scenarios.CommitBefore:
				return nil
			case a.Role == scenarios.Processor:
				return one(a.commit(), inOneTransaction...)
			}
			return one(a.commit(), Change{Code, "commit", scenarios.CommitEach})
		},
	},
	{
		ID: "offsets-outside-transaction", Property: "commit", Severity: Error,
		Promise: "output and offset are committed apart, and a crash between the two makes the output again",
		Fix:     "sendOffsetsToTransaction with the consumer's group metadata instead of commitSync",
		Why:     "The producer is transactional, and the consumer commits for itself. The transaction protects the output alone.",
		Sources: []Source{eos, kip(447, ": Producer scalability for exactly once semantics")},
		Breaks:  []string{"no-duplicates", "atomicity"}, Scenario: "offsets-outside-transaction",
		check: func(a *Application) []hit {
			if a.Commit == scenarios.CommitTxnOutside {
				return one(a.commit(), Change{Code, "commit", scenarios.CommitTxn})
			}
			return nil
		},
	},
}
