package lint

import "github.com/onceproof/onceproof/guarantee"

var consumerRules = []Rule{
	{
		ID: "read-uncommitted", Property: "isolation.level", Severity: Error,
		Promise: "records of open and of aborted transactions are read",
		Fix:     "isolation.level=read_committed in every reader, down to the last",
		Why: "Transactions protect only those who ask. A reader with read_uncommitted is given what was aborted, and for most " +
			"libraries that is the default.",
		Sources: []Source{documented("consumer", "isolation.level"), eos},
		Breaks:  []string{"isolation"}, Scenario: "read-uncommitted",
		check: func(a *Application) []hit {
			level := a.consumer("isolation.level")
			if !a.reads() || a.Reads == Plain || !level.is("read_uncommitted") {
				return nil
			}
			h := hit{at: level, changes: []Change{{Consumer, "isolation.level", "read_committed"}}}
			if a.Commit == guarantee.CommitTxn {
				h.risks = []string{"no-duplicates", "no-loss"} // it works on inputs that are aborted later
			}
			if a.Reads == Unknown && !a.transactional() {
				h.severity = Warning
				h.promise = "if anything that it reads is written in transactions, it is given the records of open and of aborted ones"
			}
			return []hit{h}
		},
	},
	{
		ID: "auto-commit", Property: "enable.auto.commit", Severity: Error,
		Promise: "offsets are committed by the clock and not with the work: a crash repeats what was done since the last commit",
		Fix:     "enable.auto.commit=false, and commit with the work: in the transaction that holds the output",
		Why: "The library commits in the background, every five seconds unless told otherwise. A crash repeats up to that much work; " +
			"an application that hands records to other threads may also skip some.",
		Sources: []Source{documented("consumer", "enable.auto.commit")},
		Breaks:  []string{"no-duplicates"}, Risks: []string{"no-loss"}, Scenario: "auto-commit",
		check: func(a *Application) []hit {
			auto := a.consumer("enable.auto.commit")
			switch {
			case !a.reads() || a.Commit != guarantee.CommitAuto && !(auto.set() && auto.is("true")):
				return nil
			case !auto.is("true"):
				auto = a.commit()
			}
			if a.Role == guarantee.Processor {
				return one(auto, append([]Change{{Consumer, "enable.auto.commit", "false"}}, inOneTransaction...)...)
			}
			return one(auto, Change{Consumer, "enable.auto.commit", "false"}, Change{Code, "commit", guarantee.CommitEach})
		},
	},
}
