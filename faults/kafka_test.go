package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

func seeds(env *Env) kgo.Opt {
	var addrs []string
	for _, b := range env.Cluster.Brokers() {
		addrs = append(addrs, b.Addr)
	}
	return kgo.SeedBrokers(addrs...)
}

// testFence fences a producer within its transaction: its commit must be refused.
func testFence(t *testing.T, env *Env) {
	f := scenario.Fault{Kind: scenario.KindFence, Args: scenario.FaultArgs{TxnID: "shop-0"}}
	for range 2 {
		cl, err := kgo.NewClient(seeds(env), kgo.TransactionalID("shop-0"), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord("v")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		var facts []Fact
		s := newStrike(t, env, f, 1, func(f Fact) { facts = append(facts, f) })
		for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %s", facts[0].Resolved, facts[1].SeenBy)
		if !strings.Contains(facts[0].Resolved, "Ongoing") {
			t.Errorf("struck %q, want an ongoing transaction", facts[0].Resolved)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
			t.Error("the fenced producer's commit was accepted")
		}
	}
}

func TestFenceOnEmbedded(t *testing.T) { testFence(t, startEmbedded(t)) }

// testEvict evicts one of two members, which comes back.
func testEvict(t *testing.T, env *Env) {
	for i := range 2 {
		cl, err := kgo.NewClient(seeds(env), kgo.ClientID(fmt.Sprintf("till-%d", i)), kgo.ConsumerGroup("till"),
			kgo.ConsumeTopics("orders"), kgo.HeartbeatInterval(100*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for ctx.Err() == nil {
				cl.PollFetches(ctx)
			}
		}()
		defer func() { stop(); <-ended; cl.Close() }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stable := func(ctx context.Context) (string, error) {
		g, err := env.describeGroup(ctx, "till")
		if err == nil && (g.state != "Stable" || len(g.members) != 2) {
			err = fmt.Errorf("%s with %d members", g.state, len(g.members))
		}
		return "", err
	}
	if _, err := await(ctx, func(ctx context.Context) (string, error) { _, err := stable(ctx); return "", justNotYet(err) }); err != nil {
		t.Fatal(err)
	}
	facts := conform(t, env, scenario.Fault{Kind: scenario.KindEvict, Args: scenario.FaultArgs{Group: "till"}})
	if !strings.Contains(facts[0].Resolved, "client id till-") {
		t.Errorf("struck %q, want one of till's members", facts[0].Resolved)
	}
	if _, err := await(ctx, stable); err != nil {
		t.Errorf("the evicted member did not come back: %v", err)
	}
}

// justNotYet drops the finality of an error.
func justNotYet(err error) error {
	var final finalError
	if errors.As(err, &final) {
		return final.error
	}
	return err
}

// testExpire lets a transaction run out of time while its producer tries to commit it.
func testExpire(t *testing.T, env *Env) {
	for round := range 2 {
		id := fmt.Sprintf("slow-%d", round)
		d, err := env.Proxy.Open("shop/0")
		if err != nil {
			t.Fatal(err)
		}
		cl, err := kgo.NewClient(kgo.SeedBrokers(d.Bootstrap()...), kgo.TransactionalID(id),
			kgo.TransactionTimeout(4*time.Second), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		s := newStrike(t, env, scenario.Fault{Kind: scenario.KindExpire, Args: scenario.FaultArgs{TxnID: id}}, 1, nil)
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord("v")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := take(t, s, stepInject); err != nil {
			t.Fatal(err)
		}
		committed := make(chan error, 1)
		go func() { committed <- cl.EndTransaction(t.Context(), kgo.TryCommit) }()
		for _, step := range []history.Op{stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		t.Log(s.resolved)
		if err := <-committed; err == nil {
			t.Error("the expired transaction was committed")
		}
	}
}

func TestExpireOnEmbedded(t *testing.T) { testExpire(t, startDoors(t)) }

// testDeleteOffsets deletes what a group had committed, once it is empty, and no sooner.
func testDeleteOffsets(t *testing.T, env *Env) {
	cl, err := kgo.NewClient(
		seeds(env), kgo.ConsumerGroup("forgetful"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	f := scenario.Fault{Kind: scenario.KindDeleteOffsets, Args: scenario.FaultArgs{Group: "forgetful", Topic: "orders"}}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := await(ctx, func(ctx context.Context) (string, error) {
		fast, cancel := context.WithTimeout(ctx, pollGap)
		defer cancel()
		cl.PollFetches(fast)
		g, err := env.describeGroup(ctx, "forgetful")
		if err == nil && (g.state != "Stable" || len(g.members) != 1) {
			err = errors.New(g.state)
		}
		return "", justNotYet(err)
	}); err != nil {
		t.Fatal(err)
	}
	early := newStrike(t, env, f, 1, nil)
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := early.Inject(short); err == nil || !strings.Contains(err.Error(), "crash or stop its clients first") {
		t.Errorf("delete offsets of a group that is read: %v, want the way out", err)
	}
	cl.LeaveGroup()

	for range 2 {
		var offsets kadm.Offsets
		offsets.AddOffset("orders", 0, 5, -1)
		offsets.AddOffset("receipts", 0, 7, -1)
		if err := adm.CommitAllOffsets(t.Context(), "forgetful", offsets); err != nil {
			t.Fatal(err)
		}
		s := newStrike(t, env, f, 1, nil)
		for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		left, err := adm.FetchOffsets(t.Context(), "forgetful")
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := left.Lookup("orders", 0); ok && o.At >= 0 {
			t.Errorf("orders/0 is still committed at %d", o.At)
		}
		if o, ok := left.Lookup("receipts", 0); !ok || o.At != 7 {
			t.Errorf("receipts/0 is committed at %v, want 7: it was not asked for", o.At)
		}
	}
}

func TestDeleteOffsetsOnEmbedded(t *testing.T) { testDeleteOffsets(t, startEmbedded(t)) }

func TestEvictOnEmbedded(t *testing.T) { testEvict(t, startEmbedded(t)) }

func TestKafkaFaultsNeedSomeoneToStrike(t *testing.T) {
	env := startEmbedded(t)
	for _, tc := range []struct {
		f    scenario.Fault
		text string
	}{
		{scenario.Fault{Kind: scenario.KindFence, Args: scenario.FaultArgs{TxnID: "shop-9"}}, `no transactional id is called "shop-9"`},
		{scenario.Fault{Kind: scenario.KindEvict, Args: scenario.FaultArgs{Group: "tlil"}}, `no group is called "tlil"`},
	} {
		s := newStrike(t, env, tc.f, 1, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := s.Inject(ctx)
		cancel()
		if !errors.Is(err, errNoTarget) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: error %v, want ErrNoTarget with %q", tc.f.Kind, err, tc.text)
		}
		if err := s.Recover(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.Gone(t.Context()); err != nil {
			t.Error(err)
		}
	}
	_, err := makeFault(scenario.Fault{Kind: scenario.KindFence, Args: scenario.FaultArgs{Group: "till"}}, env, 1)
	if err == nil || !strings.Contains(err.Error(), "Want transactional.id") {
		t.Errorf("fence of a group: %v", err)
	}
}

func TestRollOnEmbedded(t *testing.T) {
	env := startEmbedded(t)
	facts := conform(t, env, scenario.Fault{Kind: scenario.KindRoll})
	for _, id := range []string{"broker 1", "broker 2", "broker 3"} {
		if !strings.Contains(facts[1].SeenBy, id+": 127") {
			t.Errorf("effect seen by %q, want %s among them", facts[1].SeenBy, id)
		}
	}
}

// TestStatePartition compares with Kafka's Utils.abs(key.hashCode()) % partitions.
func TestStatePartition(t *testing.T) {
	for _, tc := range []struct {
		key string
		abs int32 // of its hash
	}{
		{"", 0}, {"a", 97}, {"Aa", 2112}, {"BB", 2112}, {"hello", 99162322},
		{"shop-0", 903152871},     // its hash is negative
		{"polygenelubricants", 0}, // its hash is the least integer
	} {
		if got, want := statePartition(tc.key, 50), tc.abs%50; got != want {
			t.Errorf("statePartition(%q, 50) = %d, want %d", tc.key, got, want)
		}
	}
}
