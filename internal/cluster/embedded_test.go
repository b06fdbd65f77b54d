package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func startTest(t *testing.T, spec Spec) Cluster {
	t.Helper()
	noLeak(t)
	if spec.Name == "" {
		spec.Name = "test"
	}
	c, chosen, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Log(chosen)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func embeddedSpec() Spec {
	return Spec{Backend: "embedded", Brokers: 3, Topics: []Topic{{Name: "orders", Partitions: 3, Replicas: 3}}}
}

func leaders(t *testing.T, b Broker, topic string) map[int32]int32 {
	t.Helper()
	m, err := metadata(t.Context(), b.Addr, []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	ls := map[int32]int32{}
	for _, p := range m.Topics[0].Partitions {
		ls[p.Partition] = p.Leader
	}
	return ls
}

func TestEmbeddedNumbersBrokersFromOneAndSpreadsLeaders(t *testing.T) {
	c := startTest(t, embeddedSpec())
	for i, b := range c.Brokers() {
		if b.ID != BrokerID(i+1) || b.State != Running {
			t.Errorf("broker %d of the list is %+v", i, b)
		}
		got := leaders(t, b, "orders")
		if want := fmt.Sprint(map[int32]int32{0: 1, 1: 2, 2: 3}); fmt.Sprint(got) != want {
			t.Errorf("leaders seen by broker %d: %v, want %s", b.ID, got, want)
		}
	}
}

func TestEmbeddedKillRefusesMovesLeadersAndKeepsRecords(t *testing.T) {
	c := startTest(t, embeddedSpec())
	k := c.(Killer)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs(c)...), kgo.DefaultProduceTopic("orders"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	produce := func(n int) {
		t.Helper()
		for i := range n {
			if err := cl.ProduceSync(t.Context(), &kgo.Record{Partition: int32(i % 3), Value: []byte("v")}).FirstErr(); err != nil {
				t.Fatalf("produce: %v", err)
			}
		}
	}
	for round := range 2 { // every fault twice in a row
		for _, b := range c.Brokers() {
			produce(9)
			if err := k.Kill(t.Context(), b.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := net.Dial("tcp", b.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("round %d: a killed broker does not refuse: %v", round, err)
			}
			if err := k.Kill(t.Context(), b.ID); err == nil {
				t.Error("a killed broker can be killed")
			}
			produce(9)
			if err := k.Start(t.Context(), b.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := metadata(t.Context(), b.Addr, nil); err != nil {
				t.Fatalf("a started broker does not answer at its old address: %v", err)
			}
		}
	}
	if got := countRecords(t, c, "orders", 3); got != 2*3*18 {
		t.Errorf("%d records in the log, %d were acknowledged", got, 2*3*18)
	}
}

func TestEmbeddedAllBrokersDownAndUp(t *testing.T) {
	c := startTest(t, embeddedSpec())
	k := c.(Killer)
	for _, b := range c.Brokers() {
		if err := k.Kill(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Start(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for p, l := range leaders(t, c.Brokers()[1], "orders") {
		if l != 2 {
			t.Errorf("orders/%d is led by %d, only 2 lives", p, l)
		}
	}
}

func TestEmbeddedCoordinatorsLeaveAStoppedBroker(t *testing.T) {
	c := startTest(t, embeddedSpec())
	ask1 := func(via Broker, group string) int32 {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version = 2
		req.CoordinatorKey = group
		resp, err := ask[*kmsg.FindCoordinatorResponse](t.Context(), via.Addr, req)
		if err != nil {
			t.Fatal(err)
		}
		return resp.NodeID
	}
	bs := c.Brokers()
	for i := range 10 {
		ask1(bs[0], fmt.Sprint("known", i))
	}
	if err := c.(Killer).Stop(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		for _, g := range []string{fmt.Sprint("known", i), fmt.Sprint("new", i%4)} {
			if got := ask1(bs[0], g); got == 3 {
				t.Errorf("the coordinator of group %s is the stopped broker", g)
			}
		}
	}
}

func TestEmbeddedMoveLeader(t *testing.T) {
	c := startTest(t, embeddedSpec())
	if err := c.(LeaderMover).MoveLeader(t.Context(), "orders", 0, 3); err != nil {
		t.Fatal(err)
	}
	if got := leaders(t, c.Brokers()[0], "orders")[0]; got != 3 {
		t.Errorf("orders/0 is led by %d, want 3", got)
	}
	if err := c.(LeaderMover).MoveLeader(t.Context(), "orders", 0, 9); err == nil {
		t.Error("a broker that does not exist was made leader")
	}
	if err := c.(LeaderMover).MoveLeader(t.Context(), "nothing", 0, 1); err == nil {
		t.Error("a topic that does not exist got a leader")
	}
}

// Kills, starts, questions and Close at once: nothing hangs, and whatever comes
// after Close gets an error.
func TestEmbeddedStrikesWhileClosing(t *testing.T) {
	noLeak(t)
	for range 20 {
		e, err := startEmbedded(t.Context(), embeddedSpec())
		if err != nil {
			t.Fatal(err)
		}
		bs := e.Brokers()
		var wg sync.WaitGroup
		for _, b := range bs {
			wg.Go(func() {
				for range 5 {
					e.Kill(t.Context(), b.ID)
					e.Start(t.Context(), b.ID)
				}
			})
			wg.Go(func() {
				req := kmsg.NewPtrFindCoordinatorRequest()
				req.Version = 2
				for i := range 10 {
					req.CoordinatorKey = fmt.Sprint("g", b.ID, i)
					ask[*kmsg.FindCoordinatorResponse](t.Context(), b.Addr, req)
				}
			})
		}
		wg.Go(func() { e.Close() })
		wg.Wait()
		if err := e.Kill(t.Context(), 1); !errors.Is(err, errClosed) {
			t.Fatalf("kill after close: %v", err)
		}
		if _, err := net.Dial("tcp", bs[0].Addr); err == nil {
			t.Fatal("a closed cluster still listens")
		}
	}
}

func TestStartRefuses(t *testing.T) {
	for name, spec := range map[string]Spec{
		"no brokers":             {Backend: "embedded"},
		"replicas above brokers": {Backend: "embedded", Brokers: 1, Topics: []Topic{{Name: "t", Partitions: 1, Replicas: 3}}},
		"no partitions":          {Backend: "embedded", Brokers: 1, Topics: []Topic{{Name: "t", Replicas: 1}}},
		"another node id":        {Backend: "embedded", Brokers: 1, Config: map[string]string{"node.id": "7"}},
		"unknown backend":        {Backend: "dcoker", Brokers: 1},
	} {
		t.Run(name, func(t *testing.T) {
			noLeak(t)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			c, _, err := Start(ctx, spec)
			if err == nil {
				c.Close()
				t.Fatal("started")
			}
			if ctx.Err() != nil {
				t.Errorf("took until the deadline: %v", err)
			}
			t.Log(err)
		})
	}
}

func addrs(c Cluster) (as []string) {
	for _, b := range c.Brokers() {
		as = append(as, b.Addr)
	}
	return as
}

// countRecords adds up the log end offsets.
func countRecords(t *testing.T, c Cluster, topic string, parts int32) (n int64) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs(c)...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for p := range parts {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range resp.Topics {
		for _, p := range rt.Partitions {
			n += p.Offset
		}
	}
	return n
}
