package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// witness collects wire events.
type witness struct {
	mu     sync.Mutex
	events []history.Event
}

func (w *witness) record(e history.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// of returns the events of one API, requests or responses.
func (w *witness) of(api kmsg.Key, op history.Op) (events []history.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Data["api"] == api.Name() && e.Op == op && e.Data["struck"] == nil {
			events = append(events, e)
		}
	}
	return events
}

func startWitnessed(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *Proxy, *witness) {
	cl, _ := start(t, opts...)
	w := &witness{}
	return cl, proxyTo(t, cl, Config{Record: w.record}), w
}

func only(t *testing.T, what string, events []history.Event) history.Event {
	t.Helper()
	if len(events) != 1 {
		t.Fatalf("%d %s events, want 1: %+v", len(events), what, events)
	}
	return events[0]
}

func TestWitnessOfATransaction(t *testing.T) {
	_, p, w := startWitnessed(t)
	c := transactional(t, p, "till/0", "till-0")
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	records := []*kgo.Record{
		{Topic: "orders", Partition: 1, Value: []byte("a")},
		{Topic: "orders", Partition: 1, Value: []byte("b")},
	}
	if err := c.ProduceSync(within(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(within(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	init := only(t, "InitProducerID", w.of(kmsg.InitProducerID, history.OpResponse))
	if !init.HasPID || init.Data["txn-id"] != "till-0" || init.Src != history.SrcWire || init.Proc != "till/0" ||
		init.Type != history.OK {
		t.Errorf("init %+v", init)
	}
	sent := w.of(kmsg.Produce, history.OpRequest)
	first := sent[0]
	if first.PID != init.PID || first.Epoch != init.Epoch || !first.InTxn || first.Data["base-sequence"] != int32(0) ||
		first.TP != (history.TopicPartition{Topic: "orders", Part: 1}) || first.Data["acks"] != int16(-1) {
		t.Errorf("produce %+v", first)
	}
	var n, last int64
	for i, e := range w.of(kmsg.Produce, history.OpResponse) {
		if e.ID != sent[i].ID || len(e.Off) != 2 || e.T < sent[i].T || facts.ToldClient.Get(&e) != facts.Passed {
			t.Errorf("response %+v to %+v", e, sent[i])
		}
		n += int64(e.Data["records"].(int32))
		last = e.Off[1]
	}
	if n != 2 || last != 1 {
		t.Errorf("%d records up to offset %d, want 2 up to 1", n, last)
	}
	end := only(t, "EndTxn", w.of(kmsg.EndTxn, history.OpResponse))
	if end.Marker != "commit" || end.PID != init.PID || end.Err != nil {
		t.Errorf("end %+v", end)
	}
}

// TestWitnessOfManyTransactions: from version 4 on AddPartitionsToTxn has its producer
// within its transactions.
func TestWitnessOfManyTransactions(t *testing.T) {
	h := requestHeader{api: int16(kmsg.AddPartitionsToTxn), version: 5}
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.Version = h.version
	req.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{
		{TransactionalID: "till-0", ProducerID: 7, ProducerEpoch: 3,
			Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "orders", Partitions: []int32{1}}}},
	}
	r, err := parseRequest(h, kmsg.NewRequestFormatter().AppendRequest(nil, req, 1), &topicNames{})
	if err != nil {
		t.Fatal(err)
	}
	e := only(t, "AddPartitionsToTxn", requestEvents(history.Event{Data: map[string]any{}}, r))
	if !e.HasPID || e.PID != 7 || e.Epoch != 3 || e.Data["txn-id"] != "till-0" ||
		e.TP != (history.TopicPartition{Topic: "orders", Part: 1}) {
		t.Errorf("%+v", e)
	}
}

// TestWitnessOfALongRequest: it is recorded the same when it streams.
func TestWitnessOfALongRequest(t *testing.T) {
	cl, p, w := startWitnessed(t)
	for _, version := range []int16{8, 12} { // without and with flexible fields
		d, err := p.Open("shop/0")
		if err != nil {
			t.Fatal(err)
		}
		r := dialRaw(t, d.Address(cl.LeaderFor("orders", 0)))
		req := produceOf(strings.Repeat("x", 5*readBuffer))
		req.Version = version
		req.Topics[0].Partitions = append(
			req.Topics[0].Partitions,
			kmsg.ProduceRequestTopicPartition{Partition: 99, Records: req.Topics[0].Partitions[0].Records},
		)
		r.send(req)
		if _, err := r.receive(); err != nil {
			t.Fatal(err)
		}
	}
	responses := w.of(kmsg.Produce, history.OpResponse)
	if requests := w.of(kmsg.Produce, history.OpRequest); len(requests) != 4 || len(responses) != 4 {
		t.Fatalf("%d requests and %d responses, want 4 each", len(requests), len(responses))
	}
	for i := range 2 {
		whole, streamed := responses[i], responses[2+i]
		if whole.Data["version"] != int16(8) || streamed.Data["version"] != int16(12) || streamed.Err == nil != (i == 0) {
			t.Errorf("%+v and %+v", whole, streamed)
		}
		for _, key := range []string{"acks", "bytes", "records", "base-sequence", "last-delta", "told"} {
			if whole.Data[key] == nil || whole.Data[key] != streamed.Data[key] {
				t.Errorf("%s is %v and %v", key, whole.Data[key], streamed.Data[key])
			}
		}
		if whole.TP != streamed.TP || whole.PID != streamed.PID {
			t.Errorf("%+v and %+v", whole, streamed)
		}
	}
}

func TestWitnessOfWhatWasStruck(t *testing.T) {
	_, p, w := startWitnessed(t)
	shop := plain(t, p, "shop/0")
	drop := onPart(1, Drop, OnResponse)
	drop.Nth = 1
	add(t, p, drop)
	reject := onPart(1, Error, OnRequest)
	reject.Nth, reject.Code = 2, 7
	add(t, p, reject)
	lie := onPart(1, Error, OnResponse)
	lie.Nth, lie.Code = 3, 7
	add(t, p, lie)
	if err := produce(t, shop, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range w.of(kmsg.Produce, history.OpResponse) {
		got = append(got, fmt.Sprint(e.Type, " ", e.Off, " ", e.Data["told"], " ", e.Data["told-code"]))
	}
	want := "ok [0 0] dropped <nil>, fail [] not-sent <nil>, ok [1 1] replaced 7, ok [2 2] passed <nil>"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("witnessed %s\n     want %s", s, want)
	}
	struck := 0
	for _, e := range w.events {
		if e.Data["struck"] != nil && e.ID > 0 {
			struck++
		}
	}
	if struck != 3 {
		t.Errorf("%d strikes witnessed, want 3", struck)
	}
}

func TestWitnessOfAGroup(t *testing.T) {
	_, p, w := startWitnessed(t)
	shop := plain(t, p, "shop/0")
	if err := produce(t, shop, "orders", 1, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	till := client(
		t, p, "till/0", kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("till"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	ctx := within(t)
	for n := 0; n < 3; {
		if n += till.PollFetches(ctx).NumRecords(); ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	if err := till.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	till.LeaveGroup()
	joins := w.of(kmsg.JoinGroup, history.OpResponse)
	join := joins[len(joins)-1]
	sync := only(t, "SyncGroup", w.of(kmsg.SyncGroup, history.OpResponse))
	if join.Group != "till" || join.Data["leader"] != true || join.Data["generation"] != sync.Data["generation"] {
		t.Errorf("join %+v", join)
	}
	if got := fmt.Sprint(sync.Data["assigned"]); got != "[orders/0 orders/1 orders/2]" {
		t.Errorf("assigned %s", got)
	}
	commit := only(t, "OffsetCommit", w.of(kmsg.OffsetCommit, history.OpResponse))
	if commit.TP != (history.TopicPartition{Topic: "orders", Part: 1}) || commit.Off[0] != 3 || commit.Err != nil ||
		commit.Group != "till" {
		t.Errorf("commit %+v", commit)
	}
	if fetched := w.of(kmsg.OffsetFetch, history.OpResponse); len(fetched) != 3 || fetched[0].Off[0] != -1 ||
		fetched[0].Group != "till" {
		t.Errorf("fetched offsets %+v", fetched)
	}
	only(t, "LeaveGroup", w.of(kmsg.LeaveGroup, history.OpResponse))
	if beats := w.of(kmsg.Heartbeat, history.OpResponse); len(beats) > 0 {
		t.Errorf("heartbeats without news: %+v", beats)
	}
}

// TestWitnessOfTheNextGroups is KIP-848: membership is a heartbeat's answer.
func TestWitnessOfTheNextGroups(t *testing.T) {
	_, p, w := startWitnessed(t)
	if err := produce(t, plain(t, p, "shop/0"), "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	till := client(
		t, p, "till/0", kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("till"), kgo.ServerSideBalancer(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	ctx := within(t)
	for n := 0; n < 1; {
		if n += till.PollFetches(ctx).NumRecords(); ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	if p.Stats().Requests[int16(kmsg.ConsumerGroupHeartbeat)] == 0 {
		t.Fatal("no heartbeat: the client did not use the new protocol")
	}
	// The member says that it has what it was given in a heartbeat that may come after its
	// first records.
	owns := func() (owns []string) {
		for _, e := range w.of(kmsg.ConsumerGroupHeartbeat, history.OpResponse) {
			if o, ok := e.Data["owns"].([]string); ok {
				owns = o
			}
		}
		return owns
	}
	for len(owns()) < 3 {
		poll, cancel := context.WithTimeout(ctx, 100*time.Millisecond) // no record comes any more
		till.PollFetches(poll)
		if cancel(); ctx.Err() != nil {
			t.Fatalf("it has never said that it has what it was given, but %v", owns())
		}
	}
	if got := fmt.Sprint(owns()); got != "[orders/0 orders/1 orders/2]" {
		t.Errorf("owns %s", got)
	}
	var assigned []string
	for _, e := range w.of(kmsg.ConsumerGroupHeartbeat, history.OpResponse) {
		if a, ok := e.Data["assigned"].([]string); ok && e.Group == "till" && e.Data["generation"].(int32) > 0 {
			assigned = a
		}
	}
	slices.Sort(assigned)
	if got := fmt.Sprint(assigned); got != "[orders/0 orders/1 orders/2]" {
		t.Errorf("assigned %s", got)
	}
}

func TestWitnessOfARequestWithoutAnswer(t *testing.T) {
	cl, p, w := startWitnessed(t)
	shop := plain(t, p, "shop/0", kgo.RecordRetries(0))
	if err := produce(t, shop, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	cl.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(seen)
		return nil, fmt.Errorf("the broker dies"), true
	})
	err := produce(t, shop, "orders", 1, "b")
	<-seen
	p.Close()
	responses := w.of(kmsg.Produce, history.OpResponse)
	if e := responses[len(responses)-1]; err == nil || e.Type != history.Info ||
		facts.ToldClient.Get(&e) != facts.NotAnswered {
		t.Errorf("%v: %+v", err, e)
	}
}
