package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// pollEvery is how often a condition of the cluster is asked for again.
const pollEvery = 50 * time.Millisecond

// until calls cond until it returns nil or a giveUp, or the context ends. The
// last error tells what was missing.
func until(ctx context.Context, cond func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil || isFinal(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-tick.C:
		}
	}
}

// giveUp is an error that waiting does not mend.
type giveUp struct{ error }

func (g giveUp) Unwrap() error { return g.error }

func isFinal(err error) bool {
	var g giveUp
	return errors.As(err, &g)
}

// waitRegistered returns when each broker has answered and knows all of them.
// alive, if not nil, is asked before each round and ends the wait by its error.
func waitRegistered(ctx context.Context, brokers []Broker, alive func() error) error {
	return until(ctx, func() error {
		if alive != nil {
			if err := alive(); err != nil {
				return giveUp{err}
			}
		}
		for _, b := range brokers {
			m, err := metadata(ctx, b.Addr, []string{})
			if err != nil {
				return fmt.Errorf("broker %d does not answer: %w", b.ID, err)
			}
			for _, want := range brokers {
				if !slices.ContainsFunc(m.Brokers, func(r kmsg.MetadataResponseBroker) bool { return r.NodeID == int32(want.ID) }) {
					return fmt.Errorf("broker %d does not know broker %d yet", b.ID, want.ID)
				}
			}
		}
		return nil
	})
}

// createTopics creates what is missing and waits until every broker knows a
// leader and all in-sync replicas of each partition. A topic that exists is
// taken if its partitions are as many as wanted. A topic that no cluster would
// take is the scenario's fault and not ErrUnavailable.
func createTopics(ctx context.Context, brokers []Broker, topics []Topic) error {
	if len(topics) == 0 {
		return nil
	}
	err := until(ctx, func() error { return requestTopics(ctx, brokers[0], topics) })
	if err == nil {
		err = waitTopics(ctx, brokers, topics)
	}
	if err != nil && !isFinal(err) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	return nil
}

func waitTopics(ctx context.Context, brokers []Broker, topics []Topic) error {
	return until(ctx, func() error {
		for _, b := range brokers {
			if err := knowsTopics(ctx, b, topics); err != nil {
				return err
			}
		}
		return nil
	})
}

func requestTopics(ctx context.Context, first Broker, topics []Topic) error {
	m, err := metadata(ctx, first.Addr, []string{})
	if err != nil {
		return err
	}
	addr := first.Addr
	for _, b := range m.Brokers {
		if b.NodeID == m.ControllerID {
			addr = fmt.Sprintf("%s:%d", b.Host, b.Port)
		}
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version = 4 // the last without flexible headers
	req.TimeoutMillis = 10_000
	for _, t := range topics {
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = t.Name, t.Partitions, t.Replicas
		for _, k := range slices.Sorted(maps.Keys(t.Config)) {
			rc := kmsg.NewCreateTopicsRequestTopicConfig()
			rc.Name, rc.Value = k, kmsg.StringPtr(t.Config[k])
			rt.Configs = append(rt.Configs, rc)
		}
		req.Topics = append(req.Topics, rt)
	}
	resp, err := ask[*kmsg.CreateTopicsResponse](ctx, addr, req)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		if t.ErrorMessage != nil && *t.ErrorMessage != "" {
			err = fmt.Errorf("%w: %s", err, *t.ErrorMessage)
		}
		err = fmt.Errorf("topic %s: %w", t.Topic, err)
		if !kerr.IsRetriable(kerr.ErrorForCode(t.ErrorCode)) && !errors.Is(err, kerr.InvalidReplicationFactor) {
			err = giveUp{err}
		}
		return err
	}
	return nil
}

func knowsTopics(ctx context.Context, b Broker, topics []Topic) error {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	m, err := metadata(ctx, b.Addr, names)
	if err != nil {
		return err
	}
	for _, want := range topics {
		i := slices.IndexFunc(m.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Topic != nil && *t.Topic == want.Name })
		if i < 0 || m.Topics[i].ErrorCode != 0 {
			return fmt.Errorf("broker %d does not know topic %s yet", b.ID, want.Name)
		}
		parts := m.Topics[i].Partitions
		if len(parts) != int(want.Partitions) {
			return giveUp{fmt.Errorf("topic %s has %d partitions, wanted %d", want.Name, len(parts), want.Partitions)}
		}
		for _, p := range parts {
			if p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				return fmt.Errorf("broker %d sees %s/%d with leader %d and %d of %d replicas in sync", b.ID, want.Name, p.Partition, p.Leader, len(p.ISR), len(p.Replicas))
			}
		}
	}
	return nil
}

// checkTopics finds what no cluster of n brokers could hold.
func checkTopics(topics []Topic, n int) error {
	var bad []string
	for _, t := range topics {
		switch {
		case t.Name == "":
			bad = append(bad, "a topic has no name")
		case t.Partitions < 1:
			bad = append(bad, fmt.Sprintf("topic %s: %d partitions, at least 1 is needed", t.Name, t.Partitions))
		case t.Replicas < 1 || int(t.Replicas) > n:
			bad = append(bad, fmt.Sprintf("topic %s: %d replicas on %d brokers", t.Name, t.Replicas, n))
		}
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}
