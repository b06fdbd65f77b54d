package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// deleteOffsets makes a group forget where it was, as offsets.retention.minutes or an
// operator does: who comes next begins at auto.offset.reset. Kafka refuses while a
// member subscribes, so it waits for the group to be empty: after a crash, that is when
// the sessions of the dead have ended.
type deleteOffsets struct {
	env   *Env
	group string
	topic string // "" = all
	was   []committed
	by    cluster.BrokerID // the coordinator that forgot them
}

// committed is one committed offset.
type committed struct {
	topic string
	part  int32
	off   int64
}

var _ = register(scenario.KindDeleteOffsets, newDeleteOffsets)

func newDeleteOffsets(f scenario.Fault, env *Env, _ uint64) (fault, error) {
	if f.Args.Group == "" {
		return nil, errors.New("whose? Want group: a group.id")
	}
	return &deleteOffsets{env: env, group: f.Args.Group, topic: f.Args.Topic}, nil
}

// emptyWait is how long a group may take to be empty: the session time-outs of members
// that died.
const emptyWait = 60 * time.Second

func (d *deleteOffsets) Inject(ctx context.Context) (string, error) {
	_, err := awaitWithin(ctx, emptyWait, func(ctx context.Context) (string, error) {
		g, err := d.env.describeGroup(ctx, d.group)
		if err == nil && len(g.members) > 0 {
			err = fmt.Errorf(
				"group %s is %s with %d members; Kafka keeps the offsets of a group that is read: crash or stop its clients first",
				d.group, g.state, len(g.members),
			)
		}
		if err != nil {
			return "", err
		}
		if d.was, err = d.fetch(ctx); err == nil && len(d.was) == 0 {
			err = finalError{fmt.Errorf("%w: group %s has no committed offsets%s", errNoTarget, d.group, of(d.topic))}
		}
		return "", err
	})
	if err != nil {
		return "", err
	}
	var words []string
	for _, c := range d.was {
		words = append(words, fmt.Sprintf("%s/%d at %d", c.topic, c.part, c.off))
	}
	return fmt.Sprintf("offsets of group %s: %s", d.group, list(words)), d.remove(ctx)
}

func of(topic string) string {
	if topic == "" {
		return ""
	}
	return " of " + topic
}

// fetch returns what is committed now.
func (d *deleteOffsets) fetch(ctx context.Context) ([]committed, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.SetVersion(5)
	req.Group = d.group
	req.Topics = nil // all
	resp, err := d.env.askCoordinator(ctx, group, d.group, req)
	if err != nil {
		return nil, err
	}
	r := resp.(*kmsg.OffsetFetchResponse)
	if err := code(r.ErrorCode); err != nil {
		return nil, fmt.Errorf("OffsetFetch: %w", err)
	}
	var found []committed
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if p.Offset >= 0 && (d.topic == "" || d.topic == t.Topic) {
				found = append(found, committed{t.Topic, p.Partition, p.Offset})
			}
		}
	}
	slices.SortFunc(found, func(a, b committed) int {
		return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.part, b.part))
	})
	return found, nil
}

func (d *deleteOffsets) remove(ctx context.Context) error {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = d.group
	for _, c := range d.was {
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != c.topic {
			t := kmsg.NewOffsetDeleteRequestTopic()
			t.Topic = c.topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewOffsetDeleteRequestTopicPartition()
		p.Partition = c.part
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	resp, by, err := d.env.askCoordinatorOf(ctx, group, d.group, req)
	if err != nil {
		return err
	}
	d.by = by
	r := resp.(*kmsg.OffsetDeleteResponse)
	err = code(r.ErrorCode)
	if errors.Is(err, kerr.GroupIDNotFound) { // the last offset goes, and the group with it
		err = nil
	}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			err = errors.Join(err, code(p.ErrorCode))
		}
	}
	if err != nil {
		return fmt.Errorf("OffsetDelete: %w", err)
	}
	return nil
}

// victims: what a group has committed is its coordinator's.
func (d *deleteOffsets) victims() (brokers []int32, clients []string) {
	return []int32{int32(d.by)}, nil
}

// Effect asks the coordinator what is committed.
func (d *deleteOffsets) Effect(ctx context.Context) (string, error) {
	return await(ctx, func(ctx context.Context) (string, error) {
		now, err := d.fetch(ctx)
		if err != nil {
			return "", err
		}
		for _, c := range now {
			if slices.Contains(d.was, c) {
				return "", fmt.Errorf("group %s still has committed %s/%d at %d", d.group, c.topic, c.part, c.off)
			}
		}
		return fmt.Sprintf(
			"group %s has no committed offset for %d of %d partitions", d.group, len(d.was)-len(now), len(d.was),
		), nil
	})
}

func (d *deleteOffsets) Recover(context.Context) error { return nil }

func (d *deleteOffsets) Gone(context.Context) (string, error) {
	return "nothing to undo: the group begins where auto.offset.reset says", nil
}
