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

// impair makes the links between brokers bad: packets come late, not at all, or few a
// second. It is aimed as a partition is.
type impair struct {
	*brokerPartition
	how   *activeEffect[cluster.Impairment]
	added bool
}

var _ = register(scenario.KindImpair, newImpair)

func newImpair(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	a := f.Args
	if err := checkPartition(a); err != nil {
		return nil, err
	}
	how := cluster.Impairment{By: a.Delay.Min, Most: a.Delay.Max, Loss: a.Loss, Rate: a.Rate}
	switch {
	case how == cluster.Impairment{}:
		return nil, errors.New("how? Want by: a delay, loss: a share, rate: bytes a second, or several of them")
	case how.By > 0 && how.By < leastDelay:
		return nil, fmt.Errorf("by %v? At least %v: less is not told from a busy machine", how.By, leastDelay)
	case how.Loss >= 1:
		return nil, errors.New("loss of all packets: use partition")
	}
	return &impair{
		brokerPartition: &brokerPartition{env: env, args: a, seed: seed},
		how:             &activeEffect[cluster.Impairment]{value: how, by: label(f)},
	}, nil
}

// leastDelay is what a connection on a healthy machine never takes three times in a row.
const leastDelay = 20 * time.Millisecond

func (p *impair) Inject(ctx context.Context) (string, error) {
	net, err := ability[cluster.Impairer](p.env.Cluster, "impair links between brokers")
	if err != nil {
		return "", err
	}
	resolved, err := p.aim(ctx)
	if err != nil {
		return "", err
	}
	p.added = true
	return resolved, p.env.ledger.addImpairment(ctx, net, p.links, p.how)
}

// Effect waits until every struck link shows each of what was done to it.
func (p *impair) Effect(ctx context.Context) (string, error) {
	net, err := ability[cluster.Impairer](p.env.Cluster, "impair links between brokers")
	if err != nil {
		return "", err
	}
	seen := make([]string, len(p.links))
	err = each(p.links, func(i int, l cluster.Link) (err error) {
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) { return p.isBad(ctx, net, l) })
		return err
	})
	return strings.Join(seen, "; "), err
}

func (p *impair) isBad(ctx context.Context, net cluster.Impairer, l cluster.Link) (string, error) {
	way := route{p.env, l}
	var seen []string
	if by := p.how.value.By; by > 0 {
		least, err := quickest(ctx, net, l, 3)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("an answer on %s took %v", way, least.Round(100*time.Microsecond))
		if least < by {
			return "", errors.New(text)
		}
		seen = append(seen, text)
	}
	passed, bad := net.Passed(l)
	text := fmt.Sprintf(
		"of %d packets on %s %d were dropped, and one waited for %v", passed.Packets, way, passed.Dropped,
		passed.Waited.Round(time.Millisecond),
	)
	if !bad || p.how.value.Loss > 0 && passed.Dropped == 0 || p.how.value.Rate > 0 && passed.Waited <= p.how.value.Most {
		return "", errors.New(text)
	}
	if p.how.value.Loss > 0 || p.how.value.Rate > 0 {
		seen = append(seen, text)
	}
	return strings.Join(seen, ", "), nil
}

// route is a link between brokers, for people.
type route struct {
	env  *Env
	link cluster.Link
}

func (r route) String() string {
	return fmt.Sprintf("the way from %s to %s", broker{r.env, r.link.From}, broker{r.env, r.link.To})
}

// quickest of so many connections over a link.
func quickest(ctx context.Context, net cluster.Impairer, l cluster.Link, tries int) (time.Duration, error) {
	best := time.Duration(-1)
	for range tries {
		took, err := net.RoundTrip(ctx, l)
		if err != nil {
			return 0, err
		}
		if best < 0 || took < best {
			best = took
		}
	}
	return best, nil
}

func (p *impair) Recover(ctx context.Context) error {
	if !p.added {
		return nil
	}
	net, err := ability[cluster.Impairer](p.env.Cluster, "impair links between brokers")
	if err != nil {
		return err
	}
	return p.env.ledger.removeImpairment(ctx, net, p.links, p.how)
}

// Gone waits until connections over the links are fast again, but for those that another
// strike has made bad, or unreachable.
func (p *impair) Gone(ctx context.Context) (string, error) {
	net, err := ability[cluster.Impairer](p.env.Cluster, "impair links between brokers")
	if err != nil {
		return "", err
	}
	if len(p.links) == 0 {
		return "nothing was struck", nil
	}
	seen := make([]string, len(p.links))
	err = each(p.links, func(i int, l cluster.Link) (err error) {
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) {
			others := slices.Concat(
				p.env.ledger.impaired.names(l), p.env.ledger.claimantsOf(broker{p.env, l.From}),
				p.env.ledger.claimantsOf(broker{p.env, l.To}),
			)
			if p.env.ledger.isBlocked(l) || p.env.ledger.isBlocked(cluster.Link{From: l.To, To: l.From, Listener: l.Listener}) {
				others = append(others, "a partition")
			}
			if len(others) > 0 {
				return leftTo(route{p.env, l}, others), nil
			}
			took, err := quickest(ctx, net, l, 3)
			if err != nil {
				return "", err
			}
			text := fmt.Sprintf("an answer on %s took %v", route{p.env, l}, took.Round(100*time.Microsecond))
			if by := p.how.value.By; by > 0 && took >= by {
				return "", errors.New(text)
			}
			return text, nil
		})
		return err
	})
	return strings.Join(seen, "; "), err
}

// patience: packets are lost by chance, and waited for.
func (p *impair) patience() (effect, gone time.Duration) { return time.Minute, restartBound }
