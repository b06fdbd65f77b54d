package scenario

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// whole is a small scenario without a mistake; each case below changes a line.
const wholeScenario = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: small}
cluster:
  backend: auto
  brokers: 3
  config: {min.insync.replicas: 2}
  topics:
    - {name: orders, partitions: 2, replicas: 3}
    - {name: receipts}
clients:
  - name: shop
    role: producer
    rate: 200/s
    topic: orders
    config: {acks: all}
  - name: till
    role: processor
    count: 2
    input: orders
    output: receipts
    commit: transaction
    config: {group.id: till, transactional.id: "till-${instance}"}
run: {duration: 30s, warmup: 3s, seed: 7}
faults:
  - name: dies
    at: 12s
    kill: {broker: leader(orders/0)}
    for: 5s
  - on: {request: Produce, client: shop, nth: 40, phase: response}
    drop: {}
expect:
  no-loss: holds
control:
  clients: {till: {commit: transaction-offsets-outside}}
  expect: {no-duplicates: violated}
`

func TestWholeScenarioParses(t *testing.T) {
	if _, err := Parse("x.yaml", []byte(wholeScenario)); err != nil {
		t.Fatal(err)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // the change that makes the mistake
		want     string // the whole error
	}{
		{"not YAML", "brokers: 3", "brokers: {3", `x.yaml:6:13: not valid YAML: `},
		{"tab", "  brokers: 3", "\tbrokers: 3", `x.yaml:6:1: a tab; YAML is indented with spaces`},
		{"field twice", "  brokers: 3", "  brokers: 3\n  brokers: 3", `x.yaml:7:3: not valid YAML: mapping key "brokers" already defined at [6:3]`},
		{"alias", "{group.id: till", "{group.id: &a till", `x.yaml:23:24: anchors, aliases and tags are not read in a scenario; write the value out`},
		{"second document", "expect:\n", "---\nexpect:\n", `x.yaml:33:1: a second document; one file holds one scenario`},

		{"unknown field, top", "run: {", "runs: {}\nrun: {", `x.yaml:24:1: unknown field "runs" in scenario; did you mean "run"?`},
		{"unknown field, client", "    commit: transaction", "    comit: transaction", `x.yaml:22:5: unknown field "comit" in client "till"; did you mean "commit"?
x.yaml:23:30: client "till" has a transactional.id and commits auto; commit: transaction uses it (or transaction-offsets-outside, to see what goes wrong)`},
		{"unknown field, topic", "{name: receipts}", "{name: receipts, partition: 1}", `x.yaml:10:24: unknown field "partition" in topic "receipts"; did you mean "partitions"?`},
		{"unknown field, fault", "    at: 12s", "    att: 12s", `x.yaml:27:5: unknown field "att" in fault "dies"; did you mean "at"?`},
		{"unknown field, action", "kill: {broker:", "kill: {brokr:", `x.yaml:28:11: kill has no "broker" (a target such as broker(2) or leader(orders/0))
x.yaml:28:12: unknown field "brokr" in kill; did you mean "broker"?`},
		{"unknown field, on", "nth: 40", "nht: 40", `x.yaml:30:42: unknown field "nht" in on; did you mean "nth"?`},
		{"unknown field, run", "warmup: 3s", "warm-up: 3s", `x.yaml:24:22: unknown field "warm-up" in run; did you mean "warmup"?`},
		{"unknown fault kind", "    kill: {", "    kil: {", `x.yaml:28:5: unknown field "kil" in fault "dies"; did you mean "kill"?`},
		{"unknown guarantee", "  no-loss: holds", "  no-los: holds", `x.yaml:33:3: "no-los" is not a guarantee; did you mean "no-loss"?`},
		{"unknown verdict", "  no-loss: holds", "  no-loss: hold", `x.yaml:33:12: "hold" is not a verdict; did you mean "holds"?`},
		{"unknown role", "role: producer", "role: producr", `x.yaml:13:11: "producr" is not a role; did you mean "producer"?`},
		{"unknown commit pattern", "    commit: transaction\n", "    commit: after-each\n", `x.yaml:22:13: "after-each" is not a commit pattern; did you mean "after-each-record"?`},
		{"unknown backend", "backend: auto", "backend: dokcer", `x.yaml:5:12: "dokcer" is not a backend; did you mean "docker"?`},
		{"unknown habit", "    commit: transaction\n", "    commit: transaction\n    habits: [no-rewnd]\n", `x.yaml:23:14: "no-rewnd" is not a habit; did you mean "no-rewind"?`},
		{"a habit without its place", "    commit: transaction\n", "    commit: transaction-offsets-outside\n    habits: [dedup-in-memory, no-rewind]\n", `x.yaml:23:31: client "till" has the habit no-rewind, which only commit: transaction has a place for`},
		{"a producer's habit", "    topic: orders\n", "    topic: orders\n    habits: [dedup-in-memory]\n", `x.yaml:16:14: client "shop" is a producer: it has no inputs to remember (dedup-in-memory)`},
		{"unknown request", "request: Produce", "request: Prodcue", `x.yaml:30:19: "Prodcue" is not a request of Kafka's protocol; did you mean "Produce"?`},
		{"unknown phase", "phase: response", "phase: respons", `x.yaml:30:58: "respons" is not a phase; did you mean "response"?`},
		{"unknown version", "onceproof/v1", "onceproof/v2", `x.yaml:1:13: "onceproof/v2" is not an apiVersion; did you mean "onceproof/v1"?`},
		{"unknown kind", "kind: Scenario", "kind: Scenaro", `x.yaml:2:7: "Scenaro" is not a kind; did you mean "Scenario"?`},

		{"word for a number", "brokers: 3", "brokers: three", `x.yaml:6:12: "three" is not a whole number (brokers)`},
		{"no brokers", "brokers: 3", "brokers: 0", `x.yaml:6:12: "0" is too few: at least 1 (brokers)`},
		{"replication above brokers", "replicas: 3", "replicas: 4", `x.yaml:9:47: topic "orders" has 4 replicas and the cluster only 3 brokers`},
		{"no partitions", "partitions: 2", "partitions: 0", `x.yaml:9:34: "0" is too few: at least 1 (partitions)`},
		{"no duration", "duration: 30s", "duration: 0s", `x.yaml:24:17: run: duration must be longer than 0`},
		{"duration without unit", "duration: 30s", "duration: 30", `x.yaml:24:17: "30" is no duration: it has no unit; write 30s or 30ms`},
		{"negative duration", "duration: 30s", "duration: -30s", `x.yaml:24:17: "-30s" is a negative duration`},
		{"warm-up takes all", "warmup: 3s", "warmup: 30s", `x.yaml:24:30: warm-up (30s) takes the whole run (30s)`},
		{"seed that is no number", "seed: 7", "seed: seven", `x.yaml:24:40: "seven" is no seed: a whole number from 0 to 18446744073709551615`},
		{"rate without unit", "rate: 200/s", "rate: 200", `x.yaml:14:11: "200" is a rate without its unit; write 200/s (records a second and instance)`},
		{"list for a word", "topic: orders", "topic: [orders]", `x.yaml:15:12: expected a topic's name, found a list`},
		{"word for a mapping", "config: {acks: all}", "config: acks", `x.yaml:16:13: expected a mapping (client properties), found "acks"`},
		{"mapping for a list", "faults:\n", "faults:\n  at: 3s\nextra:\n", `x.yaml:26:3: expected a list of faults, found a mapping
x.yaml:27:1: unknown field "extra" in scenario; there is apiVersion, kind, metadata, cluster, clients, run, trace, faults, expect, fixed, control`},
		{"no value", "    role: producer", "    role:", `x.yaml:13:10: expected a role, found nothing`},

		{"outlives the run", "for: 5s", "for: 20s", `x.yaml:29:10: fault "dies" outlives the run: it strikes at 12s or later, lasts 20s, and the run ends at 30s`},
		{"at beyond the end", "at: 12s", "at: 31s", `x.yaml:27:9: fault "dies" strikes at 31s, after the run's end (30s)`},
		{"at in warm-up", "at: 12s", "at: 2s", `x.yaml:27:9: fault "dies" strikes at 2s, during warm-up (3s)`},
		{"every too rarely", "at: 12s", "every: 10s..40s", `x.yaml:29:10: fault "dies" outlives the run: it strikes at 43s or later, lasts 5s, and the run ends at 30s`},
		{"every too often", "at: 12s", "every: 4s..6s", `x.yaml:27:12: fault "dies" lasts up to 5s and comes again after as little as 4s: it would strike what it has not healed`},
		{"range backwards", "at: 12s", "every: 10s..6s", `x.yaml:27:12: "10s..6s" is a range that ends before it begins; write 6s..10s`},
		{"progress over 100", "at: 12s", "progress: 140%", `x.yaml:27:15: "140%" is not between 0% and 100%; write it as 40% or 0.4`},
		{"two triggers", "at: 12s", "at: 12s\n    progress: 50%", `x.yaml:26:5: fault "dies" has two triggers, at and progress; give one`},
		{"two actions", "    for: 5s", "    stop: {broker: any}\n    for: 5s", `x.yaml:29:11: two actions in one fault, kill and stop; write two faults`},
		{"no action", "    kill: {broker: leader(orders/0)}\n", "", `x.yaml:26:5: fault 1 has no action; there is ` + actionNames()},
		{"no for", "    for: 5s\n", "", `x.yaml:26:5: fault "dies" has no "for"; add the duration after which it ends`},
		{"for on one request", "    drop: {}", "    drop: {}\n    for: 3s", `x.yaml:32:10: fault 2 (drop) takes no "for": it strikes one request`},
		{"wire fault without on", "  - on: {request: Produce, client: shop, nth: 40, phase: response}\n", "  - at: 4s\n", `x.yaml:31:11: fault 2 (drop) strikes a request: say which, as in on: {request: Produce, client: shop, nth: 40}`},
		{"matches everything", "{request: Produce, client: shop, nth: 40, phase: response}", "{nth: 40}", `x.yaml:30:9: fault 2 (drop) matches every request of every client: say which, as in on: {request: Produce, client: shop}`},
		{"throttle nobody", "    drop: {}", "    throttle: {rate: 5B/s}\n    for: 2s", `x.yaml:31:15: fault 2 (throttle) needs client, broker or an on trigger`},
		{"throttle without unit", "    drop: {}", "    throttle: {client: shop, rate: 5/s}\n    for: 2s", `x.yaml:31:36: "5/s" is no number of bytes; write it as 500B, 64KiB or 256MiB`},
		{"no such direction", "    drop: {}", "    blackhole: {direction: to-borker}", `x.yaml:31:28: "to-borker" is not a direction; did you mean "to-broker"?`},
		{"direction of a request", "    drop: {}", "    blackhole: {direction: to-broker}", `x.yaml:31:28: fault 2 (blackhole) strikes a request or its response: phase under on says which`},
		{"fence nobody", "    drop: {}", "    fence: {transactional.id: tll-0}", `x.yaml:31:31: fault 2 (fence): no client has transactional.id "tll-0"; did you mean "till-0"?`},
		{"evict from nowhere", "    drop: {}", "    evict: {group: tlil}", `x.yaml:31:20: fault 2 (evict): no client has group.id "tlil"; did you mean "till"?`},
		{"coordinator of both", "    drop: {}", "    move-coordinator: {group: till, transactional.id: till-0}", `x.yaml:31:23: move-coordinator takes either group or transactional.id: give one`},
		{"event that is none", "{request: Produce, client: shop, nth: 40, phase: response}\n    drop: {}", "{event: comit}\n    crash: {client: till}\n    for: 1s", `x.yaml:30:17: "comit" is not a client's event; did you mean "commit"?`},
		{"drop on an event", "{request: Produce, client: shop, nth: 40, phase: response}", "{event: commit}", `x.yaml:30:17: fault 2 (drop) strikes a request: it needs a request as its trigger, not an event of the history`},
		{"event and request", "{request: Produce, client: shop, nth: 40, phase: response}\n    drop: {}", "{event: commit, request: EndTxn}\n    crash: {client: till}\n    for: 1s", `x.yaml:30:9: fault 2 (crash): an event has type, client, topic and nth; the rest is of requests`},
		{"type without event", "nth: 40, phase: response", "nth: 40, type: ok", `x.yaml:30:57: fault 2 (drop): type needs an event; add event or remove type`},
		{"mix of nothing", "    drop: {}", "    drop: {}\n  - random: {every: 2s, from: []}", `x.yaml:32:13: fault 3 (random) random: from is empty; add at least one fault`},
		{"mix with a time", "    drop: {}", "    drop: {}\n  - at: 5s\n    random: {every: 2s, from: [{crash: {client: till}, for: 1s}]}", `x.yaml:32:5: fault 3 (random) has its own times: leave out at`},
		{"mix with an unmet fault", "    drop: {}", "    drop: {}\n  - random: {every: 2s, from: [{crash: {client: till}}]}", `x.yaml:32:32: fault 3 (random): fault 1 (crash) has no "for"; add the duration after which it ends`},
		{"mix that is never quiet", "    drop: {}", "    drop: {}\n  - random: {every: 2s, burst: 3, from: [{fence: {transactional.id: till-0}}]}", `x.yaml:32:13: fault 3 (random) needs both burst and quiet, or neither`},
		{"mix with a trigger", "    drop: {}", "    drop: {}\n  - random: {every: 2s, from: [{on: {request: EndTxn}, crash: {client: till}, for: 1s}]}", `x.yaml:32:37: fault 3 (random): fault 1 (crash) strikes at a time that is drawn; only faults that strike a request have an on in a mix`},
		{"nowhere to reassign to", "    drop: {}", "    drop: {}\n  - reassign: {partition: orders/0}", `x.yaml:32:15: fault 3 (reassign): topic "orders" has a replica on each of the 3 brokers: there is no other to move one to`},
		{"no replica to lose", "    drop: {}", "    drop: {}\n  - {shrink-isr: {partition: orders/0, keep: 3}, for: 5s}", `x.yaml:32:18: fault 3 (shrink-isr): topic "orders" has 3 replica(s): it cannot lose one`},
		{"client and on", "    drop: {}", "    cut: {client: shop}", `x.yaml:31:10: fault 2 (cut) strikes the request of its trigger: put client and broker under on`},
		{"duplicate what is not repeated", "Produce, client: shop, nth: 40, phase: response}\n    drop: {}", "Fetch, client: shop, nth: 40}\n    duplicate: {}", `x.yaml:30:19: fault 2 (duplicate): clients do not send Fetch again as it was; they do Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, OffsetCommit`},
		{"duplicate before the broker acts", "phase: response}\n    drop: {}", "phase: request}\n    duplicate: {}", `x.yaml:30:58: fault 2 (duplicate) comes once the broker has answered: its phase is response, or leave it out`},
		{"program and library", "    role: producer\n", "    role: producer\n    library: java\n    program: [./app, \"${bootstrp}\"]\n", "x.yaml:15:14: client \"shop\" is a program or a worker: give program, or library, or command\nx.yaml:15:14: client \"shop\": unknown placeholder ${bootstrp} in its program; did you mean \"${bootstrap}\"?\nx.yaml:16:11: client \"shop\" is a program: \"rate\" has no effect; remove it"},
		{"unknown version", "nth: 40", "version: 77", `x.yaml:30:51: fault 2 (drop): Produce has no version 77; the newest that is known is 13`},
		{"version of nothing", "request: Produce, client: shop, nth: 40", "client: shop, version: 0..4", `x.yaml:30:33: fault 2 (drop): version needs a request; add request`},
		{"version range backwards", "nth: 40", "version: 4..0", `x.yaml:30:51: "4..0" is no range: write 0..4`},
		{"until a fault that is not", "    drop: {}", "    delay: {by: 2s, until: dyes}", `x.yaml:31:28: fault 2 (delay) until: unknown fault "dyes"; did you mean "dies"?`},
		{"hold a response", "    drop: {}", "    hold: {by: 2s}", `x.yaml:30:58: fault 2 (hold) holds a request on its way to the broker; phase response has none`},
		{"error without a name", "    drop: {}", "    error: {code: NOT_LEADER}", `x.yaml:31:19: "NOT_LEADER" is not an error of Kafka's protocol`},
		{"after nobody", "at: 12s", "after: dys", `x.yaml:27:12: fault "dies" after: unknown fault "dys"`},
		{"after nobody in a list", "at: 12s", "after: [dies, dys]", `x.yaml:27:19: fault "dies" after: unknown fault "dys"`},
		{"after one twice", "    drop: {}", "    drop: {}\n  - after: [dies, dies]\n    restart: {broker: any}", `x.yaml:32:19: fault 3 (restart) waits for "dies" twice`},
		{"after itself and another", "    drop: {}", "    drop: {}\n  - name: late\n    after: [dies, late]\n    restart: {broker: any}", `x.yaml:33:12: fault "late" after: the fault waits for itself through other faults`},
		{"fill a disk that others write to", "    drop: {}", "    drop: {}\n  - at: 12s\n    for: 5s\n    fill-disk: {broker: any}", `x.yaml:34:16: fault 3 (fill-disk): the brokers' disk is the engine's own, which others write to; give them disks of their own, as in cluster: {disk: 256MiB}`},
		{"clock ahead and behind", "    drop: {}", "    drop: {}\n  - at: 12s\n    for: 5s\n    skew: {broker: any, ahead: 1h, behind: 1h}", `x.yaml:34:11: skew takes either ahead or behind: give one`},
		{"groups that part nothing", "    drop: {}", "    drop: {}\n  - at: 12s\n    for: 5s\n    partition: {split: [[1, 2], [2, 1, 3]]}", `x.yaml:34:24: fault 3 (partition): any two of these brokers share a group, so nothing parts them; a broker in two groups sees both`},
		{"after itself", "at: 12s", "after: dies", `x.yaml:27:12: fault "dies" after: the fault waits for itself through other faults`},

		{"no such target", "leader(orders/0)", "leadr(orders/0)", `x.yaml:28:20: "leadr(orders/0)" is no target; did you mean "leader(orders/0)"?`},
		{"target without brackets", "leader(orders/0)", "leader", `x.yaml:28:20: "leader" names no partition; write leader(topic/0)`},
		{"broker out of range", "leader(orders/0)", "broker(9)", `x.yaml:28:20: fault "dies": there is no broker 9; the cluster has 1 to 3`},
		{"leader of unknown topic", "leader(orders/0)", "leader(order/0)", `x.yaml:28:20: the cluster has no topic "order"; did you mean "orders"?`},
		{"leader of missing partition", "leader(orders/0)", "leader(orders/2)", `x.yaml:28:20: fault "dies": topic "orders" has 2 partition(s), from 0 to 1; there is no orders/2`},
		{"coordinator of unknown group", "leader(orders/0)", "coordinator(group tall)", `x.yaml:28:20: fault "dies": no client has group.id "tall"; did you mean "till"?`},
		{"coordinator of unknown id", "leader(orders/0)", "coordinator(txn till-2)", `x.yaml:28:20: fault "dies": no client has transactional.id "till-2"; did you mean "till-0"?`},
		{"unknown client in a match", "client: shop, nth", "client: shoop, nth", `x.yaml:30:36: fault 2 (drop): there is no client "shoop"; did you mean "shop"?`},
		{"instance out of range", "client: shop, nth", "client: shop/1, nth", `x.yaml:30:36: fault 2 (drop): client "shop" has 1 instance(s), from shop/0 to shop/0; there is no shop/1`},

		{"producer without topic", "    topic: orders\n", "", `x.yaml:12:5: client "shop" is a producer and has no "topic": where it sends`},
		{"processor without output", "    output: receipts\n", "", `x.yaml:17:5: client "till" is a processor and has no "output": where it sends`},
		{"processor without input", "    input: orders\n", "", `x.yaml:17:5: client "till" is a processor and has no "input": what it reads`},
		{"unknown topic", "topic: orders", "topic: order", `x.yaml:15:12: the cluster has no topic "order"; did you mean "orders"?`},
		{"producer that commits", "    rate: 200/s", "    commit: auto", `x.yaml:14:13: client "shop" is a producer: "commit" has no effect there; remove it`},
		{"transaction without id", `, transactional.id: "till-${instance}"`, "", `x.yaml:22:13: client "till": commit: transaction needs a transactional.id in config, such as till-${instance}`},
		{"idempotence off", "{group.id: till,", "{enable.idempotence: false, group.id: till,", `x.yaml:23:14: client "till": a transactional.id needs enable.idempotence; clients refuse to start without`},
		{"no group", "{group.id: till, ", "{", `x.yaml:17:5: client "till" commits offsets (transaction) and has no group.id in config`},
		{"unknown placeholder", "till-${instance}", "till-${instnce}", `x.yaml:23:30: client "till": unknown placeholder ${instnce} in transactional.id; did you mean "${instance}"?`},
		{"client twice", "- name: till", "- name: shop", `x.yaml:17:11: a second client "shop"; the first is on line 12`},
		{"topic twice", "{name: receipts}", "{name: orders}", `x.yaml:10:14: a second topic "orders"; the first is on line 9
x.yaml:21:13: the cluster has no topic "receipts"; there is orders, orders`},

		{"unknown property", "{acks: all}", "{akcs: all}", `x.yaml:16:14: client "shop": unknown property "akcs"; did you mean "acks"?`},
		{"property of another role", "{acks: all}", "{group.id: shop}", `x.yaml:16:14: client "shop": "group.id" is a consumer property, not a producer's`},
		{"value of a property", "{acks: all}", "{acks: most}", `x.yaml:16:14: client "shop": acks has no value "most"; there is all, -1, 0, 1`},
		{"type of a property", "{acks: all}", "{retries: some}", `x.yaml:16:14: client "shop": retries is a whole number (int), not "some"`},
		{"range of a property", "{acks: all}", "{max.in.flight.requests.per.connection: 0}", `x.yaml:16:14: client "shop": max.in.flight.requests.per.connection is at least 1, not 0`},
		{"bootstrap", "{acks: all}", "{bootstrap.servers: x}", `x.yaml:16:14: client "shop": bootstrap.servers is given by the harness; leave it out`},
		{"another library's name", "{acks: all}", "{request.required.acks: all}", `x.yaml:16:14: client "shop": unknown property "request.required.acks": it is librdkafka's name of acks`},
		{"a library's own", "{acks: all}", "{queue.buffering.max.messages: 5}", `x.yaml:16:14: client "shop": unknown property "queue.buffering.max.messages": it is librdkafka's alone`},
		{"broker property", "{min.insync.replicas: 2}", "{min.insync.replica: 2}", `x.yaml:7:12: unknown property "min.insync.replica"; did you mean "min.insync.replicas"?`},
		{"topic property", "{name: receipts}", "{name: receipts, config: {retention.sm: 5}}", `x.yaml:10:33: unknown property "retention.sm"; did you mean "retention.ms"?`},
		{"impossible min.insync", "{name: receipts}", "{name: receipts, replicas: 1, config: {min.insync.replicas: 2}}", `x.yaml:10:46: topic "receipts" needs 2 in-sync replicas and has only 1: acks=all never succeeds`},

		{"control that sends what nobody knows", "expect: {no-duplicates: violated}", "requests: {OffsetComit: EndTxn}\n  expect: {no-duplicates: violated}", `x.yaml:36:14: "OffsetComit" is not a request of Kafka's protocol; did you mean "OffsetCommit"?`},
		{"control of a request that is not struck", "expect: {no-duplicates: violated}", "requests: {OffsetCommit: EndTxn}\n  expect: {no-duplicates: violated}", `x.yaml:36:14: control: no fault strikes OffsetCommit`},
		{"control of nobody", "clients: {till: {commit", "clients: {tall: {commit", `x.yaml:35:13: control: there is no client "tall"; did you mean "till"?`},
		{"control of nothing", "{commit: transaction-offsets-outside}", "{comit: transaction-offsets-outside}", `x.yaml:35:20: control: unknown field "comit" in client "till"; did you mean "commit"?`},
		{"control that shows nothing", "expect: {no-duplicates: violated}", "expect: {no-duplicates: holds}", `x.yaml:36:11: control: expect names no guarantee that the control violates and the scenario does not; it would show nothing`},
		{"control with a wrong result", "{commit: transaction-offsets-outside}", "{commit: after-each-record}", `x.yaml:35:3: control: client "till" has a transactional.id and commits after-each-record; commit: transaction uses it (or transaction-offsets-outside, to see what goes wrong)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(wholeScenario, c.old) {
				t.Fatalf("%q is not in the scenario", c.old)
			}
			_, err := Parse("x.yaml", []byte(strings.Replace(wholeScenario, c.old, c.new, 1)))
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			if c.name == "not YAML" { // the rest is the YAML library's
				got = got[:min(len(got), len(c.want))]
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	text := strings.NewReplacer("brokers: 3", "brokers: 0", "acks: all", "akcs: all", "duration: 30s", "duration: 0s", "no-loss: holds", "no-loos: holds").Replace(wholeScenario)
	_, err := Parse("x.yaml", []byte(text))
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("error is a %T", err)
	}
	var lines []int
	for _, e := range all {
		lines = append(lines, e.Pos.Line)
	}
	if diff := cmp.Diff([]int{6, 16, 24, 33}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s\n%v", diff, err)
	}
	var one *Error
	if !errors.As(err, &one) {
		t.Error("errors.As finds no *Error")
	}
}

func TestNoSuchScenario(t *testing.T) {
	for in, want := range map[string]string{
		"guide-recipee":          "no such scenario: \"guide-recipee\"; near it are guide-recipe; `onceproof list` shows all",
		"exactly":                "no such scenario: \"exactly\"; near it are exactly-once; `onceproof list` shows all",
		"./no/exactly-once.yaml": "no such scenario: \"./no/exactly-once.yaml\"; near it are exactly-once; `onceproof list` shows all",
		"zzzzzzzzzzzzzzzzzzz":    "no such scenario: \"zzzzzzzzzzzzzzzzzzz\"; `onceproof list` shows all",
	} {
		_, err := Load(in)
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("Load(%q) = %v, want ErrNotFound", in, err)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("Load(%q) (-want +got):\n%s", in, diff)
		}
	}
}
