package scenario

import (
	"slices"
	"strings"
	"testing"
)

// TestOwnNames: each row is one of Kafka's client properties, each cell is one a
// library, and no name leads to two different rows but those that are one option there.
func TestOwnNames(t *testing.T) {
	table := ownNames()
	for property, own := range table.names {
		if !isProperty([]string{"producer", "consumer"}, property) {
			t.Errorf("%s is no property of Kafka's clients", property)
		}
		for library := range own {
			if !slices.Contains(table.libraries, library) {
				t.Errorf("%s: %q has no column", property, library)
			}
		}
	}
	for _, library := range table.libraries {
		if own := table.names["acks"][library]; own == "" {
			t.Errorf("%s has nothing for acks: the table has slipped", library)
		}
	}
	for name, property := range aliases {
		if isProperty([]string{"producer", "consumer"}, name) || table.alone[name] || !isProperty([]string{"producer", "consumer"}, property) {
			t.Errorf("%s is no alias of %s", name, property)
		}
	}
	for name := range table.alone {
		if isProperty([]string{"producer", "consumer"}, name) {
			t.Errorf("%s is Kafka's too", name)
		}
	}
}

func TestWhoseNameItIs(t *testing.T) {
	for name, want := range map[string]string{
		"queue.buffering.max.ms":   "librdkafka's name of linger.ms",
		"fetch.wait.max.ms":        "librdkafka's name of fetch.max.wait.ms",
		"Net.MaxOpenRequests":      "sarama's name of max.in.flight.requests.per.connection",
		"transactionTimeout":       "kafkajs's name of transaction.timeout.ms",
		"enable.auto.offset.store": "librdkafka's alone",
		"lingr.ms":                 "",
		"=":                        "",
		"+":                        "",
	} {
		if got := Owner(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for library, want := range map[string]string{
		"rdkafka": "linger.ms", "confluent-kafka@2.3.0": "linger.ms", "@confluentinc/kafka-javascript": "linger.ms", "sarama": "", "java": "",
	} {
		if got, _ := KafkasName(library, "queue.buffering.max.ms"); got != want {
			t.Errorf("%s: queue.buffering.max.ms is %q, want %q", library, got, want)
		}
	}
	if got := strings.Join(HonouredBy("delivery.timeout.ms"), " "); got != "java franz-go librdkafka kafka-python" {
		t.Errorf("delivery.timeout.ms is honoured by %s", got)
	}
	if Alone("sarama", "enable.auto.offset.store") || !Alone("rdkafka@0.36.2", "enable.auto.offset.store") {
		t.Error("enable.auto.offset.store is librdkafka's")
	}
}

// TestWhatALibraryLacks is told before anything starts; of a name that the table does
// not have, nothing is said.
func TestWhatALibraryLacks(t *testing.T) {
	for _, tt := range []struct {
		library, property string
		want              bool
	}{
		{"kafkajs", "group.protocol", true}, {"kafkajs@1.16.0", "group.protocol", true}, {"confluent-kafka", "group.protocol", false}, {"rdkafka", "max.block.ms", true},
		{"java", "group.protocol", false}, {"kafkajs", "ssl.key.location", false}, {"no such library", "group.protocol", false},
	} {
		if got := Lacks(tt.library, tt.property); got != tt.want {
			t.Errorf("%s lacks %s: %t", tt.library, tt.property, got)
		}
	}
}

// TestValues: each own value is one of a property that the library has, and Kafka would
// take what it becomes.
func TestValues(t *testing.T) {
	for _, v := range OwnValues() {
		role := "consumer"
		if _, ok := LookupProperty("producer", v.Property); ok {
			role = "producer"
		}
		p, ok := LookupProperty(role, v.Property)
		if !ok || !Honours(v.Library, v.Property) {
			t.Errorf("%+v: the library has no such property", v)
		}
		if err := p.Check(v.Kafkas); err != nil {
			t.Errorf("%+v: %v", v, err)
		}
		if got := KafkasValue(v.Library, v.Property, v.Own, true); got != v.Kafkas {
			t.Errorf("%+v becomes %s", v, got)
		}
	}
	for _, tt := range [][4]string{
		{"sarama", "transaction.timeout.ms", "60000000000", "60000"}, {"sarama", "transaction.timeout.ms", "1m", "60000"}, {"java", "max.poll.interval.ms", "PT5M", "300000"},
		{"java", "max.poll.interval.ms", "300000", "300000"}, {"java", "max.poll.interval.ms", "10 min", "600000"}, {"kafka-python", "enable.idempotence", "True", "true"},
		{"java", "isolation.level", "READ_COMMITTED", "read_committed"}, {"franz-go", "acks", "kgo.AllISRAcks()", "all"},
	} {
		if got := KafkasValue(tt[0], tt[1], tt[2], true); got != tt[3] {
			t.Errorf("%s: %s=%s becomes %s, want %s", tt[0], tt[1], tt[2], got, tt[3])
		}
	}
}
