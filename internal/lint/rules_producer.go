package lint

import (
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

var idempotent = Change{Producer, "enable.idempotence", "true"}

var producerRules = []Rule{
	{
		ID: "acks-0", Property: "acks", Severity: Error,
		Promise: "nothing is acknowledged, so nothing that is lost is noticed",
		Fix:     "acks=all, with min.insync.replicas=2 on brokers with three replicas",
		Why: "The producer calls a record sent once it is written to the socket. A request that is lost on its way, or that the broker " +
			"refuses, is lost for good, and the application is told that all is well.",
		Sources: []Source{documented("producer", "acks")},
		Breaks:  []string{"no-loss"}, Scenario: "acks-0",
		check: func(a *Application) []hit {
			if acks := a.producer("acks"); a.writes() && acks.is("0") {
				return one(acks, Change{Producer, "acks", "all"}, idempotent)
			}
			return nil
		},
	},
	{
		ID: "acks-1", Property: "acks", Severity: Error,
		Promise: "what only the leader has is lost when another broker becomes leader",
		Fix:     "acks=all, with min.insync.replicas=2 on brokers with three replicas",
		Why: "The leader acknowledges before its followers have the record. If they are elected without it, the old leader cuts it off its " +
			"log when it comes back, and a reader may have seen it meanwhile.",
		Sources: []Source{documented("producer", "acks"), kip(101, " - Alter Replication Protocol to use Leader Epoch rather than High Watermark for Truncation")},
		Breaks:  []string{"no-loss", "agreement"}, Risks: []string{"order"}, Scenario: "acks-1",
		check: func(a *Application) []hit {
			acks := a.producer("acks")
			switch on, _ := a.idempotence(); {
			case !a.writes():
			case acks.is("1") && a.framesTransactions():
				return []hit{{at: acks, changes: []Change{{Producer, "acks", "all"}},
					promise: "it contradicts the exactly-once guarantee of the framework, whose idempotent producers refuse to start with it; without that, what only the leader has is lost"}}
			case acks.is("1"):
				return one(acks, Change{Producer, "acks", "all"}, idempotent)
			case acks.is("all") && !on && library(a.Library).acksByIdempotence:
				return []hit{{at: acks, changes: []Change{idempotent},
					promise: a.Library + " asks for acks=1 all the same, unless it is idempotent: what only the leader has is lost when another broker becomes leader"}}
			}
			return nil
		},
	},
	{
		ID: "idempotence-off", Property: "enable.idempotence", Severity: Error,
		Promise: "a send whose acknowledgement is lost is written a second time",
		Fix:     "enable.idempotence=true, with acks=all and at most 5 requests in flight",
		Why: "The producer cannot tell a lost request from a lost acknowledgement, so it sends again. With idempotence each batch carries " +
			"a producer id and a sequence number, and the broker acknowledges a batch that it has already without writing it.",
		Sources: []Source{documented("producer", "enable.idempotence"), kip(98, " - Exactly Once Delivery and Transactional Messaging")},
		Breaks:  []string{"no-duplicates"}, Scenario: "idempotence-off",
		check: func(a *Application) []hit {
			on, by := a.idempotence()
			if !a.writes() || on || by.Property != "enable.idempotence" {
				return nil
			}
			if library(a.Library).noIdempotence {
				return []hit{{at: by, promise: a.Library + " has no idempotence: a send whose acknowledgement is lost is written a second time"}}
			}
			return one(by, idempotent)
		},
	},
	{
		ID: "idempotence-silently-off", Property: "acks", Severity: Error,
		Promise: "it turns the idempotence off that is on by default, without an error, and a lost acknowledgement makes a duplicate",
		Fix:     "take it out, or set enable.idempotence=true so that the client refuses what contradicts it",
		Why: "enable.idempotence is true by default, but it is only a wish: where acks is not all or retries is 0 and nobody set it by " +
			"name, the client does without it and says so in its log at most.",
		Sources: []Source{
			documented("producer", "enable.idempotence"),
			kip(679, ": Producer will enable the strongest delivery guarantee by default"),
			{"KAFKA-13598", "https://issues.apache.org/jira/browse/KAFKA-13598"},
		},
		Breaks: []string{"no-duplicates"}, Scenario: "idempotence-silently-off",
		check: func(a *Application) []hit {
			if on, by := a.idempotence(); a.writes() && !on && by.Property != "enable.idempotence" {
				return one(by, Change{Producer, by.Property, ""}, idempotent)
			}
			return nil
		},
	},
	{
		ID: "in-flight", Property: "max.in.flight.requests.per.connection", Severity: Error,
		Promise: "without idempotence, a batch that is sent again lands behind a later one",
		Fix:     "enable.idempotence=true, which keeps the order of up to 5 requests in flight; or 1 request in flight",
		Why: "The broker takes the requests behind a refused one, and the refused one comes again after them. Sequence numbers are what " +
			"lets the broker refuse them all until the first one is there.",
		Sources: []Source{documented("producer", "max.in.flight.requests.per.connection"), kip(185, ": Make exactly once in order delivery per partition the default producer setting")},
		Breaks:  []string{"order"}, Scenario: "in-flight-5",
		check: func(a *Application) []hit {
			on, _ := a.idempotence()
			n, ok := a.producer("max.in.flight.requests.per.connection").number()
			if name, _ := scenario.SplitVersion(a.Library); a.writes() && on && name == "kafkajs" && ok && n > 1 {
				return []hit{{at: a.producer("max.in.flight.requests.per.connection"), changes: []Change{{Producer, "max.in.flight.requests.per.connection", "1"}},
					promise: "kafkajs keeps the order of an idempotent producer with one request in flight only, as its documentation says: sends that are under way together overtake each other",
					fix:     "maxInFlightRequests: 1"}}
			}
			if !a.writes() || on || !ok || n <= 1 || a.producer("retries").is("0") {
				return nil
			}
			change := idempotent
			if library(a.Library).noIdempotence {
				change = Change{Producer, "max.in.flight.requests.per.connection", "1"}
			}
			return one(a.producer("max.in.flight.requests.per.connection"), change)
		},
	},
}

var inOneTransaction = []Change{
	{Code, "commit", guarantee.CommitTxn}, {Producer, "transactional.id", "${client}-${instance}"}, {Consumer, "isolation.level", "read_committed"},
}
