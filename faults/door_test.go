package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// named is a client instance that is only a name: what link faults need of one.
type named string

func (n named) Name() string                                { return string(n) }
func (n named) Proc() string                                { return string(n) + "/1" }
func (n named) Start(context.Context) (worker.Hello, error) { return worker.Hello{}, nil }
func (n named) Kill(context.Context) error                  { return nil }
func (n named) Stop(context.Context) error                  { return nil }
func (n named) Pause(context.Context) error                 { return nil }
func (n named) Resume(context.Context) error                { return nil }

// startDoors adds a proxy with doors for shop/0, shop/1 and till/0.
func startDoors(t *testing.T) *Env {
	t.Helper()
	env := startEmbedded(t)
	openDoors(t, env)
	return env
}

func openDoors(t *testing.T, env *Env) {
	t.Helper()
	p, err := proxy.New(proxy.Config{Now: env.Now, Brokers: func() map[int32]string {
		addrs := map[int32]string{}
		for _, b := range env.Cluster.Brokers() {
			addrs[int32(b.ID)] = b.Addr
		}
		return addrs
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	env.Proxy = p
	env.fakeInstances = []instance{named("shop/0"), named("shop/1"), named("till/0")}
	for _, i := range env.fakeInstances {
		if _, err := p.Open(i.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

// through returns a producer that goes through the door of an instance.
func through(t *testing.T, env *Env, instance string) *kgo.Client {
	t.Helper()
	d, err := env.Proxy.Open(instance)
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(d.Bootstrap()...), kgo.DefaultProduceTopic("orders"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestLinkFaultsConform(t *testing.T) {
	env := startDoors(t)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindCut, Args: scenario.FaultArgs{Client: "shop"}},
		{Kind: scenario.KindCut, Args: scenario.FaultArgs{Broker: "leader(orders/0)"}},
		{Kind: scenario.KindCut, Args: scenario.FaultArgs{Client: "shop/1", Broker: "any"}},
		{Kind: scenario.KindBlackhole, Args: scenario.FaultArgs{Client: "till"}},
		{Kind: scenario.KindDelay, Args: scenario.FaultArgs{Client: "shop", Delay: span(40*time.Millisecond, 80*time.Millisecond)}},
		{Kind: scenario.KindDelay, Args: scenario.FaultArgs{Client: "shop", Way: scenario.ToClient, Delay: span(60*time.Millisecond, 60*time.Millisecond)}},
		{Kind: scenario.KindBlackhole, Args: scenario.FaultArgs{Client: "till", Way: scenario.ToClient}},
		{Kind: scenario.KindBlackhole, Args: scenario.FaultArgs{Client: "till", Way: scenario.ToBroker}},
		{Kind: scenario.KindHalfOpen, Args: scenario.FaultArgs{Client: "till", Broker: "leader(orders/0)"}},
		{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till", Rate: 64 << 10}},
		{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till/0", Rate: 1 << 20, Way: scenario.ToBroker}},
		{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till/0", Rate: 64 << 10, Way: scenario.ToClient}},
		{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till/0", Broker: "broker(1)", Rate: 30}}, // a slow drip
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) { conform(t, env, f) })
	}
}

// TestResetCutsAndLetsComeBack: a connection that was open is dead, and the next one is served.
func TestResetCutsAndLetsComeBack(t *testing.T) {
	env := startDoors(t)
	addr, err := env.door().address("shop/0", 1)
	if err != nil {
		t.Fatal(err)
	}
	f := scenario.Fault{Kind: scenario.KindReset, Args: scenario.FaultArgs{Client: "shop"}}
	s := newStrike(t, env, f, 1, nil)
	s.opt.Proof = 3 * pollGap
	if err := take(t, s, stepInject); err != nil {
		t.Fatal(err)
	}
	if err := take(t, s, stepEffect); err == nil || !strings.Contains(err.Error(), "no connection was open") {
		t.Errorf("a reset of nobody: %v, want that nobody was there", err)
	}
	for range 2 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := exchange(conn, kmsg.NewPtrApiVersionsRequest()); err != nil { // the door has accepted it
			t.Fatal(err)
		}
		s := newStrike(t, env, f, 1, nil)
		for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || isSilent(err) {
			t.Errorf("the connection lives: %v", err)
		}
	}
}

func span(min, max time.Duration) scenario.Span { return scenario.Span{Min: min, Max: max} }

func TestCutLeavesOtherClientsAlone(t *testing.T) {
	env := startDoors(t)
	s := newStrike(t, env, scenario.Fault{Kind: scenario.KindCut, Args: scenario.FaultArgs{Client: "shop/0"}}, 1, nil)
	for _, step := range []history.Op{stepInject, stepEffect} {
		if err := take(t, s, step); err != nil {
			t.Fatal(err)
		}
	}
	addr, err := env.door().address("shop/1", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := dial(t.Context(), addr); err != nil {
		t.Errorf("the door of shop/1 during a cut of shop/0: %v", err)
	}
}

func TestOverlappingCutsHealInAnyOrder(t *testing.T) {
	env := startDoors(t)
	wide := newStrike(
		t, env, scenario.Fault{Kind: scenario.KindCut, Args: scenario.FaultArgs{Broker: "broker(1)"}}, 1, nil,
	)
	narrow := newStrike(t, env, scenario.Fault{Kind: scenario.KindCut, Args: scenario.FaultArgs{Client: "shop/0"}}, 2, nil)
	for _, s := range []*Strike{wide, narrow} {
		for _, step := range []history.Op{stepInject, stepEffect} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := wide.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, err := wide.Gone(t.Context())
	if err != nil || !strings.Contains(seen, "shop/0 to broker 1 is left to cut client shop/0") ||
		!strings.Contains(seen, "the door of till/0 to broker 1 accepted") {
		t.Errorf("gone of the wide cut: %q, %v", seen, err)
	}
	if err := narrow.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen, err := narrow.Gone(t.Context()); err != nil || strings.Contains(seen, "left to") {
		t.Errorf("gone of the narrow cut: %q, %v", seen, err)
	}
}

func produceNth(n int, phase string) scenario.Trigger {
	return scenario.Trigger{On: &scenario.Match{Request: "Produce", Client: "shop", TP: "orders/0", Nth: n, Phase: phase}}
}

// TestWireFaultsConform lets a producer retry its way through each fault, which
// must strike the request that it names, twice.
func TestWireFaultsConform(t *testing.T) {
	env := startDoors(t)
	by := span(50*time.Millisecond, 50*time.Millisecond)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindDrop, When: produceNth(2, "response")},
		{Kind: scenario.KindDrop, When: produceNth(2, "request")},
		{Kind: scenario.KindDelay, When: produceNth(1, "request"), Args: scenario.FaultArgs{Delay: by}},
		{Kind: scenario.KindHold, When: produceNth(1, ""), Args: scenario.FaultArgs{Delay: by}},
		{Kind: scenario.KindError, When: produceNth(3, "request"), Args: scenario.FaultArgs{Code: "NOT_LEADER_OR_FOLLOWER"}},
		{Kind: scenario.KindError, When: produceNth(1, "response"), Args: scenario.FaultArgs{Code: "REQUEST_TIMED_OUT"}},
		{Kind: scenario.KindCut, When: produceNth(1, "response")},
		{Kind: scenario.KindDuplicate, When: produceNth(2, "response")},
		{Kind: scenario.KindHold, When: produceNth(1, ""), Args: scenario.FaultArgs{Delay: by, Over: scenario.NewConnection}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) {
			for range 2 {
				var facts []Fact
				s := newStrike(t, env, f, 1, func(f Fact) { facts = append(facts, f) })
				if err := take(t, s, stepInject); err != nil {
					t.Fatal(err)
				}
				cl := through(t, env, "shop/0")
				for n := range 4 {
					if err := cl.ProduceSync(t.Context(), &kgo.Record{Partition: 0, Value: fmt.Append(nil, n)}).FirstErr(); err != nil {
						t.Fatal(err)
					}
				}
				for _, step := range []history.Op{stepEffect, stepRecover, stepGone} {
					if err := take(t, s, step); err != nil {
						t.Fatal(err)
					}
				}
				if got := facts[1].SeenBy; !strings.Contains(got, "Produce") || !strings.Contains(got, "shop/0") {
					t.Errorf("effect seen by %q, want the Produce of shop/0 that was struck", got)
				}
				if got := facts[3].SeenBy; !strings.Contains(got, "struck 1 request") {
					t.Errorf("gone seen by %q, want one request struck", got)
				}
			}
		})
	}
}

// highWatermark is the offset that the next record of orders/0 gets, as the
// broker that leads it tells.
func highWatermark(t *testing.T, env *Env) int64 {
	t.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	req.SetVersion(1)
	req.ReplicaID = -1
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = "orders"
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp = -1
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	id, _, err := env.resolveOne(t.Context(), "leader(orders/0)", 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker{env, id}.now()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := ask(t.Context(), b.Addr, req)
	if err != nil {
		t.Fatal(err)
	}
	p := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		t.Fatalf("ListOffsets: error code %d", p.ErrorCode)
	}
	return p.Offset
}

// TestTriggerKeepsItsRequest is what makes a crash between process and commit
// certain: the request that triggers it is never handled (phase request), or is
// handled and never answered (phase response), however long the strike takes. It
// must land on the nth request every time.
func TestTriggerKeepsItsRequest(t *testing.T) {
	const rounds = 25
	for _, tc := range []struct {
		phase string
		lands int64 // records of the request that triggers
	}{{"request", 0}, {"response", 1}} {
		t.Run(tc.phase, func(t *testing.T) {
			env := startDoors(t)
			for round := range rounds {
				keepRequest(t, env, 1+round%5, tc.phase, tc.lands)
			}
		})
	}
}

func keepRequest(t *testing.T, env *Env, nth int, phase string, lands int64) {
	trigger, err := NewTrigger(*produceNth(nth, phase).On, env, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer trigger.Release()
	d, err := env.Proxy.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	// No retries: what lands is what this client sent before it died.
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(d.Bootstrap()...),
		kgo.DefaultProduceTopic("orders"),
		kgo.RecordPartitioner(
			kgo.ManualPartitioner(),
		),
		kgo.DisableIdempotentWrite(),
		kgo.RecordRetries(0),
		kgo.RequestRetries(0),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	want := highWatermark(t, env)
	for n := range nth - 1 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Partition: 0, Value: fmt.Append(nil, n)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		want++
	}
	want += lands
	result := make(chan error, 1)
	cl.Produce(
		t.Context(), &kgo.Record{Partition: 0, Value: []byte("nth")},
		func(_ *kgo.Record, err error) { result <- err },
	)
	hit, err := trigger.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if hit.Client != "shop/0" || hit.API != int16(kmsg.Produce) {
		t.Errorf("hit %+v, want the Produce of shop/0", hit)
	}
	select {
	case err := <-result:
		t.Fatalf("the client heard %v while its request was kept", err)
	default:
	}
	if got := highWatermark(t, env); got != want {
		t.Errorf("%d records while request %d is kept, want %d", got, nth, want)
	}
	trigger.Release()
	if err := <-result; err == nil {
		t.Error("the client was told that the record landed")
	}
	if got := highWatermark(t, env); got != want {
		t.Errorf("%d records after release, want %d", got, want)
	}
	trigger.Release()
}

func TestTriggerWithNothingToMatch(t *testing.T) {
	env := startDoors(t)
	_, err := NewTrigger(scenario.Match{Request: "Produce", Client: "shpo"}, env, 1)
	if !errors.Is(err, errNoTarget) || !strings.Contains(err.Error(), "clients: shop/0, shop/1, till/0") {
		t.Errorf("error %v, want ErrNoTarget and the clients that exist", err)
	}
	trigger, err := NewTrigger(scenario.Match{Request: "EndTxn"}, env, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer trigger.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := trigger.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline's", err)
	}
}

func TestAimNarrowsToTheInstance(t *testing.T) {
	hit := proxy.Hit{Client: "till/1"}
	for _, tc := range []struct{ client, want string }{
		{"till", "till/1"}, {"till/0", "till/0"}, {"shop", "shop"}, {"", ""},
	} {
		f := Aim(scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: tc.client}}, hit.Client)
		if f.Args.Client != tc.want {
			t.Errorf("crash %q on a request of till/1: aimed at %q, want %q", tc.client, f.Args.Client, tc.want)
		}
	}
}
