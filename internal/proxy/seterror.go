package proxy

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// matcher selects partitions of a response.
type matcher func(topic string, id [16]byte, part int32) bool

// setError puts code into each partition of resp that matches, or into resp
// itself where its API has one code for all, and takes back what a broker says
// only when it succeeded.
func setError(resp kmsg.Response, code int16, match matcher) {
	switch resp := resp.(type) {
	case *kmsg.FetchResponse:
		setFetchError(resp, code, match)
	case *kmsg.OffsetFetchResponse:
		setOffsetFetchError(resp, code, match)
	case *kmsg.MetadataResponse:
		if len(resp.Topics) == 0 {
			resp.ErrorCode = code
		}
		failPartitions(resp, code, match)
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
		if hasTopics(resp.Key()) {
			failPartitions(resp, code, match)
			return
		}
		reflect.ValueOf(resp).Elem().FieldByName("ErrorCode").SetInt(int64(code))
	}
}

// failPartitions sets the error of each partition that matches; it reports whether
// there was one.
func failPartitions(resp kmsg.Response, code int16, match matcher) (any bool) {
	walkPartitions(resp, func(at place) {
		if match(at.topic, at.id, at.part) {
			failPartition(at, code)
			any = true
		}
	})
	return any
}

// failPartition sets the error of one partition.
func failPartition(at place, code int16) {
	switch p := at.entry.(type) {
	case *kmsg.ProduceResponseTopicPartition:
		p.ErrorCode, p.BaseOffset, p.LogAppendTime, p.LogStartOffset = code, -1, -1, -1
	case *kmsg.FetchResponseTopicPartition:
		*p = kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.ErrorCode, p.HighWatermark, p.RecordBatches = at.part, code, -1, []byte{}
	case *kmsg.ListOffsetsResponseTopicPartition:
		p.ErrorCode, p.Offset, p.Timestamp, p.LeaderEpoch, p.OldStyleOffsets = code, -1, -1, -1, nil
	case *kmsg.OffsetForLeaderEpochResponseTopicPartition:
		p.ErrorCode, p.LeaderEpoch, p.EndOffset = code, -1, -1
	case *kmsg.MetadataResponseTopic:
		p.ErrorCode, p.Partitions = code, nil
	case *kmsg.OffsetFetchResponseTopicPartition:
		p.ErrorCode, p.Offset = code, -1
	case *kmsg.OffsetFetchResponseGroupTopicPartition:
		p.ErrorCode, p.Offset = code, -1
	default:
		reflect.ValueOf(at.entry).Elem().FieldByName("ErrorCode").SetInt(int64(code))
	}
}

// setFetchError answers sessionless: the client asks for everything again. A
// request within a session may name no partition at all; then the code is the
// whole response's.
func setFetchError(resp *kmsg.FetchResponse, code int16, match matcher) {
	const sessionNotFound, invalidSessionEpoch = 70, 71
	if !failPartitions(resp, code, match) || code == sessionNotFound || code == invalidSessionEpoch {
		resp.ErrorCode, resp.SessionID, resp.Topics = code, 0, nil
	}
}

// setOffsetFetchError puts code where a broker would: few codes belong to a
// partition, all others to the group. Version 1 had partitions only.
func setOffsetFetchError(resp *kmsg.OffsetFetchResponse, code int16, match matcher) {
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
	failPartitions(resp, code, match)
}
