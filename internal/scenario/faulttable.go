package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Actions is what faults do, each with its arguments: the table that parses,
// checks and documents them.
var actions = []action{
	{kind: KindKill, doc: "SIGKILL a broker; `for` later it starts again with its data.", lasts: true, args: []field[FaultArgs]{must(argBroker)}},
	{kind: KindStop, doc: "SIGTERM a broker, or ask a client to end; `for` later it starts again.", lasts: true, args: []field[FaultArgs]{argBroker, argClient}, whom: []string{"broker", "client"}},
	{kind: KindPause, doc: "SIGSTOP a broker or a client; `for` later SIGCONT.", lasts: true, args: []field[FaultArgs]{argBroker, argClient}, whom: []string{"broker", "client"}},
	{kind: KindRestart, doc: "`stop`, and start at once.", args: []field[FaultArgs]{argBroker, argClient}, whom: []string{"broker", "client"}},
	{kind: KindWipe, doc: "SIGKILL a broker and empty its disk; `for` later it starts again with its id and nothing else. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker)}},
	{kind: KindCrash, doc: "SIGKILL a client; `for` later a new incarnation starts.", lasts: true, args: []field[FaultArgs]{must(argClient)}},
	{kind: KindPartition, doc: "Packets between brokers are dropped: `isolate` one, `split` them into groups, or one way `from` … `to`; of one `listener`, or of all. Docker only.", lasts: true, args: []field[FaultArgs]{argIsolate, argSplit, argFrom, argTo, argListener}},
	{kind: KindImpair, doc: "Packets between brokers, aimed as a partition is, come `by` later, get lost at a share of `loss`, or pass at a `rate` of bytes a second; one or several of these. Docker only.", lasts: true, args: []field[FaultArgs]{argIsolate, argSplit, argFrom, argTo, argListener, argBy, argLoss, argRate}},
	{kind: KindCut, doc: "Connections of a client, or to a broker, are cut and refused for `for`; with `on`, the connection that carries the request is cut.", link: true, lasts: true, args: []field[FaultArgs]{argClient, argBroker}},
	{kind: KindDrop, doc: "The request, or its response, is swallowed and its connection cut: with phase response the broker acted and the client never hears of it.", wire: true},
	{kind: KindDelay, doc: "The request, or its response, passes `by` later; without `on`, every byte on the link does, for `for`.", link: true, lasts: true, args: []field[FaultArgs]{must(argBy), argUntil, argClient, argBroker, argWay}},
	{kind: KindHold, doc: "The client's side is cut, and the request reaches the broker `by` later: after its own retry.", wire: true, args: []field[FaultArgs]{must(argBy), argUntil, argOver}},
	{kind: KindDuplicate, doc: "Once the broker has answered the request, the answer is lost and the same request comes again over a new connection, as from a client that retries; the client hears the second answer. For requests that clients repeat as they were: Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, OffsetCommit.", wire: true},
	{kind: KindError, doc: "The request is answered with `code`: in its stead (phase request), or instead of what the broker said (phase response).", wire: true, args: []field[FaultArgs]{must(argCode)}},
	{kind: KindBlackhole, doc: "Bytes are swallowed and connections stay open, for `for`; with `on`, only the request or its response is.", link: true, lasts: true, args: []field[FaultArgs]{argClient, argBroker, argWay}},
	{kind: KindThrottle, doc: "The link passes `rate`, for `for`; a few bytes a second are a slow drip.", path: true, lasts: true, args: []field[FaultArgs]{must(argRate), argClient, argBroker, argWay}},
	{kind: KindHalfOpen, doc: "The broker's side of each connection ends, while the client's stays open and hears nothing, for `for`.", path: true, lasts: true, args: []field[FaultArgs]{argClient, argBroker}},
	{kind: KindReset, doc: "Every connection of a client, or to a broker, is reset, once. New ones are accepted.", path: true, args: []field[FaultArgs]{argClient, argBroker}},
	{kind: KindMoveLeader, doc: "Moves a partition's leader to another replica; with `for`, back again.", mayLast: true, args: []field[FaultArgs]{must(argPartition), argTo}},
	{kind: KindMoveCoordinator, doc: "Gives a group or transactional.id another coordinator, by moving the leader of the partition that holds its state; with `for`, back again. Not embedded.", mayLast: true, args: []field[FaultArgs]{argGroup, argTxnID, argTo}, whom: []string{"group", "transactional.id"}},
	{kind: KindElect, doc: "The preferred replica is elected leader; `unclean: true`: of a partition without a leader, whichever replica lives, in sync or not. Not embedded.", args: []field[FaultArgs]{must(argPartition), argUnclean}},
	{kind: KindReassign, doc: "Moves a partition's replicas to other brokers; with `for`, back again. Not embedded.", mayLast: true, args: []field[FaultArgs]{must(argPartition), argReplicas}},
	{kind: KindShrinkISR, doc: "Keeps followers from fetching from the leader until only `keep` replicas are in sync. They live on, and know no better. Docker only.", lasts: true, args: []field[FaultArgs]{must(argPartition), argKeep}},
	{kind: KindExpire, doc: "Keeps an open transaction from ending until its `transaction.timeout.ms` is over and the coordinator aborts it.", args: []field[FaultArgs]{must(argTxnID)}},
	{kind: KindDeleteOffsets, doc: "Deletes the group's committed offsets, as expiry does. Kafka refuses while members subscribe: crash or stop them first.", args: []field[FaultArgs]{must(argGroup), argOffsetTopic}},
	{kind: KindStarve, doc: "Leaves a broker `cpu` of one processor, by its cgroup. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker), must(argCPU)}},
	{kind: KindSqueeze, doc: "Leaves a broker `memory`, by its cgroup; where that is too little, the kernel kills it, and it starts again when it is healed. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker), must(argMemory)}},
	{kind: KindFillDisk, doc: "Fills a broker's disk to the last byte; Kafka ends a broker that cannot write, and it starts again when there is room. Needs `cluster.disk`. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker)}},
	{kind: KindSlowDisk, doc: "Makes each write of a broker to its files, and each sync of one, take so much longer: `by`, from 10ms to 800ms. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker), must(argBy)}},
	{kind: KindFreezeDisk, doc: "No write of a broker to its files returns. It lives on, says so, and reads. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker)}},
	{kind: KindSkew, doc: "Sets a broker's wall clock `ahead` or `behind`, by 10s at least; its monotonic clock stays. Docker only.", lasts: true, args: []field[FaultArgs]{must(argBroker), argAhead, argBehind}, whom: []string{"ahead", "behind"}},
	{kind: KindRoll, doc: "SIGTERM brokers and start them again, one after the other, each when the last is back in sync; all of them unless `broker` says otherwise.", args: []field[FaultArgs]{argBroker}},
	{kind: KindFence, doc: "What a second instance of the transactional.id does: it initialises, and the first is a zombie.", args: []field[FaultArgs]{must(argTxnID)}},
	{kind: KindEvict, doc: "Removes a member of the group, drawn, as a missed session timeout would: the group rebalances, and the member works on until it is refused.", args: []field[FaultArgs]{must(argGroup)}},
}

// action is one kind of fault.
type action struct {
	kind    FaultKind
	doc     string
	args    []field[FaultArgs]
	whom    []string // exactly one of these args is given
	lasts   bool     // needs `for`, unless it strikes one request
	mayLast bool     // takes `for`, needs none
	wire    bool     // strikes requests: needs `on`
	link    bool     // strikes requests with `on`, links without
	path    bool     // strikes links, whatever triggers it
}

// strikesRequest reports whether f acts on the request that triggers it.
func (a action) strikesRequest(f *Fault) bool {
	return f.When.On != nil && f.When.On.Event == "" && (a.wire || a.link)
}

func actionOf(k FaultKind) (action, bool) {
	i := slices.IndexFunc(actions, func(a action) bool { return a.kind == k })
	if i < 0 {
		return action{}, false
	}
	return actions[i], true
}

var (
	argBroker      = put("broker", "Whom: a target.", target, func(a *FaultArgs) *Target { return &a.Broker })
	argClient      = put("client", "Whom: till/0 is one instance, till/* all of them, till the one whose request triggered the fault, else one that is drawn.", struckClient, func(a *FaultArgs) *string { return &a.Client })
	argIsolate     = put("isolate", "The broker, or controller, that is parted from all other nodes.", target, func(a *FaultArgs) *Target { return &a.Isolate })
	argSplit       = put("split", "Groups of broker ids, such as [[1], [2, 3]].", list("groups of broker ids", list("a group of broker ids", whole[int32]("broker id", 1, 1000))), func(a *FaultArgs) *[][]int32 { return &a.Split })
	argFrom        = put("from", "Packets from this target to `to` are dropped. With `isolate`: brokers, the default, which leaves clients connected.", fromTarget, func(a *FaultArgs) *Target { return &a.From })
	argTo          = put("to", "The other end; for move-leader, the new leader.", target, func(a *FaultArgs) *Target { return &a.To })
	argBy          = put("by", "How much later, such as 200ms or 100ms..300ms.", span, func(a *FaultArgs) *Span { return &a.Delay })
	argCode        = put("code", "Kafka's name of the error, such as NOT_LEADER_OR_FOLLOWER.", errorName, func(a *FaultArgs) *string { return &a.Code })
	argWay         = put("direction", "Only this way: `to-broker` or `to-client`. Default: both.", oneOf("a direction", ToBroker, ToClient), func(a *FaultArgs) *string { return &a.Way })
	argRate        = put("rate", "Bytes a second, of each connection and direction, such as 64KiB/s or 5B/s.", byteRate, func(a *FaultArgs) *int64 { return &a.Rate })
	argCPU         = put("cpu", "The share of one processor that is left, such as 5%.", percent, func(a *FaultArgs) *float64 { return &a.CPU })
	argMemory      = put("memory", "What is left, such as 256MiB; at least 64MiB.", byteSize, func(a *FaultArgs) *int64 { return &a.Memory })
	argListener    = put("listener", "Only this traffic: `replication` or `controller`. Default: all.", oneOf("a listener", OfReplication, OfControllers), func(a *FaultArgs) *string { return &a.Listener })
	argUnclean     = put("unclean", "`true`: a replica that is not in sync may lead.", boolean, func(a *FaultArgs) *bool { return &a.Unclean })
	argReplicas    = put("replicas", "The new replicas' broker ids, the preferred leader first, such as [2, 3]. Default: one replica is replaced, drawn.", list("broker ids", whole[int32]("broker id", 1, 1000)), func(a *FaultArgs) *[]int32 { return &a.Replicas })
	argKeep        = put("keep", "How many replicas stay in sync, the leader among them. Default 1.", whole[int]("replicas", 1, 14), func(a *FaultArgs) *int { return &a.Keep })
	argOffsetTopic = put("topic", "Of this topic. Default: of all.", topicName, func(a *FaultArgs) *string { return &a.Topic })
	argGroup       = put("group", "A group.id.", word, func(a *FaultArgs) *string { return &a.Group })
	argTxnID       = put("transactional.id", "A transactional.id.", word, func(a *FaultArgs) *string { return &a.TxnID })
	argLoss        = put("loss", "The share of packets that does not arrive, such as 5%.", percent, func(a *FaultArgs) *float64 { return &a.Loss })
	argAhead       = put("ahead", "So much ahead of the host's clock, such as 1h; whole seconds.", duration, func(a *FaultArgs) *time.Duration { return &a.Ahead })
	argBehind      = put("behind", "So much behind it.", duration, func(a *FaultArgs) *time.Duration { return &a.Behind })
	argPartition   = put("partition", "topic/partition.", topicPartition, func(a *FaultArgs) *string { return &a.TP })
	argUntil       = put("until", "Released when the effect of the fault of this name was seen, at the latest after `by`.", name, func(a *FaultArgs) *string { return &a.Until })
	argOver        = put("connection", "`same` (default): it arrives over the connection that it was sent over. `new`: both its sides are cut, and it arrives over another.", oneOf("a connection", SameConnection, NewConnection), func(a *FaultArgs) *string { return &a.Over })
)

var faultRecord = placed(func(f *Fault) *Pos { return &f.Pos }, record("fault", faultFields()))

// mixedRecord is one fault of a mix: what strikes, not when.
var mixedRecord = placed(func(f *Fault) *Pos { return &f.Pos }, record("fault", mixedFields()))

func mixedFields() []field[Fault] {
	var fields []field[Fault]
	for _, f := range triggerFields {
		if f.name == "on" {
			fields = append(fields, f)
		}
	}
	return append(append(fields, actionFields()...), triggerFields[len(triggerFields)-1])
}

var randomRecord = record("random", randomFields)

var randomFields = []field[Random]{
	must(put("from", "The faults to draw from: each an action, and its `for`.", list("a list of faults", mixedRecord), func(r *Random) *[]Fault { return &r.From })),
	must(put("every", "The wait before each strike, drawn.", span, func(r *Random) *Span { return &r.Every })),
	put("burst", "How many strikes come before a quiet period.", whole[int]("burst", 1, 1000), func(r *Random) *int { return &r.Burst }),
	put("quiet", "How long nothing strikes then, once all is healed.", span, func(r *Random) *Span { return &r.Quiet }),
	{
		name: "seed", doc: "Fixes this mix, whatever the run's seed.", kind: seed.kind, schema: seed.schema,
		decode: func(d *decoder, n *node, r *Random) {
			r.HasSeed = true
			d.where[&r.Seed] = n.pos
			seed.decode(d, n, &r.Seed)
		},
		encode: func(r *Random) *node {
			if !r.HasSeed {
				return nil
			}
			return seed.encode(&r.Seed)
		},
	},
}

// triggerFields are a fault's fields but its action.
var triggerFields = []field[Fault]{
	put("name", "Names the fault for `after` and in reports.", name, func(f *Fault) *string { return &f.Name }),
	put("at", "Strikes so long after the load began.", optional(zeroDuration), func(f *Fault) **time.Duration { return &f.When.At }),
	put("every", "Strikes again and again; each wait is drawn from the seed.", optional(span), func(f *Fault) **Span { return &f.When.Every }),
	put("on", "Strikes on a request on the wire, or on an event of the history.", optional(matchRecord), func(f *Fault) **Match { return &f.When.On }),
	put("progress", "Strikes at this share of the duration, such as 40%.", optional(zeroPercent), func(f *Fault) **float64 { return &f.When.Progress }),
	put("after", "Strikes when the effect of the fault of this name was seen, or of all in a list: `after: [leader-dies, till-freezes]`.", oneOrMore("a fault's name, or a list of them", name), func(f *Fault) *Causes { return &f.When.After }),
	put("for", "How long until it is healed.", span, func(f *Fault) *Span { return &f.For }),
}

// faultFields has the actions between the trigger and `for`, as a fault is read.
func faultFields() []field[Fault] {
	last := len(triggerFields) - 1
	fields := append(slices.Clone(triggerFields[:last]), actionFields()...)
	fields = append(fields, put("random", "A mix: again and again one of these, drawn, with quiet periods.", optional(randomRecord), func(f *Fault) **Random { return &f.Random }))
	return append(fields, triggerFields[last])
}

func actionFields() []field[Fault] {
	var fields []field[Fault]
	for _, a := range actions {
		fields = append(fields, actionField(a))
	}
	return fields
}

var triggerNames = []string{"at", "every", "on", "progress", "after"}

func actionField(a action) field[Fault] {
	args := record(string(a.kind), a.args)
	schema := args.schema
	if !slices.ContainsFunc(a.args, func(f field[FaultArgs]) bool { return f.required }) {
		schema = recordSchema(a.args)
		schema["type"] = []string{"object", "null"}
	}
	return field[Fault]{
		name: string(a.kind), doc: a.doc, kind: args.kind, schema: schema,
		decode: func(d *decoder, n *node, f *Fault) {
			if f.Kind != "" {
				d.fail(n.pos, "two actions in one fault, %s and %s; write two faults", f.Kind, a.kind)
				return
			}
			f.Kind = a.kind
			d.where[&f.Kind] = n.pos
			if n.kind == nullNode {
				n = &node{kind: mappingNode, pos: n.pos}
			}
			args.decode(d, n, &f.Args)
			checkWhom(d, n, a)
		},
		encode: func(f *Fault) *node {
			if f.Kind != a.kind {
				return nil
			}
			if n := args.encode(&f.Args); n != nil {
				return n
			}
			return &node{kind: mappingNode}
		},
	}
}

// checkWhom checks that an action that can strike this or that is given one.
func checkWhom(d *decoder, n *node, a action) {
	if a.whom == nil || n.kind != mappingNode {
		return
	}
	given := 0
	for _, w := range a.whom {
		if n.get(w) != nil {
			given++
		}
	}
	if given != 1 {
		d.fail(n.pos, "%s takes either %s or %s: give one", a.kind, a.whom[0], a.whom[1])
	}
}

var matchRecord = record("on", matchFields)

var matchFields = []field[Match]{
	put("event", "Instead of a request: what a client reports, such as `commit` or `revoked` (docs/history.md).", oneOf("a client's event", Events...), func(m *Match) *string { return &m.Event }),
	put("type", "Of the event: `invoke`, `ok`, `fail` or `info`. Default: any but `invoke`.", oneOf("a type of event", "invoke", "ok", "fail", "info"), func(m *Match) *string { return &m.Type }),
	put("request", "The API as Kafka spells it: Produce, EndTxn, OffsetCommit, …", requestName, func(m *Match) *string { return &m.Request }),
	put("version", "Of the API: one, such as 4, or a range, such as 0..4.", versions, func(m *Match) *Versions { return &m.Version }),
	put("client", "Whose: a client, or one instance, such as till/0.", clientRef, func(m *Match) *string { return &m.Client }),
	put("client.id", "Requests that say this client.id.", str, func(m *Match) *string { return &m.ClientID }),
	put("transactional.id", "Requests of this transactional.id.", str, func(m *Match) *string { return &m.TxnID }),
	put("topic", "Requests that name this topic, or topic/partition.", topicPartition, func(m *Match) *string { return &m.TP }),
	put("broker", "Requests to this broker.", target, func(m *Match) *Target { return &m.Broker }),
	put("nth", "The nth such request since the load began; without it, each one, or for an action that strikes no request the first.", whole[int]("nth", 1, 1<<30), func(m *Match) *int { return &m.Nth }),
	put("times", "So many such requests are struck: from the nth on, or the first ones.", whole[int]("times", 1, 1<<30), func(m *Match) *int { return &m.Times }),
	put("probability", "The share of such requests that is struck, drawn from the seed.", percent, func(m *Match) *float64 { return &m.Prob }),
	put("phase", "`request` (default): before the broker acts. `response`: after it acted, before the client hears.", oneOf("a phase", PhaseRequest, PhaseResponse), func(m *Match) *string { return &m.Phase }),
}

// Events are the operations that clients report, as the history spells them.
var Events = []string{
	"init-producer", "begin", "send", "poll", "process", "send-offsets", "commit", "abort", "commit-offsets", "fetch-offsets",
	"assigned", "revoked", "lost", "seek", "set-aside", "close",
}
var versions = scalar("a version or a range such as 0..4", map[string]any{"type": []string{"integer", "string"}, "minimum": 0, "pattern": `^[0-9]+(\.\.[0-9]+)?$`}, ParseVersions, Versions.String)

var target = scalar("a target such as broker(2) or leader(orders/0)", textSchema(targetPattern), func(s string) (Target, error) {
	_, err := Target(s).Parse()
	return Target(s), err
}, func(t Target) string { return string(t) })

// Brokers is what an isolated broker is parted from.
const Brokers Target = "brokers"

var fromTarget = scalar(target.kind, textSchema(""), func(s string) (Target, error) {
	if Target(s) == Brokers {
		return Brokers, nil
	}
	_, err := Target(s).Parse()
	return Target(s), err
}, func(t Target) string { return string(t) })

var clientRef = scalar("a client or name/instance", textSchema(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[0-9]+)?$`), func(s string) (string, error) {
	_, _, err := ParseClient(s)
	return s, err
}, func(s string) string { return s })

var topicPartition = scalar("topic or topic/partition", textSchema(`^[A-Za-z0-9._-]+(/[0-9]+)?$`), func(s string) (string, error) {
	_, _, err := ParseTopicPartition(s)
	return s, err
}, func(s string) string { return s })

var struckClient = scalar("a client, name/instance or name/*", textSchema(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[0-9]+|/\*)?$`), func(s string) (string, error) {
	_, _, err := ParseClient(strings.TrimSuffix(s, "/*"))
	return s, err
}, func(s string) string { return s })

var requestName = scalar("a Kafka request", map[string]any{"enum": sortedKeys(apiKeys())}, func(s string) (string, error) {
	if wrong := noRequest(s); wrong != "" {
		return "", errors.New(wrong)
	}
	return s, nil
}, func(s string) string { return s })

// noRequest says that Kafka's protocol has no request of that name, or nothing.
func noRequest(name string) string {
	if _, ok := APIKey(name); ok {
		return ""
	}
	return "is not a request of Kafka's protocol" + didYouMean(name, sortedKeys(apiKeys()))
}

var errorName = scalar("a Kafka error", map[string]any{"enum": sortedKeys(errorCodes())}, func(s string) (string, error) {
	if _, ok := ErrorCode(s); !ok {
		return "", fmt.Errorf("is not an error of Kafka's protocol%s", didYouMean(s, sortedKeys(errorCodes())))
	}
	return s, nil
}, func(s string) string { return s })

// zeroPercent writes 0 too.
var zeroPercent = scalar(percent.kind, percent.schema, parsePercent, func(v float64) string {
	if v == 0 {
		return "0%"
	}
	return formatPercent(v)
})
