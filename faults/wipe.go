package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/harness/cluster"
	"github.com/onceproof/onceproof/scenarios"
)

// wipe is a kill after which the disk is another one: the broker starts again with
// its id and nothing else, and copies everything from those that still have it.
type wipe struct {
	kill
	before []int // how often each struck broker's disk had been emptied
}

func newWipe(f scenarios.Fault, env *Env, seed uint64) (Fault, error) {
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

// Gone waits until every struck broker has started on an empty disk, and caught up.
func (w *wipe) Gone(ctx context.Context) (string, error) {
	disk, err := ability[cluster.Wiper](w.env.Cluster, "wipe a broker's disk")
	if err != nil {
		return "", err
	}
	var seen []string
	for i, b := range w.struck {
		if len(w.holds[i].others()) > 0 || w.before == nil {
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
