package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// roll restarts brokers one after the other, as an operator does: the next one
// stops when the last is back in sync.
//
//	Inject             stops the first
//	Effect             sees it down, starts it, sees it back, stops the next, … sees the last down
//	Recover and Gone   start the last, see it back
//
// Its effect is seen when every broker was down once, so what comes `after` it
// comes after the whole roll.
type roll struct {
	env    *Env
	target scenario.Target
	seed   uint64
	by     string
	order  []cluster.BrokerID
	last   *brokerStrike // the one that is down
}

var _ = register(scenario.KindRoll, newRoll)

func newRoll(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	target := f.Args.Broker
	if target == "" {
		target = scenario.Target(scenario.TargetAll)
	}
	if _, err := parseTarget(target); err != nil {
		return nil, err
	}
	return &roll{env: env, target: target, seed: seed, by: label(f)}, nil
}

func (r *roll) Inject(ctx context.Context) (string, error) {
	ids, resolved, err := r.env.resolve(ctx, r.target, r.seed)
	if err != nil {
		return "", err
	}
	d := dice(r.seed)
	d.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	r.order = ids
	return fmt.Sprintf("%s, in the order %s", resolved, idText(ids)), r.stop(ctx, ids[0])
}

// victims are all of them: which one is down when something meets it, the broker's own
// steps tell.
func (r *roll) victims() (brokers []int32, clients []string) { return rawIDs(r.order), nil }

func (r *roll) stop(ctx context.Context, id cluster.BrokerID) error {
	b := broker{r.env, id}
	h := &claim{want: down, soft: true, by: r.by}
	r.last = &brokerStrike{env: r.env, struck: []broker{b}, claims: []*claim{h}}
	return r.env.ledger.acquire(ctx, b, h)
}

func (r *roll) Effect(ctx context.Context) (string, error) {
	var seen []string
	for i := range r.order {
		if i > 0 {
			if err := r.Recover(ctx); err != nil {
				return "", err
			}
			if _, err := bounded(ctx, restartBound, r.last.Gone); err != nil {
				return "", err
			}
			if err := r.stop(ctx, r.order[i]); err != nil {
				return "", err
			}
		}
		text, err := bounded(ctx, restartBound, r.last.allRefuse)
		if err != nil {
			return "", err
		}
		seen = append(seen, text)
	}
	return strings.Join(seen, "; "), nil
}

// bounded calls step with a time limit of its own.
func bounded(ctx context.Context, limit time.Duration, step func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return step(ctx)
}

func (r *roll) Recover(ctx context.Context) error {
	if r.last == nil {
		return nil
	}
	return r.last.Recover(ctx)
}

func (r *roll) Gone(ctx context.Context) (string, error) {
	if r.last == nil {
		return "nothing was struck", nil
	}
	return r.last.Gone(ctx)
}

// patience: each restart is bounded by itself.
func (r *roll) patience() (effect, gone time.Duration) { return -1, restartBound }
