package cluster

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endOfEpoch answers OffsetForLeaderEpoch (KIP-320) in kfake's place. Between a
// leader's move and the first record of its new epoch, kfake says of the old epoch
// that it never was; a consumer then believes that records were lost and starts
// over, where Kafka names the log's end. No log is ever truncated here, so the
// log's end is a sound answer for every epoch: nothing that a consumer has seen
// lies behind it.
func (e *embedded) endOfEpoch(kreq kmsg.Request) (kmsg.Response, error, bool) {
	e.fake.KeepControl()
	req := kreq.(*kmsg.OffsetForLeaderEpochRequest)
	node := e.fake.CurrentNode()
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetForLeaderEpochResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rt.Partitions = append(rt.Partitions, e.endOf(t.Topic, p, node))
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp, nil, true
}

func (e *embedded) endOf(topic string, p kmsg.OffsetForLeaderEpochRequestTopicPartition, node int32) kmsg.OffsetForLeaderEpochResponseTopicPartition {
	rp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
	rp.Partition = p.Partition
	info := e.fake.PartitionInfo(topic, p.Partition)
	switch {
	case info == nil:
		rp.ErrorCode = kerr.UnknownTopicOrPartition.Code
	case info.Leader != node:
		rp.ErrorCode = kerr.NotLeaderForPartition.Code
	case p.CurrentLeaderEpoch >= 0 && p.CurrentLeaderEpoch < info.Epoch:
		rp.ErrorCode = kerr.FencedLeaderEpoch.Code
	case p.CurrentLeaderEpoch > info.Epoch:
		rp.ErrorCode = kerr.UnknownLeaderEpoch.Code
	case p.LeaderEpoch <= info.Epoch:
		rp.LeaderEpoch, rp.EndOffset = p.LeaderEpoch, info.HighWatermark
	}
	return rp
}
