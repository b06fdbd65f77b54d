package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

// embedded is kfake in this process: Kafka's protocol, groups and transactions
// over one shared log for each partition. Nothing is replicated, so nothing that
// was acknowledged is ever lost, whoever dies.
//
// kfake has no broker that dies alone. Killing one here is as near as it gets:
// its listener refuses, its connections are reset, its partitions get a leader
// among the living and its groups and transactional ids another coordinator, at
// once. What it was handling still happens; the client just never hears of it.
type embedded struct {
	fake  *kfake.Cluster
	gates []*gate // of broker i+1
	alive *sessions

	// strike serialises what changes which brokers live; it is held through
	// Close, so that no call reaches kfake afterwards (it would wait for ever).
	strike sync.Mutex
	closed bool

	mu      sync.Mutex
	stopped map[BrokerID]bool
	keys    map[string]struct{} // groups and transactional ids whose coordinator was asked for
}

var errClosed = errors.New("the cluster is closed")

func startEmbedded(ctx context.Context, spec Spec) (_ *embedded, err error) {
	e := &embedded{stopped: map[BrokerID]bool{}, keys: map[string]struct{}{}}
	// kfake numbers brokers from 0 and its last one is the controller for good;
	// ours count from 1 on every backend. So one more is started and broker 0
	// removed before anything is created.
	in := network.From(ctx)
	ports, err := freePorts(in, spec.Brokers+1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	e.fake, err = kfake.NewCluster(
		kfake.Ports(ports...),
		kfake.ListenFn(func(_, address string) (net.Listener, error) {
			g, err := newGate(in, address)
			if err != nil {
				return nil, err
			}
			e.gates = append(e.gates, g)
			return g, nil
		}),
		kfake.BrokerConfigs(spec.Config),
		kfake.ClusterID(spec.Name),
	)
	if err != nil {
		return nil, fmt.Errorf("%w: embedded: %w", ErrUnavailable, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if err := e.fake.RemoveNode(0); err != nil {
		return nil, fmt.Errorf("%w: embedded: %w", ErrUnavailable, err)
	}
	e.gates = e.gates[1:]
	e.alive = keepSessions(ctx, e.fake, e.Brokers)
	control(e.fake, kmsg.FindCoordinator, e.noteCoordinators)
	e.fake.ControlKey(int16(kmsg.OffsetForLeaderEpoch), e.endOfEpoch)

	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := waitRegistered(ctx, e.Brokers(), nil); err != nil {
		return nil, fmt.Errorf("%w: embedded: %w", ErrUnavailable, err)
	}
	if err := OfferAsBrokersDo(ctx, e.fake, e.Brokers()[0].Addr); err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	if err := createTopics(ctx, e.Brokers(), spec.Topics); err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	// kfake draws leaders at random; spread them so that a seed meets the same
	// leaders every time.
	for i, t := range spec.Topics {
		for p := range t.Partitions {
			to := int32(i+int(p))%int32(spec.Brokers) + 1
			if err := e.fake.MoveTopicPartition(t.Name, p, to); err != nil {
				return nil, fmt.Errorf("embedded: leader of %s/%d: %w", t.Name, p, err)
			}
		}
	}
	return e, nil
}

func (e *embedded) Backend() string { return "embedded" }

func (e *embedded) Brokers() []Broker {
	e.mu.Lock()
	defer e.mu.Unlock()
	bs := make([]Broker, len(e.gates))
	for i, g := range e.gates {
		bs[i] = Broker{ID: BrokerID(i + 1), Addr: g.Addr().String(), State: Running}
		if e.stopped[bs[i].ID] {
			bs[i].State = Stopped
		}
	}
	return bs
}

// Close ends all brokers at once. Nothing is kept.
func (e *embedded) Close() error {
	e.strike.Lock()
	defer e.strike.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	if e.alive != nil {
		e.alive.close()
	}
	e.fake.Close()
	for _, g := range e.gates {
		g.Close()
	}
	return nil
}

// gateOf returns a broker's gate. Call with strike held.
func (e *embedded) gateOf(id BrokerID) (*gate, error) {
	if e.closed {
		return nil, errClosed
	}
	if id < 1 || int(id) > len(e.gates) {
		return nil, fmt.Errorf("no broker %d: there are 1 to %d", id, len(e.gates))
	}
	return e.gates[id-1], nil
}

// living returns the brokers that are not stopped.
func (e *embedded) living() []Broker {
	return slices.DeleteFunc(e.Brokers(), func(b Broker) bool { return b.State != Running })
}
