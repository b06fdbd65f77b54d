package faults

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// fakeCluster is a cluster of four brokers that can be blocked and limited, and that remembers
// what holds now.
type fakeCluster struct {
	parted
	limits map[cluster.BrokerID]cluster.Limits
}

func (s *fakeCluster) Limit(_ context.Context, id cluster.BrokerID, l cluster.Limits) error {
	s.limits[id] = l
	return nil
}

func (s *fakeCluster) CgroupStats(_ context.Context, id cluster.BrokerID) (cluster.CgroupStats, error) {
	return cluster.CgroupStats{}, nil
}

// TestOverlappingFaultsHealInAnyOrder injects partitions and limits in any order, heals them in
// any order, and compares what holds with the union of those that are under way. After the
// last, everything is exactly as it was.
func TestOverlappingFaultsHealInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &fakeCluster{parted: *newParted(), limits: map[cluster.BrokerID]cluster.Limits{}}
		env := &Env{Cluster: s, Now: clock()}
		ctx := context.Background()
		type open struct {
			fault fault
			args  scenario.FaultArgs
			kind  scenario.FaultKind
		}
		var under []open
		check := func() {
			t.Helper()
			want, limits := map[cluster.Link]bool{}, map[cluster.BrokerID]cluster.Limits{}
			for _, o := range under {
				if o.kind == scenario.KindPartition {
					for _, l := range o.fault.(*brokerPartition).links {
						want[l] = true
					}
					continue
				}
				var id cluster.BrokerID
				fmt.Sscanf(string(o.args.Broker), "broker(%d)", &id)
				l := limits[id]
				if cpu := o.args.CPU; cpu > 0 && (l.CPU == 0 || cpu < l.CPU) {
					l.CPU = cpu
				}
				if m := o.args.Memory; m > 0 && (l.Memory == 0 || m < l.Memory) {
					l.Memory = m
				}
				limits[id] = l
			}
			for _, l := range s.blocked {
				if !want[l] {
					t.Fatalf("%v is blocked, and nobody under way wants it", l)
				}
			}
			if len(s.blocked) != len(want) {
				t.Fatalf("%d links are blocked, want %d", len(s.blocked), len(want))
			}
			for id, got := range s.limits {
				if got != limits[id] {
					t.Fatalf("broker %d has the limits %+v, want %+v", id, got, limits[id])
				}
			}
		}
		heal := func(i int) {
			for range rapid.IntRange(1, 2).Draw(t, "times") { // twice does no more than once
				if err := under[i].fault.Recover(ctx); err != nil {
					t.Fatal(err)
				}
			}
			under = slices.Delete(under, i, i+1)
			check()
		}
		target := func() scenario.Target {
			return scenario.Target(fmt.Sprintf("broker(%d)", rapid.IntRange(1, 4).Draw(t, "broker")))
		}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			if len(under) > 0 && rapid.IntRange(0, 2).Draw(t, "heal") == 0 {
				heal(rapid.IntRange(0, len(under)-1).Draw(t, "which"))
				continue
			}
			o := open{kind: scenario.KindPartition}
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				o.args = scenario.FaultArgs{
					Isolate:  target(),
					Listener: rapid.SampledFrom([]string{"", scenario.OfReplication, scenario.OfControllers}).Draw(t, "listener"),
				}
			case 1:
				o.args = scenario.FaultArgs{
					Split: rapid.SampledFrom([][][]int32{{{1}, {2, 3, 4}}, {{1, 2}, {3, 4}}, {{1, 2, 3}, {3, 4}}}).Draw(t, "split"),
				}
			case 2:
				o.args = scenario.FaultArgs{
					From: "broker(1)",
					To:   rapid.SampledFrom([]scenario.Target{"broker(2)", "all"}).Draw(t, "to"),
				}
			case 3:
				o.kind, o.args = scenario.KindStarve, scenario.FaultArgs{
					Broker: target(),
					CPU:    rapid.SampledFrom([]float64{0.05, 0.5}).Draw(t, "cpu"),
				}
			case 4:
				o.kind, o.args = scenario.KindSqueeze, scenario.FaultArgs{
					Broker: target(),
					Memory: rapid.SampledFrom([]int64{64 << 20, 256 << 20}).Draw(t, "memory"),
				}
			}
			fault, err := makeFault(scenario.Fault{Kind: o.kind, Args: o.args}, env, rapid.Uint64().Draw(t, "seed"))
			if err != nil {
				t.Fatal(err)
			}
			o.fault = fault
			if _, err := fault.Inject(ctx); err != nil {
				t.Fatal(err)
			}
			under = append(under, o)
			check()
		}
		for len(under) > 0 {
			heal(rapid.IntRange(0, len(under)-1).Draw(t, "last"))
		}
	})
}
