package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func add(t testing.TB, p *Proxy, r Rule) *Handle {
	t.Helper()
	h, err := p.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Remove)
	return h
}

// onPart is a rule for every Produce to orders/part.
func onPart(part int32, act Action, phase Phase) Rule {
	return Rule{API: int16(kmsg.Produce), Broker: -1, Topic: "orders", Part: part, Action: act, Phase: phase}
}

// plain is a producer that retries forever and is not idempotent: what a lost
// acknowledgement does to it is seen in the log.
func plain(t testing.TB, p *Proxy, name string, opts ...kgo.Opt) *kgo.Client {
	return client(t, p, name, append([]kgo.Opt{
		kgo.RecordPartitioner(
			kgo.ManualPartitioner(),
		), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1),
	}, opts...)...)
}

func TestLostAcknowledgementDuplicates(t *testing.T) {
	for _, act := range []Action{Drop, Cut} {
		cl, p := start(t)
		shop := plain(t, p, "shop/0")
		r := onPart(1, act, OnResponse)
		r.Nth = 2
		h := add(t, p, r)
		if err := produce(t, shop, "orders", 1, "a", "b", "c"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(logOf(t, cl, "orders", 1, 4)); got != "[a b b c]" {
			t.Errorf("action %d: log %s, want b twice", act, got)
		}
		hit, err := h.Wait(within(t))
		if err != nil || hit.Client != "shop/0" || hit.API != 0 || len(h.Hits()) != 1 {
			t.Errorf("hits %+v, %v", h.Hits(), err)
		}
		if !strings.Contains(hit.Text, "Produce v") || !strings.Contains(hit.Text, "of shop/0 to broker") {
			t.Errorf("text %q", hit.Text)
		}
	}
}

func TestRequestThatNeverArrives(t *testing.T) {
	for _, act := range []Action{Drop, Cut} {
		cl, p := start(t)
		shop := plain(t, p, "shop/0")
		r := onPart(1, act, OnRequest)
		r.Nth = 2
		h := add(t, p, r)
		if err := produce(t, shop, "orders", 1, "a", "b", "c"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(logOf(t, cl, "orders", 1, 3)); got != "[a b c]" {
			t.Errorf("action %d: log %s", act, got)
		}
		if len(h.Hits()) != 1 || h.Matched() != 4 {
			t.Errorf("%d hits of %d matches, want 1 of 4", len(h.Hits()), h.Matched())
		}
	}
}

func TestErrorAnswers(t *testing.T) {
	const requestTimedOut = 7
	cl, p := start(t)
	shop := plain(t, p, "shop/0")
	r := onPart(1, Error, OnRequest)
	r.Nth, r.Code = 1, requestTimedOut
	add(t, p, r)
	r = onPart(1, Error, OnResponse)
	r.Nth, r.Code = 3, requestTimedOut // a, a again, b
	add(t, p, r)
	if err := produce(t, shop, "orders", 1, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 4)); got != "[a b b c]" {
		t.Errorf("log %s: the request phase must not reach the broker, the response phase must", got)
	}
}

func TestDelay(t *testing.T) {
	for _, phase := range []Phase{OnRequest, OnResponse} {
		_, p := start(t)
		shop := plain(t, p, "shop/0")
		r := onPart(1, Delay, phase)
		r.Nth, r.Delay = 2, 100*time.Millisecond
		h := add(t, p, r)
		for i, least := range []time.Duration{0, r.Delay, 0} {
			began := time.Now()
			if err := produce(t, shop, "orders", 1, "x"); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d < least {
				t.Errorf("phase %d: send %d took %v, want at least %v", phase, i, d, least)
			}
		}
		if len(h.Hits()) != 1 {
			t.Errorf("hits %v", h.Hits())
		}
	}
}

func TestReleaseEndsADelay(t *testing.T) {
	_, p := start(t)
	shop := plain(t, p, "shop/0")
	r := onPart(1, Delay, OnRequest)
	r.Delay = time.Hour
	h := add(t, p, r)
	done := make(chan error, 1)
	shop.Produce(within(t), &kgo.Record{Topic: "orders", Partition: 1}, func(_ *kgo.Record, err error) { done <- err })
	if _, err := h.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	h.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestHeldRequestArrivesAfterItsRetry is the shape of KAFKA-17754.
func TestHeldRequestArrivesAfterItsRetry(t *testing.T) {
	cl, p := start(t)
	holdFirst(t, cl, p, false)
}

// holdFirst holds the first of two sends for an hour, or until it is let go, as `until`
// does once the fault that it waits for was seen: then it arrives, after its own retry.
func holdFirst(t *testing.T, cl *kfake.Cluster, p *Proxy, apart bool) {
	t.Helper()
	shop := plain(t, p, "shop/0")
	r := onPart(1, Hold, OnRequest)
	r.Nth, r.Delay, r.Redial = 1, time.Hour, apart
	h := add(t, p, r)
	if err := produce(t, shop, "orders", 1, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 2)); got != "[a b]" {
		t.Fatalf("log %s before the held request is let go", got)
	}
	heal, _, err := p.Refuse(Link{Client: "shop/0", Broker: -1}) // as when it is killed: that does not reach what is held
	if err != nil {
		t.Fatal(err)
	}
	heal()
	h.Release()
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 3)); got != "[a b a]" {
		t.Errorf("log %s, want the held a last", got)
	}
}

func TestBlackhole(t *testing.T) {
	for _, phase := range []Phase{OnRequest, OnResponse} {
		cl, p := start(t)
		shop := plain(
			t, p, "shop/0", kgo.ProduceRequestTimeout(100*time.Millisecond),
			kgo.RequestTimeoutOverhead(time.Second),
		)
		r := onPart(1, Blackhole, phase)
		r.Nth = 1
		h := add(t, p, r)
		began := time.Now()
		if err := produce(t, shop, "orders", 1, "a"); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d < time.Second {
			t.Errorf("phase %d: the client gave up after %v, before its timeout: the connection was cut", phase, d)
		}
		want := 1
		if phase == OnResponse {
			want = 2
		}
		if got := logOf(t, cl, "orders", 1, want); len(got) != want || len(h.Hits()) != 1 {
			t.Errorf("phase %d: log %v, hits %v", phase, got, h.Hits())
		}
	}
}

func transactional(t testing.TB, p *Proxy, name, id string) *kgo.Client {
	return client(t, p, name, kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

func TestTransactionsByID(t *testing.T) {
	cl, p := start(t)
	h := add(t, p, Rule{API: int16(kmsg.EndTxn), Broker: -1, TxnID: "till-1", Action: Drop, Phase: OnResponse, Nth: 1})
	for i, id := range []string{"till-0", "till-1"} {
		c := transactional(t, p, fmt.Sprint("till/", i), id)
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := produce(t, c, "orders", int32(i), id); err != nil {
			t.Fatal(err)
		}
		if err := c.EndTransaction(within(t), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		if got := logOf(t, cl, "orders", int32(i), 1); got[0] != id {
			t.Errorf("log %v", got)
		}
	}
	if hits := h.Hits(); len(hits) != 1 || hits[0].Client != "till/1" {
		t.Errorf("hits %v, want the one of till/1", hits)
	}
	for _, api := range []kmsg.Key{kmsg.InitProducerID, kmsg.EndTxn, kmsg.Produce} {
		if p.Stats().Requests[int16(api)] < 2 {
			t.Errorf("%d requests of %s", p.Stats().Requests[int16(api)], api.Name())
		}
	}
}

func TestRefuse(t *testing.T) {
	_, p := start(t)
	shop := plain(t, p, "shop/0")
	other := plain(t, p, "shopping/0")
	if err := errors.Join(produce(t, shop, "orders", 1, "a"), produce(t, other, "orders", 1, "a")); err != nil {
		t.Fatal(err)
	}
	healAll, cut, err := p.Refuse(Link{Client: "shop", Broker: -1})
	if err != nil || cut == 0 {
		t.Fatalf("cut %d, %v", cut, err)
	}
	healOne, _, err := p.Refuse(Link{Broker: 1})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := p.Open("shop/0")
	for b := range int32(3) {
		if err := dials(d.Address(b)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("broker %d: %v, want a refused connection", b, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := shop.ProduceSync(ctx, &kgo.Record{Topic: "orders", Partition: 1}).FirstErr(); err == nil {
		t.Error("shop could send while it was refused")
	}
	od, _ := p.Open("shopping/0")
	if err := dials(od.Address(0)); err != nil {
		t.Errorf("another client was refused too: %v", err)
	}
	if dials(od.Address(1)) == nil {
		t.Error("broker 1 accepts another client")
	}
	healAll()
	if err := dials(d.Address(0)); err != nil {
		t.Errorf("not healed: %v", err)
	}
	if dials(d.Address(1)) == nil {
		t.Error("broker 1 accepts while its own refusal lasts")
	}
	healOne()
	healOne() // no effect
	if err := produce(t, shop, "orders", 1, "b"); err != nil {
		t.Error(err)
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	_, p := start(t)
	for want, r := range map[string]Rule{
		"API key 999":     {API: 999},
		"action 17":       {Action: 17},
		"phase 3":         {Phase: 3},
		"probability":     {Prob: 1.5},
		"nth -1":          {Nth: -1},
		"can be held":     {Action: Hold, Phase: OnResponse},
		"delays nothing":  {Action: Delay},
		"means success":   {Action: Error},
		"needs one API":   {API: -1, Action: Error, Code: 7},
		"ApiVersions can": {API: 18, Action: Error, Code: 7},
		"transactional":   {API: 1, TxnID: "x"},
		"no topics":       {API: 26, Topic: "x"},
		"times -1":        {Times: -1},
		"range that":      {API: 0, Versions: &Versions{4, 3}},
		"no version 99":   {API: 0, Versions: &Versions{99, 99}},
		"is the response": {API: 0, Action: Duplicate},
		"send again":      {API: 1, Action: Duplicate, Phase: OnResponse},
		"only a held":     {API: 0, Redial: true},
	} {
		if _, err := p.Add(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one about %q", r, err, want)
		}
	}
}

func TestErrorsReachTransactions(t *testing.T) {
	_, p := start(t)
	add(
		t, p,
		Rule{API: int16(kmsg.InitProducerID), Broker: -1, Action: Error, Code: kerr.CoordinatorLoadInProgress.Code, Nth: 1},
	)
	end := add(
		t, p,
		Rule{API: int16(kmsg.EndTxn), Broker: -1, Action: Error, Code: kerr.ProducerFenced.Code, Phase: OnResponse},
	)
	c := transactional(t, p, "till/0", "till-0")
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, c, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(within(t), kgo.TryCommit); !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("commit: %v, want the fence that the rule told", err)
	}
	if len(end.Hits()) == 0 {
		t.Error("no hit")
	}
}
