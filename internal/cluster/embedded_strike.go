package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

// rehashTries bounds the search for a spread of coordinators that avoids dead
// brokers: kfake spreads by a hash that can only be redrawn. With three brokers
// it finds one for about twenty groups and transactional ids; beyond that, some
// wait for their broker to return.
const rehashTries = 5000

// Kill cuts the broker off, then gives its work to the living.
func (e *embedded) Kill(ctx context.Context, id BrokerID) error {
	return e.takeDown(ctx, id, func(g *gate) error {
		g.shut()
		return e.giveAway(ctx)
	})
}

// Stop is Kafka's controlled shutdown: leadership moves first.
func (e *embedded) Stop(ctx context.Context, id BrokerID) error {
	return e.takeDown(ctx, id, func(g *gate) error {
		err := e.giveAway(ctx)
		g.shut()
		return err
	})
}

func (e *embedded) takeDown(ctx context.Context, id BrokerID, down func(*gate) error) error {
	e.strike.Lock()
	defer e.strike.Unlock()
	g, err := e.gateOf(id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	was := e.stopped[id]
	e.stopped[id] = true
	e.mu.Unlock()
	if was {
		return fmt.Errorf("broker %d is stopped already", id)
	}
	return down(g)
}

// Start lets the broker answer again. It leads what nobody living led;
// everything else stays where it went, as in Kafka until a preferred election.
func (e *embedded) Start(ctx context.Context, id BrokerID) error {
	e.strike.Lock()
	defer e.strike.Unlock()
	g, err := e.gateOf(id)
	if err != nil {
		return err
	}
	if err := g.open(); err != nil {
		return fmt.Errorf("start broker %d: %w", id, err)
	}
	e.mu.Lock()
	was := e.stopped[id]
	delete(e.stopped, id)
	e.mu.Unlock()
	if !was {
		return fmt.Errorf("broker %d runs already", id)
	}
	return e.giveAway(ctx)
}

// MoveLeader makes broker to the leader of a partition, with a new leader epoch.
func (e *embedded) MoveLeader(ctx context.Context, topic string, partition int32, to BrokerID) error {
	e.strike.Lock()
	defer e.strike.Unlock()
	if _, err := e.gateOf(to); err != nil {
		return err
	}
	e.mu.Lock()
	down := e.stopped[to]
	e.mu.Unlock()
	if down {
		return fmt.Errorf("move leader of %s/%d to broker %d: it is stopped", topic, partition, to)
	}
	if err := e.fake.MoveTopicPartition(topic, partition, int32(to)); err != nil {
		return fmt.Errorf("move leader of %s/%d to broker %d: %w", topic, partition, to, err)
	}
	return nil
}

// giveAway moves what stopped brokers lead and coordinate to living ones. With
// nobody alive everything stays, and goes to the first that returns. Call with
// strike held.
func (e *embedded) giveAway(ctx context.Context) error {
	living := e.living()
	if len(living) == 0 {
		return nil
	}
	ctx = network.With(ctx, network.Beside(network.From(ctx))) // strike is held
	m, err := metadata(ctx, living[0].Addr, nil)
	if err != nil {
		return fmt.Errorf("which leaders to move: %w", err)
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			alive := slices.ContainsFunc(living, func(b Broker) bool { return int32(b.ID) == p.Leader })
			if alive {
				continue
			}
			to := successor(living, BrokerID(p.Leader))
			if err := e.fake.MoveTopicPartition(*t.Topic, p.Partition, int32(to)); err != nil {
				return fmt.Errorf("move leader of %s/%d: %w", *t.Topic, p.Partition, err)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rehash()
	return nil
}

// successor is the next living broker after id, in the order of their numbers.
func successor(living []Broker, id BrokerID) BrokerID {
	for _, b := range living {
		if b.ID > id {
			return b.ID
		}
	}
	return living[0].ID
}

// noteCoordinators sees each FindCoordinator request before kfake answers it.
func (e *embedded) noteCoordinators(req *kmsg.FindCoordinatorRequest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := len(e.keys)
	e.keys[req.CoordinatorKey] = struct{}{}
	for _, k := range req.CoordinatorKeys {
		e.keys[k] = struct{}{}
	}
	if len(e.keys) != before {
		e.rehash()
	}
}

// rehash redraws the coordinators until none that was ever asked for is on a
// stopped broker. Call with mu held.
func (e *embedded) rehash() {
	if len(e.stopped) == 0 || len(e.stopped) == len(e.gates) {
		return
	}
	for range rehashTries {
		if !e.coordinatorDown() {
			return
		}
		e.fake.RehashCoordinators()
	}
}

func (e *embedded) coordinatorDown() bool {
	for k := range e.keys {
		if e.stopped[BrokerID(e.fake.CoordinatorFor(k))] {
			return true
		}
	}
	return false
}
