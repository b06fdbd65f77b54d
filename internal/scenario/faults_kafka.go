package scenario

// kafkaFaults ask Kafka for what an operator or another client could ask for.
var kafkaFaults = []action{
	{
		kind:     KindMoveLeader,
		doc:      "Moves a partition's leader to another replica; with `for`, it moves back afterwards.",
		args:     []field[FaultArgs]{must(argPartition), argTo},
		mayLast:  true,
		disturbs: true,
		seenBy:   "metadata names the new leader, with its epoch",
		goneBy:   "with `for`: metadata names the old one again",
	},
	{
		kind: KindMoveCoordinator,
		doc: "Moves the coordinator of a group or transactional.id by moving the leader of the " +
			"partition that stores its state; with `for`, it moves back afterwards. Not embedded.",
		args:    []field[FaultArgs]{argGroup, argTxnID, argTo},
		whom:    []string{"group", "transactional.id"},
		mayLast: true,
		embedded: "the embedded backend has no topics of its own whose leader could move; " +
			"use --backend docker, or kill the coordinator",
		leaves: "an internal topic whose replicas have another order",
		seenBy: "FindCoordinator names the new one",
		goneBy: "with `for`: the old one leads again",
	},
	{
		kind: KindElect,
		doc: "Elects the preferred replica as leader. With `unclean: true`, a partition without a " +
			"leader gets any live replica as leader, in sync or not. Not embedded.",
		args:     []field[FaultArgs]{must(argPartition), argUnclean},
		embedded: noReplication,
		seenBy:   "metadata names another leader",
		goneBy:   "nothing to undo",
	},
	{
		kind: KindReassign,
		doc: "Moves a partition's replicas to other brokers; with `for`, they move back afterwards. " +
			"Not embedded.",
		args:     []field[FaultArgs]{must(argPartition), argReplicas},
		mayLast:  true,
		embedded: noReplication,
		seenBy:   "metadata: the new replicas, in sync",
		goneBy:   "with `for`: the old ones, in sync",
	},
	{
		kind: KindShrinkISR,
		doc: "Prevents followers from fetching from the leader until only `keep` replicas are in sync. " +
			"The followers stay alive. Docker only.",
		args:     []field[FaultArgs]{must(argPartition), argKeep},
		lasts:    true,
		embedded: noReplication,
		external: notOurs,
		docker:   "nftables",
		needs:    NeedsPacketFilter,
		disturbs: true,
		seenBy:   "metadata: the ISR without the followers",
		goneBy:   "the ISR with them",
	},
	{
		kind: KindExpire,
		doc: "Prevents an open transaction from ending until its `transaction.timeout.ms` is over and " +
			"the coordinator aborts it.",
		args:   []field[FaultArgs]{must(argTxnID)},
		seenBy: "DescribeTransactions: the transaction is no longer open",
		goneBy: "nothing to undo",
	},
	{
		kind: KindDeleteOffsets,
		doc: "Deletes the group's committed offsets, as their expiry would. Kafka refuses this while " +
			"members are subscribed: crash or stop them first.",
		args:   []field[FaultArgs]{must(argGroup), argOffsetTopic},
		seenBy: "OffsetFetch has none",
		goneBy: "nothing to undo",
	},
	{
		kind: KindFence,
		doc: "Acts as a second instance of the transactional.id: it initialises, which fences the " +
			"first one.",
		args:   []field[FaultArgs]{must(argTxnID)},
		seenBy: "InitProducerId gave a higher epoch",
		goneBy: "nothing to undo",
	},
	{
		kind: KindEvict,
		doc: "Removes a random member from the group, as a missed session timeout would: the group " +
			"rebalances, and the member continues until a request is refused.",
		args:   []field[FaultArgs]{must(argGroup)},
		seenBy: "the coordinator no longer counts the member",
		goneBy: "how many members there are again",
	},
}
