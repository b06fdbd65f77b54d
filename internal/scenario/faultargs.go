package scenario

import "time"

// The arguments of faults, each with its field.
var (
	argBroker = put("broker", "Whom: a target.", target, func(a *FaultArgs) *Target { return &a.Broker })
	argClient = put(
		"client",
		"Whom: till/0 is one instance, till/* all "+
			"of them, till the one whose request triggered the fault, else one that is drawn.",
		struckClient, func(a *FaultArgs) *string { return &a.Client },
	)
	argIsolate = put(
		"isolate", "The broker, or controller, that is parted from all other nodes.", target,
		func(a *FaultArgs) *Target { return &a.Isolate },
	)
	argSplit = put(
		"split", "Groups of broker ids, such as [[1], [2, 3]].",
		list("groups of broker ids", list("a group of broker ids", whole[int32]("broker id", 1, 1000))),
		func(a *FaultArgs) *[][]int32 { return &a.Split },
	)
	argFrom = put(
		"from",
		"Packets from this target to `to` are dropped. With `isolate`: brokers, the default, which leaves clients connected.",
		fromTarget, func(a *FaultArgs) *Target { return &a.From },
	)
	argTo = put(
		"to", "The other end; for move-leader, the new leader.", target,
		func(a *FaultArgs) *Target { return &a.To },
	)
	argBy = put(
		"by", "How much later, such as 200ms or 100ms..300ms.", span, func(a *FaultArgs) *Span { return &a.Delay },
	)
	argCode = put(
		"code", "Kafka's name of the error, such as NOT_LEADER_OR_FOLLOWER.", errorName,
		func(a *FaultArgs) *string { return &a.Code },
	)
	argWay = put(
		"direction", "Only this way: `to-broker` or `to-client`. Default: both.",
		oneOf("a direction", ToBroker, ToClient), func(a *FaultArgs) *string { return &a.Way },
	)
	argRate = put(
		"rate", "Bytes a second, of each connection and direction, such as 64KiB/s or 5B/s.", byteRate,
		func(a *FaultArgs) *int64 { return &a.Rate },
	)
	argCPU = put(
		"cpu", "The share of one processor that is left, such as 5%.", percent,
		func(a *FaultArgs) *float64 { return &a.CPU },
	)
	argMemory = put(
		"memory", "What is left, such as 256MiB; at least 64MiB.", byteSize,
		func(a *FaultArgs) *int64 { return &a.Memory },
	)
	argListener = put(
		"listener", "Only this traffic: `replication` or `controller`. Default: all.",
		oneOf("a listener", OfReplication, OfControllers), func(a *FaultArgs) *string { return &a.Listener },
	)
	argUnclean = put(
		"unclean", "`true`: a replica that is not in sync may lead.", boolean,
		func(a *FaultArgs) *bool { return &a.Unclean },
	)
	argReplicas = put(
		"replicas",
		"The new replicas' broker ids, the preferred leader first, such as [2, 3]. Default: one replica is replaced, drawn.",
		list("broker ids", whole[int32]("broker id", 1, 1000)), func(a *FaultArgs) *[]int32 { return &a.Replicas },
	)
	argKeep = put(
		"keep", "How many replicas stay in sync, the leader among them. Default 1.", whole[int]("replicas", 1, 14),
		func(a *FaultArgs) *int { return &a.Keep },
	)
	argOffsetTopic = put(
		"topic", "Of this topic. Default: of all.", topicName, func(a *FaultArgs) *string { return &a.Topic },
	)
	argGroup = put("group", "A group.id.", word, func(a *FaultArgs) *string { return &a.Group })
	argTxnID = put("transactional.id", "A transactional.id.", word, func(a *FaultArgs) *string { return &a.TxnID })
	argLoss  = put(
		"loss", "The share of packets that does not arrive, such as 5%.", percent,
		func(a *FaultArgs) *float64 { return &a.Loss },
	)
	argAhead = put(
		"ahead", "So much ahead of the host's clock, such as 1h; whole seconds.", duration,
		func(a *FaultArgs) *time.Duration { return &a.Ahead },
	)
	argBehind    = put("behind", "So much behind it.", duration, func(a *FaultArgs) *time.Duration { return &a.Behind })
	argPartition = put("partition", "topic/partition.", topicPartition, func(a *FaultArgs) *string { return &a.TP })
	argUntil     = put(
		"until", "Released when the effect of the fault of this name was seen, at the latest after `by`.", name,
		func(a *FaultArgs) *string { return &a.Until },
	)
	argOver = put(
		"connection",
		"`same` (default): it arrives over the connection that it was sent "+
			"over. `new`: both its sides are cut, and it arrives over another.",
		oneOf("a connection", SameConnection, NewConnection), func(a *FaultArgs) *string { return &a.Over },
	)
)
