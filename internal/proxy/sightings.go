package proxy

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// batchHead is what the header of a record batch says, the same whether the
// records behind it are compressed or not. Older message formats (magic 0 and 1)
// say only their magic.
type batchHead struct {
	magic         int8
	crc           uint32 // over all but what the broker writes
	transactional bool
	pid           int64
	epoch         int16
	baseSequence  int32
	records       int32
	lastDelta     int32 // offset of the last record, relative to the first
	bytes         int
}

// batchHeader is the length of a record batch's header (magic 2).
const batchHeader = 61

// readBatchHead reads the first batch of a partition's records, of which b may
// hold no more than the beginning; all of them are bytes long.
func readBatchHead(b []byte, bytes int) batchHead {
	h := batchHead{magic: -1, pid: -1, epoch: -1, baseSequence: -1, bytes: bytes}
	if len(b) > 16 {
		h.magic = int8(b[16])
	}
	if h.magic < 2 || len(b) < batchHeader {
		return h
	}
	h.crc = binary.BigEndian.Uint32(b[17:])
	h.transactional = binary.BigEndian.Uint16(b[21:])&0x10 != 0
	h.lastDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.pid = int64(binary.BigEndian.Uint64(b[43:]))
	h.epoch = int16(binary.BigEndian.Uint16(b[51:]))
	h.baseSequence = int32(binary.BigEndian.Uint32(b[53:]))
	h.records = int32(binary.BigEndian.Uint32(b[57:]))
	return h
}

// requestEvents describes r in copies of e.
func requestEvents(e history.Event, r *request) []history.Event {
	if len(r.txns) > 0 {
		facts.TxnID.Set(&e, r.txns[0])
	}
	producer := func(pid int64, epoch int16) { e.PID, e.Epoch, e.HasPID = pid, epoch, pid >= 0 }
	member := func(group string, generation int32, id string, instance *string) {
		e.Group = group
		facts.Generation.Set(&e, generation)
		facts.Member.Set(&e, id)
		if instance != nil {
			facts.Instance.Set(&e, *instance)
		}
	}
	switch b := r.body.(type) {
	case nil:
		if r.api == int16(kmsg.Produce) {
			return produceEvents(e, r)
		}
		e.Note = "too long to read"
	case *kmsg.InitProducerIDRequest:
		facts.TimeoutMs.Set(&e, b.TransactionTimeoutMillis)
		producer(b.ProducerID, b.ProducerEpoch)
	case *kmsg.AddPartitionsToTxnRequest:
		producer(b.ProducerID, b.ProducerEpoch)
		if len(b.Transactions) > 0 { // from version 4 on; a client sends its own alone
			producer(b.Transactions[0].ProducerID, b.Transactions[0].ProducerEpoch)
		}
		return perPartition(e, r, nil)
	case *kmsg.AddOffsetsToTxnRequest:
		producer(b.ProducerID, b.ProducerEpoch)
		e.Group = b.Group
	case *kmsg.TxnOffsetCommitRequest:
		producer(b.ProducerID, b.ProducerEpoch)
		member(b.Group, b.Generation, b.MemberID, b.InstanceID)
		var all []kmsg.TxnOffsetCommitRequestTopicPartition
		for _, t := range b.Topics {
			all = append(all, t.Partitions...)
		}
		return perPartition(e, r, func(e *history.Event, i int) { setOffset(e, all[i].Offset, all[i].Metadata) })
	case *kmsg.EndTxnRequest:
		producer(b.ProducerID, b.ProducerEpoch)
		if e.Marker = "abort"; b.Commit {
			e.Marker = "commit"
		}
	case *kmsg.OffsetCommitRequest:
		member(b.Group, b.Generation, b.MemberID, b.InstanceID)
		var all []kmsg.OffsetCommitRequestTopicPartition
		for _, t := range b.Topics {
			all = append(all, t.Partitions...)
		}
		return perPartition(e, r, func(e *history.Event, i int) { setOffset(e, all[i].Offset, all[i].Metadata) })
	case *kmsg.JoinGroupRequest:
		member(b.Group, -1, b.MemberID, b.InstanceID)
		delete(e.Data, string(facts.Generation))
		facts.SessionTimeoutMs.Set(&e, b.SessionTimeoutMillis)
	case *kmsg.SyncGroupRequest:
		member(b.Group, b.Generation, b.MemberID, b.InstanceID)
	case *kmsg.HeartbeatRequest:
		member(b.Group, b.Generation, b.MemberID, b.InstanceID)
	case *kmsg.ConsumerGroupHeartbeatRequest:
		member(b.Group, b.MemberEpoch, b.MemberID, b.InstanceID)
	case *kmsg.OffsetFetchRequest:
		e.Group = b.Group
	case *kmsg.LeaveGroupRequest:
		e.Group = b.Group
		members := []string{}
		if b.MemberID != "" {
			members = append(members, b.MemberID)
		}
		for _, m := range b.Members {
			members = append(members, m.MemberID)
		}
		facts.Members.Set(&e, members)
	}
	return []history.Event{e}
}

func setOffset(e *history.Event, offset int64, metadata *string) {
	e.Off = []int64{offset}
	if metadata != nil {
		e.Meta = *metadata
	}
}

// perPartition copies e for each partition of r. Data is shared: it says the same
// of all.
func perPartition(e history.Event, r *request, each func(e *history.Event, i int)) []history.Event {
	events := make([]history.Event, 0, len(r.parts))
	for i, p := range r.parts {
		e := e
		e.TP = history.TopicPartition{Topic: p.name(), Part: p.part}
		if each != nil {
			each(&e, i)
		}
		events = append(events, e)
	}
	return events
}

// produceEvents has one event for each partition's batch.
func produceEvents(common history.Event, r *request) []history.Event {
	facts.Acks.Set(&common, r.acks)
	events := make([]history.Event, 0, len(r.parts))
	for i, p := range r.parts {
		events = append(events, produceEvent(common, p, r.batches[i]))
	}
	return events
}

func produceEvent(e history.Event, p partition, b batchHead) history.Event {
	data := make(map[string]any, len(e.Data)+4)
	for k, v := range e.Data {
		data[k] = v
	}
	e.Data = data
	facts.Bytes.Set(&e, b.bytes)
	if b.magic < 2 {
		data["magic"] = b.magic
	} else {
		facts.Records.Set(&e, b.records)
		facts.BaseSequence.Set(&e, b.baseSequence)
		facts.LastDelta.Set(&e, b.lastDelta)
		facts.CRC.Set(&e, b.crc)
	}
	e.TP = history.TopicPartition{Topic: p.name(), Part: p.part}
	e.PID, e.Epoch, e.HasPID, e.InTxn = b.pid, b.epoch, b.pid >= 0, b.transactional
	return e
}
