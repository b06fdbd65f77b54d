package proxy

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// partition is a topic-partition that a request names. Topic is "" if the
// request gave an id that no Metadata response has told; part is -1 if the
// request speaks of the whole topic.
type partition struct {
	topic string
	id    [16]byte
	part  int32
}

// request is one request whose body was read because somebody asks for it.
type request struct {
	requestHeader
	frame []byte       // with its length
	body  kmsg.Request // decoded; nil for Produce
	txns  []string     // transactional ids
	parts []partition
	acks  int16 // of Produce
	// clientID is what the header says, "" if nothing.
	clientID string
	// batches has the head of what Produce sends to each of parts.
	batches []batchHead
	// opaque requests are too long or too new to be read: they name nothing.
	opaque bool
}

// parseRequest reads the body of the request in frame.
func parseRequest(h requestHeader, frame []byte, names *topicNames) (*request, error) {
	r := &request{requestHeader: h, frame: frame}
	c := cursor{buf: frame}
	r.clientID = string(skipRequestHeader(&c, h))
	if h.api == int16(kmsg.Produce) {
		r.produce(&c, names)
	} else if !c.bad {
		if len(frame) > maxDecode || h.version > apis[h.api].max {
			r.opaque = true
			return r, nil
		}
		r.body = kmsg.RequestForKey(h.api)
		r.body.SetVersion(h.version)
		c.bad = r.body.ReadFrom(frame[c.off:]) != nil
		if !c.bad {
			r.names(names)
		}
	}
	if c.bad {
		return nil, fmt.Errorf("%w: a %s v%d request ends in its middle", errGarbage, h.name(), h.version)
	}
	return r, nil
}

// produce reads all of a Produce request but its records.
func (r *request) produce(c *cursor, names *topicNames) {
	txn, acks := produceHead(c, r.requestHeader)
	if len(txn) > 0 {
		r.txns = append(r.txns, string(txn))
	}
	r.acks = acks
	walkProduce(c, r.requestHeader, func(topic []byte, id [16]byte, part int32, records []byte) {
		p := partition{string(topic), id, part}
		if topic == nil {
			p.topic = names.name(id)
		}
		r.parts = append(r.parts, p)
		r.batches = append(r.batches, readBatchHead(records, len(records)))
	})
}

// produceHead reads a Produce request's body up to its acks.
func produceHead(c *cursor, h requestHeader) (txn []byte, acks int16) {
	if h.version >= 3 {
		txn = c.str(h.flexible())
	}
	return txn, c.int16()
}

// walkProduce goes on behind produceHead, over the records of each partition.
func walkProduce(c *cursor, h requestHeader, each func(topic []byte, id [16]byte, part int32, records []byte)) {
	flexible := h.flexible()
	c.int32() // timeout
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		topic, id := c.topicName(h.version >= 13, flexible)
		for p := c.array(flexible); p > 0 && !c.bad; p-- {
			part := c.int32()
			records := c.bytes(flexible)
			c.tags(flexible)
			if !c.bad {
				each(topic, id, part, records)
			}
		}
		c.tags(flexible)
	}
}

// names collects the transactional ids and topic-partitions of r.body.
func (r *request) names(names *topicNames) {
	for _, id := range transactionalIDs(r.body) {
		if id != "" {
			r.txns = append(r.txns, id)
		}
	}
	if !hasTopics(r.api) {
		return
	}
	walkPartitions(r.body, func(at place) {
		if at.topic == "" {
			at.topic = names.name(at.id)
		}
		r.parts = append(r.parts, at.partition)
	})
}

// transactionalIDs are those that a request names; "" is none.
func transactionalIDs(body kmsg.Request) (ids []string) {
	switch b := body.(type) {
	case *kmsg.FindCoordinatorRequest:
		if b.CoordinatorType == 1 { // transaction
			return append([]string{b.CoordinatorKey}, b.CoordinatorKeys...)
		}
	case *kmsg.InitProducerIDRequest:
		if b.TransactionalID != nil {
			return []string{*b.TransactionalID}
		}
	case *kmsg.AddPartitionsToTxnRequest:
		ids = []string{b.TransactionalID}
		for _, x := range b.Transactions {
			ids = append(ids, x.TransactionalID)
		}
		return ids
	case *kmsg.AddOffsetsToTxnRequest:
		return []string{b.TransactionalID}
	case *kmsg.EndTxnRequest:
		return []string{b.TransactionalID}
	case *kmsg.TxnOffsetCommitRequest:
		return []string{b.TransactionalID}
	}
	return nil
}

// everyTopic says whether r asks about all topics without naming one.
func (r *request) everyTopic() bool {
	m, ok := r.body.(*kmsg.MetadataRequest)
	return ok && (m.Topics == nil || m.Version == 0 && len(m.Topics) == 0)
}

// hasTxnID says whether requests of an API (-1: of some) name transactional ids.
func hasTxnID(api int16) bool {
	switch kmsg.Key(api) {
	case -1,
		kmsg.Produce,
		kmsg.FindCoordinator,
		kmsg.InitProducerID,
		kmsg.AddPartitionsToTxn,
		kmsg.AddOffsetsToTxn,
		kmsg.EndTxn,
		kmsg.TxnOffsetCommit:
		return true
	}
	return false
}

// hasTopics says whether requests of an API (-1: of some) name topics that a
// rule can match.
func hasTopics(api int16) bool {
	switch kmsg.Key(api) {
	case -1,
		kmsg.Produce,
		kmsg.Fetch,
		kmsg.ListOffsets,
		kmsg.OffsetForLeaderEpoch,
		kmsg.Metadata,
		kmsg.OffsetCommit,
		kmsg.OffsetFetch,
		kmsg.AddPartitionsToTxn,
		kmsg.TxnOffsetCommit:
		return true
	}
	return false
}
