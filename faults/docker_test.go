package faults

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/harness/cluster"
	"github.com/onceproof/onceproof/scenarios"
)

// startDocker starts real brokers, and controllers of their own if there are any. It skips where there is no engine or no
// image, and fails instead if ONCEPROOF_REQUIRE_DOCKER=1.
func startDocker(t *testing.T, brokers, controllers int) *Env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, _, err := cluster.Start(ctx, cluster.Spec{
		Name: t.Name(), Backend: "docker", Brokers: brokers, Controllers: controllers, LogDir: t.TempDir(),
		Topics: []cluster.Topic{
			{Name: "orders", Partitions: 2, Replicas: int16(brokers)},
			{Name: "receipts", Partitions: 2, Replicas: int16(brokers)},
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

func TestBrokerFaultsConformOnDocker(t *testing.T) {
	env := startDocker(t, 3, 0)
	second := span(time.Second, time.Second)
	for _, f := range []scenarios.Fault{
		{Kind: scenarios.KindPause, Args: scenarios.FaultArgs{Broker: "follower(orders/0)"}},
		{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "leader(orders/0)"}},
		{Kind: scenarios.KindMoveLeader, Args: scenarios.FaultArgs{TP: "orders/0"}},
		{Kind: scenarios.KindMoveLeader, Args: scenarios.FaultArgs{TP: "orders/1"}, For: second},
		{Kind: scenarios.KindStop, Args: scenarios.FaultArgs{Broker: "controller"}},
		{Kind: scenarios.KindPartition, Args: scenarios.FaultArgs{Isolate: "leader(orders/0)"}},
		{Kind: scenarios.KindPartition, Args: scenarios.FaultArgs{Split: [][]int32{{1, 2}, {2, 3}}}},
		{Kind: scenarios.KindPartition, Args: scenarios.FaultArgs{From: "broker(1)", To: "broker(2)"}},
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
	t.Run("fence", func(t *testing.T) { testFence(t, env) })
	t.Run("evict", func(t *testing.T) { testEvict(t, env) })
	for _, f := range []scenarios.Fault{ // of the group and the id that the two left behind
		{Kind: scenarios.KindMoveCoordinator, Args: scenarios.FaultArgs{Group: "till"}, For: second},
		{Kind: scenarios.KindMoveCoordinator, Args: scenarios.FaultArgs{TxnID: "shop-0"}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) { conform(t, env, f) })
	}
	t.Run("kill during pause", func(t *testing.T) {
		target := scenarios.FaultArgs{Broker: "broker(3)"}
		pause := newStrike(t, env, scenarios.Fault{Kind: scenarios.KindPause, Args: target}, 1, nil)
		kill := newStrike(t, env, scenarios.Fault{Kind: scenarios.KindKill, Args: target}, 1, nil)
		for _, s := range []*Strike{pause, kill} {
			for _, step := range []Step{StepInject, StepEffect} {
				if err := take(t, s, step); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, s := range []*Strike{pause, kill} {
			if err := take(t, s, StepRecover); err != nil {
				t.Fatal(err)
			}
			seen, err := s.Gone(t.Context())
			if err != nil || strings.Contains(seen, "left to") != (i == 0) {
				t.Errorf("gone as number %d: %q, %v", i+1, seen, err)
			}
		}
	})
}

// TestControllerFaultsConformOnDocker strikes the active one of three controllers
// that are no brokers, whose ports nobody outside reaches.
func TestControllerFaultsConformOnDocker(t *testing.T) {
	env := startDocker(t, 1, 3)
	for _, kind := range []scenarios.FaultKind{scenarios.KindKill, scenarios.KindPause} {
		t.Run(string(kind), func(t *testing.T) {
			conform(t, env, scenarios.Fault{Kind: kind, Args: scenarios.FaultArgs{Broker: "controller"}})
		})
	}
}
