package scenario

// networkFaults strike links and the requests on them.
var networkFaults = []action{
	{
		kind: KindPartition,
		doc: "Packets between brokers are dropped: `isolate` one, `split` them into groups, or one way `from` " +
			"… `to`; of one `listener`, or of all. Docker only.",
		args:     []field[FaultArgs]{argIsolate, argSplit, argFrom, argTo, argListener},
		lasts:    true,
		embedded: noReplication,
		external: notOurs,
		docker:   "nftables",
		needs:    NeedsPacketFilter,
		disturbs: true,
		seenBy:   "from inside the one node, the other's port cannot be reached",
		goneBy:   "it can",
	},
	{
		kind: KindImpair,
		doc: "Packets between brokers, aimed as a partition is, come `by` later, get lost at a share of " +
			"`loss`, or pass at a `rate` of bytes a second; one or several of these. Docker only.",
		args:     []field[FaultArgs]{argIsolate, argSplit, argFrom, argTo, argListener, argBy, argLoss, argRate},
		lasts:    true,
		embedded: noReplication,
		external: notOurs,
		docker:   "packet queue",
		needs:    NeedsPacketQueue,
		disturbs: true,
		leaves:   "a packet queue beside a broker",
		seenBy:   "a connection over the link takes as long as `by`; packets were dropped, or waited",
		goneBy:   "connections over it are fast again",
	},
	{
		kind: KindCut,
		doc: "Connections of a client, or to a broker, are cut and refused for `for`; with `on`, the " +
			"connection that carries the request is cut.",
		args:  []field[FaultArgs]{argClient, argBroker},
		lasts: true, link: true,
		seenBy: "the client's port refuses; with `on`: the request that was struck",
		goneBy: "the port accepts; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind: KindDrop,
		doc: "The request, or its response, is swallowed and its connection cut: with phase response the " +
			"broker acted and the client never hears of it.",
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindDelay,
		doc: "The request, or its response, passes `by` later; without `on`, every byte on the link does, for " +
			"`for`.",
		args:  []field[FaultArgs]{must(argBy), argUntil, argClient, argBroker, argWay},
		lasts: true, link: true,
		seenBy: "a round trip takes that much longer; with `on`: the request that was struck",
		goneBy: "five round trips in a row do not; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind:   KindHold,
		doc:    "The client's side is cut, and the request reaches the broker `by` later: after its own retry.",
		args:   []field[FaultArgs]{must(argBy), argUntil, argOver},
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindDuplicate,
		doc: "Once the broker has answered the request, the answer is lost and the same request comes again " +
			"over a new connection, as from a client that retries; the client hears the second answer. For " +
			"requests that clients repeat as they were: Produce, InitProducerId, AddPartitionsToTxn, " +
			"AddOffsetsToTxn, TxnOffsetCommit, EndTxn, OffsetCommit.",
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindError,
		doc: "The request is answered with `code`: in its stead (phase request), or instead of what the " +
			"broker said (phase response).",
		args:   []field[FaultArgs]{must(argCode)},
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindBlackhole,
		doc: "Bytes are swallowed and connections stay open, for `for`; with `on`, only the request or its " +
			"response is.",
		args:  []field[FaultArgs]{argClient, argBroker, argWay},
		lasts: true, link: true,
		seenBy: "a request is not answered for 1 s; with `on`: the request that was struck",
		goneBy: "a request is answered; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind:  KindThrottle,
		doc:   "The link passes `rate`, for `for`; a few bytes a second are a slow drip.",
		args:  []field[FaultArgs]{must(argRate), argClient, argBroker, argWay},
		lasts: true, path: true,
		seenBy: "bytes through the port take as long as the rate makes them",
		goneBy: "less than half of that",
	},
	{
		kind: KindHalfOpen,
		doc: "The broker's side of each connection ends, while the client's stays open and hears nothing, for " +
			"`for`.",
		args:  []field[FaultArgs]{argClient, argBroker},
		lasts: true, path: true,
		seenBy: "a request is not answered for 1 s",
		goneBy: "a request is answered",
	},
	{
		kind:   KindReset,
		doc:    "Every connection of a client, or to a broker, is reset, once. New ones are accepted.",
		args:   []field[FaultArgs]{argClient, argBroker},
		path:   true,
		seenBy: "connections that were cut, at least one",
		goneBy: "the port accepts",
	},
}
