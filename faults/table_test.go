package faults

import (
	"context"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

func TestTableAndFaultsAgree(t *testing.T) {
	kinds := scenario.FaultKinds()
	for _, kind := range kinds {
		if makers[kind] == nil {
			t.Errorf("the table has %s, but no file of this package registers it", kind)
		}
	}
	for kind := range makers {
		if !slices.Contains(kinds, kind) {
			t.Errorf("%s is registered, but the table of internal/scenario has no row for it", kind)
		}
	}
}

// TestNeedsAreProbed: a need that docker does not know would refuse its fault everywhere.
func TestNeedsAreProbed(t *testing.T) {
	known := []cluster.Need{"", cluster.PacketFilter, cluster.PacketQueue, cluster.PatchedProcess, cluster.OwnDisk}
	for _, kind := range scenario.FaultKinds() {
		if f := (scenario.Fault{Kind: kind}); !slices.Contains(known, cluster.Need(f.Needs())) {
			t.Errorf("%s needs %q, for which internal/cluster has no probe", kind, f.Needs())
		}
	}
}

// TestWhatIsRefusedOnEmbeddedCannotBeDoneThere shows for each refusal of the table what
// the embedded cluster lacks: an ability, a topic, or that what it accepts is
// done. A fault that could be done and were refused, or the other way about, fails here.
func TestWhatIsRefusedOnEmbeddedCannotBeDoneThere(t *testing.T) {
	env := startEmbedded(t)
	lacks := map[scenario.FaultKind]bool{
		scenario.KindPause:           !has[cluster.Pauser](env),
		scenario.KindWipe:            !has[cluster.Wiper](env),
		scenario.KindPartition:       !has[cluster.Partitioner](env),
		scenario.KindShrinkISR:       !has[cluster.Partitioner](env),
		scenario.KindImpair:          !has[cluster.Impairer](env),
		scenario.KindStarve:          !has[cluster.Limiter](env),
		scenario.KindSqueeze:         !has[cluster.Limiter](env),
		scenario.KindFillDisk:        !has[cluster.Disks](env),
		scenario.KindSlowDisk:        !has[cluster.ProcessPatcher](env),
		scenario.KindFreezeDisk:      !has[cluster.ProcessPatcher](env),
		scenario.KindSkew:            !has[cluster.ProcessPatcher](env),
		scenario.KindElect:           !electsThePreferred(t, env),
		scenario.KindReassign:        !reassigns(t, env),
		scenario.KindMoveCoordinator: lacksTopics(t, env, stateTopics[group], stateTopics[txn]),
	}
	for _, kind := range scenario.FaultKinds() {
		f := scenario.Fault{Kind: kind}
		if refused := f.Refused("embedded") != ""; refused != lacks[kind] {
			t.Errorf("%s: refused on embedded is %v, and that it cannot be done there is %v", kind, refused, lacks[kind])
		}
	}
}

func has[A any](env *Env) bool {
	_, ok := env.Cluster.(A)
	return ok
}

// electsThePreferred asks for an election of the preferred replica while another one
// leads. kfake accepts that, and lets the next broker lead whoever is preferred.
func electsThePreferred(t *testing.T, env *Env) bool {
	t.Helper()
	before := partitionNow(t, env, "orders", 0)
	preferred := before.replicas[0]
	other := preferred%3 + 1
	if err := env.Cluster.(cluster.LeaderMover).MoveLeader(t.Context(), "orders", 0, other); err != nil {
		t.Fatal(err)
	}
	if err := env.elect(t.Context(), "orders", 0, electPreferred); err != nil {
		t.Fatal(err)
	}
	return partitionNow(t, env, "orders", 0).leader == preferred
}

// reassigns asks for other replicas. kfake accepts that and does nothing.
func reassigns(t *testing.T, env *Env) bool {
	t.Helper()
	before := partitionNow(t, env, "orders", 0).replicas
	want := rawIDs(before[1:])
	if err := env.reassign(t.Context(), "orders", 0, want); err != nil {
		t.Fatal(err)
	}
	return slices.Equal(rawIDs(partitionNow(t, env, "orders", 0).replicas), want)
}

func partitionNow(t *testing.T, env *Env, topic string, part int32) partition {
	t.Helper()
	v, err := look(t.Context(), env.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	p, err := v.partition(topic, part)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lacksTopics(t *testing.T, env *Env, topics ...string) bool {
	t.Helper()
	v, err := look(context.Background(), env.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if _, there := v.parts[topic]; there {
			return false
		}
	}
	return true
}
