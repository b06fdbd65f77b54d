package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// moveLeader gives a partition another leader, as an operator or the balancer
// does: no process dies. With a duration the old leader leads again at Recover;
// without one the leader stays where it was moved.
type moveLeader struct {
	env   *Env
	topic string
	part  int32
	to    scenario.Target
	seed  uint64
	back  bool

	was   partition
	next  cluster.BrokerID
	moved bool // back is owed
}

// victims is the leader that was.
func (m *moveLeader) victims() (brokers []int32, clients []string) {
	return []int32{int32(m.was.leader)}, nil
}

var _ = register(scenario.KindMoveLeader, newMoveLeader)

func newMoveLeader(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	topic, part, err := onePartition("of what?", f.Args.TP)
	if err != nil {
		return nil, err
	}
	if f.Args.To != "" {
		if _, err := parseTarget(f.Args.To); err != nil {
			return nil, err
		}
	}
	return &moveLeader{env: env, topic: topic, part: part, to: f.Args.To, seed: seed, back: f.For.Max > 0}, nil
}

func (m *moveLeader) Inject(ctx context.Context) (string, error) {
	_, err := await(ctx, func(ctx context.Context) (string, error) {
		v, err := look(ctx, m.env.Cluster)
		if err != nil {
			return "", err
		}
		if m.was, err = v.partition(m.topic, m.part); err == nil && m.was.leader < 0 {
			err = fmt.Errorf("%w: %s/%d has no leader now", errNoTarget, m.topic, m.part)
		}
		return "", err
	})
	if err != nil {
		return "", err
	}
	if m.next, err = m.choose(ctx); err != nil {
		return "", err
	}
	m.moved = m.back
	resolved := fmt.Sprintf("%s/%d from broker %d to broker %d", m.topic, m.part, m.was.leader, m.next)
	return resolved, m.move(ctx, m.next)
}

// choose is the new leader: the one asked for, or a running in-sync replica, drawn.
func (m *moveLeader) choose(ctx context.Context) (cluster.BrokerID, error) {
	if m.to != "" {
		id, _, err := m.env.resolveOne(ctx, m.to, m.seed)
		if err == nil && id == m.was.leader {
			err = fmt.Errorf(
				"%w to move to: broker %d leads %s/%d already; leave to: out for another replica, drawn, or name one of brokers %s",
				errNoTarget, id, m.topic, m.part, idText(m.was.replicas),
			)
		}
		return id, err
	}
	var can []cluster.BrokerID
	for _, b := range m.env.Cluster.Brokers() {
		if b.State == cluster.Running && b.ID != m.was.leader && slices.Contains(m.was.isr, b.ID) {
			can = append(can, b.ID)
		}
	}
	if len(can) == 0 {
		return 0, fmt.Errorf("%w: no other running replica of %s/%d is in sync; replicas: %s; in sync: %s",
			errNoTarget, m.topic, m.part, idText(m.was.replicas), idText(m.was.isr))
	}
	slices.Sort(can)
	return can[dice(m.seed).IntN(len(can))], nil
}

// move makes id the partition's preferred replica and has it elected, unless the
// backend has a way of its own.
func (m *moveLeader) move(ctx context.Context, id cluster.BrokerID) error {
	if mover, ok := m.env.Cluster.(cluster.LeaderMover); ok {
		return mover.MoveLeader(ctx, m.topic, m.part, id)
	}
	order := []int32{int32(id)}
	for _, r := range m.was.replicas {
		if r != id {
			order = append(order, int32(r))
		}
	}
	if err := m.env.reassign(ctx, m.topic, m.part, order); err != nil {
		return err
	}
	return m.env.elect(ctx, m.topic, m.part, electPreferred)
}

// Effect waits until the brokers tell of the new leader.
func (m *moveLeader) Effect(ctx context.Context) (string, error) { return await(ctx, m.leads(m.next)) }

func (m *moveLeader) leads(id cluster.BrokerID) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		v, err := look(ctx, m.env.Cluster)
		if err != nil {
			return "", err
		}
		p, err := v.partition(m.topic, m.part)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("broker %d leads %s/%d in epoch %d", p.leader, m.topic, m.part, p.epoch)
		if p.leader != id {
			return "", errors.New(text)
		}
		return text + ", as " + tell(v.tellers), nil
	}
}

func (m *moveLeader) Recover(ctx context.Context) error {
	if !m.moved {
		return nil
	}
	if err := m.move(ctx, m.was.leader); err != nil && !errors.Is(err, kerr.PreferredLeaderNotAvailable) &&
		!errors.Is(err, kerr.EligibleLeadersNotAvailable) {
		return err
	}
	m.moved = false
	return nil
}

// Gone waits until the old leader leads again, if it is meant to.
func (m *moveLeader) Gone(ctx context.Context) (string, error) {
	if !m.back || m.was.replicas == nil {
		return "nothing to undo: the leader stays where it is", nil
	}
	old := broker{m.env, m.was.leader}
	return await(ctx, func(ctx context.Context) (string, error) {
		seen, err := m.leads(m.was.leader)(ctx)
		if err == nil {
			return seen, nil
		}
		if held := m.env.ledger.claimantsOf(old); len(held) > 0 {
			return leftTo(old, held), nil
		}
		// It was not in sync at Recover; perhaps now.
		return "", errors.Join(err, m.move(ctx, m.was.leader))
	})
}

func (m *moveLeader) patience() (effect, gone time.Duration) { return 0, restartBound }

// reassign sets the order of a partition's replicas; with the same brokers
// nothing is copied and it is done at once.
func (e *Env) reassign(ctx context.Context, topic string, part int32, order []int32) error {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.SetVersion(0)
	t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	t.Topic = topic
	p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	p.Partition, p.Replicas = part, order
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	_, resp, err := e.askAny(ctx, req)
	if err != nil {
		return fmt.Errorf("reassign %s/%d: %w", topic, part, err)
	}
	r := resp.(*kmsg.AlterPartitionAssignmentsResponse)
	err = code(r.ErrorCode)
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			err = errors.Join(err, code(p.ErrorCode))
		}
	}
	if err != nil {
		return fmt.Errorf("reassign %s/%d to %v: %w", topic, part, order, err)
	}
	return nil
}

// elect has a leader of a partition elected.
func (e *Env) elect(ctx context.Context, topic string, part int32, how int8) error {
	var resp kmsg.Response
	// Nobody answers while the controller itself is being elected; asking again is safe.
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		var err error
		if _, resp, err = e.askAny(ctx, electRequest(topic, part, how)); err != nil && !isSilent(err) {
			err = finalError{err}
		}
		return "", err
	})
	if err != nil {
		return fmt.Errorf("elect a leader of %s/%d: %w", topic, part, err)
	}
	r := resp.(*kmsg.ElectLeadersResponse)
	err = code(r.ErrorCode)
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != kerr.ElectionNotNeeded.Code {
				err = errors.Join(err, code(p.ErrorCode))
			}
		}
	}
	if err != nil {
		return fmt.Errorf("elect a leader of %s/%d: %w", topic, part, err)
	}
	return nil
}
