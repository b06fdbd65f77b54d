package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// wipe is a kill after which the disk is another one: the broker starts again with
// its id and nothing else, and copies everything from those that still have it.
type wipe struct {
	kill
	before []int // how often each struck broker's disk had been emptied
}

var _ = register(scenario.KindWipe, newWipe)

func newWipe(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	s, err := newBrokerStrike(f, env, seed, down, false)
	if err != nil {
		return nil, err
	}
	return &wipe{kill: kill{s}}, nil
}

// Inject kills, and marks the disks. Nobody starts these brokers meanwhile: we hold
// them down.
func (w *wipe) Inject(ctx context.Context) (string, error) {
	disk, err := ability[cluster.Wiper](w.env.Cluster, "wipe a broker's disk")
	if err != nil {
		return "", err
	}
	resolved, err := w.kill.Inject(ctx)
	if err != nil {
		return "", err
	}
	w.before = make([]int, len(w.struck))
	return resolved, each(w.struck, func(i int, b broker) error {
		w.before[i] = disk.Wiped(b.id)
		return disk.Wipe(ctx, b.id)
	})
}

// Recover lets every struck broker start, once its peers follow another controller.
func (w *wipe) Recover(ctx context.Context) error {
	w.awaitSuccessor(ctx)
	return w.kill.Recover(ctx)
}

// succession is how long a quorum may take to elect the next leader.
const succession = 30 * time.Second

// awaitSuccessor waits until no struck broker is the quorum's leader to its peers. A
// voter that has forgotten its vote and hears that it leads an epoch which it does
// not know ends itself: "inconsistent with current leader". Where nobody is left to
// elect another one there is nothing to wait for, and whether the broker comes back
// is for Gone to see.
func (w *wipe) awaitSuccessor(ctx context.Context) {
	alive := slices.ContainsFunc(
		w.env.Cluster.Brokers(), func(b cluster.Broker) bool { return b.State == cluster.Running },
	)
	if !alive || w.before == nil {
		return
	}
	_, _ = awaitWithin(ctx, succession, func(ctx context.Context) (string, error) {
		q, err := w.env.quorum(ctx)
		if errors.Is(err, errOldBroker) {
			return "", nil
		}
		if err == nil && slices.ContainsFunc(w.struck, func(b broker) bool { return b.id == q.leader }) {
			err = fmt.Errorf("controller %d still leads the quorum in epoch %d", q.leader, q.epoch)
		}
		return "", err
	})
}

// Gone waits until every struck broker has started on an empty disk, and caught up.
func (w *wipe) Gone(ctx context.Context) (string, error) {
	disk, err := ability[cluster.Wiper](w.env.Cluster, "wipe a broker's disk")
	if err != nil {
		return "", err
	}
	var seen []string
	for i, b := range w.struck {
		if len(w.claims[i].others()) > 0 || w.before == nil {
			continue // it starts later
		}
		if _, err := await(ctx, func(context.Context) (string, error) {
			if disk.Wiped(b.id) == w.before[i] {
				return "", errors.New("it has not found its disk empty")
			}
			return "", nil
		}); err != nil {
			return "", fmt.Errorf("%s: %w", b, err)
		}
		seen = append(seen, fmt.Sprintf("%s found its disk empty", b))
	}
	text, err := w.kill.Gone(ctx)
	return strings.Join(append(seen, text), "; "), err
}
