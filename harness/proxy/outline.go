package proxy

import "github.com/twmb/franz-go/pkg/kmsg"

// byTopic groups consecutive partitions of one topic.
func byTopic(parts []partition, each func(topic string, id [16]byte, parts []partition)) {
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && parts[n].topic == parts[0].topic && parts[n].id == parts[0].id {
			n++
		}
		each(parts[0].topic, parts[0].id, parts[:n])
		parts = parts[n:]
	}
}

// outline fills resp with the topics, partitions, groups and transactions that
// r asks about, without errors.
func outline(resp kmsg.Response, r *request) {
	switch resp := resp.(type) {
	case *kmsg.ProduceResponse:
		byTopic(r.parts, func(topic string, id [16]byte, parts []partition) {
			t := kmsg.NewProduceResponseTopic()
			t.Topic, t.TopicID = topic, id
			for _, p := range parts {
				tp := kmsg.NewProduceResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
		})
	case *kmsg.FetchResponse:
		byTopic(r.parts, func(topic string, id [16]byte, parts []partition) {
			t := kmsg.NewFetchResponseTopic()
			t.Topic, t.TopicID = topic, id
			for _, p := range parts {
				tp := kmsg.NewFetchResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
		})
	case *kmsg.ListOffsetsResponse:
		byTopic(r.parts, func(topic string, _ [16]byte, parts []partition) {
			t := kmsg.NewListOffsetsResponseTopic()
			t.Topic = topic
			for _, p := range parts {
				tp := kmsg.NewListOffsetsResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
		})
	case *kmsg.OffsetForLeaderEpochResponse:
		byTopic(r.parts, func(topic string, _ [16]byte, parts []partition) {
			t := kmsg.NewOffsetForLeaderEpochResponseTopic()
			t.Topic = topic
			for _, p := range parts {
				tp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
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
		byTopic(r.parts, func(topic string, id [16]byte, parts []partition) {
			t := kmsg.NewOffsetCommitResponseTopic()
			t.Topic, t.TopicID = topic, id
			for _, p := range parts {
				tp := kmsg.NewOffsetCommitResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
		})
	case *kmsg.TxnOffsetCommitResponse:
		byTopic(r.parts, func(topic string, id [16]byte, parts []partition) {
			t := kmsg.NewTxnOffsetCommitResponseTopic()
			t.Topic, t.TopicID = topic, id
			for _, p := range parts {
				tp := kmsg.NewTxnOffsetCommitResponseTopicPartition()
				tp.Partition = p.part
				t.Partitions = append(t.Partitions, tp)
			}
			resp.Topics = append(resp.Topics, t)
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
