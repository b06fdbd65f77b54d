package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	must(
		put(
			"from", "The faults to draw from: each an action, and its `for`.",
			list("a list of faults", mixedRecord), func(r *Random) *[]Fault { return &r.From },
		),
	),
	must(put("every", "The wait before each strike, drawn.", span, func(r *Random) *Span { return &r.Every })),
	put(
		"burst", "How many strikes come before a quiet period.", whole[int]("burst", 1, 1000),
		func(r *Random) *int { return &r.Burst },
	),
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
	put(
		"at", "Strikes so long after the load began.", optional(zeroDuration),
		func(f *Fault) **time.Duration { return &f.When.At },
	),
	put(
		"every", "Strikes again and again; each wait is drawn from the seed.", optional(span),
		func(f *Fault) **Span { return &f.When.Every },
	),
	put(
		"on", "Strikes on a request on the wire, or on an event of the history.", optional(matchRecord),
		func(f *Fault) **Match { return &f.When.On },
	),
	put(
		"progress", "Strikes at this share of the duration, such as 40%.", optional(zeroPercent),
		func(f *Fault) **float64 { return &f.When.Progress },
	),
	put(
		"after",
		"Strikes when the effect of the fault of this name was seen, "+
			"or of all in a list: `after: [leader-dies, till-freezes]`.",
		oneOrMore("a fault's name, or a list of them", name), func(f *Fault) *Causes { return &f.When.After },
	),
	put("for", "How long until it is healed.", span, func(f *Fault) *Span { return &f.For }),
}

// faultFields has the actions between the trigger and `for`, as a fault is read.
func faultFields() []field[Fault] {
	last := len(triggerFields) - 1
	fields := append(slices.Clone(triggerFields[:last]), actionFields()...)
	fields = append(
		fields,
		put(
			"random", "A mix: again and again one of these, drawn, with quiet periods.", optional(randomRecord),
			func(f *Fault) **Random { return &f.Random },
		),
	)
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
	put(
		"event", "Instead of a request: what a client reports, such as `commit` or `revoked` (docs/history.md).",
		oneOf("a client's event", Events...), func(m *Match) *string { return &m.Event },
	),
	put(
		"type", "Of the event: `invoke`, `ok`, `fail` or `info`. Default: any but `invoke`.",
		oneOf("a type of event", "invoke", "ok", "fail", "info"), func(m *Match) *string { return &m.Type },
	),
	put(
		"request", "The API as Kafka spells it: Produce, EndTxn, OffsetCommit, …", requestName,
		func(m *Match) *string { return &m.Request },
	),
	put(
		"version", "Of the API: one, such as 4, or a range, such as 0..4.", versions,
		func(m *Match) *Versions { return &m.Version },
	),
	put(
		"client", "Whose: a client, or one instance, such as till/0.", clientRef,
		func(m *Match) *string { return &m.Client },
	),
	put("client.id", "Requests that say this client.id.", str, func(m *Match) *string { return &m.ClientID }),
	put("transactional.id", "Requests of this transactional.id.", str, func(m *Match) *string { return &m.TxnID }),
	put(
		"topic", "Requests that name this topic, or topic/partition.", topicPartition,
		func(m *Match) *string { return &m.TP },
	),
	put("broker", "Requests to this broker.", target, func(m *Match) *Target { return &m.Broker }),
	put(
		"nth",
		"The nth such request since the load began; without "+
			"it, each one, or for an action that strikes no request the first.",
		whole[int]("nth", 1, 1<<30), func(m *Match) *int { return &m.Nth },
	),
	put(
		"times", "So many such requests are struck: from the nth on, or the first ones.",
		whole[int]("times", 1, 1<<30), func(m *Match) *int { return &m.Times },
	),
	put(
		"probability", "The share of such requests that is struck, drawn from the seed.", percent,
		func(m *Match) *float64 { return &m.Prob },
	),
	put(
		"phase",
		"`request` (default): before the broker acts. `response`: after it acted, before the client hears.",
		oneOf("a phase", PhaseRequest, PhaseResponse), func(m *Match) *string { return &m.Phase },
	),
}

// Events are the operations that clients report, as the history spells them.
var Events = []string{
	"init-producer", "begin", "send", "poll", "process", "send-offsets",
	"commit", "abort", "commit-offsets", "fetch-offsets",
	"assigned", "revoked", "lost", "seek", "set-aside", "close",
}

var versions = scalar(
	"a version or a range such as 0..4",
	map[string]any{"type": []string{"integer", "string"}, "minimum": 0, "pattern": `^[0-9]+(\.\.[0-9]+)?$`},
	ParseVersions, Versions.String,
)

var target = scalar(
	"a target such as broker(2) or leader(orders/0)",
	textSchema(targetPattern),
	func(s string) (Target, error) {
		_, err := Target(s).Parse()
		return Target(s), err
	},
	func(t Target) string { return string(t) },
)

// Brokers is what an isolated broker is parted from.
const Brokers Target = "brokers"

var fromTarget = scalar(target.kind, textSchema(""), func(s string) (Target, error) {
	if Target(s) == Brokers {
		return Brokers, nil
	}
	_, err := Target(s).Parse()
	return Target(s), err
}, func(t Target) string { return string(t) })

var clientRef = scalar(
	"a client or name/instance",
	textSchema(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[0-9]+)?$`),
	func(s string) (string, error) {
		_, _, err := ParseClient(s)
		return s, err
	},
	func(s string) string { return s },
)

var topicPartition = scalar(
	"topic or topic/partition",
	textSchema(`^[A-Za-z0-9._-]+(/[0-9]+)?$`),
	func(s string) (string, error) {
		_, _, err := ParseTopicPartition(s)
		return s, err
	},
	func(s string) string { return s },
)

var struckClient = scalar(
	"a client, name/instance or name/*",
	textSchema(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[0-9]+|/\*)?$`),
	func(s string) (string, error) {
		_, _, err := ParseClient(strings.TrimSuffix(s, "/*"))
		return s, err
	},
	func(s string) string { return s },
)

var requestName = scalar(
	"a Kafka request",
	map[string]any{"enum": sortedKeys(apiKeys())},
	func(s string) (string, error) {
		if wrong := noRequest(s); wrong != "" {
			return "", errors.New(wrong)
		}
		return s, nil
	},
	func(s string) string { return s },
)

// noRequest says that Kafka's protocol has no request of that name, or nothing.
func noRequest(name string) string {
	if _, ok := APIKey(name); ok {
		return ""
	}
	return "is not a request of Kafka's protocol" + didYouMean(name, sortedKeys(apiKeys()))
}

var errorName = scalar(
	"a Kafka error",
	map[string]any{"enum": sortedKeys(errorCodes())},
	func(s string) (string, error) {
		if _, ok := ErrorCode(s); !ok {
			return "", fmt.Errorf("is not an error of Kafka's protocol%s", didYouMean(s, sortedKeys(errorCodes())))
		}
		return s, nil
	},
	func(s string) string { return s },
)

// zeroPercent writes 0 too.
var zeroPercent = scalar(percent.kind, percent.schema, parsePercent, func(v float64) string {
	if v == 0 {
		return "0%"
	}
	return formatPercent(v)
})
