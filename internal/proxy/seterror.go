package proxy

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

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
