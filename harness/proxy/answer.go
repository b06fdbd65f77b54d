package proxy

import (
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// errorAnswer is the frame that answers r with code, as a broker that did
// nothing of what r asks would.
func errorAnswer(r *request, code int16, d addressBook) ([]byte, error) {
	resp := kmsg.ResponseForKey(r.api)
	resp.SetVersion(r.version)
	if s, ok := resp.(interface{ Default() }); ok {
		s.Default()
	}
	outline(resp, r)
	if m, ok := resp.(*kmsg.MetadataResponse); ok {
		m.Brokers = d.brokers()
	}
	setError(resp, code, func(string, [16]byte, int32) bool { return true })
	return encodeResponse(r.requestHeader, resp), nil
}

// replaceError is the frame of a broker's response with code put where the
// broker's own codes are, in the partitions that match.
func replaceError(h requestHeader, frame []byte, code int16, match func(topic string, id [16]byte, part int32) bool) ([]byte, error) {
	if len(frame) > maxDecode && h.api != int16(kmsg.Fetch) {
		return nil, fmt.Errorf("a %s v%d response of %d bytes is longer than what is decoded (%d)", h.name(), h.version, len(frame), maxDecode)
	}
	c := cursor{buf: frame}
	skipResponseHeader(&c, h)
	resp := kmsg.ResponseForKey(h.api)
	resp.SetVersion(h.version)
	if c.bad || resp.ReadFrom(frame[c.off:]) != nil {
		return nil, fmt.Errorf("%w: a %s v%d response ends in its middle", errGarbage, h.name(), h.version)
	}
	setError(resp, code, match)
	return encodeResponse(h, resp), nil
}

func encodeResponse(h requestHeader, resp kmsg.Response) []byte {
	return finishFrame(resp.AppendTo(newResponse(nil, h)))
}

// addressBook is what an invented Metadata response needs of a door.
type addressBook interface {
	brokers() []kmsg.MetadataResponseBroker
}

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

// setError puts code into each partition of resp that matches, or into resp
// itself where its API has one code for all, and takes back what a broker says
// only when it succeeded.
func setError(resp kmsg.Response, code int16, match func(topic string, id [16]byte, part int32) bool) {
	var none [16]byte
	switch resp := resp.(type) {
	case *kmsg.ProduceResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, t.TopicID, p.Partition) {
					p.ErrorCode, p.BaseOffset, p.LogAppendTime, p.LogStartOffset = code, -1, -1, -1
				}
			}
		}
	case *kmsg.FetchResponse:
		setFetchError(resp, code, match)
	case *kmsg.ListOffsetsResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, none, p.Partition) {
					p.ErrorCode, p.Offset, p.Timestamp, p.LeaderEpoch, p.OldStyleOffsets = code, -1, -1, -1, nil
				}
			}
		}
	case *kmsg.OffsetForLeaderEpochResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, none, p.Partition) {
					p.ErrorCode, p.LeaderEpoch, p.EndOffset = code, -1, -1
				}
			}
		}
	case *kmsg.MetadataResponse:
		if len(resp.Topics) == 0 {
			resp.ErrorCode = code
		}
		for i := range resp.Topics {
			t := &resp.Topics[i]
			name := ""
			if t.Topic != nil {
				name = *t.Topic
			}
			if match(name, t.TopicID, -1) {
				t.ErrorCode, t.Partitions = code, nil
			}
		}
	case *kmsg.OffsetCommitResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, t.TopicID, p.Partition) {
					p.ErrorCode = code
				}
			}
		}
	case *kmsg.TxnOffsetCommitResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, t.TopicID, p.Partition) {
					p.ErrorCode = code
				}
			}
		}
	case *kmsg.OffsetFetchResponse:
		setOffsetFetchError(resp, code, match)
	case *kmsg.AddPartitionsToTxnResponse:
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				if p := &t.Partitions[j]; match(t.Topic, none, p.Partition) {
					p.ErrorCode = code
				}
			}
		}
		for x := range resp.Transactions {
			for i := range resp.Transactions[x].Topics {
				t := &resp.Transactions[x].Topics[i]
				for j := range t.Partitions {
					if p := &t.Partitions[j]; match(t.Topic, none, p.Partition) {
						p.ErrorCode = code
					}
				}
			}
		}
	case *kmsg.FindCoordinatorResponse:
		resp.ErrorCode, resp.NodeID, resp.Host, resp.Port = code, -1, "", -1
		for i := range resp.Coordinators {
			c := &resp.Coordinators[i]
			c.ErrorCode, c.NodeID, c.Host, c.Port = code, -1, "", -1
		}
	case *kmsg.JoinGroupResponse:
		resp.ErrorCode, resp.Generation, resp.LeaderID, resp.Members = code, -1, "", nil
	case *kmsg.SyncGroupResponse:
		resp.ErrorCode, resp.MemberAssignment = code, nil
	case *kmsg.InitProducerIDResponse:
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, -1, -1
	case *kmsg.EndTxnResponse:
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, -1, -1
	case *kmsg.ConsumerGroupHeartbeatResponse:
		resp.ErrorCode, resp.Assignment = code, nil
	default:
		reflect.ValueOf(resp).Elem().FieldByName("ErrorCode").SetInt(int64(code))
	}
}

// setFetchError answers sessionless: the client asks for everything again. A
// request within a session may name no partition at all; then the code is the
// whole response's.
func setFetchError(resp *kmsg.FetchResponse, code int16, match func(string, [16]byte, int32) bool) {
	const sessionNotFound, invalidSessionEpoch = 70, 71
	set := false
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			if p := &t.Partitions[j]; match(t.Topic, t.TopicID, p.Partition) {
				fresh := kmsg.NewFetchResponseTopicPartition()
				fresh.Partition, fresh.ErrorCode, fresh.HighWatermark = p.Partition, code, -1
				fresh.RecordBatches = []byte{}
				*p = fresh
				set = true
			}
		}
	}
	if !set || code == sessionNotFound || code == invalidSessionEpoch {
		resp.ErrorCode, resp.SessionID, resp.Topics = code, 0, nil
	}
}

// setOffsetFetchError puts code where a broker would: few codes belong to a
// partition, all others to the group. Version 1 had partitions only.
func setOffsetFetchError(resp *kmsg.OffsetFetchResponse, code int16, match func(string, [16]byte, int32) bool) {
	const unknownTopicOrPartition, topicAuthorizationFailed, unstableOffsetCommit, unknownTopicID = 3, 29, 88, 100
	switch code {
	case unknownTopicOrPartition, topicAuthorizationFailed, unstableOffsetCommit, unknownTopicID:
	default:
		if resp.Version >= 2 {
			resp.ErrorCode, resp.Topics = code, nil
			for i := range resp.Groups {
				resp.Groups[i].ErrorCode, resp.Groups[i].Topics = code, nil
			}
			return
		}
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			if p := &t.Partitions[j]; match(t.Topic, [16]byte{}, p.Partition) {
				p.ErrorCode, p.Offset = code, -1
			}
		}
	}
	for i := range resp.Groups {
		g := &resp.Groups[i]
		for j := range g.Topics {
			t := &g.Topics[j]
			for k := range t.Partitions {
				if p := &t.Partitions[k]; match(t.Topic, t.TopicID, p.Partition) {
					p.ErrorCode, p.Offset = code, -1
				}
			}
		}
	}
}

// canAnswer says whether an API's responses have a place for an error code that
// errorAnswer can fill.
func canAnswer(api int16) bool {
	switch kmsg.Key(api) {
	case kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.OffsetForLeaderEpoch, kmsg.Metadata, kmsg.OffsetCommit,
		kmsg.OffsetFetch, kmsg.TxnOffsetCommit, kmsg.AddPartitionsToTxn, kmsg.FindCoordinator:
		return true
	case kmsg.ApiVersions:
		return false // clients learn from it what else they may say
	}
	_, ok := reflect.TypeOf(kmsg.ResponseForKey(api)).Elem().FieldByName("ErrorCode")
	return ok
}
