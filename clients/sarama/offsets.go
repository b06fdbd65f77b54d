//go:build !no_group_metadata

package main

import (
	"github.com/IBM/sarama"

	"github.com/onceproof/onceproof/worker/roles"
)

// SendOffsets adds offsets to the transaction with the group's metadata (KIP-447).
func (l *library) SendOffsets(offsets []roles.Offset) error {
	return l.producer.AddOffsetsToTxnWithGroupMetadata(stage(offsets), l.group.metadata())
}

var _ roles.Memberless = (*library)(nil)

// SendOffsetsWithoutGroup uses the call that the library had before KIP-447.
func (l *library) SendOffsetsWithoutGroup(offsets []roles.Offset) error {
	return l.producer.AddOffsetsToTxn(stage(offsets), l.spec.Config["group.id"])
}

func stage(offsets []roles.Offset) map[string][]*sarama.PartitionOffsetMetadata {
	staged := map[string][]*sarama.PartitionOffsetMetadata{}
	for _, o := range offsets {
		staged[o.TP.Topic] = append(staged[o.TP.Topic], &sarama.PartitionOffsetMetadata{
			Partition: o.TP.Part, Offset: o.Off, LeaderEpoch: -1, Metadata: &o.Meta,
		})
	}
	return staged
}

func (g *group) metadata() *sarama.ConsumerGroupMetadata {
	s := g.current()
	m := sarama.NewConsumerGroupMetadata(g.lib.spec.Config["group.id"])
	m.MemberID, m.GenerationID = s.MemberID(), s.GenerationID()
	if id := g.lib.cfg.Consumer.Group.InstanceId; id != "" {
		m.GroupInstanceID = &id
	}
	return m
}
