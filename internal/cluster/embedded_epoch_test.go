package cluster

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A leader that has moved and written nothing yet must not tell its readers that
// their records were lost.
func TestEmbeddedMovedLeaderKnowsTheEndOfTheOldEpoch(t *testing.T) {
	c := startTest(t, embeddedSpec())
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()[0].Addr), kgo.DefaultProduceTopic("orders"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for range 3 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Partition: 0, Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	e := c.(*embedded)
	old := e.fake.PartitionInfo("orders", 0).Epoch
	if err := e.MoveLeader(t.Context(), "orders", 0, 2); err != nil {
		t.Fatal(err)
	}

	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	topic := kmsg.NewOffsetForLeaderEpochRequestTopic()
	topic.Topic = "orders"
	part := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	part.LeaderEpoch, part.CurrentLeaderEpoch = old, old+1
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	kresp, err := cl.Broker(2).Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got := kresp.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
	if got.ErrorCode != 0 || got.LeaderEpoch != old || got.EndOffset != 3 {
		t.Errorf("end of epoch %d: %+v, want offset 3", old, got)
	}
}
