package scenario

import (
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lineage"
)

// Trace says where a topic's records name themselves and their inputs.
type Trace struct {
	ID Path // what an input is known by
	Of Path // the ID of the input that the record was made from
}

// Path is a place in a record, and where the scenario says it.
type Path struct {
	lineage.Path
	Pos Pos
}

// Fold is the contract of N inputs and one result: the last committed record of a key
// tells the fold over all inputs of that key.
type Fold struct {
	From string // topic of the inputs; "" = the client's input
	By   Path   // the key, in inputs and results alike
	With string // one of FoldFunctions
	What Path   // what is folded, in an input
	Of   Path   // the result, in a record of the client's output
	Pos  Pos
}

// FoldFunctions are the values of Fold.With.
var FoldFunctions = []string{"count", "sum", "min", "max", "last", "set"}

// Application is how a program is run.
type Application struct {
	Env         map[string]string
	Cwd         string
	State       string // StateKeep or StateLose
	StopTimeout time.Duration
	Ready       Ready
	Before      []string // a command that is run to its end before the first start
	After       []string // and after the last end
}

// What becomes of ${run} when a program is killed.
const (
	StateKeep = "keep"
	StateLose = "lose"
)

// Ready says when a program counts as started: all that is given must be so before the
// load begins.
type Ready struct {
	Group  string // has members, and each of its partitions an owner
	Log    string // an expression that a line of its output matches
	HTTP   string // a URL that answers with 200
	Within time.Duration
}

// DefaultReady is how long a program may take to be ready.
const DefaultReady = time.Minute

var recordPath = codec[Path]{
	kind:   "a place in a record such as value.$.orderId",
	schema: textSchema(`^(key|value|header\..+).*$`),
	decode: func(d *decoder, n *node, v *Path) {
		if !d.is(n, scalarNode, "a place in a record such as value.$.orderId") {
			return
		}
		p, err := lineage.ParsePath(n.text)
		if err != nil {
			d.fail(n.pos, "%v", err)
			return
		}
		*v = Path{p, n.pos}
	},
	encode: func(v *Path) *node {
		if v.IsZero() {
			return nil
		}
		return &node{kind: scalarNode, text: v.String(), quoted: true}
	},
}

var traceRecord = record("trace", traceFields)

var traceFields = []field[Trace]{
	put("id", "Where a record of this topic has the id that outputs name it by, such as `value.$.orderId`; see below.", recordPath, func(t *Trace) *Path { return &t.ID }),
	put("of", "Where a record of this topic names the input that it was made from.", recordPath, func(t *Trace) *Path { return &t.Of }),
}

var traceMapping = mapping("traces by topic", traceRecord, nil, nil)

var foldRecord = placed(func(f *Fold) *Pos { return &f.Pos }, record("fold", foldFields))

var foldFields = []field[Fold]{
	put("from", "The topic whose records are folded. Default: the client's `input`; where the program groups by another key, its repartition topic.", str, func(f *Fold) *string { return &f.From }),
	must(put("by", "The key: where it stands in the inputs and in the results.", recordPath, func(f *Fold) *Path { return &f.By })),
	must(put("with", "The function.", oneOf("a function", FoldFunctions...), func(f *Fold) *string { return &f.With })),
	put("what", "What is folded, in an input. Default: the place that `of` says.", recordPath, func(f *Fold) *Path { return &f.What }),
	must(put("of", "The result, in a record of the client's `output`.", recordPath, func(f *Fold) *Path { return &f.Of })),
}

var readyRecord = record("ready", readyFields)

var readyFields = []field[Ready]{
	put("group", "This consumer group is stable.", word, func(r *Ready) *string { return &r.Group }),
	put("log", "A line of the program's output matches this expression.", word, func(r *Ready) *string { return &r.Log }),
	put("http", "This URL answers with 200; ${instance} is replaced.", word, func(r *Ready) *string { return &r.HTTP }),
	put("within", "How long that may take. Default 1m.", duration, func(r *Ready) *time.Duration { return &r.Within }),
}

// contracts are what `makes` may say of a topic.
var contractWord = named("one, at-most-one, at-least-one, any, instead or a number such as 2", `^(one|at-most-one|at-least-one|any|instead|[1-9][0-9]{0,3})$`)

// applicationFields are those of a client that is a program.
var applicationFields = []field[Client]{
	put("makes", "Of a program: how many records one input makes, by topic: `one`, `at-most-one`, `at-least-one`, `any`, or a number. `instead`: an input may end there, once, and then makes nothing elsewhere, as in a dead-letter topic. Without it, what nine of ten inputs make in `output` is taken to be right.", mapping("contracts by topic", contractWord, nil, nil), func(c *Client) *map[string]string { return &c.Makes }),
	put("fold", "Of a program that aggregates: what its results must be.", optional(foldRecord), func(c *Client) **Fold { return &c.Fold }),
	put("env", "Of a program: variables that are added to its environment. ${…} as in `program`.", mapping("variables", value, nil, nil), func(c *Client) *map[string]string { return &c.App.Env }),
	put("cwd", "Of a program: its working directory, relative to the scenario's own folder. Default: that of onceproof.", word, func(c *Client) *string { return &c.App.Cwd }),
	put("state", "Of a program: whether `${run}`, a folder of each instance that survives its restarts, is kept (default) or lost when it is killed.", oneOf("a choice", StateKeep, StateLose), func(c *Client) *string { return &c.App.State }),
	put("stop-timeout", "Of a program: how long it may take to end after SIGTERM. Default 10s.", duration, func(c *Client) *time.Duration { return &c.App.StopTimeout }),
	put("ready", "Of a program: when the load may begin.", readyRecord, func(c *Client) *Ready { return &c.App.Ready }),
	put("before", "Of a program: a command that is run to its end before the first start, such as one that makes tables.", list("a program and its arguments", word), func(c *Client) *[]string { return &c.App.Before }),
	put("after", "Of a program: a command that is run to its end after the last end.", list("a program and its arguments", word), func(c *Client) *[]string { return &c.App.After }),
}

// application checks what only a program can have.
func (c check) application(cl *Client, who string) {
	program := len(cl.Program) > 0
	for _, f := range []struct {
		ptr   any
		field string
	}{
		{&cl.Makes, "makes"}, {&cl.Fold, "fold"}, {&cl.App.Env, "env"}, {&cl.App.Cwd, "cwd"}, {&cl.App.State, "state"},
		{&cl.App.StopTimeout, "stop-timeout"}, {&cl.App.Ready, "ready"}, {&cl.App.Before, "before"}, {&cl.App.After, "after"},
	} {
		if c.given(f.ptr) && !program {
			c.fail(c.at(f.ptr, cl.Pos), "%s is not a program: %q is only for programs", who, f.field)
		}
	}
	if !program {
		return
	}
	if len(cl.Makes) > 0 && cl.Role == guarantee.Producer {
		c.fail(c.at(&cl.Makes, cl.Pos), "%s is a producer: it has no inputs to make outputs from", who)
	}
	for _, t := range sortedKeys(cl.Makes) {
		c.topic(t, c.keys[&cl.Makes][t])
		if t == cl.Input {
			c.fail(c.keys[&cl.Makes][t], "%s: makes: %s is its own input", who, t)
		}
	}
	c.fold(cl, who)
	known := append([]string{"${bootstrap}", "${run}"}, placeholders...)
	words := slices.Concat(cl.App.Before, cl.App.After, []string{cl.App.Cwd, cl.App.Ready.HTTP})
	for _, key := range sortedKeys(cl.App.Env) {
		words = append(words, cl.App.Env[key])
		if key == "" || strings.ContainsAny(key, "= ") {
			c.fail(c.keys[&cl.App.Env][key], "%s: %q is not the name of an environment variable", who, key)
		}
	}
	for _, word := range words {
		if bad := unknownIn(word, known); bad != "" {
			c.fail(cl.Pos, "%s: unknown placeholder %s in %q%s", who, bad, word, didYouMean(bad, known))
		}
	}
}

func (c check) fold(cl *Client, who string) {
	f := cl.Fold
	if f == nil {
		return
	}
	if cl.Output == "" {
		c.fail(f.Pos, "%s has a fold and no output: where its results are", who)
	}
	if f.From == "" {
		f.From = cl.Input
	}
	if f.From == "" {
		c.fail(f.Pos, "%s has a fold and no input: what is folded", who)
	}
	if f.What.IsZero() {
		f.What = f.Of
	}
}

// traces checks that traces are of topics that there are.
func (c check) traces() {
	for _, t := range sortedKeys(c.s.Trace) {
		at := c.keys[&c.s.Trace][t]
		c.topic(t, at)
		if tr := c.s.Trace[t]; tr.ID.IsZero() && tr.Of.IsZero() {
			c.fail(at, "trace of %s says neither id nor of", t)
		}
	}
	if len(c.s.Trace) > 0 && !slices.ContainsFunc(c.s.Clients, func(cl Client) bool { return len(cl.Program) > 0 }) {
		c.fail(c.at(&c.s.Trace, Pos{1, 1}), "trace: no client is a program; workers say themselves what their outputs were made from")
	}
}

// Equal compares what the paths say, not where.
func (p Path) Equal(q Path) bool { return p.String() == q.String() }
