package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// facts are what a library does that Kafka's own Java client of today does not.
type facts struct {
	producer, consumer map[string]string // defaults that differ, under Java's names
	noIdempotence      bool
	noTransactions     bool
	acksByIdempotence  bool // acks of the producer's own options are read by nobody: 1 without idempotence
}

// librdkafka's defaults, its bindings' too: its CONFIGURATION.md.
var librdkafka = facts{
	producer: map[string]string{"enable.idempotence": "false", "max.in.flight.requests.per.connection": "1000000", "delivery.timeout.ms": "300000"},
	consumer: map[string]string{"isolation.level": "read_committed"},
}

// libraries are the client libraries by the names of their workers.
var libraries = map[string]facts{
	"java":     {},
	"franz-go": {consumer: map[string]string{"auto.offset.reset": "earliest"}, producer: map[string]string{"delivery.timeout.ms": "0", "transaction.timeout.ms": "40000"}},
	"sarama": {
		producer: map[string]string{"acks": "1", "enable.idempotence": "false", "retries": "3"},
		consumer: map[string]string{},
	},
	"kafka-go": {
		producer:      map[string]string{"acks": "0", "enable.idempotence": "false", "retries": "9"},
		consumer:      map[string]string{"auto.offset.reset": "earliest", "enable.auto.commit": "false"},
		noIdempotence: true, noTransactions: true,
	},
	"confluent-kafka":                librdkafka,
	"confluent-kafka-go":             librdkafka,
	"@confluentinc/kafka-javascript": librdkafka,
	"rdkafka":                        librdkafka,
	"librdkafka":                     librdkafka,
	"kafkajs": {
		producer: map[string]string{"enable.idempotence": "false", "retries": "5", "max.in.flight.requests.per.connection": "1000000"},
		consumer: map[string]string{"isolation.level": "read_committed"},
	},
	"@platformatic/kafka": {
		producer:          map[string]string{"acks": "1", "enable.idempotence": "false", "retries": "3"},
		consumer:          map[string]string{"isolation.level": "read_committed"},
		acksByIdempotence: true,
	},
	"aiokafka":     {producer: map[string]string{"acks": "1", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1"}},
	"kafka-python": {},
}

// javaBefore are Java's defaults before a version: KIP-679 came with 3.0, and
// counts from 3.0.1, 3.1.1 and 3.2 on (KAFKA-13598).
func javaBefore(version string) facts {
	v := [3]int{}
	for i, part := range strings.SplitN(version, ".", 3) {
		v[i], _ = strconv.Atoi(part) // what is no number is 0
	}
	before := func(w ...int) bool { return slices.Compare(v[:], w) < 0 }
	switch {
	case before(3, 0, 0):
		return facts{producer: map[string]string{"acks": "1", "enable.idempotence": "false"}}
	case before(3, 0, 1), !before(3, 1, 0) && before(3, 1, 1):
		return facts{producer: map[string]string{"enable.idempotence": "false"}}
	}
	return facts{}
}

// older are the defaults of versions before the one at hand, the oldest last; what has
// no entry had the same defaults all along, as far back as oldest says. They were read
// from the packages of those versions.
var older = map[string][]struct {
	before string
	facts  facts
}{
	"kafka-python": {
		{"3.0.0", facts{producer: map[string]string{"acks": "1", "enable.idempotence": "false"}}},
		{"2.2.0", facts{producer: map[string]string{"acks": "1", "enable.idempotence": "false", "retries": "0"}, noIdempotence: true, noTransactions: true}},
	},
}

// oldest is the first version of a library whose defaults are known, and where from.
var oldest = map[string]string{
	"kafka-python": "2.0.2", "aiokafka": "0.8.0", "kafkajs": "1.16.0", "sarama": "1.47.0", "franz-go": "1.0.0", "kafka-go": "0.4.0", "java": "2.0.0",
	"confluent-kafka": "1.4.2", "confluent-kafka-go": "1.4.2", "rdkafka": "0.24.0", "@confluentinc/kafka-javascript": "1.0.0", "@platformatic/kafka": "2.0.0", "librdkafka": "1.4.2",
}

// versionNote is what there is to say of a library's version: "" if its defaults are known.
func versionNote(name string) string {
	lib, version := scenario.SplitVersion(name)
	if first := oldest[lib]; version != "" && first != "" && slices.Compare(numbers(version), numbers(first)) < 0 {
		return fmt.Sprintf("--library %s: the defaults of versions before %s are not known here; those of %s count", name, first, first)
	}
	return ""
}

// library is what is known of a library, "name" or "name@version".
func library(name string) facts {
	name, version := scenario.SplitVersion(name)
	if name == "java" && version != "" {
		return javaBefore(version)
	}
	known := libraries[name]
	if version != "" {
		for _, o := range older[name] {
			if slices.Compare(numbers(version), numbers(o.before)) < 0 {
				known = o.facts
			}
		}
	}
	return known
}

// Libraries are the names that lint knows.
func Libraries() []string { return slices.Sorted(maps.Keys(libraries)) }

// Knows says whether lint has the defaults of a library, "name" or "name@version".
func Knows(name string) bool {
	name, _ = scenario.SplitVersion(name)
	_, ok := libraries[name]
	return ok
}

// defaultOf is what counts where a file says nothing.
func defaultOf(lib string, part Part, name string) string {
	differs := map[string]string{}
	switch facts := library(lib); part {
	case Producer:
		differs = facts.producer
	case Consumer:
		differs = facts.consumer
	}
	if v, ok := differs[name]; ok {
		return v
	}
	p, _ := scenario.LookupProperty(string(part), name)
	return p.Default
}
