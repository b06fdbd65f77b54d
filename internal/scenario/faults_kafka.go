package scenario

// kafkaFaults ask Kafka for what an operator or another client could ask for.
var kafkaFaults = []action{
	{
		kind:     KindMoveLeader,
		doc:      "Moves a partition's leader to another replica; with `for`, back again.",
		args:     []field[FaultArgs]{must(argPartition), argTo},
		mayLast:  true,
		disturbs: true,
		seenBy:   "metadata names the new leader, with its epoch",
		goneBy:   "with `for`: metadata names the old one again",
	},
	{
		kind: KindMoveCoordinator,
		doc: "Gives a group or transactional.id another coordinator, by moving the leader of the partition " +
			"that holds its state; with `for`, back again. Not embedded.",
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
		doc: "The preferred replica is elected leader; `unclean: true`: of a partition without a leader, " +
			"whichever replica lives, in sync or not. Not embedded.",
		args:     []field[FaultArgs]{must(argPartition), argUnclean},
		embedded: noReplication,
		seenBy:   "metadata names another leader",
		goneBy:   "nothing to undo",
	},
	{
		kind:     KindReassign,
		doc:      "Moves a partition's replicas to other brokers; with `for`, back again. Not embedded.",
		args:     []field[FaultArgs]{must(argPartition), argReplicas},
		mayLast:  true,
		embedded: noReplication,
		seenBy:   "metadata: the new replicas, in sync",
		goneBy:   "with `for`: the old ones, in sync",
	},
	{
		kind: KindShrinkISR,
		doc: "Keeps followers from fetching from the leader until only `keep` replicas are in sync. They live " +
			"on, and know no better. Docker only.",
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
		doc: "Keeps an open transaction from ending until its `transaction.timeout.ms` is over and the " +
			"coordinator aborts it.",
		args:   []field[FaultArgs]{must(argTxnID)},
		seenBy: "DescribeTransactions: the transaction is no longer open",
		goneBy: "nothing to undo",
	},
	{
		kind: KindDeleteOffsets,
		doc: "Deletes the group's committed offsets, as expiry does. Kafka refuses while members subscribe: " +
			"crash or stop them first.",
		args:   []field[FaultArgs]{must(argGroup), argOffsetTopic},
		seenBy: "OffsetFetch has none",
		goneBy: "nothing to undo",
	},
	{
		kind:   KindFence,
		doc:    "What a second instance of the transactional.id does: it initialises, and the first is a zombie.",
		args:   []field[FaultArgs]{must(argTxnID)},
		seenBy: "InitProducerId gave a higher epoch",
		goneBy: "nothing to undo",
	},
	{
		kind: KindEvict,
		doc: "Removes a member of the group, drawn, as a missed session timeout would: the group rebalances, " +
			"and the member works on until it is refused.",
		args:   []field[FaultArgs]{must(argGroup)},
		seenBy: "the coordinator no longer counts the member",
		goneBy: "how many members there are again",
	},
}
