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

// limit starves brokers of processor time, or of memory, by their cgroup. It lives as long
// as its broker does: one that is killed meanwhile starts again under it.
//
// A broker whose memory is less than it needs may be killed by the kernel. That is an
// effect too, and Recover starts it again.
type limit struct {
	*brokerStrike
	limits  cluster.Limits
	before  []cluster.CgroupStats
	effects []*activeEffect[cluster.Limits]
}

// smallest is the least memory with which a broker lives for a moment.
const smallest = 64 << 20

var _ = register(scenario.KindStarve, newStarve)

func newStarve(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.CPU <= 0 {
		return nil, errors.New("to what? Want cpu: the share of one processor that is left, as in 5%")
	}
	return newLimit(f, env, seed, cluster.Limits{CPU: f.Args.CPU})
}

var _ = register(scenario.KindSqueeze, newSqueeze)

func newSqueeze(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Memory < smallest {
		return nil, errors.New("to what? Want memory: what is left, at least 64MiB; a broker at rest takes about 300MiB")
	}
	return newLimit(f, env, seed, cluster.Limits{Memory: f.Args.Memory})
}

func newLimit(f scenario.Fault, env *Env, seed uint64, l cluster.Limits) (fault, error) {
	s, err := newBrokerStrike(f, env, seed, running, false)
	if err != nil {
		return nil, err
	}
	return &limit{brokerStrike: s, limits: l}, nil
}

func (l *limit) Inject(ctx context.Context) (string, error) {
	c, err := ability[cluster.Limiter](l.env.Cluster, "limit what brokers use")
	if err != nil {
		return "", err
	}
	found, resolved, err := l.env.resolve(ctx, l.target, l.seed)
	if err != nil {
		return "", err
	}
	for _, id := range found {
		before, err := c.CgroupStats(ctx, id)
		if err != nil {
			return "", err
		}
		b := broker{l.env, id}
		l.struck, l.before = append(l.struck, b), append(l.before, before)
		one := &activeEffect[cluster.Limits]{value: l.limits, by: l.by}
		l.effects = append(l.effects, one)
		if err := l.env.ledger.limits.add(id, one, l.apply(ctx, c, id)); err != nil {
			return "", err
		}
	}
	return resolved, nil
}

// apply limits a broker to the least of what its limits leave it.
func (l *limit) apply(ctx context.Context, c cluster.Limiter, id cluster.BrokerID) func([]cluster.Limits) error {
	return func(all []cluster.Limits) error { return c.Limit(ctx, id, least(all)) }
}

func least(all []cluster.Limits) cluster.Limits {
	var out cluster.Limits
	for _, l := range all {
		if l.CPU > 0 && (out.CPU == 0 || l.CPU < out.CPU) {
			out.CPU = l.CPU
		}
		if l.Memory > 0 && (out.Memory == 0 || l.Memory < out.Memory) {
			out.Memory = l.Memory
		}
	}
	return out
}

// Effect waits until every struck broker has run into its limit.
func (l *limit) Effect(ctx context.Context) (string, error) {
	c, err := ability[cluster.Limiter](l.env.Cluster, "limit what brokers use")
	if err != nil {
		return "", err
	}
	var seen []string
	for i, b := range l.struck {
		text, err := await(ctx, func(ctx context.Context) (string, error) {
			now, err := c.CgroupStats(ctx, b.id)
			if err != nil {
				return "", err
			}
			return l.strained(b, l.before[i], now)
		})
		if err != nil {
			return "", err
		}
		seen = append(seen, text)
	}
	return strings.Join(seen, "; "), nil
}

func (l *limit) strained(b broker, before, now cluster.CgroupStats) (string, error) {
	if l.limits.CPU > 0 {
		if now.Throttled <= before.Throttled {
			return "", fmt.Errorf("%s has not been kept from running", b)
		}
		return fmt.Sprintf("the kernel kept %s from running in %d periods", b, now.Throttled-before.Throttled), nil
	}
	if known, err := b.now(); err == nil && known.State == cluster.Stopped {
		return fmt.Sprintf("%s ended: it had less memory than it needs", b), nil
	}
	text := fmt.Sprintf(
		"%s uses %d of %d MiB and hit the limit %d times", b, now.MemoryUsed>>20, now.MemoryLimit>>20,
		now.Refusals-min(now.Refusals, before.Refusals),
	)
	if now.MemoryLimit > uint64(l.limits.Memory) ||
		now.Refusals <= before.Refusals && now.MemoryUsed < now.MemoryLimit/10*9 {
		return "", errors.New(text)
	}
	return text, nil
}

// Recover lifts the limits, and starts whom the kernel has killed.
func (l *limit) Recover(ctx context.Context) error {
	c, err := ability[cluster.Limiter](l.env.Cluster, "limit what brokers use")
	if err != nil {
		return err
	}
	return each(l.effects, func(i int, one *activeEffect[cluster.Limits]) error {
		b := l.struck[i]
		if err := l.env.ledger.limits.remove(b.id, one, l.apply(ctx, c, b.id)); err != nil {
			return err
		}
		return b.startAgain(ctx)
	})
}

// Gone waits until no struck broker runs into a limit any more, and all are in sync.
func (l *limit) Gone(ctx context.Context) (string, error) {
	c, err := ability[cluster.Limiter](l.env.Cluster, "limit what brokers use")
	if err != nil {
		return "", err
	}
	others := func(_ int, b broker) []string {
		return append(l.env.ledger.limits.names(b.id), l.env.ledger.claimantsOf(b)...)
	}
	return sightings(l.struck, others, func(_ int, b broker) (string, error) {
		text, err := await(ctx, b.isBack)
		if err != nil {
			return "", err
		}
		first, err := c.CgroupStats(ctx, b.id)
		if err != nil {
			return "", err
		}
		_, err = await(ctx, func(ctx context.Context) (string, error) {
			again, err := c.CgroupStats(ctx, b.id)
			switch {
			case err != nil:
				return "", err
			case again.Throttled > first.Throttled:
				first = again
				return "", fmt.Errorf("%s is still kept from running", b)
			case l.limits.Memory > 0 && again.MemoryLimit <= uint64(l.limits.Memory):
				return "", fmt.Errorf("%s still has no more than %d MiB", b, again.MemoryLimit>>20)
			}
			return "", nil
		})
		return text, err
	})
}

func (l *limit) patience() (effect, gone time.Duration) { return 30 * time.Second, restartBound }
