package faults

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// parted is a cluster of four brokers on a switchboard.
type parted struct {
	switchboard
	brokers []cluster.Broker
}

func newParted() *parted {
	p := &parted{}
	for id := range cluster.BrokerID(4) {
		p.brokers = append(p.brokers, cluster.Broker{ID: id + 1, Addr: "127.0.0.1:1", State: cluster.Running})
	}
	return p
}

func (p *parted) Backend() string           { return "switchboard" }
func (p *parted) Brokers() []cluster.Broker { return slices.Clone(p.brokers) }
func (p *parted) Close() error              { return nil }

func links(pairs ...[2]cluster.BrokerID) []cluster.Link {
	var all []cluster.Link
	for _, p := range pairs {
		all = append(all, cluster.Link{From: p[0], To: p[1]})
	}
	return all
}

func TestPartitionsBlockTheirLinks(t *testing.T) {
	for _, tc := range []struct {
		name string
		args scenario.FaultArgs
		want []cluster.Link
		text string
	}{
		{"isolate", scenario.FaultArgs{Isolate: "broker(2)", From: "brokers"},
			links([2]cluster.BrokerID{1, 2}, [2]cluster.BrokerID{2, 1}, [2]cluster.BrokerID{2, 3}, [2]cluster.BrokerID{2, 4}, [2]cluster.BrokerID{3, 2}, [2]cluster.BrokerID{4, 2}),
			"broker 2 from brokers 1, 3, 4"},
		{"split, one broker in no group", scenario.FaultArgs{Split: [][]int32{{1}, {2, 3}}},
			links([2]cluster.BrokerID{1, 2}, [2]cluster.BrokerID{1, 3}, [2]cluster.BrokerID{2, 1}, [2]cluster.BrokerID{3, 1}),
			"broker 1 | brokers 2, 3"},
		{"bridge", scenario.FaultArgs{Split: [][]int32{{1, 2}, {2, 3}}},
			links([2]cluster.BrokerID{1, 3}, [2]cluster.BrokerID{3, 1}),
			"brokers 1, 2 | brokers 2, 3"},
		{"one listener", scenario.FaultArgs{From: "broker(1)", To: "broker(2)", Listener: scenario.OfReplication},
			[]cluster.Link{{From: 1, To: 2, Listener: scenario.OfReplication}},
			"packets from broker 1 to broker 2, replication traffic only"},
		{"one way", scenario.FaultArgs{From: "broker(1)", To: "all"},
			links([2]cluster.BrokerID{1, 2}, [2]cluster.BrokerID{1, 3}, [2]cluster.BrokerID{1, 4}),
			"packets from broker 1 to brokers 1, 2, 3, 4 (all)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newParted()
			env := &Env{Cluster: c, Now: clock()}
			f := scenario.Fault{Kind: scenario.KindPartition, Args: tc.args}
			s := newStrike(t, env, f, 1, nil)
			resolved, err := s.Inject(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if resolved != tc.text {
				t.Errorf("resolved %q, want %q", resolved, tc.text)
			}
			if diff := cmp.Diff(tc.want, c.blocked); diff != "" {
				t.Errorf("blocked links (-want +got):\n%s", diff)
			}
			if err := s.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(c.blocked) != 0 {
				t.Errorf("blocked after recover: %v", c.blocked)
			}
			conform(t, env, f)
		})
	}
}

func TestPartitionThatBlocksNothingIsUnseen(t *testing.T) {
	c := &deafSwitchboard{*newParted()}
	s := newStrike(
		t, &Env{Cluster: c, Now: clock()},
		scenario.Fault{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "broker(1)"}}, 1, nil,
	)
	s.opt.Proof = pollGap
	if err := take(t, s, stepInject); err != nil {
		t.Fatal(err)
	}
	err := take(t, s, stepEffect)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "is reachable from broker") {
		t.Errorf("error %v, want one that says which broker is still reachable", err)
	}
}

// deafSwitchboard takes orders and does nothing.
type deafSwitchboard struct{ parted }

func (*deafSwitchboard) Block(context.Context, []cluster.Link) error { return nil }

func TestOverlappingPartitionsHealInAnyOrder(t *testing.T) {
	c := newParted()
	env := &Env{Cluster: c, Now: clock()}
	isolate := newStrike(
		t, env, scenario.Fault{Kind: scenario.KindPartition, Args: scenario.FaultArgs{Isolate: "broker(1)"}}, 1,
		nil,
	)
	oneWay := newStrike(
		t, env,
		scenario.Fault{Kind: scenario.KindPartition, Args: scenario.FaultArgs{From: "broker(1)", To: "broker(2)"}},
		1, nil,
	)
	for _, s := range []*Strike{isolate, oneWay} {
		for _, step := range []history.Op{stepInject, stepEffect} {
			if err := take(t, s, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := isolate.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(links([2]cluster.BrokerID{1, 2}), c.blocked); diff != "" {
		t.Errorf("blocked while the one-way partition lasts (-want +got):\n%s", diff)
	}
	if seen, err := isolate.Gone(t.Context()); err != nil || !strings.Contains(seen, "left to another partition") {
		t.Errorf("gone of the first: %q, %v", seen, err)
	}
	if err := take(t, oneWay, stepRecover); err != nil {
		t.Fatal(err)
	}
	if len(c.blocked) != 0 {
		t.Errorf("blocked after both: %v", c.blocked)
	}
}
