package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
)

// view is the cluster's metadata as its brokers tell it at one moment. Each live
// broker is asked, and the answers with the highest leader epoch count: a broker
// that is cut off from its controller tells old stories.
type view struct {
	tellers    []cluster.BrokerID // who answered, ascending
	registered map[cluster.BrokerID]bool
	parts      map[string]map[int32]partition
}

type partition struct {
	leader        cluster.BrokerID // -1 = none
	epoch         int32
	replicas, isr []cluster.BrokerID
}

// look asks every broker that the backend says is running, except those in skip.
func look(ctx context.Context, c cluster.Cluster, skip ...cluster.BrokerID) (*view, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	v := &view{registered: map[cluster.BrokerID]bool{}, parts: map[string]map[int32]partition{}}
	for _, b := range c.Brokers() {
		if b.State != cluster.Running || slices.Contains(skip, b.ID) {
			continue
		}
		wg.Go(func() {
			req := kmsg.NewPtrMetadataRequest()
			req.SetVersion(9) // leader epochs; before topics may be named by id only
			req.Topics = nil  // all
			resp, err := ask(ctx, b.Addr, req)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("broker %d: %w", b.ID, err))
				return
			}
			v.add(b.ID, resp.(*kmsg.MetadataResponse))
		})
	}
	wg.Wait()
	if len(v.tellers) == 0 {
		return nil, fmt.Errorf("no broker tells the cluster's metadata: %w", errors.Join(errs...))
	}
	slices.Sort(v.tellers)
	return v, nil
}

func (v *view) add(teller cluster.BrokerID, m *kmsg.MetadataResponse) {
	v.tellers = append(v.tellers, teller)
	for _, b := range m.Brokers {
		v.registered[cluster.BrokerID(b.NodeID)] = true
	}
	for _, t := range m.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue
		}
		parts := v.parts[*t.Topic]
		if parts == nil {
			parts = map[int32]partition{}
			v.parts[*t.Topic] = parts
		}
		for _, p := range t.Partitions {
			isr := ids(p.ISR)
			if old, ok := parts[p.Partition]; ok && old.epoch >= p.LeaderEpoch {
				if old.epoch > p.LeaderEpoch {
					continue
				}
				// The ISR changes within an epoch: in sync is who is so for all.
				isr = slices.DeleteFunc(isr, func(id cluster.BrokerID) bool { return !slices.Contains(old.isr, id) })
			}
			parts[p.Partition] = partition{
				leader: cluster.BrokerID(p.Leader), epoch: p.LeaderEpoch, replicas: ids(p.Replicas), isr: isr,
			}
		}
	}
}

// partition returns t/p, or an ErrNoTarget that says what exists instead.
func (v *view) partition(topic string, part int32) (partition, error) {
	parts, ok := v.parts[topic]
	if !ok {
		return partition{}, finalError{fmt.Errorf("topic %q: %w; topics: %s", topic, errNoTarget, list(v.topics()))}
	}
	p, ok := parts[part]
	if !ok {
		return partition{}, finalError{
			fmt.Errorf("partition %s/%d: %w; %s has partitions 0 to %d", topic, part, errNoTarget, topic, len(parts)-1),
		}
	}
	return p, nil
}

// topics are those of the run: Kafka's own are left out.
func (v *view) topics() []string {
	var names []string
	for name := range v.parts {
		if !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lagging returns the partitions whose replicas include id while their ISR does
// not, as "topic/partition", and how many partitions id replicates. Orphaned are
// those whose ISR is empty: the disks of all that were in sync are lost, and nobody
// leads until somebody asks for an unclean election (KIP-966, Kafka 4.1).
func (v *view) lagging(id cluster.BrokerID) (behind, orphaned []string, replicated int) {
	for topic, parts := range v.parts {
		for n, p := range parts {
			if !slices.Contains(p.replicas, id) {
				continue
			}
			replicated++
			name := fmt.Sprintf("%s/%d", topic, n)
			switch {
			case len(p.isr) == 0:
				orphaned = append(orphaned, name)
			case !slices.Contains(p.isr, id):
				behind = append(behind, name)
			}
		}
	}
	slices.Sort(behind)
	slices.Sort(orphaned)
	return behind, orphaned, replicated
}

func ids(raw []int32) []cluster.BrokerID {
	out := make([]cluster.BrokerID, len(raw))
	for i, id := range raw {
		out[i] = cluster.BrokerID(id)
	}
	return out
}

// brokerText is "broker 2" or "brokers 1, 3".
func brokerText(ids []cluster.BrokerID) string {
	label := "broker "
	if len(ids) != 1 {
		label = "brokers "
	}
	return label + idText(ids)
}

func idText(ids []cluster.BrokerID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprint(id)
	}
	return list(words)
}

// list joins names for an error; an empty one says so.
func list(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// code is the error of a Kafka error code, nil for 0.
func code(c int16) error { return kerr.ErrorForCode(c) }
