package faults

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/scenarios"
)

func TestCheckSupportNamesThePlaceAndTheWayOut(t *testing.T) {
	env := startEmbedded(t)
	s := &scenarios.Scenario{
		File:    "x.yaml",
		Cluster: scenarios.Cluster{Brokers: 3, Topics: []scenarios.Topic{{Name: "orders", Partitions: 2, Replicas: 3}}},
		Clients: []scenarios.Client{{Name: "shop", Count: 1}, {Name: "till", Count: 2}},
	}
	second := span(time.Second, time.Second)
	for _, tc := range []struct {
		name  string
		fault scenarios.Fault
		is    error
		text  string // "" = fine
	}{
		{"kill a leader", scenarios.Fault{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "leader(orders/1)"}}, nil, ""},
		{"pause a client", scenarios.Fault{Kind: scenarios.KindPause, Args: scenarios.FaultArgs{Client: "till"}}, nil, ""},
		{"drop", scenarios.Fault{Kind: scenarios.KindDrop, When: produceNth(1, "response")}, nil, ""},
		{"pause a broker", scenarios.Fault{Kind: scenarios.KindPause, Args: scenarios.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend: docker"},
		{"partition", scenarios.Fault{Kind: scenarios.KindPartition, Args: scenarios.FaultArgs{Isolate: "any"}}, cluster.ErrUnsupported, "backend: docker"},
		{"unknown kind", scenarios.Fault{Kind: "kil"}, nil, "no fault is called"},
		{"no target", scenarios.Fault{Kind: scenarios.KindKill}, nil, "whom?"},
		{"bad target", scenarios.Fault{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "leader"}}, nil, "write leader(topic/0)"},
		{"no such broker", scenarios.Fault{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "broker(4)"}}, ErrNoTarget, "brokers: 1, 2, 3"},
		{"no such topic", scenarios.Fault{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "leader(order/0)"}}, ErrNoTarget, "topics: orders"},
		{"no such partition", scenarios.Fault{Kind: scenarios.KindMoveLeader, Args: scenarios.FaultArgs{TP: "orders/2"}}, ErrNoTarget, "partitions 0 to 1"},
		{"no such client", scenarios.Fault{Kind: scenarios.KindCrash, Args: scenarios.FaultArgs{Client: "tlil"}}, ErrNoTarget, "clients: shop/0, till/0, till/1"},
		{"no such instance", scenarios.Fault{Kind: scenarios.KindCrash, Args: scenarios.FaultArgs{Client: "till/2"}}, ErrNoTarget, "clients: shop/0, till/0, till/1"},
		{"error without a code", scenarios.Fault{Kind: scenarios.KindError, When: produceNth(1, "")}, nil, "NOT_LEADER_OR_FOLLOWER"},
		{"unknown request", scenarios.Fault{Kind: scenarios.KindDrop, When: scenarios.Trigger{On: &scenarios.Match{Request: "Prodce"}}}, nil, "Produce"},
		{"hold a response", scenarios.Fault{Kind: scenarios.KindHold, When: produceNth(1, "response"), Args: scenarios.FaultArgs{Delay: second}}, nil, "only requests"},
		{"drop without on", scenarios.Fault{Kind: scenarios.KindDrop}, nil, "on: {request"},
		{"delay without by", scenarios.Fault{Kind: scenarios.KindDelay, Args: scenarios.FaultArgs{Client: "till"}}, nil, "want by"},
		{"cut nobody", scenarios.Fault{Kind: scenarios.KindCut}, nil, "whose links?"},
		{"trigger on nobody", scenarios.Fault{Kind: scenarios.KindCrash, Args: scenarios.FaultArgs{Client: "till"}, When: scenarios.Trigger{On: &scenarios.Match{Request: "Produce", Client: "shp"}}}, ErrNoTarget, "on: client"},
		{"throttle to nothing", scenarios.Fault{Kind: scenarios.KindThrottle, Args: scenarios.FaultArgs{Client: "till"}}, nil, "64KiB/s"},
		{"throttle nobody could see", scenarios.Fault{Kind: scenarios.KindThrottle, Args: scenarios.FaultArgs{Client: "till", Rate: 1 << 30}}, nil, "more than 4MiB/s"},
		{"fence nobody", scenarios.Fault{Kind: scenarios.KindFence}, nil, "want transactional.id"},
		{"evict from nowhere", scenarios.Fault{Kind: scenarios.KindEvict}, nil, "want group"},
		{"coordinator of nothing", scenarios.Fault{Kind: scenarios.KindMoveCoordinator}, nil, "want group"},
		{"coordinator on embedded", scenarios.Fault{Kind: scenarios.KindMoveCoordinator, Args: scenarios.FaultArgs{Group: "till"}}, cluster.ErrUnsupported, "backend: docker"},
		{"starve on embedded", scenarios.Fault{Kind: scenarios.KindStarve, Args: scenarios.FaultArgs{Broker: "any", CPU: 0.1}}, cluster.ErrUnsupported, "backend: docker"},
		{"skew by nothing", scenarios.Fault{Kind: scenarios.KindSkew, Args: scenarios.FaultArgs{Broker: "any"}}, nil, "want ahead: or behind:"},
		{"skew by too little", scenarios.Fault{Kind: scenarios.KindSkew, Args: scenarios.FaultArgs{Broker: "any", Behind: time.Second}}, nil, "10s at least"},
		{"skew on embedded", scenarios.Fault{Kind: scenarios.KindSkew, Args: scenarios.FaultArgs{Broker: "any", Ahead: time.Hour}}, cluster.ErrUnsupported, "backend: docker"},
		{"fill a disk on embedded", scenarios.Fault{Kind: scenarios.KindFillDisk, Args: scenarios.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend: docker"},
		{"slow disk by nothing", scenarios.Fault{Kind: scenarios.KindSlowDisk, Args: scenarios.FaultArgs{Broker: "any"}}, nil, "from 10ms"},
		{"freeze a disk on embedded", scenarios.Fault{Kind: scenarios.KindFreezeDisk, Args: scenarios.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend: docker"},
		{"impair by nothing", scenarios.Fault{Kind: scenarios.KindImpair, Args: scenarios.FaultArgs{Isolate: "any"}}, nil, "want by: a delay"},
		{"impair by too little", scenarios.Fault{Kind: scenarios.KindImpair, Args: scenarios.FaultArgs{Isolate: "any", Delay: span(time.Millisecond, time.Millisecond)}}, nil, "at least 20ms"},
		{"impair on embedded", scenarios.Fault{Kind: scenarios.KindImpair, Args: scenarios.FaultArgs{Isolate: "any", Loss: 0.1}}, cluster.ErrUnsupported, "backend: docker"},
		{"starve to nothing", scenarios.Fault{Kind: scenarios.KindStarve, Args: scenarios.FaultArgs{Broker: "any"}}, nil, "want cpu"},
		{"squeeze to nothing", scenarios.Fault{Kind: scenarios.KindSqueeze, Args: scenarios.FaultArgs{Broker: "any", Memory: 1 << 20}}, nil, "at least 64MiB"},
		{"wipe on embedded", scenarios.Fault{Kind: scenarios.KindWipe, Args: scenarios.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend: docker"},
		{"shrink on embedded", scenarios.Fault{Kind: scenarios.KindShrinkISR, Args: scenarios.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "backend: docker"},
		{"elect on embedded", scenarios.Fault{Kind: scenarios.KindElect, Args: scenarios.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "move-leader"},
		{"reassign on embedded", scenarios.Fault{Kind: scenarios.KindReassign, Args: scenarios.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "backend: docker"},
		{"expire nobody", scenarios.Fault{Kind: scenarios.KindExpire}, nil, "want transactional.id"},
		{"delete nobody's offsets", scenarios.Fault{Kind: scenarios.KindDeleteOffsets}, nil, "want group"},
		{"split of one", scenarios.Fault{Kind: scenarios.KindPartition, Args: scenarios.FaultArgs{Split: [][]int32{{1, 2}}}}, nil, "two groups"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.fault.Pos = scenarios.Pos{Line: 12, Col: 5}
			s.Faults = []scenarios.Fault{tc.fault}
			err := CheckSupport(s, env.Cluster)
			if tc.text == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error %v does not wrap %v", err, tc.is)
			}
			if !strings.HasPrefix(err.Error(), "x.yaml:12:5: ") || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tc.text)) {
				t.Errorf("error %q, want one at x.yaml:12:5 with %q", err, tc.text)
			}
		})
	}
}
