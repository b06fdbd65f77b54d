package faults

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// startEmbedded starts three embedded brokers with the topics orders and
// receipts, of two partitions each.
func startEmbedded(t *testing.T) *Env {
	t.Helper()
	return startCluster(t, cluster.Spec{Name: "faults-test", Backend: "embedded", Brokers: 3, Topics: []cluster.Topic{
		{Name: "orders", Partitions: 2, Replicas: 3}, {Name: "receipts", Partitions: 2, Replicas: 3},
	}})
}

func startCluster(t *testing.T, spec cluster.Spec) *Env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, _, err := cluster.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	return &Env{Cluster: c, Now: func() int64 { return int64(time.Since(began)) }}
}

// conform takes the fault that f describes through its life twice, and returns
// the facts of both.
func conform(t *testing.T, env *Env, f scenario.Fault) []Fact {
	t.Helper()
	var facts []Fact
	for round := range 2 {
		s := newStrike(t, env, f, uint64(round), func(f Fact) { facts = append(facts, f) })
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		defer s.Recover(ctx) // when a step below ends the test
		for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatalf("round %d: %v", round+1, err)
			}
		}
		for _, f := range facts[len(facts)-4:] {
			t.Logf("%s %s %s %s", f.Step, f.Target, f.Resolved, f.SeenBy)
		}
	}
	return facts
}

func newStrike(t *testing.T, env *Env, f scenario.Fault, seed uint64, record func(Fact)) *Strike {
	t.Helper()
	fault, err := makeFault(f, env, seed)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(f, fault, Options{Now: env.Now, Record: func(fact Fact) {
		if record != nil {
			record(fact)
		}
		// What was struck has its place in the evidence; a request has that of its API.
		if fact.Step == stepInject && fact.Err == nil && !f.StrikesRequest() &&
			len(fact.Brokers)+len(fact.Clients)+len(fact.TxnIDs) == 0 {
			t.Errorf("%s struck %q and names no broker, client or transactional id", f.Kind, fact.Resolved)
		}
	}})
}

func TestBrokerFaultsConformOnEmbedded(t *testing.T) {
	env := startEmbedded(t)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader(orders/0)"}},
		{Kind: scenario.KindStop, Args: scenario.FaultArgs{Broker: "minority"}},
		{Kind: scenario.KindRestart, Args: scenario.FaultArgs{Broker: "broker(2)"}},
		{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "all"}},
		{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/1"}},
		{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/0"}, For: scenario.Span{Min: time.Second, Max: time.Second}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) {
			facts := conform(t, env, f)
			for i, want := range map[int]string{1: "effect", 3: "gone", 5: "effect", 7: "gone"} {
				if facts[i].SeenBy == "" {
					t.Errorf("the %s was seen by nothing", want)
				}
			}
		})
	}
}

func TestTwoKillsOfOneBrokerHealInAnyOrder(t *testing.T) {
	env := startEmbedded(t)
	ctx := t.Context()
	f := scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "broker(2)"}}
	first, second := newStrike(t, env, f, 1, nil), newStrike(t, env, f, 2, nil)
	for _, s := range []*Strike{first, second} {
		for _, step := range []history.Op{stepInject, stepEffect} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := first.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	seen, err := first.Gone(ctx)
	if err != nil || !strings.Contains(seen, "left to") {
		t.Errorf("gone while the other kill lasts: %q, %v; want it left to the other", seen, err)
	}
	b := broker{env, 2}
	if _, err := b.isRefusing(ctx); err != nil {
		t.Errorf("healed by the first alone: %v", err)
	}
	if err := second.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	if seen, err := second.Gone(ctx); err != nil || !strings.Contains(seen, "answered") {
		t.Errorf("gone after both: %q, %v; want an answer", seen, err)
	}
}

func TestTargetsResolveOnEmbedded(t *testing.T) {
	env := startEmbedded(t)
	ctx := t.Context()
	var addrs []string
	for _, b := range env.Cluster.Brokers() {
		addrs = append(addrs, b.Addr)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.TransactionalID("shop-0"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var offsets kadm.Offsets
	offsets.AddOffset("orders", 0, 1, -1)
	if err := kadm.NewClient(cl).CommitAllOffsets(ctx, "till", offsets); err != nil {
		t.Fatal(err)
	}

	for _, tc := range []struct {
		target scenario.Target
		n      int // brokers found; 0 = none
		text   string
	}{
		{"broker(2)", 1, "broker 2"},
		{"leader(orders/0)", 1, "(leader of orders/0)"},
		{"follower(orders/0)", 1, "(follower of orders/0)"},
		{"controller", 1, "controller"},
		{"coordinator(group till)", 1, "(coordinator of group till)"},
		{"coordinator(txn shop-0)", 1, "(coordinator of transactional id shop-0)"},
		{"any", 1, "any of 3"},
		{"minority", 1, "a minority of 3"},
		{"majority", 2, "a majority of 3"},
		{"all", 3, "brokers 1, 2, 3"},
		{"broker(9)", 0, "brokers: 1, 2, 3"},
		{"leader(order/0)", 0, "topics: orders, receipts"},
		{"leader(orders/7)", 0, "orders has partitions 0 to 1"},
	} {
		t.Run(string(tc.target), func(t *testing.T) {
			found, text, err := env.resolve(ctx, tc.target, 7)
			if tc.n == 0 {
				if !errors.Is(err, errNoTarget) || !strings.Contains(err.Error(), tc.text) {
					t.Fatalf("error %v, want ErrNoTarget with %q", err, tc.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != tc.n || !strings.Contains(text, tc.text) {
				t.Errorf("found %v, %q; want %d brokers, %q", found, text, tc.n, tc.text)
			}
			again, _, err := env.resolve(ctx, tc.target, 7)
			if err != nil || idText(again) != idText(found) {
				t.Errorf("the same seed again: %v, %v; want %v", again, err, found)
			}
		})
	}
}

func TestMissingGroupSaysWhichExist(t *testing.T) {
	env := startEmbedded(t)
	_, _, err := env.coordinator(t.Context(), group, "tll")
	if !errors.Is(err, errNoTarget) || !strings.Contains(err.Error(), `no group is called "tll"; there are: none`) {
		t.Errorf("error %v, want ErrNoTarget and what there is", err)
	}
}

func TestDrawsDependOnTheSeedAlone(t *testing.T) {
	env := startEmbedded(t)
	seen := map[string]bool{}
	for seed := range uint64(20) {
		found, _, err := env.resolve(t.Context(), "any", seed)
		if err != nil {
			t.Fatal(err)
		}
		seen[idText(found)] = true
	}
	if len(seen) != 3 {
		t.Errorf("20 seeds drew %d of 3 brokers", len(seen))
	}
}
