package faults

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// probe is a partition that one broker alone has: what a record there takes, and the
// time that it gets, are that broker's doing and nobody else's.
type probe struct {
	broker
	topic string
}

// probe creates the broker's topic, if it has none, and waits until it takes records.
func (b broker) probe(ctx context.Context) (probe, error) {
	p := probe{broker: b, topic: fmt.Sprintf("onceproof-probe-%d", b.id)}
	stamped := "LogAppendTime"
	create := kmsg.NewPtrCreateTopicsRequest()
	create.SetVersion(5)
	create.TimeoutMillis = 5000
	create.Topics = []kmsg.CreateTopicsRequestTopic{{
		Topic: p.topic, NumPartitions: -1, ReplicationFactor: -1,
		ReplicaAssignment: []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{int32(b.id)}}},
		Configs: []kmsg.CreateTopicsRequestTopicConfig{
			{Name: "message.timestamp.type", Value: &stamped}, {Name: "min.insync.replicas", Value: kmsg.StringPtr("1")},
		},
	}}
	_, err := await(ctx, func(ctx context.Context) (string, error) {
		known, err := b.now()
		if err != nil {
			return "", finalError{err}
		}
		resp, err := askWithin(ctx, 10*time.Second, known.Addr, create)
		if err != nil {
			return "", fmt.Errorf("create %s: %w", p.topic, err)
		}
		for _, t := range resp.(*kmsg.CreateTopicsResponse).Topics {
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				return "", fmt.Errorf("create %s: %w", p.topic, err)
			}
		}
		_, _, err = p.write(ctx)
		return "", err
	})
	return p, err
}

// write sends one record, and tells the time that the broker stamped it with, and how
// long that took.
func (p probe) write(ctx context.Context) (stamp time.Time, took time.Duration, err error) {
	known, err := p.now()
	if err != nil {
		return time.Time{}, 0, finalError{err}
	}
	began := time.Now()
	resp, err := ask(ctx, known.Addr, p.request())
	took = time.Since(began)
	if err != nil {
		return time.Time{}, took, fmt.Errorf("a record for %s: %w", p.topic, err)
	}
	topics := resp.(*kmsg.ProduceResponse).Topics
	if len(topics) != 1 || len(topics[0].Partitions) != 1 {
		return time.Time{}, took, fmt.Errorf("a record for %s: an answer about %d topics", p.topic, len(topics))
	}
	part := topics[0].Partitions[0]
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return time.Time{}, took, fmt.Errorf("a record for %s: %w", p.topic, err)
	}
	return time.UnixMilli(part.LogAppendTime), took, nil
}

// lastNamed is the last version of Produce that names topics; later ones have ids.
const lastNamed = 12

func (p probe) request() *kmsg.ProduceRequest {
	rec := kmsg.Record{Value: []byte("onceproof")}
	rec.Length = int32(len(rec.AppendTo(nil)) - 1)
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: rec.AppendTo(nil),
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	batch.CRC = int32(crc32.Checksum(batch.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(lastNamed)
	req.Acks, req.TimeoutMillis = 1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{
		{Topic: p.topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch.AppendTo(nil)}}},
	}
	return req
}
