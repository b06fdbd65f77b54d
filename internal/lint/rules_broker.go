package lint

import "strconv"

var brokerRules = []Rule{
	{
		ID: "min-insync-1", Property: "min.insync.replicas", Severity: Warning,
		Promise: "with the other replicas out of sync, acks=all is the leader alone, and what it took alone is gone with its disk",
		Fix:     "min.insync.replicas=2 on topics with three replicas",
		Why: "acks=all waits for the replicas that are in sync, however few those are. At 2 the leader refuses instead, and nothing is " +
			"acknowledged that a single disk holds.",
		Sources: []Source{documented("broker", "min.insync.replicas"), kip(966, ": Eligible Leader Replicas")},
		Breaks:  []string{"no-loss"}, Scenario: "min-insync-1",
		check: func(a *Application) []hit {
			least := a.topic("min.insync.replicas")
			if a.Broker == nil || !least.is("1") || a.Replicas == 1 || a.Producer != nil && !a.producer("acks").is("all") {
				return nil
			}
			return one(least, Change{Broker, "min.insync.replicas", "2"})
		},
	},
	{
		ID: "unclean-election", Property: "unclean.leader.election.enable", Severity: Error,
		Promise: "a replica that lags may become leader, and what it lacks is cut off, acknowledged or not",
		Fix:     "unclean.leader.election.enable=false, the default",
		Why: "With every in-sync replica down a partition is either away until one of them returns, or led by one that was not in sync: the " +
			"others cut their logs to what that one has.",
		Sources: []Source{documented("broker", "unclean.leader.election.enable"), kip(106, " - Change Default unclean.leader.election.enabled from True to False")},
		Breaks:  []string{"no-loss"}, Risks: []string{"agreement", "order", "offsets"}, Scenario: "unclean-election",
		check: func(a *Application) []hit {
			if unclean := a.topic("unclean.leader.election.enable"); unclean.is("true") {
				return one(unclean, Change{Broker, "unclean.leader.election.enable", "false"})
			}
			return nil
		},
	},
	{
		ID: "offsets-topic-rf-1", Property: "offsets.topic.replication.factor", Severity: Error,
		Promise: "one disk holds the committed offsets, and a group whose offsets are lost starts where auto.offset.reset says",
		Fix:     "offsets.topic.replication.factor=3, before the topic is made; later by reassigning its partitions",
		Why: "__consumer_offsets is made once, with what the broker says at that moment, and stays so when brokers are added. Examples for a " +
			"single broker set it to 1, and are copied.",
		Sources: []Source{documented("broker", "offsets.topic.replication.factor")},
		Breaks:  []string{"no-duplicates"}, Risks: []string{"no-loss", "offsets", "atomicity"}, Scenario: "offsets-topic-rf-1",
		check: func(a *Application) []hit {
			if factor := a.broker("offsets.topic.replication.factor"); factor.set() && factor.is("1") && (a.reads() || a.Role == "") {
				return one(factor, Change{Broker, "offsets.topic.replication.factor", "3"})
			}
			return nil
		},
	},
	{
		ID: "offsets-retention", Property: "offsets.retention.minutes", Severity: Warning,
		Promise: "a group that is away for longer loses its committed offsets, and starts where auto.offset.reset says",
		Fix:     "offsets.retention.minutes=10080 (7 days, the default), or longer than the longest outage",
		Why: "Offsets expire so long after the group's last member left. With auto.offset.reset=latest the group then skips what came " +
			"meanwhile, with earliest it reads everything again.",
		Sources: []Source{documented("broker", "offsets.retention.minutes"), kip(211, ": Revise Expiration Semantics of Consumer Group Offsets"), kip(186, ": Increase offsets retention default to 7 days")},
		Breaks:  []string{"no-loss"}, Risks: []string{"no-duplicates", "offsets", "atomicity"}, Scenario: "offsets-retention",
		check: func(a *Application) []hit {
			minutes := a.broker("offsets.retention.minutes")
			if n, ok := minutes.number(); ok && minutes.set() && n < sevenDays && (a.reads() || a.Role == "") {
				return one(minutes, Change{Broker, "offsets.retention.minutes", "10080"})
			}
			return nil
		},
	},
	{
		ID: "transaction-log-rf-1", Property: "transaction.state.log.replication.factor", Severity: Error,
		Promise: "one disk holds the outcome of every transaction: with it go the epochs that fence, and what is open stays open",
		Fix:     "transaction.state.log.replication.factor=3 and transaction.state.log.min.isr=2, before the topic is made; later by reassigning its partitions",
		Why: "__transaction_state is made once, with what the broker says at that moment. It holds each transactional id's producer id, epoch and " +
			"state. Without it a zombie is not fenced, and a transaction that was being committed is neither committed nor aborted on all partitions.",
		Sources: []Source{documented("broker", "transaction.state.log.replication.factor"), eos},
		Breaks:  []string{"atomicity", "fencing"}, Unshown: "it takes the loss of the one disk; offsets-topic-rf-1 shows the same with the offsets",
		check: func(a *Application) []hit {
			factor := a.broker("transaction.state.log.replication.factor")
			if factor.set() && factor.is("1") && (a.transactional() || a.Role == "") {
				return one(factor, Change{Broker, "transaction.state.log.replication.factor", "3"})
			}
			return nil
		},
	},
	{
		ID: "transaction-log-min-isr-1", Property: "transaction.state.log.min.isr", Severity: Warning,
		Promise: "with the other replicas out of sync the outcome of a transaction is on one disk, and an election may forget it",
		Fix:     "transaction.state.log.min.isr=2, the default, with transaction.state.log.replication.factor=3",
		Why:     "The coordinator answers once its log has the outcome on as many replicas as this says. At 1 that is the leader alone.",
		Sources: []Source{documented("broker", "transaction.state.log.min.isr"), eos},
		Breaks:  []string{"atomicity", "fencing"}, Unshown: "it takes the loss of the one replica in sync; min-insync-1 shows the same with records",
		check: func(a *Application) []hit {
			least := a.broker("transaction.state.log.min.isr")
			if least.set() && least.is("1") && (a.transactional() || a.Role == "") {
				return one(least, Change{Broker, "transaction.state.log.min.isr", "2"})
			}
			return nil
		},
	},
	{
		ID: "transactional-id-expiration", Property: "transactional.id.expiration.ms", Severity: Warning,
		Promise: "an application that is idle for longer finds its transactional id gone: its next transaction fails, and nothing fences its predecessor",
		Fix:     "transactional.id.expiration.ms=604800000 (7 days, the default), or longer than the longest pause",
		Why: "The coordinator forgets an id that has had no transaction for so long, with its epoch. A producer that goes on gets " +
			"INVALID_PRODUCER_ID_MAPPING, and one that starts gets a new producer id, which fences nobody.",
		Sources: []Source{documented("broker", "transactional.id.expiration.ms"), {"KAFKA-16699", "https://issues.apache.org/jira/browse/KAFKA-16699"}},
		Breaks:  []string{"progress", "fencing"}, Unshown: "it takes an idle time longer than a run; INVALID_PRODUCER_ID_MAPPING was seen with transactional.id.expiration.ms=3000",
		check: func(a *Application) []hit {
			expires := a.broker("transactional.id.expiration.ms")
			if n, ok := expires.number(); ok && expires.set() && n < sevenDays*60_000 && (a.transactional() || a.Role == "") {
				return one(expires, Change{Broker, "transactional.id.expiration.ms", strconv.Itoa(sevenDays * 60_000)})
			}
			return nil
		},
	},
	{
		ID: "producer-id-expiration", Property: "producer.id.expiration.ms", Severity: Warning,
		Promise: "the brokers forget a producer's sequence numbers before it gives a send up: sent again after that, a record is written twice",
		Fix:     "producer.id.expiration.ms=86400000 (a day, the default), and above every producer's delivery.timeout.ms",
		Why: "A broker recognises a batch that it has by the producer's id and sequence. It forgets both once the producer has written nothing " +
			"for so long; a batch that is sent again later is taken for a new one.",
		Sources: []Source{documented("broker", "producer.id.expiration.ms"), documented("producer", "delivery.timeout.ms"), kip(854, " Separate configuration for producer ID expiry")},
		Breaks:  []string{"no-duplicates"}, Unshown: "it takes a send that is under way for longer than the expiry while its producer sends nothing else",
		check: func(a *Application) []hit {
			expires := a.broker("producer.id.expiration.ms")
			n, ok := expires.number()
			delivery, known := a.producer("delivery.timeout.ms").number()
			if !a.writes() || delivery == 0 {
				delivery, known = 120_000, true
			}
			if ok && known && expires.set() && n < delivery && (a.writes() || a.Role == "") {
				return one(expires, Change{Broker, "producer.id.expiration.ms", strconv.FormatInt(max(86_400_000, delivery), 10)})
			}
			return nil
		},
	},
}

const sevenDays = 7 * 24 * 60 // minutes
