package faults

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf16"

	"github.com/onceproof/onceproof/internal/scenario"
)

// moveCoordinator gives a group or transactional id another coordinator, by moving
// the leader of the partition of Kafka's own topic that holds its state. The new
// coordinator loads that state while clients look for it.
type moveCoordinator struct {
	*moveLeader
	env  *Env
	kind keyType
	key  string
	f    scenario.Fault
	seed uint64
}

var _ = register(scenario.KindMoveCoordinator, newMoveCoordinator)

func newMoveCoordinator(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	kind, key := group, f.Args.Group
	if f.Args.TxnID != "" {
		kind, key = txn, f.Args.TxnID
	}
	if (f.Args.Group == "") == (f.Args.TxnID == "") {
		return nil, errors.New("whose? Want group: a group.id, or transactional.id")
	}
	if f.Args.To != "" {
		if _, err := parseTarget(f.Args.To); err != nil {
			return nil, err
		}
	}
	return &moveCoordinator{env: env, kind: kind, key: key, f: f, seed: seed}, nil
}

// stateTopics are where coordinators keep what they know.
var stateTopics = map[keyType]string{group: "__consumer_offsets", txn: "__transaction_state"}

func (m *moveCoordinator) Inject(ctx context.Context) (string, error) {
	topic := stateTopics[m.kind]
	var part int32
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		key, err := m.env.key(ctx, m.kind, m.key)
		if err != nil {
			return "", err
		}
		m.key = key
		found, _, err := m.env.coordinator(ctx, m.kind, m.key)
		if err != nil {
			return "", err
		}
		v, err := look(ctx, m.env.Cluster)
		if err != nil {
			return "", err
		}
		part = statePartition(m.key, len(v.parts[topic]))
		p, err := v.partition(topic, part)
		if err == nil && p.leader != found[0] {
			err = fmt.Errorf(
				"broker %d coordinates %s %s, but broker %d leads %s/%d", found[0], m.kind, m.key, p.leader, topic,
				part,
			)
		}
		return "", err
	})
	if err != nil {
		return "", err
	}
	m.moveLeader = &moveLeader{env: m.env, topic: topic, part: part, to: m.f.Args.To, seed: m.seed, back: m.f.For.Max > 0}
	resolved, err := m.moveLeader.Inject(ctx)
	return fmt.Sprintf("coordinator of %s %s: %s", m.kind, m.key, resolved), err
}

// statePartition is the partition that holds a key's state: the absolute value of
// Java's hash of the key, modulo the number of partitions. The least integer has no
// absolute value and counts as 0.
func statePartition(key string, partitions int) int32 {
	if partitions == 0 {
		return 0
	}
	var hash int32
	for _, unit := range utf16.Encode([]rune(key)) {
		hash = 31*hash + int32(unit)
	}
	switch {
	case hash == math.MinInt32:
		hash = 0
	case hash < 0:
		hash = -hash
	}
	return hash % int32(partitions)
}

// Effect waits until the brokers name the new coordinator.
func (m *moveCoordinator) Effect(ctx context.Context) (string, error) {
	return await(ctx, func(ctx context.Context) (string, error) {
		id, err := m.env.findCoordinator(ctx, m.kind, m.key)
		if err != nil {
			return "", err
		}
		if id != m.next {
			return "", fmt.Errorf("FindCoordinator still names broker %d for %s %s", id, m.kind, m.key)
		}
		return fmt.Sprintf(
			"FindCoordinator names broker %d for %s %s; it was broker %d", id, m.kind, m.key, m.was.leader,
		), nil
	})
}

func (m *moveCoordinator) Recover(ctx context.Context) error {
	if m.moveLeader == nil {
		return nil
	}
	return m.moveLeader.Recover(ctx)
}

func (m *moveCoordinator) Gone(ctx context.Context) (string, error) {
	if m.moveLeader == nil {
		return "nothing was struck", nil
	}
	return m.moveLeader.Gone(ctx)
}

func (m *moveCoordinator) patience() (effect, gone time.Duration) { return 0, restartBound }
