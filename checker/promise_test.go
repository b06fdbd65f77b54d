package checker

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestStandings goes through the matrix: each setting, and its safe counterpart.
func TestStandings(t *testing.T) {
	header := func(c history.ClientInfo, broker map[string]string, topic history.TopicInfo) *history.Header {
		c.Name = "shop"
		return &history.Header{Clients: []history.ClientInfo{c}, Broker: broker, Topics: []history.TopicInfo{topic}}
	}
	producer := func(kv ...string) history.ClientInfo {
		c := history.ClientInfo{Role: "producer", Topic: "orders", Config: map[string]string{}, Lines: map[string]string{}}
		for i := 0; i < len(kv); i += 2 {
			c.Config[kv[i]], c.Lines[kv[i]] = kv[i+1], "s.yaml:7"
		}
		return c
	}
	processor := func(commit string, kv ...string) history.ClientInfo {
		c := producer(kv...)
		c.Role, c.Topic, c.Input, c.Output, c.Commit = "processor", "", "orders", "receipts", commit
		return c
	}
	habit := func(name string) history.ClientInfo {
		c := processor("transaction", "isolation.level", "read_committed", "auto.offset.reset", "earliest")
		c.Habits, c.Lines["habits"] = []string{name}, "s.yaml:8"
		return c
	}
	twins := func(id string) history.ClientInfo {
		c := processor("transaction", "transactional.id", id)
		c.Count = 2
		return c
	}
	three := history.TopicInfo{Name: "orders", Replicas: 3, Config: map[string]string{"min.insync.replicas": "2"}}
	for _, c := range []struct {
		name string
		h    *history.Header
		kind guarantee.Anomaly
		want Standing
		text string
	}{
		{"defaults promise", header(producer(), nil, three), guarantee.LostWrite, Promised, ""},
		{"acks=0", header(producer("acks", "0"), nil, three), guarantee.LostWrite, Expected, "s.yaml:7: acks=0: nothing is acknowledged, so nothing that is lost is noticed"},
		{"acks=1", header(producer("acks", "1"), nil, three), guarantee.LostWrite, Permitted, "s.yaml:7: acks=1: what only the leader has is lost when it fails"},
		{"acks=1 is no excuse for an aborted read", header(producer("acks", "1"), nil, three), guarantee.AbortedRead, Promised, ""},
		{"acks=1 turns idempotence off", header(producer("acks", "1"), nil, three), guarantee.DuplicateWrite, Expected, "enable.idempotence=false: a retry after a lost response is written again"},
		{"one replica", header(producer(), nil, history.TopicInfo{Name: "orders", Replicas: 1}), guarantee.LostWrite, Permitted, "replicas=1: the only replica may be lost"},
		{"min.insync.replicas=1", header(producer(), nil, history.TopicInfo{Name: "orders", Replicas: 3}), guarantee.LostWrite, Permitted, "min.insync.replicas=1: with the other replicas out of sync, acks=all is the leader alone"},
		{"unclean election", header(producer(), map[string]string{"unclean.leader.election.enable": "true"}, three), guarantee.TruncatedLog, Permitted, "unclean.leader.election.enable=true: a replica that lags may become leader, and what it lacks is lost"},
		{"no idempotence", header(producer("enable.idempotence", "false"), nil, three), guarantee.DuplicateWrite, Expected, "s.yaml:7: enable.idempotence=false: a retry after a lost response is written again"},
		{"no idempotence, five in flight", header(producer("enable.idempotence", "false"), nil, three), guarantee.ReorderedWrite, Permitted, "max.in.flight.requests.per.connection=5: without idempotence, a batch that is retried may land behind a later one"},
		{"no idempotence, one in flight", header(producer("enable.idempotence", "false", "max.in.flight.requests.per.connection", "1"), nil, three), guarantee.ReorderedWrite, Promised, ""},
		{"commit before processing", header(processor("before-processing"), nil, three), guarantee.LostInput, Expected, "commit=before-processing: a crash between commit and processing skips the input"},
		{"commit after each record", header(processor("after-each-record"), nil, three), guarantee.DuplicateOutput, Expected, "commit=after-each-record: a crash, or a rebalance, between processing and commit repeats the input: at least once"},
		{"commit after each record loses nothing", header(processor("after-each-record", "auto.offset.reset", "earliest"), nil, three), guarantee.LostInput, Promised, ""},
		{"auto", header(processor("auto"), nil, three), guarantee.LostInput, Permitted, "enable.auto.commit=true: offsets are committed whether or not their records were processed"},
		{"latest", header(processor("after-each-record"), nil, three), guarantee.LostInput, Permitted, "auto.offset.reset=latest: where no committed offset is found, what is there already is skipped"},
		{"commits by themselves", header(processor("after-batch"), nil, three), guarantee.NonlinearizableOffset, Permitted, "commit=after-batch: a commit that comes late is taken in place of a newer one: nothing orders a member's commits"},
		{"commits in transactions", header(processor("transaction"), nil, three), guarantee.NonlinearizableOffset, Promised, ""},
		{"transaction", header(processor("transaction", "isolation.level", "read_committed"), nil, three), guarantee.DuplicateOutput, Promised, ""},
		{"transaction, offsets outside", header(processor("transaction-offsets-outside"), nil, three), guarantee.OutputWithoutOffset, Expected, "commit=transaction-offsets-outside: outputs and offsets are committed apart"},
		{"read_uncommitted", header(processor("transaction", "isolation.level", "read_uncommitted"), nil, three), guarantee.AbortedRead, Expected, "s.yaml:7: isolation.level=read_uncommitted: records of open and aborted transactions are returned"},
		{"read_committed", header(processor("transaction", "isolation.level", "read_committed"), nil, three), guarantee.AbortedRead, Promised, ""},
		{"read_uncommitted upstream of a transaction", header(processor("transaction"), nil, three), guarantee.DuplicateOutput, Permitted, "isolation.level=read_uncommitted: inputs that are aborted later are processed"},
		{"a random transactional.id", header(processor("transaction", "transactional.id", "x-${random}"), nil, three), guarantee.ZombieWrite, Permitted, "s.yaml:7: transactional.id=x-${random}: an id that differs at each start fences nobody"},
		{"a stable transactional.id", header(processor("transaction", "transactional.id", "x-${instance}"), nil, three), guarantee.ZombieWrite, Promised, ""},
		{"no verification", header(processor("transaction"), map[string]string{"transaction.partition.verification.enable": "false"}, three), guarantee.HangingTransaction, Permitted, "transaction.partition.verification.enable=false: a record that arrives after its transaction's end opens it again (KIP-890)"},
		{"no rewind", header(habit("no-rewind"), nil, three), guarantee.LostInput, Expected, "s.yaml:8: habits=no-rewind: after an abort the application goes on behind records that it never processed"},
		{"ignored send errors", header(habit("ignore-send-errors"), nil, three), guarantee.OffsetWithoutOutput, Expected, "s.yaml:8: habits=ignore-send-errors: a transaction is committed without the output whose send failed"},
		{"a swallowed fencing", header(habit("swallow-fatal"), nil, three), guarantee.LostInput, Expected, "s.yaml:8: habits=swallow-fatal: after a fencing the application goes on behind records whose transaction was aborted"},
		{"offsets by group id alone", header(habit("no-group-metadata"), nil, three), guarantee.DuplicateOutput, Expected, "s.yaml:8: habits=no-group-metadata: the coordinator cannot tell the offsets of a member that was replaced from its successor's"},
		{"a habit is no excuse for what it does not do", header(habit("no-rewind"), nil, three), guarantee.DuplicateOutput, Promised, ""},
		{"sent again by the application", header(history.ClientInfo{Role: "producer", Topic: "orders", Retry: 3}, nil, three), guarantee.DuplicateWrite, Expected, "retry=3: a send that the application makes again is a new one to the broker, whatever became of the first"},
		{"a shared transactional.id", header(twins("till"), nil, three), guarantee.StuckConsumer, Expected, "s.yaml:7: transactional.id=till: instances that share an id fence each other"},
		{"one id an instance", header(twins("till-${instance}"), nil, three), guarantee.StuckConsumer, Promised, ""},
		{"one replica of the offsets", header(processor("transaction"), map[string]string{"offsets.topic.replication.factor": "1"}, three), guarantee.OffsetLost, Permitted, "offsets.topic.replication.factor=1: the only replica of the committed offsets may be lost"},
		{"short retention of offsets", header(processor("transaction"), map[string]string{"offsets.retention.minutes": "1"}, three), guarantee.OffsetLost, Permitted, "offsets.retention.minutes=1: a group that is away for longer finds its committed offsets gone"},
		{"a week of offsets", header(processor("transaction"), map[string]string{"offsets.retention.minutes": "10080"}, three), guarantee.OffsetLost, Promised, ""},
		{"nobody of that name", &history.Header{}, guarantee.LostWrite, Promised, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Standings(c.h, "shop", c.kind)
			if f.Standing != c.want || f.String() != c.text {
				t.Errorf("%s %q, want %s %q", f.Standing, f.String(), c.want, c.text)
			}
		})
	}
}

// TestPermitted: the verdict names the line, and is violated all the same.
func TestPermitted(t *testing.T) {
	p := plain()
	p.h.Clients[0].Config["acks"] = "1"
	p.send("shop/0/1", 3, orders, 3, nil)
	r := plainAudit(p).judge(t)
	g := resultOf(r, guarantee.NoLoss)
	if want := "s.yaml:20: acks=1: what only the leader has is lost when it fails"; g.Verdict != guarantee.Violated || g.Permitted != want || g.Anomalies[0].Witnesses[0].Forfeit != want {
		t.Errorf("%s, permitted by %q, want violated, by %q", g.Verdict, g.Permitted, want)
	}
	if r.Exit != 1 {
		t.Errorf("exit %d: what is permitted is still a violation where the scenario expects none", r.Exit)
	}
}

// TestErrorsThatProveNothing: a send or an end of a transaction that fails with
// one of these may have happened.
func TestErrorsThatProveNothing(t *testing.T) {
	errs := []history.Error{ // as libraries name them
		{Name: "ProducerFencedException"}, {Name: "TimeoutException"}, {Name: "context.DeadlineExceeded"}, {Name: "_MSG_TIMED_OUT"},
		{Name: "OutOfOrderSequenceException"}, {Name: "NotLeaderOrFollowerException"}, {Name: "kafka: client has run out of available brokers: EOF"},
		{Name: "Fenced", Class: history.Fenced},
	}
	for _, code := range sortedCodes() {
		name, _, _ := strings.Cut(notProof[code], ":")
		errs = append(errs, history.Error{Name: name, Code: code})
	}
	for _, e := range errs {
		t.Run(e.Name, func(t *testing.T) {
			p := plain()
			id := p.invoke("shop/0/1", 3, orders, nil)
			p.add(history.Event{Proc: "shop/0/1", ID: id, Type: history.Fail, Op: history.OpSend, TP: tpOf("orders", -1), Val: []history.Value{v("shop/0/1", 3)}, Err: &e})
			p.poll("gallery/0/1", orders, 3, v("shop/0/1", 3))
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 3))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			if k := kinds(p.done().judge(t)); len(k) > 0 {
				t.Errorf("the record of a send that failed so is there, and that is %v", k)
			}

			q := exact() // the second transaction's commit fails so, and it is committed
			for i := range q.events {
				if x := &q.events[i]; x.Op == history.OpCommit && x.Type == history.OK {
					x.Type, x.Err = history.Fail, &e
				}
			}
			q.end("exact/0/1", history.OpAbort, 2, history.OK) // and the abort after it succeeds
			if k := kinds(exactAudit(q).judge(t)); len(k) > 0 {
				t.Errorf("a commit that failed so took effect, and that is %v", k)
			}
		})
	}
	for _, e := range []history.Error{{Name: "MESSAGE_TOO_LARGE", Code: 10}, {Name: "TOPIC_AUTHORIZATION_FAILED", Code: 29}, {Name: "SerializationException"}} {
		if !certain(&history.Event{Type: history.Fail, Err: &e}) {
			t.Errorf("%s is proof that nothing was written", e.Name)
		}
	}
}
