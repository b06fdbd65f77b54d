package clients

import (
	"regexp"

	"github.com/onceproof/onceproof"
)

// pins are where each library's version is pinned: a file of the sources, and the text
// before the version.
var pins = map[string]struct{ file, before string }{
	"@confluentinc/kafka-javascript": {"clients/@confluentinc/kafka-javascript/package.json", `"@confluentinc/kafka-javascript": "`},
	"@platformatic/kafka":            {"clients/@platformatic/kafka/package.json", `"@platformatic/kafka": "`},
	"aiokafka":                       {"clients/aiokafka/requirements.txt", "aiokafka=="},
	"confluent-kafka":                {"clients/confluent-kafka/requirements.txt", "confluent-kafka=="},
	"confluent-kafka-go":             {"clients/confluent-kafka-go/go.mod", "github.com/confluentinc/confluent-kafka-go/v2 "},
	"franz-go":                       {"go.mod", "github.com/twmb/franz-go "},
	"java":                           {"clients/java/pom.xml", "<kafka.version>"},
	"kafka-go":                       {"clients/kafka-go/go.mod", "github.com/segmentio/kafka-go "},
	"kafka-python":                   {"clients/kafka-python/requirements.txt", "kafka-python=="},
	"kafkajs":                        {"clients/kafkajs/package.json", `"kafkajs": "`},
	"rdkafka":                        {"clients/rdkafka/Cargo.toml", `rdkafka = { version = "=`},
	"sarama":                         {"clients/sarama/go.mod", "github.com/IBM/sarama "},
}

// Pinned is the version of l that is built where none is asked for; "" if the sources
// do not say.
func (l Library) Pinned() string {
	files, err := onceproof.WorkerSources()
	if err != nil {
		return ""
	}
	pin := pins[l.Name]
	found := regexp.MustCompile(regexp.QuoteMeta(pin.before) + `(v?\d[0-9A-Za-z.+-]*)`).FindSubmatch(files[pin.file])
	if found == nil {
		return ""
	}
	return string(found[1])
}
