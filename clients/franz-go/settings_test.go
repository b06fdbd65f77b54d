package franzgo

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

func producerSpec(cfg map[string]string) *worker.Spec {
	return &worker.Spec{Role: guarantee.Producer, Topic: "orders", Bootstrap: []string{"127.0.0.1:1"}, Config: cfg}
}

func processorSpec(commit string, cfg map[string]string) *worker.Spec {
	return &worker.Spec{Role: guarantee.Processor, Input: "in", Output: "out", Commit: commit, Bootstrap: []string{"127.0.0.1:1"}, Config: cfg}
}

// TestEffective has each property read back from the client that it was set on.
func TestEffective(t *testing.T) {
	for _, tc := range []struct {
		spec *worker.Spec
		want map[string]string
	}{
		{producerSpec(nil), map[string]string{
			"acks": "all", "enable.idempotence": "true", "max.in.flight.requests.per.connection": "5", "linger.ms": "10",
			"retries": "2147483647", "compression.type": "snappy",
		}},
		{producerSpec(map[string]string{"acks": "1"}), map[string]string{"acks": "1", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1"}},
		{producerSpec(map[string]string{"acks": "0"}), map[string]string{"acks": "0", "enable.idempotence": "false"}},
		{producerSpec(map[string]string{
			"enable.idempotence": "false", "max.in.flight.requests.per.connection": "3", "retries": "0", "delivery.timeout.ms": "3000",
			"request.timeout.ms": "1000", "linger.ms": "0", "batch.size": "4096", "compression.type": "zstd", "metadata.max.age.ms": "500",
			"acks": "-1", "client.id": "me",
		}), map[string]string{
			"enable.idempotence": "false", "max.in.flight.requests.per.connection": "3", "retries": "0", "delivery.timeout.ms": "3000",
			"request.timeout.ms": "1000", "linger.ms": "0", "batch.size": "4096", "compression.type": "zstd", "metadata.max.age.ms": "500",
			"acks": "all", "client.id": "me",
		}},
		{processorSpec(guarantee.CommitEach, map[string]string{"group.id": "g"}), map[string]string{
			"group.id": "g", "enable.auto.commit": "false", "isolation.level": "read_uncommitted", "auto.offset.reset": "earliest",
			"partition.assignment.strategy": "cooperative-sticky", "group.protocol": "classic", "session.timeout.ms": "45000",
		}},
		{processorSpec(guarantee.CommitTxn, map[string]string{
			"group.id": "g", "transactional.id": "t", "transaction.timeout.ms": "9000", "isolation.level": "read_committed",
			"partition.assignment.strategy": "org.apache.kafka.clients.consumer.RangeAssignor", "max.poll.records": "7",
			"session.timeout.ms": "6000", "heartbeat.interval.ms": "500", "max.poll.interval.ms": "8000", "group.instance.id": "i",
		}), map[string]string{
			"transactional.id": "t", "transaction.timeout.ms": "9000", "isolation.level": "read_committed",
			"partition.assignment.strategy": "range", "max.poll.records": "7", "session.timeout.ms": "6000",
			"heartbeat.interval.ms": "500", "max.poll.interval.ms": "8000", "group.instance.id": "i", "enable.auto.commit": "false",
		}},
		{processorSpec(guarantee.CommitAuto, map[string]string{"group.id": "g", "group.protocol": "consumer", "auto.commit.interval.ms": "300"}), map[string]string{
			"group.protocol": "consumer", "partition.assignment.strategy": "sticky", "enable.auto.commit": "true", "auto.commit.interval.ms": "300",
		}},
	} {
		set, err := newSettings(tc.spec)
		if err != nil {
			t.Errorf("%v: %v", tc.spec.Config, err)
			continue
		}
		if len(set.refused) > 0 {
			t.Errorf("%v: refused %q", tc.spec.Config, set.refused)
		}
		cl, err := kgo.NewClient(set.options()...)
		if err != nil {
			t.Errorf("%v: %v", tc.spec.Config, err)
			continue
		}
		got := set.effective(cl)
		cl.Close()
		for name, want := range tc.want {
			if got[name] != want {
				t.Errorf("%v: effective %s is %q, want %q", tc.spec.Config, name, got[name], want)
			}
		}
	}
}

func TestContradictions(t *testing.T) {
	group := map[string]string{"group.id": "g"}
	with := func(more ...string) map[string]string {
		cfg := map[string]string{"group.id": "g"}
		for i := 0; i < len(more); i += 2 {
			cfg[more[i]] = more[i+1]
		}
		return cfg
	}
	for name, tc := range map[string]struct {
		spec *worker.Spec
		want string
	}{
		"acks":                   {producerSpec(map[string]string{"acks": "2"}), "none of all"},
		"number":                 {producerSpec(map[string]string{"linger.ms": "soon"}), `linger.ms: "soon" is no whole number`},
		"idempotence and acks":   {producerSpec(map[string]string{"acks": "1", "enable.idempotence": "true"}), "needs acks=all"},
		"id without transaction": {producerSpec(map[string]string{"transactional.id": "t"}), "transactional.id needs transactions"},
		"transaction without id": {processorSpec(guarantee.CommitTxn, group), "transactions need transactional.id"},
		"no group":               {processorSpec(guarantee.CommitEach, nil), "needs group.id"},
		"no pattern":             {processorSpec("sometimes", group), `commit "sometimes"`},
		"auto without auto":      {processorSpec(guarantee.CommitAuto, with("enable.auto.commit", "false")), "contradict"},
		"id and no idempotence":  {processorSpec(guarantee.CommitTxn, with("transactional.id", "t", "enable.idempotence", "false")), "needs acks=all"},
		"role":                   {&worker.Spec{Role: "observer"}, "role \"observer\""},
	} {
		if _, err := newSettings(tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, tc.want)
		}
	}
}

func TestRefused(t *testing.T) {
	set, err := newSettings(producerSpec(map[string]string{
		"max.block.ms": "5", "max.in.flight.requests.per.connection": "2", "partitioner.class": "com.example.Mine", "key.serializer": "any",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"max.block.ms", "max.in.flight.requests.per.connection", "partitioner.class"} {
		if !strings.Contains(strings.Join(set.refused, "\n"), name+": ") {
			t.Errorf("%s is not refused with a reason: %q", name, set.refused)
		}
	}
	if len(set.refused) != 3 {
		t.Errorf("refused %q, want three", set.refused)
	}
}
