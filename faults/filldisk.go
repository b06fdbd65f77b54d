package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// fill leaves no byte on a broker's disk. Kafka ends a broker whose only log directory
// fails (KIP-112), at its next write: a controller's log has one every half second,
// whatever the load. Recover makes room and starts it again.
type fill struct {
	*brokerStrike
	took    []int64
	effects []*activeEffect[struct{}]
}

var _ = register(scenario.KindFillDisk, newFill)

func newFill(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	s, err := newBrokerStrike(f, env, seed, running, false)
	if err != nil {
		return nil, err
	}
	return &fill{brokerStrike: s}, nil
}

func (f *fill) Inject(ctx context.Context) (string, error) {
	disks, err := ability[cluster.Disks](f.env.Cluster, "fill a broker's disk")
	if err != nil {
		return "", err
	}
	found, resolved, err := f.env.resolve(ctx, f.target, f.seed)
	if err != nil {
		return "", err
	}
	for _, id := range found {
		f.struck = append(f.struck, broker{f.env, id})
		f.effects = append(f.effects, &activeEffect[struct{}]{by: f.by})
	}
	f.took = make([]int64, len(found))
	return resolved, each(f.struck, func(i int, b broker) error {
		return f.env.ledger.fullDisks.add(b.id, f.effects[i], func([]struct{}) (err error) {
			f.took[i], err = disks.Fill(ctx, b.id)
			return err
		})
	})
}

// Effect waits until every struck broker has no room and has ended of it.
func (f *fill) Effect(ctx context.Context) (string, error) {
	disks, err := ability[cluster.Disks](f.env.Cluster, "fill a broker's disk")
	if err != nil {
		return "", err
	}
	seen := make([]string, len(f.struck))
	err = each(f.struck, func(i int, b broker) (err error) {
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) {
			left, err := disks.Space(ctx, b.id)
			if err != nil {
				return "", err
			}
			known, err := b.now()
			switch {
			case err != nil:
				return "", err
			case known.State != cluster.Stopped && left > 0:
				return "", fmt.Errorf("%s has %d bytes left on its disk", b, left)
			case known.State != cluster.Stopped:
				return "", fmt.Errorf("%s has no byte left on its disk, and runs on", b)
			}
			return fmt.Sprintf("%s ended: %d MiB were written to its disk, and %d bytes are left", b, f.took[i]>>20, left), nil
		})
		return err
	})
	return strings.Join(seen, "; "), err
}

// Recover makes room where no other strike wants none, and starts who has ended of it.
func (f *fill) Recover(ctx context.Context) error {
	disks, err := ability[cluster.Disks](f.env.Cluster, "fill a broker's disk")
	if err != nil {
		return err
	}
	return each(f.effects, func(i int, one *activeEffect[struct{}]) error {
		b, alone := f.struck[i], false
		err := f.env.ledger.fullDisks.remove(b.id, one, func(others []struct{}) error {
			if alone = len(others) == 0; alone {
				return disks.Free(ctx, b.id)
			}
			return nil
		})
		if err != nil || !alone {
			return err
		}
		return b.startAgain(ctx)
	})
}

// Gone waits until every struck broker has room and is in sync.
func (f *fill) Gone(ctx context.Context) (string, error) {
	disks, err := ability[cluster.Disks](f.env.Cluster, "fill a broker's disk")
	if err != nil {
		return "", err
	}
	others := func(_ int, b broker) []string {
		return append(f.env.ledger.fullDisks.names(b.id), f.env.ledger.claimantsOf(b)...)
	}
	return sightings(f.struck, others, func(_ int, b broker) (string, error) {
		left, err := disks.Space(ctx, b.id)
		if err != nil {
			return "", err
		}
		if left == 0 {
			return "", errors.New("no room was made")
		}
		text, err := await(ctx, b.isBack)
		return fmt.Sprintf("%s, with %d MiB of room", text, left>>20), err
	})
}

// patience: how soon a broker writes depends on the load; the log of a broker that has
// ended so is checked when it starts.
func (f *fill) patience() (effect, gone time.Duration) { return time.Minute, restartBound }
