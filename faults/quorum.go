package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
)

// quorum is the KRaft quorum as its leader describes it, by way of a broker.
type quorum struct {
	leader cluster.BrokerID
	epoch  int32
	idle   map[cluster.BrokerID]time.Duration // how long ago each voter last fetched from the leader
}

// quorum asks for it; errOldBroker is wrapped where there is none (kfake).
func (e *Env) quorum(ctx context.Context) (quorum, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	req.SetVersion(1)
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	_, resp, err := e.askAny(ctx, req)
	if err != nil {
		return quorum{}, fmt.Errorf("DescribeQuorum: %w", err)
	}
	r := resp.(*kmsg.DescribeQuorumResponse)
	if err := code(r.ErrorCode); err != nil {
		return quorum{}, fmt.Errorf("DescribeQuorum: %w", err)
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return quorum{}, errors.New("DescribeQuorum: an answer about another partition")
	}
	p := r.Topics[0].Partitions[0]
	if err := code(p.ErrorCode); err != nil {
		return quorum{}, fmt.Errorf("DescribeQuorum: %w", err)
	}
	if p.LeaderID < 0 {
		return quorum{}, fmt.Errorf("%w: the quorum has no leader now", errNoTarget)
	}
	q := quorum{leader: cluster.BrokerID(p.LeaderID), epoch: p.LeaderEpoch, idle: map[cluster.BrokerID]time.Duration{}}
	now := int64(-1) // as the leader's clock tells it: it has always just fetched
	for _, v := range p.CurrentVoters {
		if v.ReplicaID == p.LeaderID {
			now = v.LastFetchTimestamp
		}
	}
	for _, v := range p.CurrentVoters {
		if v.LastFetchTimestamp >= 0 {
			q.idle[cluster.BrokerID(v.ReplicaID)] = time.Duration(now-v.LastFetchTimestamp) * time.Millisecond
		}
	}
	return q, nil
}

// controller is the quorum's leader: brokers in KRaft mode name any live broker as
// controller in their metadata. A cluster without a quorum is asked for its metadata.
func (e *Env) controller(ctx context.Context) ([]cluster.BrokerID, string, error) {
	q, err := e.quorum(ctx)
	if err == nil {
		return []cluster.BrokerID{q.leader}, fmt.Sprintf("controller, epoch %d", q.epoch), nil
	}
	if !errors.Is(err, errOldBroker) {
		return nil, "", err
	}
	req := kmsg.NewPtrMetadataRequest()
	req.SetVersion(9)
	req.Topics = []kmsg.MetadataRequestTopic{}
	_, resp, err := e.askAny(ctx, req)
	if err != nil {
		return nil, "", err
	}
	id := resp.(*kmsg.MetadataResponse).ControllerID
	if id < 0 {
		return nil, "", fmt.Errorf("%w: no controller now", errNoTarget)
	}
	return []cluster.BrokerID{cluster.BrokerID(id)}, "controller", nil
}

// nodes are the brokers and the controllers that are none, ascending.
func (e *Env) nodes() []cluster.BrokerID {
	var all []cluster.BrokerID
	for _, b := range e.Cluster.Brokers() {
		all = append(all, b.ID)
	}
	if q, ok := e.Cluster.(cluster.Quorum); ok {
		all = append(all, q.Controllers()...)
	}
	slices.Sort(all)
	return all
}

// isolated says whether the node is a controller that is no broker: nobody outside
// can connect to it, so its peers have to tell.
func (b broker) isolated() bool {
	return !slices.ContainsFunc(b.env.Cluster.Brokers(), func(o cluster.Broker) bool { return o.ID == b.id })
}

// fetchPause is longer than a voter that lives goes without a fetch.
const fetchPause = 3 * time.Second

// isDeposed sees that the quorum goes on without an isolated controller, or that
// no broker reaches a controller at all.
func (b broker) isDeposed(ctx context.Context) (string, error) {
	q, err := b.env.quorum(ctx)
	idle, fetched := q.idle[b.id]
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return fmt.Sprintf("controller %d: no broker reaches the quorum's leader (%v)", b.id, err), nil
	case q.leader == b.id:
		return "", fmt.Errorf("controller %d still leads the quorum in epoch %d", b.id, q.epoch)
	case fetched && idle < fetchPause:
		return "", fmt.Errorf("controller %d still follows controller %d", b.id, q.leader)
	}
	return fmt.Sprintf(
		"controller %d leads the quorum in epoch %d, and controller %d does not follow it", q.leader, q.epoch, b.id,
	), nil
}

// isVoting sees that an isolated controller leads the quorum or follows its leader.
func (b broker) isVoting(ctx context.Context) (string, error) {
	q, err := b.env.quorum(ctx)
	if err != nil {
		return "", err
	}
	idle, fetched := q.idle[b.id]
	switch {
	case q.leader == b.id:
		return fmt.Sprintf("controller %d leads the quorum in epoch %d", b.id, q.epoch), nil
	case !fetched:
		return "", fmt.Errorf("controller %d has not fetched from controller %d", b.id, q.leader)
	case idle >= fetchPause:
		return "", fmt.Errorf("controller %d last fetched from controller %d %s ago", b.id, q.leader, idle)
	}
	return fmt.Sprintf("controller %d follows controller %d in epoch %d", b.id, q.leader, q.epoch), nil
}
