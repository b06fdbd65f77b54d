package lint

import (
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// aheadRules are about offsets that are committed before the work is done.
var aheadRules = []Rule{{
	ID: "auto-commit-ahead", Property: "enable.auto.commit", Severity: Error,
	Promise: "the clock commits offsets of records that are not done yet: a crash skips them",
	Fix:     "enable.auto.commit=false and a commit after the work; with librdkafka also enable.auto.offset.store=false and a store of the offset after the work",
	Why: "Auto-commit commits what was handed out. Where records are handed to other threads, or where the library stores an offset before it " +
		"hands the record over (librdkafka's enable.auto.offset.store, on by default), that is ahead of the work.",
	Sources: []Source{documented("consumer", "enable.auto.commit"), {"librdkafka#2609", "https://github.com/confluentinc/librdkafka/issues/2609"}},
	Breaks:  []string{"no-loss"}, Scenario: "auto-commit-hand-off",
	check: func(a *Application) []hit {
		auto := a.consumer("enable.auto.commit")
		if !a.reads() || a.Commit != guarantee.CommitAuto {
			return nil
		}
		if !auto.is("true") {
			auto = a.commit()
		}
		changes := []Change{{Consumer, "enable.auto.commit", "false"}, {Code, "commit", guarantee.CommitEach}}
		if a.Role == guarantee.Processor {
			changes = append([]Change{{Consumer, "enable.auto.commit", "false"}}, inOneTransaction...)
		}
		stores := a.Facts["auto-offset-store"].Value
		if store, ok := a.Consumer.Get("enable.auto.offset.store"); ok {
			stores = store.Value
		}
		switch {
		case scenario.Column(a.Library) == "librdkafka" && stores != "false":
			return []hit{{at: auto, changes: changes,
				promise: "the offset is stored before the record is handed out (enable.auto.offset.store=true by default) and committed by the clock: a crash skips the record in hand"}}
		case a.HandsOff:
			return one(auto, changes...)
		}
		return nil
	},
}}
