//go:build no_group_metadata

package main

import (
	"github.com/IBM/sarama"

	"github.com/onceproof/onceproof/worker/roles"
)

// SendOffsets adds offsets to the transaction by the group's name alone: versions
// without KIP-447 know no more.
func (l *library) SendOffsets(offsets []roles.Offset) error {
	staged := map[string][]*sarama.PartitionOffsetMetadata{}
	for _, o := range offsets {
		staged[o.TP.Topic] = append(staged[o.TP.Topic], &sarama.PartitionOffsetMetadata{Partition: o.TP.Part, Offset: o.Off, Metadata: &o.Meta})
	}
	return l.producer.AddOffsetsToTxn(staged, l.spec.Config["group.id"])
}
