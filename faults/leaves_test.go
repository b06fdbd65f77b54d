package faults

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/scenarios"
)

func TestWhatAFaultLeavesIsDecidedForEachKind(t *testing.T) {
	for kind := range makers {
		if _, decided := left[kind]; !decided {
			t.Errorf("nobody decided what %s leaves in brokers: give it a line in left", kind)
		}
	}
	for kind := range left {
		if makers[kind] == nil {
			t.Errorf("left has %s, which is no fault", kind)
		}
	}
}

func TestLeaves(t *testing.T) {
	kill := scenarios.Fault{Kind: scenarios.KindKill, Args: scenarios.FaultArgs{Broker: "broker(1)"}}
	crash := scenarios.Fault{Kind: scenarios.KindCrash, Args: scenarios.FaultArgs{Client: "till"}}
	wipe := scenarios.Fault{Kind: scenarios.KindWipe, Args: scenarios.FaultArgs{Broker: "broker(1)"}}
	unclean := map[string]string{"unclean.leader.election.enable": "true"}
	for _, tt := range []struct {
		name   string
		faults []scenarios.Fault
		config map[string]string
		want   string // part of it
	}{
		{"no fault", nil, nil, ""},
		{"a broker that dies and comes back", []scenarios.Fault{kill, crash}, nil, ""},
		{"one of several", []scenarios.Fault{kill, wipe, crash}, nil, "wipe left a disk"},
		{"one of a mix", []scenarios.Fault{{Random: &scenarios.Random{From: []scenarios.Fault{crash, wipe}}}}, nil, "wipe left a disk"},
		{"a kind that is new", []scenarios.Fault{{Kind: "flood"}}, nil, "nobody knows what flood leaves"},
		{"a leader of ours", []scenarios.Fault{{Kind: scenarios.KindMoveLeader, Args: scenarios.FaultArgs{TP: "orders/0"}}}, nil, ""},
		{"a leader of Kafka's", []scenarios.Fault{{Kind: scenarios.KindMoveLeader, Args: scenarios.FaultArgs{TP: "__consumer_offsets/0"}}}, nil, "__consumer_offsets/0, which stays"},
		{"an unclean election", []scenarios.Fault{{Kind: scenarios.KindElect, Args: scenarios.FaultArgs{TP: "orders/0", Unclean: true}}}, nil, "unclean"},
		{"elections that may be unclean", []scenarios.Fault{kill}, unclean, "unclean"},
		{"no election at all", []scenarios.Fault{crash}, unclean, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Leaves(&scenarios.Scenario{Faults: tt.faults, Cluster: scenarios.Cluster{Config: tt.config}})
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("leaves %q, want %q", got, tt.want)
			}
		})
	}
}
