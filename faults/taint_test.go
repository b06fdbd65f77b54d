package faults

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/scenario"
)

func TestLeaves(t *testing.T) {
	kill := scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "broker(1)"}}
	crash := scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till"}}
	wipe := scenario.Fault{Kind: scenario.KindWipe, Args: scenario.FaultArgs{Broker: "broker(1)"}}
	unclean := map[string]string{"unclean.leader.election.enable": "true"}
	for _, tt := range []struct {
		name   string
		faults []scenario.Fault
		config map[string]string
		want   string // part of it
	}{
		{"no fault", nil, nil, ""},
		{"a broker that dies and comes back", []scenario.Fault{kill, crash}, nil, ""},
		{"one of several", []scenario.Fault{kill, wipe, crash}, nil, "wipe left a disk"},
		{"one of a mix", []scenario.Fault{{Random: &scenario.Random{From: []scenario.Fault{crash, wipe}}}}, nil, "wipe left a disk"},
		{"a kind that is new", []scenario.Fault{{Kind: "flood"}}, nil, "nobody knows what flood leaves"},
		{"a leader of ours", []scenario.Fault{{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "orders/0"}}}, nil, ""},
		{"a leader of Kafka's", []scenario.Fault{{Kind: scenario.KindMoveLeader, Args: scenario.FaultArgs{TP: "__consumer_offsets/0"}}}, nil, "__consumer_offsets/0, which stays"},
		{"an unclean election", []scenario.Fault{{Kind: scenario.KindElect, Args: scenario.FaultArgs{TP: "orders/0", Unclean: true}}}, nil, "unclean"},
		{"elections that may be unclean", []scenario.Fault{kill}, unclean, "unclean"},
		{"no election at all", []scenario.Fault{crash}, unclean, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := TaintReason(&scenario.Scenario{Faults: tt.faults, Cluster: scenario.Cluster{Config: tt.config}})
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("leaves %q, want %q", got, tt.want)
			}
		})
	}
}
