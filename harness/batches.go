package harness

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/deduce"
)

// batches reads the batch headers of a partition's log up to its high watermark:
// client libraries do not show sequences and checksums.
func (a *admin) batches(ctx context.Context, m watermark) ([]deduce.Batch, error) {
	var all []deduce.Batch
	for next := m.start; next < m.high; {
		records, err := a.fetch(ctx, m, next)
		if err != nil {
			return nil, fmt.Errorf("read the batches of %s at offset %d: %w", m.tp, next, err)
		}
		before := next
		for {
			b, size, ok := readBatch(records)
			if !ok {
				break
			}
			records = records[size:]
			end := b.Base + int64(b.last) + 1
			if end <= next {
				continue // the first batch may begin before what was asked for
			}
			next = end
			if b.magic == 2 && !b.control {
				b.TP = m.tp
				all = append(all, b.Batch)
			}
		}
		if next == before {
			return nil, fmt.Errorf("read the batches of %s at offset %d: nothing came", m.tp, next)
		}
	}
	return all, nil
}

// fetch asks the partition's leader once, outside any fetch session.
func (a *admin) fetch(ctx context.Context, m watermark, from int64) ([]byte, error) {
	meta, err := a.metadata(ctx, []string{m.tp.Topic})
	if err != nil {
		return nil, err
	}
	if len(meta.Topics) != 1 || int(m.tp.Part) >= len(meta.Topics[0].Partitions) {
		return nil, errors.New("the topic is not known")
	}
	leader := int32(-1)
	for _, p := range meta.Topics[0].Partitions {
		if p.Partition == m.tp.Part {
			leader = p.Leader
		}
	}
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = -1, 1000, 1, 8<<20, -1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	t.Topic, t.TopicID = m.tp.Topic, meta.Topics[0].TopicID
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = m.tp.Part, from, 8<<20
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.cl.Broker(int(leader)))
	if err != nil {
		return nil, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			return p.RecordBatches, kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return nil, errors.Join(kerr.ErrorForCode(resp.ErrorCode), errors.New("the answer has no partition"))
}

// headed is a batch's header.
type headed struct {
	deduce.Batch
	last    int32 // offset of its last record, relative to the first
	magic   int8
	control bool
}

// readBatch reads the header of the batch that b begins with (KIP-98). It is false
// when b holds no whole batch.
func readBatch(b []byte) (h headed, size int, ok bool) {
	const header = 61
	if len(b) < 12 {
		return h, 0, false
	}
	size = 12 + int(int32(binary.BigEndian.Uint32(b[8:])))
	if size < header || size > len(b) {
		return h, 0, false
	}
	h.Base, h.magic = int64(binary.BigEndian.Uint64(b)), int8(b[16])
	h.CRC = binary.BigEndian.Uint32(b[17:])
	h.control = binary.BigEndian.Uint16(b[21:])&0x20 != 0
	h.last = int32(binary.BigEndian.Uint32(b[23:]))
	h.PID = int64(binary.BigEndian.Uint64(b[43:]))
	h.Epoch = int16(binary.BigEndian.Uint16(b[51:]))
	h.Seq = int32(binary.BigEndian.Uint32(b[53:]))
	h.Records = int32(binary.BigEndian.Uint32(b[57:]))
	return h, size, true
}
