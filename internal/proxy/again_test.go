package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// TestDuplicate: a request that comes twice changes an idempotent producer's log
// nothing, and leaves two of a record that carries no sequence.
func TestDuplicate(t *testing.T) {
	for _, tc := range []struct {
		opts []kgo.Opt
		want string
	}{
		{[]kgo.Opt{kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1)}, "[a b b c d]"},
		{nil, "[a b c d]"},
	} {
		cl, p, w := startWitnessed(t)
		shop := client(t, p, "shop/0", append(tc.opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		r := onPart(1, Duplicate, OnResponse)
		r.Nth = 2
		h := add(t, p, r)
		if err := produce(t, shop, "orders", 1, "a", "b", "c", "d"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(logOf(t, cl, "orders", 1, len(strings.Fields(tc.want)))); got != tc.want {
			t.Errorf("log %s, want %s", got, tc.want)
		}
		if hits := h.Hits(); len(hits) != 1 {
			t.Errorf("hits %v, want one", hits)
		}
		// The witness saw five requests, of which the client heard four.
		var told []any
		for _, e := range w.of(kmsg.Produce, history.OpResponse) {
			told = append(told, e.Data["told"])
		}
		if got := fmt.Sprint(told); got != "[passed dropped passed passed passed]" {
			t.Errorf("the client was told %s", got)
		}
	}
}

func TestDuplicateEndsATransactionOnce(t *testing.T) {
	cl, p := start(t)
	h := add(t, p, Rule{API: int16(kmsg.EndTxn), Broker: -1, Action: Duplicate, Phase: OnResponse, Nth: 1})
	c := transactional(t, p, "till/0", "till-0")
	for _, v := range []string{"a", "b"} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := produce(t, c, "orders", 1, v); err != nil {
			t.Fatal(err)
		}
		if err := c.EndTransaction(within(t), kgo.TryCommit); err != nil {
			t.Fatalf("commit of %s: %v", v, err)
		}
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 2)); got != "[a b]" || len(h.Hits()) != 1 {
		t.Errorf("log %s, hits %v", got, h.Hits())
	}
}

// TestHeldApart is a copy of a request that arrives over a connection of its own,
// long after the one that it was sent over broke on both sides.
func TestHeldApart(t *testing.T) {
	cl, p, w := startWitnessed(t)
	holdFirst(t, cl, p, true)
	p.Close() // waits for the late answer's event
	var late history.Event
	for _, e := range w.of(kmsg.Produce, history.OpResponse) {
		if facts.ToldClient.Get(&e) == facts.Dropped {
			late = e
		}
	}
	if late.Type != history.OK || len(late.Off) == 0 || late.Off[0] != 2 {
		t.Errorf("the late answer was witnessed as %+v, want ok at offset 2", late)
	}
}

func TestRulesByVersionAndClientID(t *testing.T) {
	cl, p := start(t)
	shop := plain(t, p, "shop/0", kgo.ClientID("shop-one"))
	other := plain(t, p, "shop/1", kgo.ClientID("shop-two"))
	newest := apis[0].max
	old := onPart(1, Drop, OnRequest)
	old.Versions = &Versions{0, 2}
	never := add(t, p, old)
	r := onPart(1, Error, OnResponse)
	r.Versions, r.ClientID, r.Code = &Versions{3, newest}, "shop-two", kerr.RequestTimedOut.Code
	r.Nth = 1
	h := add(t, p, r)
	if err := produce(t, shop, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, other, "orders", 1, "b"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 3)); got != "[a b b]" {
		t.Errorf("log %s, want shop-two's record twice", got)
	}
	if hits := h.Hits(); len(hits) != 1 || hits[0].Client != "shop/1" || never.Matched() != 0 {
		t.Errorf("hits %v, and %d requests older than any that was sent", hits, never.Matched())
	}
}

// TestUnknownTopicForAFewRefreshes: Metadata forgets a topic a few times, and the
// client gets over it.
func TestUnknownTopicForAFewRefreshes(t *testing.T) {
	for _, phase := range []Phase{OnRequest, OnResponse} {
		const times = 3
		cl, p := start(t)
		h := add(t, p, Rule{
			API: int16(kmsg.Metadata), Broker: -1, Topic: "orders", Part: -1, Times: times,
			Action: Error, Phase: phase, Code: kerr.UnknownTopicOrPartition.Code,
		})
		shop := plain(t, p, "shop/0", kgo.UnknownTopicRetries(-1))
		if err := produce(t, shop, "orders", 1, "a"); err != nil {
			t.Fatal(err)
		}
		if got := len(h.Hits()); got != times {
			t.Errorf("phase %d: %d refreshes did not know the topic, want %d", phase, got, times)
		}
		if got := fmt.Sprint(logOf(t, cl, "orders", 1, 1)); got != "[a]" {
			t.Errorf("phase %d: log %s", phase, got)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		nth, times int
		want       string // which of six matches are struck
	}{
		{0, 0, "[1 2 3 4 5 6]"}, {0, 2, "[1 2]"}, {3, 0, "[3]"}, {3, 2, "[3 4]"}, {5, 9, "[5 6]"},
	} {
		h := &Handle{rule: Rule{Nth: tc.nth, Times: tc.times}}
		var struck []int
		for n := 1; n <= 6; n++ {
			if h.chosen() {
				struck = append(struck, n)
			}
		}
		if got := fmt.Sprint(struck); got != tc.want {
			t.Errorf("nth %d, times %d: struck %s, want %s", tc.nth, tc.times, got, tc.want)
		}
	}
	// A choice that was lost with its connection is made up for by the next match.
	h := &Handle{rule: Rule{Times: 2}}
	h.chosen()
	h.chosen()
	h.missed()
	if !h.chosen() || h.chosen() {
		t.Error("want one more strike for the one that was lost, and no second")
	}
}
