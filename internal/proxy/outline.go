package proxy

import "github.com/twmb/franz-go/pkg/kmsg"

// outlineTopics lists the topics that r asks about, each with its partitions, as a
// response has them: kmsg has a type of its own for each, which set fills in.
func outlineTopics[T, P any](r *request, set func(t *T, topic string, id [16]byte, parts []P), part func(int32) P) (out []T) {
	for parts := r.parts; len(parts) > 0; {
		n := 1
		for n < len(parts) && parts[n].topic == parts[0].topic && parts[n].id == parts[0].id {
			n++
		}
		var all []P
		for _, p := range parts[:n] {
			all = append(all, part(p.part))
		}
		var t T
		set(&t, parts[0].topic, parts[0].id, all)
		out = append(out, t)
		parts = parts[n:]
	}
	return out
}

// outline fills resp with the topics, partitions, groups and transactions that
// r asks about, without errors.
func outline(resp kmsg.Response, r *request) {
	switch resp := resp.(type) {
	case *kmsg.ProduceResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.ProduceResponseTopic, topic string, id [16]byte, parts []kmsg.ProduceResponseTopicPartition) {
			t.Topic, t.TopicID, t.Partitions = topic, id, parts
		}, func(part int32) kmsg.ProduceResponseTopicPartition {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.FetchResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.FetchResponseTopic, topic string, id [16]byte, parts []kmsg.FetchResponseTopicPartition) {
			t.Topic, t.TopicID, t.Partitions = topic, id, parts
		}, func(part int32) kmsg.FetchResponseTopicPartition {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.ListOffsetsResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.ListOffsetsResponseTopic, topic string, _ [16]byte, parts []kmsg.ListOffsetsResponseTopicPartition) {
			t.Topic, t.Partitions = topic, parts
		}, func(part int32) kmsg.ListOffsetsResponseTopicPartition {
			p := kmsg.NewListOffsetsResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.OffsetForLeaderEpochResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.OffsetForLeaderEpochResponseTopic, topic string, _ [16]byte, parts []kmsg.OffsetForLeaderEpochResponseTopicPartition) {
			t.Topic, t.Partitions = topic, parts
		}, func(part int32) kmsg.OffsetForLeaderEpochResponseTopicPartition {
			p := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.MetadataResponse:
		for _, p := range r.parts {
			t := kmsg.NewMetadataResponseTopic()
			if p.topic != "" {
				t.Topic = kmsg.StringPtr(p.topic)
			}
			t.TopicID = p.id
			resp.Topics = append(resp.Topics, t)
		}
	case *kmsg.OffsetCommitResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.OffsetCommitResponseTopic, topic string, id [16]byte, parts []kmsg.OffsetCommitResponseTopicPartition) {
			t.Topic, t.TopicID, t.Partitions = topic, id, parts
		}, func(part int32) kmsg.OffsetCommitResponseTopicPartition {
			p := kmsg.NewOffsetCommitResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.TxnOffsetCommitResponse:
		resp.Topics = outlineTopics(r, func(t *kmsg.TxnOffsetCommitResponseTopic, topic string, id [16]byte, parts []kmsg.TxnOffsetCommitResponseTopicPartition) {
			t.Topic, t.TopicID, t.Partitions = topic, id, parts
		}, func(part int32) kmsg.TxnOffsetCommitResponseTopicPartition {
			p := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			p.Partition = part
			return p
		})
	case *kmsg.OffsetFetchResponse:
		outlineOffsetFetch(resp, r)
	case *kmsg.AddPartitionsToTxnResponse:
		outlineAddPartitions(resp, r)
	case *kmsg.FindCoordinatorResponse:
		resp.NodeID, resp.Port = -1, -1
		for _, key := range r.body.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.Port = key, -1, -1
			resp.Coordinators = append(resp.Coordinators, c)
		}
	case *kmsg.JoinGroupResponse:
		resp.Generation = -1
		resp.MemberID = r.body.(*kmsg.JoinGroupRequest).MemberID
		resp.Protocol = kmsg.StringPtr("") // not nullable before version 7
	case *kmsg.InitProducerIDResponse:
		resp.ProducerID, resp.ProducerEpoch = -1, -1
	case *kmsg.EndTxnResponse:
		resp.ProducerID, resp.ProducerEpoch = -1, -1
	case *kmsg.LeaveGroupResponse:
		for _, m := range r.body.(*kmsg.LeaveGroupRequest).Members {
			out := kmsg.NewLeaveGroupResponseMember()
			out.MemberID, out.InstanceID = m.MemberID, m.InstanceID
			resp.Members = append(resp.Members, out)
		}
	}
}

func outlineOffsetFetch(resp *kmsg.OffsetFetchResponse, r *request) {
	req := r.body.(*kmsg.OffsetFetchRequest)
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetFetchResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetFetchResponseTopicPartition()
			rp.Partition, rp.Offset = p, -1
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	for _, g := range req.Groups {
		rg := kmsg.NewOffsetFetchResponseGroup()
		rg.Group = g.Group
		for _, t := range g.Topics {
			rt := kmsg.NewOffsetFetchResponseGroupTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				rp.Partition, rp.Offset = p, -1
				rt.Partitions = append(rt.Partitions, rp)
			}
			rg.Topics = append(rg.Topics, rt)
		}
		resp.Groups = append(resp.Groups, rg)
	}
}

func outlineAddPartitions(resp *kmsg.AddPartitionsToTxnResponse, r *request) {
	req := r.body.(*kmsg.AddPartitionsToTxnRequest)
	for _, t := range req.Topics {
		rt := kmsg.NewAddPartitionsToTxnResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
			rp.Partition = p
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	for _, x := range req.Transactions {
		rx := kmsg.NewAddPartitionsToTxnResponseTransaction()
		rx.TransactionalID = x.TransactionalID
		for _, t := range x.Topics {
			rt := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
				rp.Partition = p
				rt.Partitions = append(rt.Partitions, rp)
			}
			rx.Topics = append(rx.Topics, rt)
		}
		resp.Transactions = append(resp.Transactions, rx)
	}
}
