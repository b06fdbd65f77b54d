package scenario

// networkFaults strike links and the requests on them.
var networkFaults = []action{
	{
		kind: KindPartition,
		doc: "Drops packets between brokers: `isolate` one broker, `split` the brokers into groups, or " +
			"drop one direction with `from` and `to`; for one `listener` or for all. Docker only.",
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
		doc: "Degrades the links between brokers, which are selected as for a partition: packets are " +
			"delayed by `by`, the share `loss` is lost, or at most `rate` bytes a second pass; one or " +
			"several of these. Docker only.",
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
		doc: "Cuts the connections of a client or to a broker and refuses new ones for the duration " +
			"`for`. With `on`: cuts the connection that carries the request.",
		args:  []field[FaultArgs]{argClient, argBroker},
		lasts: true, link: true,
		seenBy: "the client's port refuses; with `on`: the request that was struck",
		goneBy: "the port accepts; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind: KindDrop,
		doc: "Drops the request or its response and cuts the connection. With phase response the " +
			"broker has acted and the client gets no answer.",
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindDelay,
		doc: "Delays the matching request or response by `by`. Without `on`: delays all traffic on the " +
			"link for the duration `for`.",
		args:  []field[FaultArgs]{must(argBy), argUntil, argClient, argBroker, argWay},
		lasts: true, link: true,
		seenBy: "a round trip takes that much longer; with `on`: the request that was struck",
		goneBy: "five round trips in a row do not; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind: KindHold,
		doc: "Cuts the client's side of the connection and delivers the request to the broker `by` " +
			"later, after the client's own retry.",
		args:   []field[FaultArgs]{must(argBy), argUntil, argOver},
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindDuplicate,
		doc: "Drops the broker's answer and sends the same request again over a new connection, as a " +
			"client that retries would; the client gets the second answer. For requests that clients " +
			"repeat unchanged: Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, " +
			"TxnOffsetCommit, EndTxn, OffsetCommit.",
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindError,
		doc: "Answers the request with the error `code`: without forwarding it to the broker (phase " +
			"request), or in place of the broker's answer (phase response).",
		args:   []field[FaultArgs]{must(argCode)},
		wire:   true,
		seenBy: "the request that was struck",
		goneBy: "how many requests were struck; the rule is gone",
	},
	{
		kind: KindBlackhole,
		doc: "Drops all bytes while connections stay open, for the duration `for`. With `on`: drops " +
			"only the request or its response.",
		args:  []field[FaultArgs]{argClient, argBroker, argWay},
		lasts: true, link: true,
		seenBy: "a request is not answered for 1 s; with `on`: the request that was struck",
		goneBy: "a request is answered; with `on`: how many requests were struck; the rule is gone",
	},
	{
		kind: KindThrottle,
		doc: "Limits the link to `rate` for the duration `for`; it can be as low as a few bytes a " +
			"second.",
		args:  []field[FaultArgs]{must(argRate), argClient, argBroker, argWay},
		lasts: true, path: true,
		seenBy: "bytes through the port take as long as the rate makes them",
		goneBy: "less than half of that",
	},
	{
		kind: KindHalfOpen,
		doc: "Closes the broker's side of each connection, while the client's side stays open and " +
			"receives nothing, for the duration `for`.",
		args:  []field[FaultArgs]{argClient, argBroker},
		lasts: true, path: true,
		seenBy: "a request is not answered for 1 s",
		goneBy: "a request is answered",
	},
	{
		kind:   KindReset,
		doc:    "Resets every connection of a client or to a broker once. New connections are accepted.",
		args:   []field[FaultArgs]{argClient, argBroker},
		path:   true,
		seenBy: "connections that were cut, at least one",
		goneBy: "the port accepts",
	},
}
