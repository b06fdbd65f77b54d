package scenario

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
)

// own.tsv says what each client library calls Kafka's properties, as its worker
// translates them: "=" is Kafka's own name, "+" that it has the property under no name,
// an empty cell that it has nothing like it. librdkafka stands for its bindings.
// docs/clients.md has the same for people; a test holds both together.
//
//go:embed own.tsv
var ownTSV string

// librdkafka.txt has the properties of librdkafka that are none of Kafka's Java clients'.
//
//go:embed librdkafka.txt
var librdkafkaAlone string

const librdkafka = "librdkafka"

// aliases are names that librdkafka takes besides those of own.tsv.
var aliases = map[string]string{
	"queue.buffering.max.ms": "linger.ms", "message.timeout.ms": "delivery.timeout.ms", "request.required.acks": "acks",
	"message.send.max.retries": "retries", "max.in.flight": "max.in.flight.requests.per.connection", "compression.codec": "compression.type",
	"metadata.broker.list": "bootstrap.servers", "auto.commit.enable": "enable.auto.commit", "sasl.mechanisms": "sasl.mechanism",
}

// bindings are the libraries around librdkafka; the name itself stands for them too.
var bindings = []string{"confluent-kafka", "confluent-kafka-go", "@confluentinc/kafka-javascript", "rdkafka", librdkafka}

// SplitVersion takes the version off a library's name, if it has one: a scope, as in
// "@platformatic/kafka@2.2.3", is part of the name.
func SplitVersion(library string) (name, version string) {
	if at := strings.LastIndexByte(library, '@'); at > 0 {
		return library[:at], library[at+1:]
	}
	return library, ""
}

// Column is a library's in own.tsv. It may have a version.
func Column(library string) string {
	library, _ = SplitVersion(library)
	if slices.Contains(bindings, library) {
		return librdkafka
	}
	return library
}

type ownTable struct {
	libraries []string                     // in the order of the columns
	names     map[string]map[string]string // property → library → its name
	kafkas    map[string]map[string]string // library → its name → property
	alone     map[string]bool              // librdkafka's, and no other's
}

var ownNames = sync.OnceValue(func() ownTable {
	lines := strings.Split(strings.TrimSpace(ownTSV), "\n")
	t := ownTable{
		libraries: strings.Split(lines[0], "\t")[1:], names: map[string]map[string]string{},
		kafkas: map[string]map[string]string{librdkafka: maps.Clone(aliases)}, alone: map[string]bool{},
	}
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		t.names[cells[0]] = map[string]string{}
		for i, library := range t.libraries {
			own := cells[i+1]
			if own == "" {
				continue
			}
			t.names[cells[0]][library] = own
			if t.kafkas[library] == nil {
				t.kafkas[library] = map[string]string{}
			}
			if _, first := t.kafkas[library][own]; !first && own != "=" && own != "+" {
				t.kafkas[library][own] = cells[0]
			}
		}
	}
	for name := range strings.Lines(librdkafkaAlone) {
		t.alone[strings.TrimSpace(name)] = true
	}
	return t
})

// KafkasName is Kafka's name of what library calls name.
func KafkasName(library, name string) (property string, ok bool) {
	property, ok = ownNames().kafkas[Column(library)][name]
	return property, ok
}

// Alone says whether library, and no other, has a property of this name.
func Alone(library, name string) bool {
	return Column(library) == librdkafka && ownNames().alone[name]
}

// Honours says whether library has something for one of Kafka's client properties.
func Honours(library, property string) bool {
	return ownNames().names[property][Column(library)] != ""
}

// Lacks says whether library is known to have nothing for one of Kafka's client
// properties: its worker would refuse it.
func Lacks(library, property string) bool {
	row, ok := ownNames().names[property]
	return ok && row[Column(library)] == "" && slices.Contains(ownNames().libraries, Column(library))
}

// HonouredBy lists the libraries that have something for one of Kafka's client
// properties, its own client first.
func HonouredBy(property string) []string {
	all := []string{"java"}
	for _, library := range ownNames().libraries {
		if Honours(library, property) {
			all = append(all, library)
		}
	}
	return all
}

// Owner says which library has a property of this name, if Kafka has none, and what
// for: "librdkafka's name of linger.ms". It is "" if none that is known has.
func Owner(name string) string {
	t := ownNames()
	for _, library := range t.libraries {
		if property, ok := t.kafkas[library][name]; ok {
			return library + "'s name of " + property
		}
	}
	if t.alone[name] {
		return librdkafka + "'s alone"
	}
	return ""
}
