package faults

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

func TestCheckSupportNamesThePlaceAndTheWayOut(t *testing.T) {
	env := startEmbedded(t)
	s := &scenario.Scenario{
		File:    "x.yaml",
		Cluster: scenario.Cluster{Brokers: 3, Topics: []scenario.Topic{{Name: "orders", Partitions: 2, Replicas: 3}}},
		Clients: []scenario.Client{{Name: "shop", Count: 1}, {Name: "till", Count: 2}},
	}
	second := span(time.Second, time.Second)
	for _, tc := range []struct {
		name  string
		fault scenario.Fault
		is    error
		text  string // "" = fine
	}{
		{"kill a leader", scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader(orders/1)"}}, nil, ""},
		{"pause a client", scenario.Fault{Kind: scenario.KindPause, Args: scenario.FaultArgs{Client: "till"}}, nil, ""},
		{"drop", scenario.Fault{Kind: scenario.KindDrop, When: produceNth(1, "response")}, nil, ""},
		{"pause a broker", scenario.Fault{Kind: scenario.KindPause, Args: scenario.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend docker"},
		{"partition", scenario.Fault{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "any"}}, cluster.ErrUnsupported, "backend docker"},
		{"unknown kind", scenario.Fault{Kind: "kil"}, nil, "no fault is called"},
		{"no target", scenario.Fault{Kind: scenario.KindKill}, nil, "whom?"},
		{"bad target", scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader"}}, nil, "write leader(topic/0)"},
		{"no such broker", scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "broker(4)"}}, errNoTarget, "brokers: 1, 2, 3"},
		{"no such topic", scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "leader(order/0)"}}, errNoTarget, "topics: orders"},
		{"no such partition", scenario.Fault{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/2"}}, errNoTarget, "partitions 0 to 1"},
		{"no such client", scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "tlil"}}, errNoTarget, "clients: shop/0, till/0, till/1"},
		{"no such instance", scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till/2"}}, errNoTarget, "clients: shop/0, till/0, till/1"},
		{"error without a code", scenario.Fault{Kind: scenario.KindError, When: produceNth(1, "")}, nil, "NOT_LEADER_OR_FOLLOWER"},
		{"unknown request", scenario.Fault{Kind: scenario.KindDrop, When: scenario.Trigger{On: &scenario.Match{Request: "Prodce"}}}, nil, "Produce"},
		{"hold a response", scenario.Fault{Kind: scenario.KindHold, When: produceNth(1, "response"), Args: scenario.FaultArgs{Delay: second}}, nil, "only requests"},
		{"drop without on", scenario.Fault{Kind: scenario.KindDrop}, nil, "on: {request"},
		{"delay without by", scenario.Fault{Kind: scenario.KindDelay, Args: scenario.FaultArgs{Client: "till"}}, nil, "want by"},
		{"cut nobody", scenario.Fault{Kind: scenario.KindCut}, nil, "whose links?"},
		{"trigger on nobody", scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till"}, When: scenario.Trigger{On: &scenario.Match{Request: "Produce", Client: "shp"}}}, errNoTarget, "on: client"},
		{"throttle to nothing", scenario.Fault{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till"}}, nil, "64KiB/s"},
		{"throttle nobody could see", scenario.Fault{Kind: scenario.KindThrottle, Args: scenario.FaultArgs{Client: "till", Rate: 1 << 30}}, nil, "more than 4MiB/s"},
		{"fence nobody", scenario.Fault{Kind: scenario.KindFence}, nil, "want transactional.id"},
		{"evict from nowhere", scenario.Fault{Kind: scenario.KindEvict}, nil, "want group"},
		{"coordinator of nothing", scenario.Fault{Kind: scenario.KindMoveCoordinator}, nil, "want group"},
		{"coordinator on embedded", scenario.Fault{Kind: scenario.KindMoveCoordinator, Args: scenario.FaultArgs{Group: "till"}}, cluster.ErrUnsupported, "backend docker"},
		{"starve on embedded", scenario.Fault{Kind: scenario.KindStarve, Args: scenario.FaultArgs{Broker: "any", CPU: 0.1}}, cluster.ErrUnsupported, "backend docker"},
		{"skew by nothing", scenario.Fault{Kind: scenario.KindSkew, Args: scenario.FaultArgs{Broker: "any"}}, nil, "want ahead: or behind:"},
		{"skew by too little", scenario.Fault{Kind: scenario.KindSkew, Args: scenario.FaultArgs{Broker: "any", Behind: time.Second}}, nil, "10s at least"},
		{"skew on embedded", scenario.Fault{Kind: scenario.KindSkew, Args: scenario.FaultArgs{Broker: "any", Ahead: time.Hour}}, cluster.ErrUnsupported, "backend docker"},
		{"fill a disk on embedded", scenario.Fault{Kind: scenario.KindFillDisk, Args: scenario.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend docker"},
		{"slow disk by nothing", scenario.Fault{Kind: scenario.KindSlowDisk, Args: scenario.FaultArgs{Broker: "any"}}, nil, "from 10ms"},
		{"freeze a disk on embedded", scenario.Fault{Kind: scenario.KindFreezeDisk, Args: scenario.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend docker"},
		{"impair by nothing", scenario.Fault{Kind: scenario.KindImpair, Args: scenario.FaultArgs{Isolate: "any"}}, nil, "want by: a delay"},
		{"impair by too little", scenario.Fault{Kind: scenario.KindImpair, Args: scenario.FaultArgs{Isolate: "any", Delay: span(time.Millisecond, time.Millisecond)}}, nil, "at least 20ms"},
		{"impair on embedded", scenario.Fault{Kind: scenario.KindImpair, Args: scenario.FaultArgs{Isolate: "any", Loss: 0.1}}, cluster.ErrUnsupported, "backend docker"},
		{"starve to nothing", scenario.Fault{Kind: scenario.KindStarve, Args: scenario.FaultArgs{Broker: "any"}}, nil, "want cpu"},
		{"squeeze to nothing", scenario.Fault{Kind: scenario.KindSqueeze, Args: scenario.FaultArgs{Broker: "any", Memory: 1 << 20}}, nil, "at least 64MiB"},
		{"wipe on embedded", scenario.Fault{Kind: scenario.KindWipe, Args: scenario.FaultArgs{Broker: "any"}}, cluster.ErrUnsupported, "backend docker"},
		{"shrink on embedded", scenario.Fault{Kind: scenario.KindShrinkISR, Args: scenario.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "backend docker"},
		{"elect on embedded", scenario.Fault{Kind: scenario.KindElect, Args: scenario.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "backend docker"},
		{"reassign on embedded", scenario.Fault{Kind: scenario.KindReassign, Args: scenario.FaultArgs{TP: "orders/0"}}, cluster.ErrUnsupported, "backend docker"},
		{"expire nobody", scenario.Fault{Kind: scenario.KindExpire}, nil, "want transactional.id"},
		{"delete nobody's offsets", scenario.Fault{Kind: scenario.KindDeleteOffsets}, nil, "want group"},
		{"split of one", scenario.Fault{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Split: [][]int32{{1, 2}}}}, nil, "two groups"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.fault.Pos = scenario.Pos{Line: 12, Col: 5}
			s.Faults = []scenario.Fault{tc.fault}
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
			if !strings.HasPrefix(err.Error(), "x.yaml:12:5: ") ||
				!strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tc.text)) {
				t.Errorf("error %q, want one at x.yaml:12:5 with %q", err, tc.text)
			}
		})
	}
}
