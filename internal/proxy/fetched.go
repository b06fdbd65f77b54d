package proxy

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// fetched is what a Fetch response gave a client of one partition, from its
// batches' headers.
type fetched struct {
	partition
	high, stable int64 // high watermark and last stable offset
	first, last  int64 // offsets of the whole batches that came
	batches      int
}

// batchSpan adds the batch that begins with b, and returns its length; 0 if b
// holds no header.
func (f *fetched) batchSpan(b []byte) int {
	if len(b) < batchHeader || b[16] < 2 {
		return 0
	}
	base := int64(binary.BigEndian.Uint64(b))
	size := 12 + int(int32(binary.BigEndian.Uint32(b[8:])))
	if size < batchHeader {
		return 0
	}
	last := base + int64(int32(binary.BigEndian.Uint32(b[23:])))
	if f.batches == 0 {
		f.first = base
	}
	f.last = last
	f.batches++
	return size
}

// isolationOf reads from the head of a Fetch request what its client wants to see:
// 0 everything, 1 only what was committed; -1 before version 4.
func isolationOf(b []byte, h requestHeader) int8 {
	if h.version < 4 {
		return -1
	}
	c := cursor{buf: b}
	skipRequestHeader(&c, h)
	if h.version <= 14 {
		c.int32() // replica
	}
	c.take(4 + 4 + 4) // longest wait, least and most bytes
	level := c.int8()
	if c.bad {
		return -1
	}
	return level
}

// witnessFetch walks a whole Fetch response frame, whose layout the versions from 4
// on have in common but for a few fields.
func witnessFetch(frame []byte, h requestHeader, each func(fetched)) {
	flexible := h.flexible()
	c := cursor{buf: frame}
	skipResponseHeader(&c, h)
	c.int32() // throttle
	if h.version >= 7 {
		c.take(2 + 4) // error, session
	}
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		topic, id := c.topicName(h.version >= 13, flexible)
		for p := c.array(flexible); p > 0 && !c.bad; p-- {
			f := fetched{partition: partition{string(topic), id, c.int32()}}
			c.int16() // error
			f.marks(c.take(8 + 8))
			if h.version >= 5 {
				c.take(8) // log start
			}
			for a := c.array(flexible); a > 0 && !c.bad; a-- {
				c.take(8 + 8) // producer id, first offset
				c.tags(flexible)
			}
			if h.version >= 11 {
				c.int32() // preferred read replica
			}
			for records := c.bytes(flexible); len(records) > 0; {
				seen := f
				size := seen.batchSpan(records)
				if size == 0 || size > len(records) {
					break // cut off by the broker's limit: the client drops it
				}
				f, records = seen, records[size:]
			}
			c.tags(flexible)
			if !c.bad && f.batches > 0 {
				each(f)
			}
		}
		c.tags(flexible)
	}
}

func (f *fetched) marks(b []byte) {
	if b != nil {
		f.high, f.stable = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	}
}

// fetchWitness records what the response to e gives its client; nil if nobody
// wants to know.
func (c *conn) fetchWitness(e *pending) func(fetched) {
	if e.api != int16(kmsg.Fetch) || e.version < 4 || c.p.cfg.Record == nil {
		return nil
	}
	return func(f fetched) {
		event := c.event(e.requestHeader, 0, history.OK, history.OpFetched)
		if f.topic == "" {
			f.topic = c.p.topics.name(f.id)
		}
		event.TP = history.TopicPartition{Topic: f.partition.name(), Part: f.part}
		event.Off = []int64{f.first, f.last}
		facts.Batches.Set(&event, f.batches)
		facts.HighWatermark.Set(&event, f.high)
		facts.LastStable.Set(&event, f.stable)
		if e.committed {
			facts.Committed.Set(&event, true)
		}
		c.p.cfg.Record(event)
	}
}
