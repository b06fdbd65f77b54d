package reports

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// A made-up run: events as the harness writes them and the report that a
// checker would give. There is no cluster behind it; the pages cannot tell.
type sample struct {
	in     Input
	events []history.Event
}

const startT = int64(5_000_000_000_000) // CLOCK_MONOTONIC at the start of every sample

const alert = `<script>alert(1)</script>`

// feed reads a sample's events as a history.Reader would.
type feed struct {
	events []history.Event
	n      int64
}

func (f *feed) Next(e *history.Event) error {
	if f.n >= int64(len(f.events)) {
		return io.EOF
	}
	*e = f.events[f.n]
	f.n++
	return nil
}

func ms(n float64) int64 { return int64(n * 1e6) }

type run struct {
	events []history.Event
	rng    *rand.Rand
	ids    map[string]int64
	next   map[string]int64 // offset by topic
	txn    map[string]int64
}

func newRun(seed uint64) *run {
	return &run{rng: rand.New(rand.NewPCG(seed, 1)), ids: map[string]int64{}, next: map[string]int64{}, txn: map[string]int64{}}
}

func (r *run) add(t int64, e history.Event) {
	e.T = startT + t
	r.events = append(r.events, e)
}

func (r *run) id(proc string) int64 { r.ids[proc]++; return r.ids[proc] }

func tp(topic string) history.TopicPartition { return history.TopicPartition{Topic: topic} }

func (r *run) harness(t int64, op history.Op, proc, note string, data map[string]any) {
	r.add(t, history.Event{Src: history.SrcHarness, Proc: proc, Type: history.Info, Op: op, Note: note, Data: data})
}

func (r *run) broker(t int64, id int, state string) {
	r.harness(t, history.OpBroker, "harness", "", map[string]any{"broker": id, "state": state})
}

func (r *run) leader(t int64, topic string, leader, epoch int) {
	r.add(t, history.Event{Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpLeader, TP: tp(topic), Data: map[string]any{"leader": leader, "epoch": epoch}})
}

func (r *run) fault(step int, kind, target, resolved, seenBy string, inject, effect, recover, gone int64) checker.FaultEvidence {
	proc := fmt.Sprintf("fault/%d", step)
	for _, e := range []struct {
		t  int64
		op history.Op
		by string
	}{{inject, history.OpInject, resolved}, {effect, history.OpEffect, seenBy}, {recover, history.OpRecover, ""}, {gone, history.OpGone, "answered"}} {
		if e.t > 0 {
			r.add(e.t, history.Event{Src: history.SrcFault, Proc: proc, Type: history.OK, Op: e.op, Note: kind + " " + target,
				Data: map[string]any{"kind": kind, "target": target, "resolved": resolved, "by": e.by, "began": startT + e.t}})
		}
	}
	return checker.FaultEvidence{Step: step, Kind: kind, Target: target, Resolved: resolved, Injected: inject, Seen: effect, SeenBy: seenBy, Healed: gone,
		Met: map[string]int64{"sends": 12 + int64(step)*3, "polls": 2}}
}

// send is one record of shop, acknowledged after lat.
func (r *run) send(t int64, proc, topic string, lat int64, from *history.Input, txn int64) int64 {
	id := r.id(proc)
	v := history.Value{Proc: proc, N: id}
	e := history.Event{Src: history.SrcClient, Proc: proc, Type: history.Invoke, Op: history.OpSend, ID: id, TP: tp(topic), Val: []history.Value{v}, Txn: txn}
	if from != nil {
		e.From = []history.Input{*from}
	}
	r.add(t, e)
	off := r.next[topic]
	r.next[topic]++
	r.add(t+lat, history.Event{Src: history.SrcClient, Proc: proc, Type: history.OK, Op: history.OpSend, ID: id, TP: tp(topic), Off: []int64{off}, Txn: txn})
	return off
}

type span struct{ from, to int64 }

func in(t int64, spans []span) bool {
	for _, s := range spans {
		if t >= s.from && t < s.to {
			return true
		}
	}
	return false
}

// load is shop at 200/s and tills that consume what it wrote. During down, the
// leader is away and sends wait; crash lists when each till is dead.
func (r *run) load(until int64, down []span, crash map[string][]span, transactional bool) {
	type input struct {
		off int64
		t   int64
	}
	var inputs []input
	for t := ms(1500); t < until; t += ms(5) {
		lat := ms(2 + r.rng.ExpFloat64()*1.5)
		for _, d := range down {
			if t >= d.from && t < d.to {
				lat = d.to - t + ms(4+r.rng.Float64()*20)
			}
		}
		off := r.send(t, "shop/0/1", "orders", lat, nil, 0)
		inputs = append(inputs, input{off, t + lat})
	}
	sort.Slice(inputs, func(i, j int) bool { return inputs[i].t < inputs[j].t })
	inc := map[string]int{"till/0": 1, "till/1": 1}
	batch := 20
	for i := 0; i < len(inputs); i += batch {
		till := "till/0"
		if in(inputs[i].t, crash["till/0"]) || (i/batch)%2 == 1 && !in(inputs[i].t, crash["till/1"]) {
			till = "till/1"
		}
		inc[till] = 1
		for _, c := range crash[till] {
			if inputs[i].t >= c.to {
				inc[till]++
			}
		}
		proc := fmt.Sprintf("%s/%d", till, inc[till])
		end := min(i+batch, len(inputs))
		t := inputs[end-1].t + ms(3)
		r.poll(t, proc, inputs[i].off, end-i)
		txn := int64(0)
		if transactional {
			r.txn[proc]++
			txn = r.txn[proc]
			r.add(t, history.Event{Src: history.SrcClient, Proc: proc, Type: history.Invoke, Op: history.OpBegin, ID: r.id(proc), Txn: txn})
		}
		for j := i; j < end; j++ {
			t += ms(1.5)
			r.send(t, proc, "receipts", ms(2), &history.Input{TP: tp("orders"), Off: inputs[j].off}, txn)
		}
		t += ms(4)
		op, typ := history.OpCommitOffsets, history.OK
		if transactional {
			op = history.OpSendOffsets
		}
		next := inputs[end-1].off + 1
		id := r.id(proc)
		r.add(t, history.Event{Src: history.SrcClient, Proc: proc, Type: history.Invoke, Op: op, ID: id, Group: "till", TP: tp("orders"), Off: []int64{next}, Txn: txn})
		r.add(t+ms(3), history.Event{Src: history.SrcClient, Proc: proc, Type: history.OK, Op: op, ID: id, Group: "till", TP: tp("orders"), Off: []int64{next}, Txn: txn})
		if transactional {
			end := history.OpCommit
			if r.rng.IntN(25) == 0 {
				end = history.OpAbort
			}
			id := r.id(proc)
			r.add(t+ms(4), history.Event{Src: history.SrcClient, Proc: proc, Type: history.Invoke, Op: end, ID: id, Txn: txn})
			r.add(t+ms(12), history.Event{Src: history.SrcClient, Proc: proc, Type: typ, Op: end, ID: id, Txn: txn})
		}
	}
}

func (r *run) poll(t int64, proc string, off int64, n int) {
	e := history.Event{Src: history.SrcClient, Proc: proc, Type: history.OK, Op: history.OpPoll, ID: r.id(proc), Group: "till", TP: tp("orders")}
	for i := range n {
		e.Off = append(e.Off, off+int64(i))
		e.Val = append(e.Val, history.Value{Proc: "shop/0/1", N: off + int64(i) + 1})
	}
	r.add(t, e)
}

func (r *run) lives(name string, until int64, crash []span) {
	inc, from := 1, ms(900)
	for _, c := range append(crash, span{until, 0}) {
		proc := fmt.Sprintf("%s/%d", name, inc)
		how := "signal: killed"
		if c.to == 0 {
			how = "exit code 0"
		}
		r.harness(from, history.OpSpawn, proc, "", nil)
		r.harness(c.from, history.OpExit, proc, how, nil)
		inc, from = inc+1, c.to
	}
}

func (r *run) owns(proc string, at float64, op history.Op) {
	r.add(ms(at), history.Event{Src: history.SrcClient, Proc: proc, Type: history.Info, Op: op, Group: "till", TP: tp("orders")})
}

func (r *run) sorted() []history.Event {
	sort.SliceStable(r.events, func(i, j int) bool { return r.events[i].T < r.events[j].T })
	return r.events
}

func sampleHeader(name string, seed uint64, transactional bool) history.Header {
	h := history.Header{
		Format: "onceproof-history/1", Scenario: name, Seed: seed, Backend: "docker", Image: "apache/kafka:4.1.1",
		Started: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC).Format(time.RFC3339), StartT: startT, Tool: "v0.1.0",
		Topics: []history.TopicInfo{{Name: "orders", Partitions: 1, Replicas: 3}, {Name: "receipts", Partitions: 1, Replicas: 3}},
		Clients: []history.ClientInfo{
			{Name: "shop", Role: "producer", Library: "franz-go", Version: "v1.22.2", Count: 1, Topic: "orders",
				Config: map[string]string{"acks": "all", "enable.idempotence": "false", "retries": "5", "max.in.flight.requests.per.connection": "5", "client.id": "shop <b>"},
				Lines:  map[string]string{"enable.idempotence": "guide-recipe.yaml:21", "acks": "guide-recipe.yaml:21", "retries": "guide-recipe.yaml:21"}},
			{Name: "till", Role: "processor", Library: "franz-go", Version: "v1.22.2", Count: 2, Input: "orders", Output: "receipts", Commit: "after-each-record",
				Config: map[string]string{"group.id": "till", "isolation.level": "read_uncommitted"}, Lines: map[string]string{"group.id": "guide-recipe.yaml:29"}},
		},
		Broker: map[string]string{"min.insync.replicas": "2", "default.replication.factor": "3"},
		Expect: map[string]string{"no-duplicates": "violated"},
	}
	if transactional {
		h.Expect = nil
		h.Clients[0].Config["enable.idempotence"] = "true"
		h.Clients[1].Commit = "transaction"
		h.Clients[1].Config = map[string]string{"group.id": "till", "isolation.level": "read_committed", "transactional.id": "till-${instance}"}
	}
	return h
}

const samplePlan = `scenario guide-recipe, seed 7, 30 s of load
  1  crash client till at 6.2s for 1s
  2  kill broker leader(orders/0) at 12s for 5s
  3  drop the response of the 40th Produce of shop
  4  crash client till at 22.4s for 1s
`

func everyGuarantee(v guarantee.Verdict, counts map[string]int64) []checker.Result {
	var rs []checker.Result
	for _, g := range guarantee.All {
		rs = append(rs, checker.Result{Guarantee: g, Verdict: v, Expected: guarantee.Holds, Applies: true, Examined: counts})
	}
	return rs
}

func base(name string, r *run, transactional bool) sample {
	h := sampleHeader(name, 7, transactional)
	s := sample{events: r.sorted()}
	s.in = Input{
		Header: h, Plan: samplePlan, Scenario: "apiVersion: onceproof/v1\nkind: Scenario\nmetadata:\n  name: " + name + "\n",
		Dir: "runs/" + name + "-7-20261124T093000Z", Replay: "onceproof replay runs/" + name + "-7-20261124T093000Z",
		Report: &checker.Report{Format: checker.Format, Scenario: name, Seed: 7, Backend: "docker", Events: int64(len(s.events)), Tool: "v0.1.0",
			Mutation: "2,000 of 2,000 planted anomalies found, 0 false alarms",
			Evidence: checker.Evidence{Duration: ms(34100), Counts: map[string]int64{"sends": 5700, "acked": 5698, "polled": 5712, "commits": 285, "aborts": 0, "rebalances": 4}}},
	}
	return s
}

// violated is the guide's recipe: as expected, duplicates; unexpected, an order violation.
func violatedRun() sample {
	r := newRun(7)
	end := ms(31500)
	down := []span{{ms(12000), ms(12480)}}
	crash := map[string][]span{"till/0": {{ms(6200), ms(7250)}}, "till/1": {{ms(22400), ms(23500)}}}
	phases(r)
	for b := 1; b <= 3; b++ {
		r.broker(ms(200), b, "running")
	}
	r.broker(ms(12000), 2, "stopped")
	r.broker(ms(17100), 2, "running")
	r.leader(ms(600), "orders", 2, 1)
	r.leader(ms(600), "receipts", 1, 1)
	r.leader(ms(12470), "orders", 3, 2)
	r.leader(ms(26000), "orders", 2, 3)
	r.lives("shop/0", end, nil)
	r.lives("till/0", end, crash["till/0"])
	r.lives("till/1", end, crash["till/1"])
	faults := []checker.FaultEvidence{
		r.fault(1, "crash", "client till", "till/0/1, pid 4242", "wait: signal: killed", ms(6200), ms(6204), ms(7200), ms(7250)),
		r.fault(2, "kill", "broker leader(orders/0)", "broker 2, leader of orders/0", "127.0.0.1:41234 refused a connection", ms(12000), ms(12012), ms(17000), ms(17600)),
		r.fault(3, "drop", "40th Produce response of shop", "Produce v11 of shop/0 to broker 3, correlation 57", "the proxy dropped the response and cut the connection", ms(1500), ms(18204), ms(18204), ms(18210)),
		r.fault(4, "crash", "client till", "till/1/1, pid 4243", "wait: signal: killed", ms(22400), ms(22403), ms(23450), ms(23500)),
	}
	r.load(ms(30000), down, crash, false)
	r.owns("till/0/1", 1100, history.OpAssigned)
	r.owns("till/1/1", 6500, history.OpAssigned)
	r.owns("till/1/1", 9000, history.OpRevoked)
	r.owns("till/0/2", 9050, history.OpAssigned)
	s := base("guide-recipe", r, false)
	rep := s.in.Report
	rep.Faults = faults
	rep.Guarantees = everyGuarantee(guarantee.Holds, map[string]int64{"records": 5701, "faults": 4})
	rep.Exit, rep.Why = 1, "order: violated, expected holds (1 × reordered-write)"
	dup := &rep.Guarantees[1]
	dup.Verdict, dup.Expected, dup.Reason = guarantee.Violated, guarantee.Violated, "3 × duplicate-write, 17 × duplicate-output"
	dup.Permitted = "enable.idempotence=false (guide-recipe.yaml:21): a retried batch is a new batch to the broker"
	dup.Anomalies = []checker.Finding{
		{Kind: guarantee.DuplicateWrite, Jepsen: checker.Names{"duplicate"}, Count: 3, Fingerprint: "duplicate-write/acks=all,idempotence=off/drop", Witnesses: []checker.Witness{{
			Text: "Send 3341 of shop/0 is in orders/0 twice, at offsets 3340 and 3345: its first response was lost at 18.204 s, and the client's own retry wrote it again.",
			Events: []checker.WitnessEvent{
				{T: ms(18200), Proc: "shop/0/1", Line: 7011, Text: "send of shop/0/1#3341", Type: "invoke", Op: "send"},
				{T: ms(18229), Proc: "shop/0/1", Line: 7031, Text: "send of shop/0/1#3341 acknowledged at orders/0@3345", TP: "orders/0", Off: 3345, Type: "ok", Op: "send"},
				{Proc: "audit", Line: 40012, Text: "orders/0@3340 holds shop/0/1#3341", TP: "orders/0", Off: 3340, Type: "ok", Op: "log"},
				{Proc: "audit", Line: 40012, Text: "orders/0@3345 holds shop/0/1#3341", TP: "orders/0", Off: 3345, Type: "ok", Op: "log"},
			},
			Context: []checker.WitnessEvent{
				{T: ms(18204), Proc: "fault/3", Text: "Produce response to shop/0 dropped, connection cut", Type: "info", Op: "effect"},
				{Proc: "audit", Text: "orders/0@3339 holds shop/0/1#3340", TP: "orders/0", Off: 3339, Type: "ok", Op: "log"},
				{Proc: "audit", Text: "orders/0@3341 holds shop/0/1#3342", TP: "orders/0", Off: 3341, Type: "ok", Op: "log"},
				{Proc: "audit", Text: "orders/0@3344 holds shop/0/1#3340", TP: "orders/0", Off: 3344, Type: "ok", Op: "log"},
				{Proc: "audit", Text: "orders/0@3346 holds " + alert, TP: "orders/0", Off: 3346, Type: "ok", Op: "log"},
			},
			Legal:   "shop/0/1#3341 at one offset only, 3340, as an idempotent producer's retry would leave it.",
			Forfeit: "enable.idempotence=false (guide-recipe.yaml:21)",
		}}},
		{Kind: guarantee.DuplicateOutput, Count: 17, Fingerprint: "duplicate-output/after-each-record/crash", Witnesses: []checker.Witness{{
			Text: "Input orders/0@939 has two receipts: till/0/1 wrote one at 6.188 s and was killed at 6.204 s before it had committed the offset; till/1/1 read the input again and wrote another.",
			Events: []checker.WitnessEvent{
				{T: ms(6150), Proc: "till/0/1", Text: "polled orders/0@939", TP: "orders/0", Off: 939, Type: "ok", Op: "poll"},
				{T: ms(6188), Proc: "till/0/1", Text: "receipt of orders/0@939 acknowledged at receipts/0@938", TP: "receipts/0", Off: 938, Type: "ok", Op: "send"},
				{T: ms(6204), Proc: "till/0/1", Text: "killed; the commit of offset 940 never began", Type: "info", Op: "exit"},
				{T: ms(6620), Proc: "till/1/1", Text: "polled orders/0@939 again", TP: "orders/0", Off: 939, Type: "ok", Op: "poll"},
				{T: ms(6641), Proc: "till/1/1", Text: "receipt of orders/0@939 acknowledged at receipts/0@951", TP: "receipts/0", Off: 951, Type: "ok", Op: "send"},
			},
			Legal: "one committed receipt for each input.",
		}}},
	}
	ord := &rep.Guarantees[2]
	ord.Verdict, ord.Reason = guarantee.Violated, "1 × reordered-write"
	ord.Anomalies = []checker.Finding{{Kind: guarantee.ReorderedWrite, Count: 1, Fingerprint: "reordered-write/in-flight=5/kill", Witnesses: []checker.Witness{{
		Text: "shop/0 sent #2102 before #2103, but orders/0 holds them the other way round " + alert + ".",
		Events: []checker.WitnessEvent{
			{T: ms(12005), Proc: "shop/0/1", Text: "send of shop/0/1#2102 to orders/0", TP: "orders/0", Type: "invoke", Op: "send"},
			{T: ms(12010), Proc: "shop/0/1", Text: "send of shop/0/1#2103 to orders/0", TP: "orders/0", Type: "invoke", Op: "send"},
			{T: ms(12490), Proc: "shop/0/1", Text: "send of shop/0/1#2103 acknowledged at orders/0@2101", TP: "orders/0", Off: 2101, Type: "ok", Op: "send"},
			{T: ms(12495), Proc: "shop/0/1", Text: "send of shop/0/1#2102 acknowledged at orders/0@2102", TP: "orders/0", Off: 2102, Type: "ok", Op: "send"},
		},
		Legal:   "#2102 at a lower offset than #2103.",
		Forfeit: "max.in.flight.requests.per.connection=5 without idempotence",
	}}}}
	for i, why := range map[int]string{3: "there are no transactions in this run", 4: "there are no transactions in this run", 7: "nothing can be fenced in this run"} {
		rep.Guarantees[i].Verdict, rep.Guarantees[i].Applies, rep.Guarantees[i].Reason = guarantee.NotExercised, false, why
		rep.Guarantees[i].Examined = map[string]int64{"transactions": 0, "aborts": 0}
	}
	return s
}

func phases(r *run) {
	for _, p := range []struct {
		t    float64
		name string
	}{{0, "start"}, {1400, "load"}, {30000, "heal"}, {30400, "drain"}, {31600, "audit"}, {34000, "stop"}} {
		r.harness(ms(p.t), history.OpPhase, "harness", p.name, nil)
	}
}

// passing is the exactly-once scenario: everything holds.
func passingRun() sample {
	r := newRun(11)
	end := ms(31500)
	down := []span{{ms(12000), ms(12480)}}
	crash := map[string][]span{"till/0": {{ms(6200), ms(7250)}}}
	phases(r)
	for b := 1; b <= 3; b++ {
		r.broker(ms(200), b, "running")
	}
	r.broker(ms(12000), 1, "paused")
	r.broker(ms(14100), 1, "running")
	r.leader(ms(600), "orders", 1, 1)
	r.leader(ms(600), "receipts", 3, 1)
	r.leader(ms(12470), "orders", 2, 2)
	r.lives("shop/0", end, nil)
	r.lives("till/0", end, crash["till/0"])
	r.lives("till/1", end, nil)
	faults := []checker.FaultEvidence{
		r.fault(1, "crash", "client till", "till/0/1, pid 4242", "wait: signal: killed", ms(6200), ms(6204), ms(7200), ms(7250)),
		r.fault(2, "pause", "broker leader(orders/0)", "broker 1, leader of orders/0", "no answer within 200 ms", ms(12000), ms(12212), ms(14000), ms(14100)),
	}
	r.load(ms(30000), down, crash, true)
	s := base("exactly-once", r, true)
	s.in.Report.Faults = faults
	s.in.Report.Why = "every guarantee ended as expected"
	s.in.Report.Guarantees = everyGuarantee(guarantee.Holds, map[string]int64{"records": 5700, "transactions": 285, "aborts": 11, "faults": 2})
	return s
}

// notExercised had no fault and no transaction: nothing could have broken.
func notExercisedRun() sample {
	r := newRun(3)
	phases(r)
	r.broker(ms(200), 1, "running")
	r.leader(ms(600), "orders", 1, 1)
	r.lives("shop/0", ms(31500), nil)
	s := base("idle", r, false)
	s.in.Report.Exit, s.in.Report.Why = 3, "9 guarantees were not exercised: no record was sent"
	s.in.Report.Guarantees = everyGuarantee(guarantee.NotExercised, map[string]int64{"records": 0, "faults": 0})
	for i := range s.in.Report.Guarantees {
		s.in.Report.Guarantees[i].Reason = "no record was sent"
	}
	s.in.Report.Evidence = checker.Evidence{Duration: ms(34000), Counts: map[string]int64{"sends": 0}}
	return s
}

// crashed is a run whose history ends in the middle and has no verdicts.
func crashedRun() sample {
	r := newRun(5)
	r.harness(0, history.OpPhase, "harness", "start", nil)
	r.harness(ms(1400), history.OpPhase, "harness", "load", nil)
	for b := 1; b <= 3; b++ {
		r.broker(ms(200), b, "running")
	}
	r.harness(ms(900), history.OpSpawn, "shop/0/1", "", nil)
	r.harness(ms(900), history.OpSpawn, "till/0/1", "", nil)
	r.broker(ms(4000), 2, "stopped")
	f := r.fault(1, "kill", "broker leader(orders/0)", "broker 2, leader of orders/0", "", ms(4000), 0, 0, 0)
	r.load(ms(5000), []span{{ms(4000), ms(5000)}}, nil, false)
	s := base("guide-recipe", r, false)
	s.in.Report.Exit, s.in.Report.Infra = 3, "fault 1 (kill broker 2) was not proved: 127.0.0.1:41234 still accepted connections after 10 s"
	s.in.Report.Why = s.in.Report.Infra
	s.in.Report.Faults = []checker.FaultEvidence{f}
	s.in.Report.Evidence = checker.Evidence{Duration: ms(5200), Counts: map[string]int64{"sends": 700}}
	return s
}

func samples() map[string]sample {
	return map[string]sample{"violated": violatedRun(), "passing": passingRun(), "not-exercised": notExercisedRun(), "crashed": crashedRun()}
}
