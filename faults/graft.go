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

// graft changes what a broker's process meets, by an amount of time. Skews add up; of
// delays of a disk the longest counts. A broker that starts again has none.
type graft struct {
	*brokerStrike
	kind    graftKind
	amount  time.Duration
	probes  []probe
	burdens []*burden[time.Duration]
}

// graftKind is in what grafts differ.
type graftKind struct {
	what  string // what the backend must be able to do
	laid  func(*ledger) *burdens[cluster.BrokerID, time.Duration]
	total func([]time.Duration) time.Duration
	apply func(context.Context, cluster.Grafter, cluster.BrokerID, time.Duration) error
	// seen proves that the broker bears so much; of nothing, that it bears none, where
	// it bore amount.
	seen func(ctx context.Context, p probe, bears, amount time.Duration) (string, error)
	// scars says whether a process that bore amount is none the better when it is taken
	// away: only one that starts anew is as before.
	scars func(amount time.Duration) bool
}

func newGraft(f scenario.Fault, env *Env, seed uint64, kind graftKind, amount time.Duration) (Fault, error) {
	s, err := newBrokerStrike(f, env, seed, running, false)
	if err != nil {
		return nil, err
	}
	return &graft{brokerStrike: s, kind: kind, amount: amount}, nil
}

func (g *graft) Inject(ctx context.Context) (string, error) {
	c, err := ability[cluster.Grafter](g.env.Cluster, g.kind.what)
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
		g.burdens = append(g.burdens, &burden[time.Duration]{what: g.amount, by: g.by})
	}
	return resolved, each(g.struck, func(i int, b broker) error {
		return g.kind.laid(&g.env.ledger).lay(b.id, g.burdens[i], func(all []time.Duration) error {
			return g.kind.apply(ctx, c, b.id, g.kind.total(all))
		})
	})
}

// Effect waits until a record to each struck broker shows it.
func (g *graft) Effect(ctx context.Context) (string, error) {
	seen := make([]string, len(g.probes))
	err := each(g.probes, func(i int, p probe) (err error) {
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) {
			return g.kind.seen(ctx, p, g.kind.total(g.kind.laid(&g.env.ledger).amounts(p.id)), g.amount)
		})
		return err
	})
	return strings.Join(seen, "; "), err
}

// Recover leaves each broker with what other strikes lay on it. One that is frozen is
// waited for; one that has ended has lost it all.
func (g *graft) Recover(ctx context.Context) error {
	c, err := ability[cluster.Grafter](g.env.Cluster, g.kind.what)
	if err != nil {
		return err
	}
	return each(g.burdens, func(i int, one *burden[time.Duration]) error {
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
		if err := g.kind.laid(&g.env.ledger).lift(b.id, one, func(all []time.Duration) error {
			if now, err := b.now(); err != nil || now.State == cluster.Stopped {
				return err
			}
			return g.kind.apply(ctx, c, b.id, g.kind.total(all))
		}); err != nil || !g.kind.scars(g.amount) {
			return err
		}
		h := &hold{want: down, by: g.by}
		return errors.Join(g.env.ledger.take(ctx, b, h), h.release(ctx))
	})
}

// Gone waits until each struck broker is in sync and a record to it shows nothing.
func (g *graft) Gone(ctx context.Context) (string, error) {
	others := func(_ int, p probe) []string {
		return append(g.kind.laid(&g.env.ledger).by(p.id), g.env.ledger.heldBy(p.broker)...)
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

func (g *graft) patience() (effect, gone time.Duration) { return 30 * time.Second, restartBound }

// leastSkew is what no delay on the way of a record is taken for.
const leastSkew = 10 * time.Second

// newSkew sets the wall clock of brokers ahead or behind. A JVM's monotonic clock, by
// which Kafka counts most of its time-outs, stays.
func newSkew(f scenario.Fault, env *Env, seed uint64) (Fault, error) {
	a := f.Args
	if (a.Ahead > 0) == (a.Behind > 0) {
		return nil, errors.New("by how much? Want ahead: or behind:, such as ahead: 1h")
	}
	amount := a.Ahead - a.Behind
	if amount%time.Second != 0 || amount.Abs() < leastSkew {
		return nil, fmt.Errorf("by %v? Want whole seconds, %v at least: less is not told from the way of a record", amount.Abs(), leastSkew)
	}
	return newGraft(f, env, seed, skewed, amount)
}

// skewed: a broker that was ahead and was only set back was seen to answer
// NOT_LEADER_OR_FOLLOWER for long. That Kafka's Timer, by which KRaft's client counts,
// takes the wall clock and never goes back is a likely reason, and no proved one.
var skewed = graftKind{
	scars: func(amount time.Duration) bool { return amount > 0 },
	what:  "set a broker's clock",
	laid:  func(l *ledger) *burdens[cluster.BrokerID, time.Duration] { return &l.skews },
	total: func(all []time.Duration) (sum time.Duration) {
		for _, one := range all {
			sum += one
		}
		return sum
	},
	apply: func(ctx context.Context, c cluster.Grafter, id cluster.BrokerID, by time.Duration) error {
		return c.Skew(ctx, id, by)
	},
	seen: func(ctx context.Context, p probe, bears, _ time.Duration) (string, error) {
		stamp, _, err := p.write(ctx)
		if err != nil {
			return "", err
		}
		off := time.Until(stamp).Round(time.Millisecond)
		text := fmt.Sprintf("%s stamped a record %v from our clock", p.broker, off)
		if (off - bears).Abs() > leastSkew/2 {
			return "", errors.New(text)
		}
		return text, nil
	},
}

// newSlowDisk makes every write of brokers to their files take so much longer.
func newSlowDisk(f scenario.Fault, env *Env, seed uint64) (Fault, error) {
	by := draw(f.Args.Delay, seed)
	if by < 10*time.Millisecond || by > askWait*8/10 {
		return nil, fmt.Errorf("by how much? Want by: from 10ms to %v for each write; for longer use freeze-disk", askWait*8/10)
	}
	return newGraft(f, env, seed, dragged, by)
}

// newFreezeDisk lets no write of brokers to their files return.
func newFreezeDisk(f scenario.Fault, env *Env, seed uint64) (Fault, error) {
	return newGraft(f, env, seed, dragged, cluster.Frozen)
}

var dragged = graftKind{
	scars: func(time.Duration) bool { return false },
	what:  "slow a broker's disk",
	laid:  func(l *ledger) *burdens[cluster.BrokerID, time.Duration] { return &l.drags },
	total: func(all []time.Duration) (most time.Duration) {
		for _, one := range all {
			if one == cluster.Frozen {
				return one
			}
			most = max(most, one)
		}
		return most
	},
	apply: func(ctx context.Context, c cluster.Grafter, id cluster.BrokerID, by time.Duration) error {
		return c.Drag(ctx, id, by)
	},
	seen: func(ctx context.Context, p probe, bears, amount time.Duration) (string, error) {
		fastest := askWait
		for range 3 {
			_, took, err := p.write(ctx)
			if isSilent(err) && ctx.Err() == nil && bears == cluster.Frozen {
				return fmt.Sprintf("%s did not take a record within %v", p.broker, askWait), nil
			}
			if err != nil {
				return "", err
			}
			fastest = min(fastest, took)
		}
		text := fmt.Sprintf("%s took a record within %v", p.broker, fastest.Round(time.Millisecond))
		switch {
		case bears > 0 && fastest >= bears, bears == 0 && (amount == cluster.Frozen || fastest < amount):
			return text, nil
		}
		return "", errors.New(text)
	},
}
