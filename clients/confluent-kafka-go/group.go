package main

import (
	"context"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

const (
	pollTime   = 100 // ms for the first record
	gatherTime = 2   // ms for those that follow it
)

// poller gathers what one poll after the other returns into batches.
type poller struct {
	lib     *library
	told    roles.Group
	records []roles.Record
	err     error // of Handle within a rebalance
}

func (l *library) Consume(ctx context.Context, topic string, told roles.Group) (err error) {
	if l.consumer, err = kafka.NewConsumer(&l.cfg.consumer); err != nil {
		return err
	}
	p := &poller{lib: l, told: told}
	if err = l.consumer.SubscribeTopics([]string{topic}, p.rebalance); err != nil {
		return err
	}
	for ctx.Err() == nil && err == nil {
		err = p.batch()
	}
	if closing := l.consumer.Close(); err == nil {
		err = closing
	}
	return err
}

func (p *poller) batch() error {
	wait := pollTime
	for len(p.records) < roles.AtOnce(p.lib.spec.Commit, p.lib.cfg.maxPoll) {
		e := p.lib.consumer.Poll(wait)
		if e == nil {
			break
		}
		switch e := e.(type) {
		case *kafka.Message:
			if err := e.TopicPartition.Error; err != nil {
				p.told.Failed(err)
				continue
			}
			p.records = append(p.records, record(e))
			wait = gatherTime
		case kafka.Error:
			p.told.Failed(e)
		}
	}
	if p.err != nil {
		return p.err
	}
	return p.handle()
}

func (p *poller) handle() error {
	records := p.records
	p.records = nil
	if len(records) == 0 {
		return nil
	}
	return p.told.Handle(records)
}

// rebalance is called within Poll. What was polled is handled before its partition
// is given back.
func (p *poller) rebalance(c *kafka.Consumer, e kafka.Event) error {
	switch e := e.(type) {
	case kafka.AssignedPartitions:
		p.told.Told(history.OpAssigned, places(e.Partitions))
	case kafka.RevokedPartitions:
		if c.AssignmentLost() {
			p.records = nil
			p.told.Told(history.OpLost, places(e.Partitions))
			return nil
		}
		p.err = p.handle()
		p.told.Told(history.OpRevoked, places(e.Partitions))
	}
	return nil
}

func places(parts []kafka.TopicPartition) []history.TopicPartition {
	var tps []history.TopicPartition
	for _, p := range parts {
		tps = append(tps, history.TopicPartition{Topic: *p.Topic, Part: p.Partition})
	}
	return tps
}

func record(m *kafka.Message) roles.Record {
	tp := m.TopicPartition
	r := roles.Record{TP: history.TopicPartition{Topic: *tp.Topic, Part: tp.Partition}, Off: int64(tp.Offset), Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, roles.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

func positions(offsets []roles.Offset) []kafka.TopicPartition {
	var tps []kafka.TopicPartition
	for _, o := range offsets {
		tps = append(tps, kafka.TopicPartition{Topic: &o.TP.Topic, Partition: o.TP.Part, Offset: kafka.Offset(o.Off), Metadata: &o.Meta})
	}
	return tps
}

// Mark is for commits in the background, which this library makes of what it has
// returned, without being told.
func (l *library) Mark([]roles.Record) {}

func (l *library) CommitOffsets(offsets []roles.Offset) error {
	committed, err := l.consumer.CommitOffsets(positions(offsets))
	for _, tp := range committed {
		if err == nil {
			err = tp.Error
		}
	}
	return err
}

// Rewind goes back to what is committed, as the library's example of transactions
// does: after an abort the consumer stays where it is.
func (l *library) Rewind([]roles.Record) []roles.Offset {
	for {
		moved, err := l.rewind()
		if err == nil {
			return moved
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (l *library) rewind() (moved []roles.Offset, err error) {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return nil, err
	}
	committed, err := l.consumer.Committed(assigned, 30_000)
	if err != nil {
		return nil, err
	}
	for _, tp := range committed {
		tp.Offset = max(tp.Offset, 0) // nothing is committed yet: from the beginning
		if err := l.consumer.Seek(tp, 0); err != nil {
			return nil, err
		}
		moved = append(moved, roles.Offset{TP: history.TopicPartition{Topic: *tp.Topic, Part: tp.Partition}, Off: int64(tp.Offset)})
	}
	return moved, nil
}
