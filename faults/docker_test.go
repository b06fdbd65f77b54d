package faults

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// startDocker starts real brokers, and controllers of their own if there are any. It skips where there is no engine or no
// image, and fails instead if ONCEPROOF_REQUIRE_DOCKER=1.
func startDocker(t *testing.T, brokers, controllers int) *Env {
	t.Helper()
	return startDockerOf(t, brokers, controllers, 0)
}

// startDockerOf gives each node a disk of its own.
func startDockerOf(t *testing.T, brokers, controllers int, disk int64) *Env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	logs := t.TempDir()
	t.Cleanup(func() {
		if t.Failed() {
			tails(t, logs)
		}
	})
	c, _, err := cluster.Start(ctx, cluster.Spec{
		Name: t.Name(), Backend: "docker", Brokers: brokers, Controllers: controllers, Disk: disk, LogDir: logs,
		Topics: []cluster.Topic{
			{Name: "orders", Partitions: 2, Replicas: int16(brokers)},
			{Name: "receipts", Partitions: 2, Replicas: int16(brokers)},
			{Name: "few", Partitions: 1, Replicas: int16(max(1, brokers-1))},
		},
	})
	switch {
	case errors.Is(err, cluster.ErrUnavailable) && os.Getenv("ONCEPROOF_REQUIRE_DOCKER") != "1":
		t.Skipf("needs Docker: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Env{Cluster: c, Now: clock()}
}

// tails shows how each broker's log ends: what a proof waited for in vain is there.
func tails(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		t.Logf("%s ends:\n%s", filepath.Base(f), strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

func TestBrokerFaultsConformOnDocker(t *testing.T) {
	env := startDocker(t, 3, 0)
	second := span(time.Second, time.Second)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindPause, Args: scenario.FaultArgs{Broker: "follower(orders/0)"}},
		{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader(orders/0)"}},
		{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/0"}},
		{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/1"}, For: second},
		{Kind: scenario.KindStop, Args: scenario.FaultArgs{Broker: "controller"}},
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "leader(orders/0)"}},
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Split: [][]int32{{1, 2}, {2, 3}}}},
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{From: "broker(1)", To: "broker(2)"}},
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "follower(orders/0)", Listener: scenario.OfReplication}},
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "follower(orders/0)", Listener: scenario.OfControllers}},
		{Kind: scenario.KindWipe, Args: scenario.FaultArgs{Broker: "controller"}},
		{Kind: scenario.KindReassign, Args: scenario.FaultArgs{TP: "few/0"}, For: second},
		{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "all"}},
		{Kind: scenario.KindRoll},
		{Kind: scenario.KindStarve, Args: scenario.FaultArgs{Broker: "follower(orders/0)", CPU: 0.05}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) {
			facts := conform(t, env, f)
			for _, i := range []int{1, 3, 5, 7} {
				if facts[i].SeenBy == "" {
					t.Errorf("the %s was seen by nothing", facts[i].Step)
				}
			}
		})
	}
	t.Run("squeeze", func(t *testing.T) { testSqueeze(t, env) })
	load(t, env, "orders", 1)
	load(t, env, "few", 0)
	t.Run("shrink-isr", func(t *testing.T) {
		conform(t, env, scenario.Fault{Kind: scenario.KindShrinkISR, Args: scenario.FaultArgs{TP: "orders/1"}})
	})
	t.Run("one listener only", func(t *testing.T) { testOneListener(t, env) })
	t.Run("preferred and unclean election", func(t *testing.T) { testElections(t, env) })
	t.Run("delete-offsets", func(t *testing.T) { testDeleteOffsets(t, env) })
	t.Run("expire", func(t *testing.T) { openDoors(t, env); testExpire(t, env) })
	t.Run("fence", func(t *testing.T) { testFence(t, env) })
	t.Run("evict", func(t *testing.T) { testEvict(t, env) })
	for _, f := range []scenario.Fault{ // of the group and the id that the two left behind
		{Kind: scenario.KindMoveCoordinator, Args: scenario.FaultArgs{Group: "till"}, For: second},
		{Kind: scenario.KindMoveCoordinator, Args: scenario.FaultArgs{TxnID: "shop-0"}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) { conform(t, env, f) })
	}
	t.Run("kill during pause", func(t *testing.T) {
		target := scenario.FaultArgs{Broker: "broker(3)"}
		pause := newStrike(t, env, scenario.Fault{Kind: scenario.KindPause, Args: target}, 1, nil)
		kill := newStrike(t, env, scenario.Fault{Kind: scenario.KindKill, Args: target}, 1, nil)
		for _, s := range []*Strike{pause, kill} {
			for _, step := range []history.Op{stepInject, stepEffect} {
				if err := take(t, s, step); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, s := range []*Strike{pause, kill} {
			if err := take(t, s, stepRecover); err != nil {
				t.Fatal(err)
			}
			seen, err := s.Gone(t.Context())
			if err != nil || strings.Contains(seen, "left to") != (i == 0) {
				t.Errorf("gone as number %d: %q, %v", i+1, seen, err)
			}
		}
	})
}

// testSqueeze leaves a broker little more than it uses at that moment, twice: a
// kernel with cgroup v1 refuses a limit below that.
func testSqueeze(t *testing.T, env *Env) {
	for range 2 {
		now, err := env.Cluster.(cluster.Limiter).CgroupStats(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		s := newStrike(t, env, scenario.Fault{Kind: scenario.KindSqueeze, Args: scenario.FaultArgs{
			Broker: "broker(3)", Memory: int64(now.MemoryUsed) + 5<<20,
		}}, 1, nil)
		for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// load writes to a partition until the test ends: a follower that misses nothing stays in sync.
func load(t *testing.T, env *Env, topic string, part int32) {
	t.Helper()
	cl, err := kgo.NewClient(
		seeds(env), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.DisableIdempotentWrite(), kgo.RecordDeliveryTimeout(time.Second), kgo.MetadataMaxAge(time.Second),
		kgo.MetadataMinAge(100*time.Millisecond),
	)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: part, Value: []byte("v")})
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended; cl.Close() })
}

// testOneListener: when replication is cut, controller traffic is not, and the other way round.
func testOneListener(t *testing.T, env *Env) {
	net := env.Cluster.(cluster.Partitioner)
	for _, tc := range []struct{ cut, whole string }{
		{scenario.OfReplication, scenario.OfControllers}, {scenario.OfControllers, scenario.OfReplication},
	} {
		s := newStrike(
			t,
			env,
			scenario.Fault{
				Kind: scenario.KindPartition,
				Args: scenario.FaultArgs{From: "broker(1)", To: "broker(2)", Listener: tc.cut},
			},
			1,
			nil,
		)
		for _, step := range []history.Op{stepInject, stepEffect} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		if blocked, err := net.Blocked(t.Context(), cluster.Link{From: 1, To: 2, Listener: tc.whole}); blocked || err != nil {
			t.Errorf("with %s cut, %s is blocked: %v, %v", tc.cut, tc.whole, blocked, err)
		}
		for _, step := range []history.Op{stepRecover, stepGone} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// testElections lets the last in-sync replica of a partition die, has another elected that is
// not in sync, and the preferred one when all is well again.
func testElections(t *testing.T, env *Env) {
	do := func(f scenario.Fault, steps ...history.Op) *Strike {
		s := newStrike(t, env, f, 1, nil)
		for _, step := range steps {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %s", f.Kind, s.resolved)
		return s
	}
	all := []history.Op{stepInject, stepEffect, stepRecover, stepGone}
	shrunk := do(
		scenario.Fault{Kind: scenario.KindShrinkISR, Args: scenario.FaultArgs{TP: "few/0"}}, stepInject, stepEffect,
	)
	killed := do(
		scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader(few/0)"}}, stepInject,
		stepEffect,
	)
	do(scenario.Fault{Kind: scenario.KindElect, Args: scenario.FaultArgs{TP: "few/0", Unclean: true}}, all...)
	for _, step := range []history.Op{stepRecover, stepGone} {
		for _, s := range []*Strike{shrunk, killed} { // the kill ends in the middle of the other
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	v, err := look(t.Context(), env.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	preferred := scenario.Fault{Kind: scenario.KindElect, Args: scenario.FaultArgs{TP: "few/0"}}
	if p := v.parts["few"][0]; p.leader == p.replicas[0] { // the unclean leader is the preferred one
		do(
			scenario.Fault{
				Kind: scenario.KindReassign,
				Args: scenario.FaultArgs{TP: "few/0", Replicas: []int32{int32(p.replicas[1]), int32(p.replicas[0])}},
			},
			all...)
	}
	do(preferred, all...)
}

// TestControllerFaultsConformOnDocker strikes the active one of three controllers
// that are no brokers, whose ports nobody outside reaches.
func TestControllerFaultsConformOnDocker(t *testing.T) {
	env := startDocker(t, 1, 3)
	for _, kind := range []scenario.FaultKind{scenario.KindKill, scenario.KindPause} {
		t.Run(string(kind), func(t *testing.T) {
			conform(t, env, scenario.Fault{Kind: kind, Args: scenario.FaultArgs{Broker: "controller"}})
		})
	}
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "controller"}},
		{Kind: scenario.KindStop, Args: scenario.FaultArgs{Broker: "broker(102)"}},
		{Kind: scenario.KindWipe, Args: scenario.FaultArgs{Broker: "broker(103)"}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) { conform(t, env, f) })
	}
}
