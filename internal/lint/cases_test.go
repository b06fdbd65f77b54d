package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// opened lints files of testdata/cases and says what came of it: the rules that fire
// with their places, each guarantee's state, and the count of keys of each file.
func opened(t *testing.T, fs Files) (fired []string, states map[string]State, counts []string, o *Opened) {
	t.Helper()
	at := func(path string) string {
		if path == "" {
			return ""
		}
		return filepath.Join("testdata/cases", path)
	}
	fs.Producer, fs.Consumer, fs.Broker, fs.Manifest = at(fs.Producer), at(fs.Consumer), at(fs.Broker), at(fs.Manifest)
	for i := range fs.Config {
		fs.Config[i] = at(fs.Config[i])
	}
	if fs.Library == "" {
		fs.Library = "java"
	}
	o, err := fs.Open()
	if err != nil {
		t.Fatal(err)
	}
	issues := Lint(o.Apps)
	for _, i := range issues {
		fired = append(fired, fmt.Sprintf("%s %s:%d", i.Rule, filepath.Base(i.File), i.Line))
	}
	states = map[string]State{}
	for _, s := range Promises(o.Apps, issues) {
		states[s.Guarantee] = s.State
	}
	for _, r := range o.Readings {
		counts = append(counts, settings.Count(r.Keys))
	}
	return fired, states, counts, o
}

// TestFieldCases are files of public threads, each with the right answer.
func TestFieldCases(t *testing.T) {
	for _, tt := range []struct {
		files  Files
		fires  []string // among others
		silent []string // rules that must not fire
		states map[string]State
		counts []string
	}{
		{files: Files{Producer: "01-spring-yml/application.yml"}, fires: []string{"transactional-id-random application.yml:6", "offset-reset-latest application.yml:10", "read-uncommitted application.yml:0"},
			silent: []string{"auto-commit"}, counts: []string{"6 keys: 5 used, 1 of no bearing, 0 unknown"}},
		{files: Files{Config: []string{"01-spring-yml/application.properties"}}, fires: []string{"transactional-id-random application.properties:3", "offset-reset-latest application.properties:6"},
			counts: []string{"6 keys: 5 used, 1 of no bearing, 0 unknown"}},
		{files: Files{Library: "kafkajs", Consumer: "02-kafkajs-values/consumer.properties"}, silent: []string{"read-uncommitted"}, states: map[string]State{"isolation": AtRisk}},
		{files: Files{Library: "kafkajs", Consumer: "02-kafkajs-values/consumer2.properties"}, fires: []string{"offset-reset-latest consumer2.properties:2", "auto-commit consumer2.properties:3"}, states: map[string]State{"no-loss": AtRisk}},
		{files: Files{Library: "sarama", Consumer: "03-sarama-values/consumer.properties"}, fires: []string{"offset-reset-latest consumer.properties:1", "auto-commit consumer.properties:2"}},
		{files: Files{Library: "sarama", Producer: "03-sarama-values/producer.properties"}, fires: []string{"acks-1 producer.properties:1", "in-flight producer.properties:4"}, states: map[string]State{"no-loss": Forfeited}},
		{files: Files{Library: "confluent-kafka", Consumer: "04-librdkafka-auto-offset-store/consumer.properties"}, fires: []string{"auto-commit-ahead consumer.properties:0"}, states: map[string]State{"no-loss": Forfeited}},
		{files: Files{Consumer: "06-manual-commit-consumer/consumer.properties"}, fires: []string{"commit-after-processing consumer.properties:0"}, states: map[string]State{"no-duplicates": Forfeited, "no-loss": Promised}},
		{files: Files{Producer: "07-streams-and-unknown-keys/streams.properties"}, fires: []string{"acks-1 streams.properties:6"}, silent: []string{"transactional-id-shared", "auto-commit", "read-uncommitted"},
			states: map[string]State{"no-loss": Forfeited, "isolation": Promised}, counts: []string{"6 keys: 3 used, 3 of no bearing, 0 unknown"}},
		{files: Files{Producer: "07-streams-and-unknown-keys/worker.properties", Consumer: "07-streams-and-unknown-keys/worker.properties"},
			fires: []string{"acks-1 worker.properties:4", "offset-reset-latest worker.properties:6"}, silent: []string{"auto-commit"}, counts: []string{"8 keys: 3 used, 3 of no bearing, 2 of others, 0 unknown"}},
		{files: Files{Config: []string{"07-streams-and-unknown-keys/mm2.properties"}}, fires: []string{"acks-1 mm2.properties:7", "read-uncommitted mm2.properties:0"}, silent: []string{"commit-after-processing", "auto-commit"}},
		{files: Files{Producer: "13-swallowed-commit-failure/flink.properties"}, fires: []string{"transaction-timeout flink.properties:6"}, states: map[string]State{"no-loss": Forfeited}},
		{files: Files{Producer: "16-broker-transaction-log/producer.properties", Broker: "16-broker-transaction-log/server.properties"},
			fires:  []string{"transaction-log-rf-1 server.properties:2", "transaction-log-min-isr-1 server.properties:3", "transactional-id-expiration server.properties:1", "producer-id-expiration server.properties:4", "transaction-timeout producer.properties:3"},
			states: map[string]State{"atomicity": Forfeited, "fencing": Forfeited, "no-duplicates": AtRisk}},
	} {
		name := strings.Trim(tt.files.Producer+" "+tt.files.Consumer+" "+strings.Join(tt.files.Config, " "), " ")
		t.Run(name, func(t *testing.T) {
			fired, states, counts, _ := opened(t, tt.files)
			for _, f := range tt.fires {
				if !slices.Contains(fired, f) {
					t.Errorf("%s does not fire; there are %v", f, fired)
				}
			}
			for _, rule := range tt.silent {
				if slices.ContainsFunc(fired, func(f string) bool { return strings.HasPrefix(f, rule+" ") }) {
					t.Errorf("%s fires", rule)
				}
			}
			for g, want := range tt.states {
				if states[g] != want {
					t.Errorf("%s is %s, want %s", g, states[g], want)
				}
			}
			for i, want := range tt.counts {
				if counts[i] != want {
					t.Errorf("keys: %s, want %s", counts[i], want)
				}
			}
		})
	}
}

// TestBugsAreTheCorpus: each bug of a library in the corpus is known to lint, with the
// library's version that its scenario runs, and not with the one that mends it.
func TestBugsAreTheCorpus(t *testing.T) {
	brokers := []string{"bugs/kafka-14402", "bugs/kafka-17754"} // of brokers, whose version lint is not told
	names, err := scenario.Matching("bugs/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if slices.Contains(brokers, name) {
			continue
		}
		s, err := scenario.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(Lint(OfScenario(s)), func(i Issue) bool { return i.Rule == "known-bug" && "bugs/"+i.Scenario == name }) {
			t.Errorf("linting %s does not name it", name)
		}
		fixed, err := s.WithFixed()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range Lint(OfScenario(fixed)) {
			if "bugs/"+i.Scenario == name {
				t.Errorf("linting the fixed twin of %s names it", name)
			}
		}
	}
}
