package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/network"
)

// admin is the harness's own way to the brokers, past the proxy, so that no fault
// of the run's links can touch it.
type admin struct {
	in    network.Network
	seeds []string
	cl    *kgo.Client
	kadm  *kadm.Client

	scanned map[history.TopicPartition]scanned
}

func newAdmin(c cluster.Cluster, in network.Network) (*admin, error) {
	a := &admin{in: in, scanned: map[history.TopicPartition]scanned{}}
	for _, b := range c.Brokers() {
		a.seeds = append(a.seeds, b.Addr)
	}
	cl, err := a.client()
	if err != nil {
		return nil, err
	}
	a.cl, a.kadm = cl, kadm.NewClient(cl)
	return a, nil
}

// client returns a new client with the admin's way in.
func (a *admin) client(opts ...kgo.Opt) (*kgo.Client, error) {
	if a.in != network.TCP {
		opts = append(opts, kgo.Dialer(a.in.DialContext))
	}
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(a.seeds...), kgo.ClientID("onceproof-harness"), kgo.DisableClientMetrics(),
		kgo.DialTimeout(2 * time.Second), kgo.RequestTimeoutOverhead(5 * time.Second),
		kgo.MetadataMinAge(50 * time.Millisecond), kgo.RetryTimeout(10 * time.Second),
	}, opts...)...)
}

func (a *admin) close() { a.cl.Close() }

// metadata asks for the topics of the run; kadm might answer from its cache.
func (a *admin) metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, t := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(t)
		req.Topics = append(req.Topics, rt)
	}
	return req.RequestWith(ctx, a.cl)
}

// controller is the active controller's id, -1 if nobody tells just now. Metadata
// of a KRaft cluster names any broker in its place; the quorum's leader is it.
func (a *admin) controller(ctx context.Context, metadata *kmsg.MetadataResponse) int32 {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t, p := kmsg.NewDescribeQuorumRequestTopic(), kmsg.NewDescribeQuorumRequestTopicPartition()
	t.Topic, t.Partitions = "__cluster_metadata", append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return metadata.ControllerID // no KRaft: the embedded cluster
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 {
				return p.LeaderID
			}
		}
	}
	return -1
}

// watermark is where a partition begins and ends.
type watermark struct {
	tp               history.TopicPartition
	start, lso, high int64
}

// watermarks lists all partitions of topics.
func (a *admin) watermarks(ctx context.Context, topics []string) ([]watermark, error) {
	starts, err := a.kadm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	stable, err := a.kadm.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list last stable offsets: %w", err)
	}
	ends, err := a.kadm.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	var all []watermark
	for _, e := range ends.Offsets().Sorted() {
		s, ok1 := starts.Lookup(e.Topic, e.Partition)
		l, ok2 := stable.Lookup(e.Topic, e.Partition)
		h, _ := ends.Lookup(e.Topic, e.Partition)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("offsets of %s/%d: a broker left them out", e.Topic, e.Partition)
		}
		for _, o := range []kadm.ListedOffset{s, l, h} {
			if o.Err != nil {
				return nil, fmt.Errorf("offsets of %s/%d: %w", e.Topic, e.Partition, o.Err)
			}
		}
		all = append(all, watermark{history.TopicPartition{Topic: e.Topic, Part: e.Partition}, s.Offset, l.Offset, h.Offset})
	}
	return all, nil
}

// stableOffsets fetches a group's committed offsets, refused while a
// transaction's are pending (KIP-447). It returns the raw response partitions,
// whose metadata carries the commit's token.
func (a *admin) stableOffsets(ctx context.Context, group string) (map[history.TopicPartition]committed, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	req.RequireStable = true
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = group
	rg.MemberEpoch = -1
	req.Groups = append(req.Groups, rg)
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
	}
	found := make(map[history.TopicPartition]committed)
	add := func(topic string, part int32, off int64, meta *string, code int16) error {
		tp := history.TopicPartition{Topic: topic, Part: part}
		if code == kerr.UnstableOffsetCommit.Code {
			found[tp] = committed{off: -1, pending: true}
			return nil
		}
		if err := kerr.ErrorForCode(code); err != nil {
			return fmt.Errorf("fetch offsets of group %s, %s/%d: %w", group, topic, part, err)
		}
		if off >= 0 {
			c := committed{off: off}
			if meta != nil {
				c.meta = *meta
			}
			found[tp] = c
		}
		return nil
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := add(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode); err != nil {
				return nil, err
			}
		}
	}
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if err := add(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode); err != nil {
					return nil, err
				}
			}
		}
	}
	return found, nil
}

// committed is a group's offset on one partition.
type committed struct {
	off     int64
	meta    string
	pending bool // a transaction that is open holds another; off says nothing
}
