package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// shrinkISR keeps followers of a partition from fetching, by dropping the packets of
// the replication listener between them and its leader, until the leader has put
// them out of the in-sync replicas. They go on living: their controller knows of
// no trouble. Kafka has no request for this. A follower that misses nothing stays in sync:
// the partition needs load.
type shrinkISR struct {
	*brokerPartition
	tp    string
	topic string
	part  int32
	keep  int
	out   []cluster.BrokerID
}

var _ = register(scenario.KindShrinkISR, newShrinkISR)

func newShrinkISR(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	topic, part, err := onePartition("of what?", f.Args.TP)
	if err != nil {
		return nil, err
	}
	return &shrinkISR{
		brokerPartition: &brokerPartition{
			env:  env,
			seed: seed,
		}, tp: f.Args.TP, topic: topic, part: part, keep: max(1, f.Args.Keep),
	}, nil
}

func (s *shrinkISR) Inject(ctx context.Context) (string, error) {
	var p partition
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		v, err := look(ctx, s.env.Cluster)
		if err == nil {
			p, err = v.partition(s.topic, s.part)
		}
		switch {
		case err != nil:
			return "", err
		case p.leader < 0:
			return "", fmt.Errorf("%w: %s has no leader now", errNoTarget, s.tp)
		case len(p.isr) <= s.keep:
			return "", fmt.Errorf("%w: in sync for %s are only brokers %s", errNoTarget, s.tp, idText(p.isr))
		}
		return "", nil
	})
	if err != nil {
		return "", err
	}
	followers := slices.DeleteFunc(
		slices.Sorted(slices.Values(p.isr)), func(id cluster.BrokerID) bool { return id == p.leader },
	)
	d := dice(s.seed)
	d.Shuffle(len(followers), func(i, j int) { followers[i], followers[j] = followers[j], followers[i] })
	s.out = followers[:len(p.isr)-s.keep]
	leader := []cluster.BrokerID{p.leader}
	links := slices.Concat(oneWay(leader, s.out), oneWay(s.out, leader))
	for i := range links {
		links[i].Listener = scenario.OfReplication
	}
	return fmt.Sprintf(
			"%s, which broker %d leads, loses %s of its in-sync brokers %s",
			s.tp,
			p.leader,
			brokerText(s.out),
			idText(p.isr),
		), s.block(
			ctx, links,
		)
}

// victims are the followers: their leader misses nothing.
func (s *shrinkISR) victims() (brokers []int32, clients []string) { return rawIDs(s.out), nil }

// Effect waits until those are out of the ISR.
func (s *shrinkISR) Effect(ctx context.Context) (string, error) {
	return s.await(ctx, func(isr []cluster.BrokerID, text string) error {
		for _, id := range s.out {
			if slices.Contains(isr, id) {
				return errors.New(text + "; a follower leaves when it has missed records for replica.lag.time.max.ms")
			}
		}
		return nil
	})
}

func (s *shrinkISR) await(ctx context.Context, want func(isr []cluster.BrokerID, text string) error) (string, error) {
	return await(ctx, func(ctx context.Context) (string, error) {
		v, err := look(ctx, s.env.Cluster)
		if err != nil {
			return "", err
		}
		p, err := v.partition(s.topic, s.part)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf(
			"in sync for %s are brokers %s of %s, as %s", s.tp, idText(p.isr), idText(p.replicas), tell(v.tellers),
		)
		return text, want(p.isr, text)
	})
}

// Gone waits until they are in the ISR again, unless somebody else keeps them out.
func (s *shrinkISR) Gone(ctx context.Context) (string, error) {
	if s.links == nil {
		return "nothing was struck", nil
	}
	return s.await(ctx, func(isr []cluster.BrokerID, text string) error {
		if len(s.env.ledger.busy()) > 0 {
			return nil
		}
		for _, id := range s.out {
			if !slices.Contains(isr, id) {
				return errors.New(text)
			}
		}
		return nil
	})
}

// patience: a follower counts as in sync for replica.lag.time.max.ms, which is 30 s in
// Kafka.
func (s *shrinkISR) patience() (effect, gone time.Duration) { return time.Minute, restartBound }
