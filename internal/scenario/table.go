package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

// The file format. Each table below parses, validates the form of, writes and
// documents one record; what holds between fields is in check.go.

var scenarioRecord = record("scenario", scenarioFields)

var scenarioFields = []field[Scenario]{
	must(put("apiVersion", "The version of this format.", oneOf("an apiVersion", APIVersion), func(s *Scenario) *string { return &s.APIVersion })),
	must(constant[Scenario]("kind", "What the file describes.", "Scenario")),
	must(put("metadata", "The scenario's name and what it teaches.", metadataRecord, func(s *Scenario) *Metadata { return &s.Metadata })),
	put("cluster", "What to run against.", clusterRecord, func(s *Scenario) *Cluster { return &s.Cluster }),
	must(put("clients", "The programs that use the cluster.", list("a list of clients", clientRecord), func(s *Scenario) *[]Client { return &s.Clients })),
	must(put("run", "The run in time.", runRecord, func(s *Scenario) *Run { return &s.Run })),
	put("trace", "By topic: where records name themselves and their inputs, if the value ids of onceproof's producers do not come through.", traceMapping, func(s *Scenario) *map[string]Trace { return &s.Trace }),
	put("faults", "The faults of the run.", list("a list of faults", faultRecord), func(s *Scenario) *[]Fault { return &s.Faults }),
	put("expect", "The expected verdict of each guarantee; one that is not named is expected to hold. `any`: no claim is made.", expectMapping, func(s *Scenario) *map[string]string { return &s.Expect }),
	put("fixed", "The same scenario with its mistake corrected: every guarantee that is not named under `expect` must then hold.", optional(fixedRecord), func(s *Scenario) **Control { return &s.Fixed }),
	put("control", "The same scenario with a few changes, which must then end as this says: it shows that the checker could have fired.", optional(controlRecord), func(s *Scenario) **Control { return &s.Control }),
}

// APIVersion is the version of the scenario format.
const APIVersion = "onceproof/v1"

var metadataRecord = record("metadata", metadataFields)

var metadataFields = []field[Metadata]{
	must(put("name", "Names the run's folder and the scenario in reports.", name, func(m *Metadata) *string { return &m.Name })),
	put("description", "What the scenario shows. `onceproof list` prints the first line.", str, func(m *Metadata) *string { return &m.Description }),
	put("labels", "Words to select scenarios by.", list("a list of labels", name), func(m *Metadata) *[]string { return &m.Labels }),
	put("bug", "The real bug that the scenario reproduces.", optional(bugRecord), func(m *Metadata) **Bug { return &m.Bug }),
}

var bugRecord = record("bug", bugFields)

var bugFields = []field[Bug]{
	must(put("issue", "Where it was reported, or the release notes that tell of it.", str, func(b *Bug) *string { return &b.Issue })),
	must(put("affected", "The versions that have it.", str, func(b *Bug) *string { return &b.Affected })),
	must(put("fixed", "The first version without it.", str, func(b *Bug) *string { return &b.Fixed })),
	must(put("rate", "In how many runs every expected violation was seen when the rate was measured. With `run --repeat`, a significantly lower rate fails.", measured, func(b *Bug) *string { return &b.Rate })),
	must(put("fixed-rate", "In how many runs of the fixed twin a guarantee was violated.", measured, func(b *Bug) *string { return &b.FixedRate })),
}

var measured = named("a rate such as 5 of 5", `^(0|[1-9][0-9]*) of [1-9][0-9]*$`)

var clusterRecord = record("cluster", clusterFields)

var clusterFields = []field[Cluster]{
	put("backend", "`docker`: KRaft brokers in containers. `embedded`: kfake in this process, without replication. `external`: brokers that are already there. `auto`: docker if an engine answers and the image is to be had, else embedded.", oneOf("a backend", Backends...), func(c *Cluster) *string { return &c.Backend }),
	put("brokers", "How many brokers; their ids count from 1. Default 3.", whole[int]("brokers", 1, 15), func(c *Cluster) *int { return &c.Brokers }),
	put("controllers", "Isolated controllers; 0 (default): every broker is one too.", whole[int]("controllers", 0, 7), func(c *Cluster) *int { return &c.Controllers }),
	put("disk", "Gives each broker's data a volume of this size, such as 256MiB, in memory; `fill-disk` needs one. Default: the engine's disk. Docker only.", byteSize, func(c *Cluster) *int64 { return &c.Disk }),
	put("image", "The brokers' container image.", str, func(c *Cluster) *string { return &c.Image }),
	put("config", "Broker properties, under Kafka's names.", properties("broker"), func(c *Cluster) *map[string]string { return &c.Config }),
	put("topics", "Topics that are created before the clients start.", list("a list of topics", topicRecord), func(c *Cluster) *[]Topic { return &c.Topics }),
	put("bootstrap", "host:port of each broker; backend external only.", list("a list of host:port", word), func(c *Cluster) *[]string { return &c.Bootstrap }),
}

var topicRecord = placed(func(t *Topic) *Pos { return &t.Pos }, record("topic", topicFields))

var topicFields = []field[Topic]{
	must(put("name", "The topic's name.", topicName, func(t *Topic) *string { return &t.Name })),
	put("partitions", "How many partitions. Default 1.", whole[int32]("partitions", 1, 1000), func(t *Topic) *int32 { return &t.Partitions }),
	put("replicas", "Replication factor. Default: 3, or the number of brokers if that is less.", whole[int16]("replicas", 1, 15), func(t *Topic) *int16 { return &t.Replicas }),
	put("config", "Topic properties, under Kafka's names.", properties("topic"), func(t *Topic) *map[string]string { return &t.Config }),
}

var clientRecord = placed(func(c *Client) *Pos { return &c.Pos }, record("client", clientFields))

var clientFields = append(workerFields, applicationFields...)

var workerFields = []field[Client]{
	must(put("name", "The client's name; its instances are name/0, name/1, …", name, func(c *Client) *string { return &c.Name })),
	must(put("role", "`producer`; `consumer`; `processor`: consumes, processes, produces.", oneOf("a role", guarantee.Producer, guarantee.Consumer, guarantee.Processor), func(c *Client) *string { return &c.Role })),
	put("library", "The client library: a folder of clients/. Default franz-go.", named("a library", `^@?[A-Za-z0-9][A-Za-z0-9._/-]*(@[A-Za-z0-9._+-]+)?$`), func(c *Client) *string { return &c.Library }),
	put("command", "A worker of your own instead of a library's: any program that speaks the worker protocol (docs/worker-protocol.md).", list("a program and its arguments", word), func(c *Client) *[]string { return &c.Command }),
	put("program", "Any program, which need know nothing of onceproof: it is judged by what the proxy sees of it and by the final log. ${bootstrap}, the servers that it must use, ${run}, a folder of its own that survives restarts, ${client}, ${instance}, ${incarnation} and ${random} are replaced in its arguments; it also finds the servers in the environment variable BOOTSTRAP_SERVERS. SIGTERM asks it to end. What `config` says of it, the checker believes.", list("a program and its arguments", word), func(c *Client) *[]string { return &c.Program }),
	put("count", "Instances. Default 1.", whole[int]("count", 1, 100), func(c *Client) *int { return &c.Count }),
	put("rate", "Records a second of each instance, such as 200/s. Default: no limit.", rate, func(c *Client) *float64 { return &c.Rate }),
	put("size", "Bytes that a record's value is padded to.", whole[int]("size", 1, 1<<20), func(c *Client) *int { return &c.Size }),
	put("max", "Number of records after which a producer instance stops; a restarted instance starts counting at 0.", whole[int64]("max", 1, 1<<40), func(c *Client) *int64 { return &c.Max }),
	put("topic", "Where a producer sends.", topicName, func(c *Client) *string { return &c.Topic }),
	put("input", "What a consumer or processor reads.", topicName, func(c *Client) *string { return &c.Input }),
	put("output", "Where a processor sends.", topicName, func(c *Client) *string { return &c.Output }),
	put("commit", "When offsets are committed. `auto`: by the library, in the background. `before-processing`, `after-each-record`, `after-batch`. `transaction`: with the output, in one transaction. `transaction-offsets-outside`: transactional output, offsets committed by the consumer.", oneOf("a commit pattern", CommitPatterns...), func(c *Client) *string { return &c.Commit }),
	put("transaction", "Records a transaction, of a producer with a transactional.id.", whole[int]("transaction", 1, 100000), func(c *Client) *int { return &c.Transaction }),
	put("process", "The application's work on one input.", processRecord, func(c *Client) *Process { return &c.Process }),
	put("retry", "What the application does about a failed send or a failed processing.", retryRecord, func(c *Client) *Retry { return &c.Retry }),
	put("habits", "Mistakes of the application's own code, independent of its properties; see below. The library's worker must support the habit.", list("a list of habits", oneOf("a habit", Habits...)), func(c *Client) *[]string { return &c.Habits }),
	put("config", "The client's properties, under the Java client's names whatever the library. ${client}, ${instance}, ${incarnation} and ${random} are replaced in each start's values.", clientProperties, func(c *Client) *map[string]string { return &c.Config }),
	put("unsupported", "What happens when the library cannot honour a property: `error` (default) or `warn`.", oneOf("a choice", "error", "warn"), func(c *Client) *string { return &c.Unsupported }),
}

// CommitPatterns are the values of Client.Commit.
var CommitPatterns = []string{guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitTxn, guarantee.CommitTxnOutside}

// habits is what the reference says of each.
var habits = []struct{ name, needs, doc string }{
	{guarantee.HabitNoRewind, "`commit: transaction`", "After an abort it continues with the next records; those of the aborted transaction are never processed again."},
	{guarantee.HabitIgnoreSendErrors, "transactions", "It commits a transaction although one of its sends failed."},
	{guarantee.HabitSwallowFatal, "`commit: transaction`", "After a fatal error of the library, such as being fenced, it creates a new producer and continues with the next records."},
	{guarantee.HabitNoGroupMetadata, "`commit: transaction`", "It sends offsets to the transaction with the group id alone, as before KIP-447: a replaced member is not refused."},
	{guarantee.HabitDedupInMemory, "inputs", "It remembers processed records in memory and skips repeated ones; a restart empties the memory."},
	{guarantee.HabitHandOff, "`commit: auto` or `after-batch`", "It hands polled records to another thread and continues polling: committed records were handed over, not necessarily processed."},
}

// Habits are the values of Client.Habits.
var Habits = []string{guarantee.HabitNoRewind, guarantee.HabitIgnoreSendErrors, guarantee.HabitSwallowFatal, guarantee.HabitNoGroupMetadata, guarantee.HabitDedupInMemory, guarantee.HabitHandOff}

var processRecord = record("process", processFields)

var processFields = []field[Process]{
	{
		name: "time", doc: "How long one input takes, such as 1ms..3ms.", kind: span.kind, schema: span.schema,
		decode: func(d *decoder, n *node, p *Process) {
			s := Span{p.Min, p.Max}
			d.where[&p.Min] = n.pos
			span.decode(d, n, &s)
			p.Min, p.Max = s.Min, s.Max
		},
		encode: func(p *Process) *node { return span.encode(&Span{p.Min, p.Max}) },
		zero:   func(p *Process) { p.Min, p.Max = 0, 0 },
	},
	put("fail", "The share of inputs whose processing fails, such as 2%.", percent, func(p *Process) *float64 { return &p.Fail }),
}

var retryRecord = record("retry", retryFields)

var retryFields = []field[Retry]{
	put("attempts", "More tries after the first failed.", whole[int]("attempts", 0, 1000), func(r *Retry) *int { return &r.Attempts }),
	put("backoff", "The wait before each.", duration, func(r *Retry) *time.Duration { return &r.Backoff }),
	put("topic", "Where a record is put aside that failed to the last; without it, it is given up.", topicName, func(r *Retry) *string { return &r.Topic }),
}

var runRecord = record("run", runFields)

var runFields = []field[Run]{
	must(put("duration", "How long there is load, faults included.", duration, func(r *Run) *time.Duration { return &r.Duration })),
	put("warmup", "The load before the first fault; part of the duration. Default 1s.", zeroDuration, func(r *Run) *time.Duration { return &r.Warmup }),
	put("drain", "How long, at most, consumers may take to catch up after everything is healed. Default 30s.", duration, func(r *Run) *time.Duration { return &r.Drain }),
	{
		name: "seed", doc: "Fixes every draw; without it each run draws its own and prints it.", kind: seed.kind, schema: seed.schema,
		decode: func(d *decoder, n *node, r *Run) {
			r.HasSeed = true
			seed.decode(d, n, &r.Seed)
		},
		encode: func(r *Run) *node {
			if !r.HasSeed {
				return nil
			}
			return seed.encode(&r.Seed)
		},
	},
	put("stop-on", "`violation` ends the load at the first one that shows before the final log is read, such as a poll that goes back or an acknowledgement out of order.", oneOf("a reason to stop", "violation"), func(r *Run) *string { return &r.StopOn }),
}

var expectMapping = mapping("verdicts by guarantee", oneOf("a verdict", Verdicts...), map[string]any{"enum": Guarantees}, func(key string) string {
	for _, g := range Guarantees {
		if g == key {
			return ""
		}
	}
	return fmt.Sprintf("%q is not a guarantee%s", key, didYouMean(key, Guarantees))
})

var controlRecord = record("control", controlFields)

var controlFields = []field[Control]{
	put("description", "What the change takes away.", str, func(c *Control) *string { return &c.Description }),
	put("cluster", "What differs: `image`, and broker properties; empty removes one.", overrides, func(c *Control) *map[string]string { return &c.Cluster }),
	put("clients", "By client: fields (commit, count, retry.topic, …) and properties that differ; empty removes one.", mapping("changes by client", overrides, nil, nil), func(c *Control) *map[string]map[string]string { return &c.Clients }),
	put("requests", "What is sent here in the place of a request that a fault strikes: `{OffsetCommit: TxnOffsetCommit}`.", otherRequests, func(c *Control) *map[string]string { return &c.Requests }),
	must(put("expect", "Verdicts that differ from the scenario's own.", expectMapping, func(c *Control) *map[string]string { return &c.Expect })),
}

// A scenario of a mistake has its correction beside it.
var fixedRecord = record("fixed", fixedFields)

var fixedFields = []field[Control]{
	put("description", "What the change mends.", str, func(c *Control) *string { return &c.Description }),
	controlFields[1], controlFields[2], controlFields[3],
	put("expect", "Verdicts other than holds.", expectMapping, func(c *Control) *map[string]string { return &c.Expect }),
}

// otherRequests is what faults strike in a twin, by what they strike without it.
var otherRequests = mapping("requests by request", requestName, requestName.schema, func(key string) string {
	if wrong := noRequest(key); wrong != "" {
		return fmt.Sprintf("%q %s", key, wrong)
	}
	return ""
})

// overrides are a control's changes. An empty value removes.
var overrides = mapping("changes", codec[string]{
	kind: "a value, or nothing", schema: map[string]any{"type": []string{"string", "number", "boolean", "null"}},
	decode: func(d *decoder, n *node, v *string) {
		if n.kind != nullNode {
			str.decode(d, n, v)
		}
	},
	encode: func(v *string) *node { return &node{kind: scalarNode, text: *v, quoted: *v == ""} },
}, nil, nil)

// constant is a field that always has the same value and is not kept.
func constant[T any](fieldName, doc, only string) field[T] {
	c := oneOf("a "+fieldName, only)
	return field[T]{
		name: fieldName, doc: doc, kind: c.kind, schema: c.schema,
		decode: func(d *decoder, n *node, _ *T) {
			var s string
			c.decode(d, n, &s)
		},
		encode: func(*T) *node { return &node{kind: scalarNode, text: only} },
	}
}

// properties are the properties of a role.
func properties(role string) codec[map[string]string] {
	c := mapping(role+" properties", value, map[string]any{"$ref": "#/$defs/" + role}, nil)
	inner := c.decode
	c.decode = func(d *decoder, n *node, v *map[string]string) {
		inner(d, n, v)
		checkProperties(d, n, []string{role}, "a "+role)
	}
	return c
}

// clientProperties are checked when the client's role is known.
var clientProperties = mapping("client properties", value, map[string]any{"$ref": "#/$defs/client"}, nil)

// checkProperties checks the names and values of n against the roles' tables.
func checkProperties(d *decoder, n *node, roles []string, whose string) {
	for _, e := range n.entries {
		if e.val.kind != scalarNode {
			continue
		}
		if wrong := wrongProperty(roles, whose, e.key, e.val.text); wrong != "" {
			pos := e.pos
			if isProperty(roles, e.key) {
				pos = e.val.pos
			}
			d.fail(pos, "%s", wrong)
		}
	}
}

func isProperty(roles []string, key string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { _, ok := LookupProperty(r, key); return ok })
}

// wrongProperty says what is wrong with a property, "" if nothing is. whose
// completes the sentence: "not a producer's".
func wrongProperty(roles []string, whose, key, val string) string {
	for _, r := range roles {
		if p, ok := LookupProperty(r, key); ok {
			if err := p.Check(val); err != nil {
				return err.Error()
			}
			return ""
		}
	}
	for _, other := range []string{"producer", "consumer", "broker", "topic"} {
		if _, ok := LookupProperty(other, key); ok {
			return fmt.Sprintf("%q is a %s property, not %s's", key, other, whose)
		}
	}
	if owner := Owner(key); owner != "" {
		return fmt.Sprintf("unknown property %q: it is %s", key, owner)
	}
	names := PropertyNames(roles...)
	if n := Nearest(key, names); n != "" {
		return fmt.Sprintf("unknown property %q; did you mean %q?", key, n)
	}
	for _, other := range []string{"producer", "consumer", "broker", "topic"} {
		if n := Nearest(key, PropertyNames(other)); n != "" {
			return fmt.Sprintf("unknown property %q; the nearest is %q, a %s property, not %s's", key, n, other, whose)
		}
	}
	return fmt.Sprintf("unknown property %q; Kafka has none of this name", key)
}
