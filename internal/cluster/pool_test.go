package cluster

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestWhichSpecsWantTheSameBrokers(t *testing.T) {
	base := Spec{Name: "a", Backend: "docker", Brokers: 3, Config: map[string]string{"a": "1", "b": "2"}, Topics: []Topic{{Name: "orders", Partitions: 1, Replicas: 1}}}
	for _, tt := range []struct {
		name   string
		change func(*Spec)
		same   bool
	}{
		{"another run", func(s *Spec) { s.Name, s.LogDir = "b", "elsewhere" }, true},
		{"other topics", func(s *Spec) { s.Topics = nil }, true},
		{"docker, as auto chose", func(s *Spec) { s.Backend = "auto" }, true},
		{"more brokers", func(s *Spec) { s.Brokers = 4 }, false},
		{"controllers of their own", func(s *Spec) { s.Controllers = 1 }, false},
		{"another Kafka", func(s *Spec) { s.Image = "onceproof/kafka:3.9.2" }, false},
		{"another property", func(s *Spec) { s.Config = map[string]string{"a": "1", "b": "3"} }, false},
		{"a property less", func(s *Spec) { s.Config = map[string]string{"a": "1"} }, false},
		{"a property that looks like two", func(s *Spec) { s.Config = map[string]string{"a": `1" "b"="2`} }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := base
			tt.change(&other)
			if same := brokersOf(base) == brokersOf(other); same != tt.same {
				t.Errorf("the same brokers: %v, want %v", same, tt.same)
			}
		})
	}
}

func TestHowManyIdleClustersHaveToGo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		idle   []int
		memory int64
		want   int
	}{
		{"none is idle", nil, 0, 0},
		{"there is room", []int{3, 3}, 16 << 30, 0},
		{"too many", []int{3, 3, 3, 3}, 64 << 30, 2},
		{"little memory", []int{3, 3}, 5 << 30, 1},
		{"hardly any", []int{3, 3}, 1 << 30, 2},
		{"the engine does not tell", []int{1}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := surplus(tt.idle, 3, tt.memory); got != tt.want {
				t.Errorf("%d have to go, want %d", got, tt.want)
			}
		})
	}
}

// What is not docker's is started and closed as without a pool.
func TestPoolKeepsNoEmbeddedCluster(t *testing.T) {
	noLeak(t)
	for name, p := range map[string]*Pool{"no pool": nil, "a pool": NewPool()} {
		c, _, served, err := p.Acquire(t.Context(), Spec{Name: "test", Backend: "embedded", Brokers: 1})
		if err != nil || served != 0 {
			t.Fatalf("%s: served %d, %v", name, served, err)
		}
		if err := p.Release(c, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := metadata(t.Context(), c.Brokers()[0].Addr, nil); err == nil {
			t.Errorf("%s: the cluster that was given back still answers", name)
		}
		if err := p.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A run leaves a committed and an open transaction, a member that never said goodbye,
// offsets, records, and a broker that was killed and came back. The next one meets none
// of it, on the same brokers; and nothing is left when the pool is closed.
func TestPoolLendsCleanBrokers(t *testing.T) {
	e := needDocker(t)
	noLeak(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	p := NewPool()
	defer p.Close()
	first := dockerSpec(t)
	c, _, served, err := p.Acquire(ctx, first)
	if err != nil || served != 0 {
		t.Fatalf("served %d, %v", served, err)
	}
	d := c.(*docker)
	defer d.Close()
	was := idsOf(t, d)
	live(t, d)
	if err := p.Release(c, ""); err != nil {
		t.Fatal(err)
	}

	second := dockerSpec(t)
	second.Progress = func(s string) { t.Log(s) }
	again, chosen, served, err := p.Acquire(ctx, second)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(chosen)
	defer again.Close()
	if again != c || served != 1 {
		t.Fatalf("served %d; the same brokers: %v", served, again == c)
	}
	for topic, id := range idsOf(t, d) {
		if id == was[topic] {
			t.Errorf("topic %s has the id that it had", topic)
		}
	}
	if err := d.eachLed(ctx, "orders", func(b Broker, part int32) error {
		if n := endOf(t, b, "orders", part); n != 0 {
			t.Errorf("orders/%d ends at offset %d", part, n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	cl := producer(t, d, "t")
	defer cl.Close()
	if _, epoch, err := cl.ProducerID(ctx); err != nil || epoch != 0 {
		t.Errorf("a transactional id that the first run had has epoch %d, want 0 as on new brokers: %v", epoch, err)
	}
	checkLogs(t, first.LogDir, second.LogDir)

	if err := p.Release(again, "it has a mark"); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if left := leftovers(t, e, d.run); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// live does what runs do, and ends without tidying up.
func live(t *testing.T, d *docker) {
	t.Helper()
	ctx := t.Context()
	cl := producer(t, d, "t")
	defer cl.Close()
	for i := range 2 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(ctx, kgo.StringRecord("v")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // the second stays open
			if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
		}
	}
	group, err := kgo.NewClient(kgo.SeedBrokers(addrs(d)...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("orders"), kgo.InstanceID("static")) // which does not leave
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	if group.PollFetches(ctx).NumRecords() == 0 {
		t.Fatal("nothing was read")
	}
	if err := group.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Kill(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if err := waitRegistered(ctx, d.Brokers(), d.ended); err != nil {
		t.Fatal(err)
	}
}

func producer(t *testing.T, d *docker, id string) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs(d)...), kgo.TransactionalID(id), kgo.DefaultProduceTopic("orders"), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// idsOf are the topics' ids.
func idsOf(t *testing.T, d *docker) map[string][16]byte {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 12
	resp, err := ask[*kmsg.MetadataResponse](t.Context(), d.Brokers()[0].Addr, req)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string][16]byte{}
	for _, topic := range resp.Topics {
		if !internal(*topic.Topic) {
			ids[*topic.Topic] = topic.TopicID
		}
	}
	if len(ids) == 0 {
		t.Fatal("there are no topics")
	}
	return ids
}

func endOf(t *testing.T, leader Broker, topic string, part int32) int64 {
	t.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = 5 // the last without flexible headers
	req.ReplicaID = -1
	rt, rp := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	rp.Partition, rp.Timestamp = part, -1
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := ask[*kmsg.ListOffsetsResponse](t.Context(), leader.Addr, req)
	if err != nil {
		t.Fatal(err)
	}
	p := resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		t.Fatal(err)
	}
	return p.Offset
}

// checkLogs sees that each run's folder has its own lines of each broker.
func checkLogs(t *testing.T, first, second string) {
	t.Helper()
	for _, name := range []string{"broker-1.log", "broker-2.log", "broker-3.log"} {
		before, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		since, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(since)), "\n")
		if len(lines) < 2 || !strings.Contains(lines[0], "has served 1 runs before") {
			t.Errorf("%s of the second run begins %q", name, lines[0])
		}
		if slices.Contains(strings.Split(string(before), "\n"), lines[len(lines)-1]) {
			t.Errorf("%s of the first run has the second's line %q", name, lines[len(lines)-1])
		}
	}
}
