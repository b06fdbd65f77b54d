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

// processPatch patches a broker's process so that its clock or its writes are off by an
// amount of time. Clock offsets add up; of disk delays the longest counts. A broker that
// starts again has no patch.
type processPatch struct {
	*brokerStrike
	kind    patchKind
	amount  time.Duration
	probes  []probe
	effects []*activeEffect[time.Duration]
}

// patchKind is in what the patches differ.
type patchKind struct {
	what      string // what the backend must be able to do
	effectsOf func(*ledger) *activeEffects[cluster.BrokerID, time.Duration]
	total     func([]time.Duration) time.Duration
	apply     func(context.Context, cluster.ProcessPatcher, cluster.BrokerID, time.Duration) error
	// seen proves that the broker is off by total; with total 0, that it is no longer
	// off by amount.
	seen func(ctx context.Context, p probe, total, amount time.Duration) (string, error)
	// needsRestart says whether removing amount is not enough: only a process that starts
	// anew is as before.
	needsRestart func(amount time.Duration) bool
}

func newProcessPatch(f scenario.Fault, env *Env, seed uint64, kind patchKind, amount time.Duration) (fault, error) {
	s, err := newBrokerStrike(f, env, seed, running, false)
	if err != nil {
		return nil, err
	}
	return &processPatch{brokerStrike: s, kind: kind, amount: amount}, nil
}

func (g *processPatch) Inject(ctx context.Context) (string, error) {
	c, err := ability[cluster.ProcessPatcher](g.env.Cluster, g.kind.what)
	if err != nil {
		return "", err
	}
	found, resolved, err := g.env.resolve(ctx, g.target, g.seed)
	if err != nil {
		return "", err
	}
	probes := make([]probe, len(found))
	if err := each(found, func(i int, id cluster.BrokerID) (err error) {
		probes[i], err = broker{g.env, id}.probe(ctx)
		return err
	}); err != nil {
		return "", err
	}
	g.probes = probes
	for _, p := range probes {
		g.struck = append(g.struck, p.broker)
		g.effects = append(g.effects, &activeEffect[time.Duration]{value: g.amount, by: g.by})
	}
	return resolved, each(g.struck, func(i int, b broker) error {
		return g.kind.effectsOf(&g.env.ledger).add(b.id, g.effects[i], func(all []time.Duration) error {
			return g.kind.apply(ctx, c, b.id, g.kind.total(all))
		})
	})
}

// Effect waits until a record to each struck broker shows it.
func (g *processPatch) Effect(ctx context.Context) (string, error) {
	seen := make([]string, len(g.probes))
	err := each(g.probes, func(i int, p probe) (err error) {
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) {
			return g.kind.seen(ctx, p, g.kind.total(g.kind.effectsOf(&g.env.ledger).of(p.id)), g.amount)
		})
		return err
	})
	return strings.Join(seen, "; "), err
}

// Recover leaves each broker with the effects of other strikes. One that is frozen is
// waited for; one that has ended has no patch any more.
func (g *processPatch) Recover(ctx context.Context) error {
	c, err := ability[cluster.ProcessPatcher](g.env.Cluster, g.kind.what)
	if err != nil {
		return err
	}
	return each(g.effects, func(i int, one *activeEffect[time.Duration]) error {
		b := g.struck[i]
		_, err := await(ctx, func(context.Context) (string, error) {
			if now, err := b.now(); err == nil && now.State == cluster.Paused {
				return "", fmt.Errorf("%s is frozen", b)
			}
			return "", nil
		})
		if err != nil {
			return err
		}
		if err := g.kind.effectsOf(&g.env.ledger).remove(b.id, one, func(all []time.Duration) error {
			if now, err := b.now(); err != nil || now.State == cluster.Stopped {
				return err
			}
			return g.kind.apply(ctx, c, b.id, g.kind.total(all))
		}); err != nil || !g.kind.needsRestart(g.amount) {
			return err
		}
		h := &claim{want: down, by: g.by}
		return errors.Join(g.env.ledger.acquire(ctx, b, h), h.release(ctx))
	})
}

// Gone waits until each struck broker is in sync and a record to it shows nothing.
func (g *processPatch) Gone(ctx context.Context) (string, error) {
	others := func(_ int, p probe) []string {
		return append(g.kind.effectsOf(&g.env.ledger).names(p.id), g.env.ledger.claimantsOf(p.broker)...)
	}
	return sightings(g.probes, others, func(_ int, p probe) (string, error) {
		back, err := await(ctx, p.isBack)
		if err != nil {
			return "", err
		}
		normal, err := await(ctx, func(ctx context.Context) (string, error) { return g.kind.seen(ctx, p, 0, g.amount) })
		return back + "; " + normal, err
	})
}

func (g *processPatch) patience() (effect, gone time.Duration) { return 30 * time.Second, restartBound }

// leastSkew is what no delay on the way of a record is taken for.
const leastSkew = 10 * time.Second

var _ = register(scenario.KindSkew, newSkew)

// newSkew sets the wall clock of brokers ahead or behind. A JVM's monotonic clock, by
// which Kafka counts most of its time-outs, stays.
func newSkew(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	a := f.Args
	if (a.Ahead > 0) == (a.Behind > 0) {
		return nil, errors.New("by how much? Want ahead: or behind:, such as ahead: 1h")
	}
	amount := a.Ahead - a.Behind
	if amount%time.Second != 0 || amount.Abs() < leastSkew {
		return nil, fmt.Errorf(
			"by %v? Want whole seconds, %v at least: less is not told from the way of a record", amount.Abs(),
			leastSkew,
		)
	}
	return newProcessPatch(f, env, seed, skewed, amount)
}

// skewed: a broker that was ahead and was only set back was seen to answer
// NOT_LEADER_OR_FOLLOWER for long. That Kafka's Timer, by which KRaft's client counts,
// takes the wall clock and never goes back is a likely reason, and no proved one.
var skewed = patchKind{
	needsRestart: func(amount time.Duration) bool { return amount > 0 },
	what:         "set a broker's clock",
	effectsOf:    func(l *ledger) *activeEffects[cluster.BrokerID, time.Duration] { return &l.skews },
	total: func(all []time.Duration) (sum time.Duration) {
		for _, one := range all {
			sum += one
		}
		return sum
	},
	apply: func(ctx context.Context, c cluster.ProcessPatcher, id cluster.BrokerID, by time.Duration) error {
		return c.Skew(ctx, id, by)
	},
	seen: func(ctx context.Context, p probe, total, _ time.Duration) (string, error) {
		stamp, _, err := p.write(ctx)
		if err != nil {
			return "", err
		}
		off := time.Until(stamp).Round(time.Millisecond)
		text := fmt.Sprintf("%s stamped a record %v from our clock", p.broker, off)
		if (off - total).Abs() > leastSkew/2 {
			return "", errors.New(text)
		}
		return text, nil
	},
}

var _ = register(scenario.KindSlowDisk, newSlowDisk)

// newSlowDisk makes every write of brokers to their files take so much longer.
func newSlowDisk(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	by := draw(f.Args.Delay, seed)
	if by < 10*time.Millisecond || by > askWait*8/10 {
		return nil, fmt.Errorf(
			"by how much? Want by: from 10ms to %v for each write; for longer use freeze-disk", askWait*8/10,
		)
	}
	return newProcessPatch(f, env, seed, dragged, by)
}

var _ = register(scenario.KindFreezeDisk, newFreezeDisk)

// newFreezeDisk lets no write of brokers to their files return.
func newFreezeDisk(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	return newProcessPatch(f, env, seed, dragged, cluster.Frozen)
}

var dragged = patchKind{
	needsRestart: func(time.Duration) bool { return false },
	what:         "slow a broker's disk",
	effectsOf:    func(l *ledger) *activeEffects[cluster.BrokerID, time.Duration] { return &l.diskDelays },
	total: func(all []time.Duration) (most time.Duration) {
		for _, one := range all {
			if one == cluster.Frozen {
				return one
			}
			most = max(most, one)
		}
		return most
	},
	apply: func(ctx context.Context, c cluster.ProcessPatcher, id cluster.BrokerID, by time.Duration) error {
		return c.Drag(ctx, id, by)
	},
	seen: func(ctx context.Context, p probe, total, amount time.Duration) (string, error) {
		fastest := askWait
		for range 3 {
			_, took, err := p.write(ctx)
			if isSilent(err) && ctx.Err() == nil && total == cluster.Frozen {
				return fmt.Sprintf("%s did not take a record within %v", p.broker, askWait), nil
			}
			if err != nil {
				return "", err
			}
			fastest = min(fastest, took)
		}
		text := fmt.Sprintf("%s took a record within %v", p.broker, fastest.Round(time.Millisecond))
		switch {
		case total > 0 && fastest >= total, total == 0 && (amount == cluster.Frozen || fastest < amount):
			return text, nil
		}
		return "", errors.New(text)
	},
}
