package lint

import "github.com/onceproof/onceproof/guarantee"

var groupRules = []Rule{
	{
		ID: "offset-reset-latest", Property: "auto.offset.reset", Severity: Error,
		Promise: "where no offset is committed yet, what is there already is skipped",
		Fix:     "auto.offset.reset=earliest",
		Why: "A group has no committed offset at its first start, on a new partition, and after its offsets have expired. A crash before " +
			"the first commit is enough: what came since the start is never read.",
		Sources: []Source{documented("consumer", "auto.offset.reset"), kip(211, ": Revise Expiration Semantics of Consumer Group Offsets")},
		Breaks:  []string{"no-loss"}, Risks: []string{"offsets", "atomicity"}, Scenario: "reset-latest",
		check: func(a *Application) []hit {
			reset := a.consumer("auto.offset.reset")
			if !a.reads() || !reset.is("latest") {
				return nil
			}
			h := hit{at: reset, changes: []Change{{Consumer, "auto.offset.reset", "earliest"}}}
			if a.Role == guarantee.Consumer {
				h.severity = Warning // some readers want what comes from now on, and nothing else
			}
			return []hit{h}
		},
	},
	{
		ID: "max-poll-interval", Property: "max.poll.interval.ms", Severity: Warning,
		Promise: "a member whose work on one poll takes longer is out of the group, and its successor does that work again",
		Fix:     "a max.poll.interval.ms above the longest work on one poll and above session.timeout.ms, or a smaller max.poll.records",
		Why: "A member that does not poll in time is put out, by its own library or at the next rebalance. What it is working on is done " +
			"again by its successor, and its commit is refused. Below session.timeout.ms a slow batch counts as death sooner than death does.",
		Sources: []Source{documented("consumer", "max.poll.interval.ms"), kip(62, ": Allow consumer to send heartbeats from a background thread")},
		Breaks:  []string{"no-duplicates"}, Scenario: "max-poll-interval",
		check: func(a *Application) []hit {
			interval := a.consumer("max.poll.interval.ms")
			most, ok := interval.number()
			session, known := a.consumer("session.timeout.ms").number()
			if !a.reads() || !ok || !known || most >= session && most >= a.Work.Milliseconds() {
				return nil
			}
			return one(interval, Change{Consumer, "max.poll.interval.ms", "300000"})
		},
	},
	{
		ID: "application-resend", Property: "delivery.timeout.ms", Severity: Error,
		Promise: "what failed after it may have been written, and the application sends it again as a new record",
		Fix:     "leave sending again to the library: no second send(), and a delivery.timeout.ms longer than any outage",
		Why: "A record that timed out may be in the log, its acknowledgement lost. The library's own attempts carry the same sequence number " +
			"and are recognised; a second send() carries the next one.",
		Sources: []Source{documented("producer", "delivery.timeout.ms"), kip(91, " Provide Intuitive User Timeouts in The Producer")},
		Breaks:  []string{"no-duplicates"}, Scenario: "application-resend",
		check: func(a *Application) []hit {
			timeout := a.producer("delivery.timeout.ms")
			n, ok := timeout.number()
			switch {
			case !a.writes() || !ok || n == 0:
				return nil
			case a.Resends:
				return one(timeout, Change{Code, "resend", "never"}, Change{Producer, "delivery.timeout.ms", "120000"})
			case a.Client == "" && timeout.set() && n < 120_000:
				return []hit{{at: timeout, severity: Info, changes: []Change{{Producer, "delivery.timeout.ms", "120000"}},
					promise: "after that a send fails though it may have been written; sent again by the application, it is written twice"}}
			}
			return nil
		},
	},
}
