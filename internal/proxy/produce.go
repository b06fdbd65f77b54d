package proxy

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// streamsProduce says whether a request that only the witness looks at is walked
// while it passes: it is long, and the witness needs its batches' headers only.
func streamsProduce(h requestHeader, size int) bool {
	return h.api == int16(kmsg.Produce) && h.flexible() && size > readBuffer
}

// streamProduce passes a Produce request to the broker and records each of its
// batches before its last byte is passed, and so before the broker can answer.
func (c *conn) streamProduce(in *frameReader, e *pending, acks int16, size int) error {
	e.seen = &witnessedRequest{id: c.p.requests.Add(1)}
	common := c.event(e.requestHeader, e.seen.id, history.Invoke, history.OpRequest)
	facts.Acks.Set(&common, acks)
	if acks != 0 {
		c.q.push(e)
	}
	s := &stream{in: in, out: c.toBroker, left: size}
	s.skip(4 + leastRequest)
	if b := s.view(2); b != nil {
		s.skip(max(0, int(int16(binary.BigEndian.Uint16(b))))) // client id
	}
	s.tags()
	if txn := s.str(); txn != "" {
		facts.TxnID.Set(&common, txn)
	}
	s.skip(2 + 4) // acks, timeout
	for n := s.array(); n > 0 && s.err == nil; n-- {
		p := partition{}
		if e.version < 13 {
			p.topic = s.str()
		} else if id := s.view(16); id != nil {
			p.id = [16]byte(id)
			p.topic = c.p.topics.name(p.id)
		}
		for parts := s.array(); parts > 0 && s.err == nil; parts-- {
			if b := s.view(4); b != nil {
				p.part = int32(binary.BigEndian.Uint32(b))
			}
			records := max(0, s.uvarint()-1)
			batch := readBatchHead(s.peek(min(records, batchHeader)), records)
			if s.err != nil {
				break
			}
			event := produceEvent(common, p, batch)
			e.seen.mu.Lock()
			e.seen.events = append(e.seen.events, event)
			e.seen.mu.Unlock()
			c.p.cfg.Record(event)
			s.skip(records)
			s.tags()
		}
		s.tags()
	}
	s.tags()
	return s.end()
}
