package lint

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
		Breaks:  []string{"no-loss"}, Scenario: "unclean-election",
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
		Breaks:  []string{"no-duplicates"}, Scenario: "offsets-topic-rf-1",
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
		Breaks:  []string{"no-loss"}, Scenario: "offsets-retention",
		check: func(a *Application) []hit {
			minutes := a.broker("offsets.retention.minutes")
			if n, ok := minutes.number(); ok && minutes.set() && n < sevenDays && (a.reads() || a.Role == "") {
				return one(minutes, Change{Broker, "offsets.retention.minutes", "10080"})
			}
			return nil
		},
	},
}

const sevenDays = 7 * 24 * 60 // minutes
