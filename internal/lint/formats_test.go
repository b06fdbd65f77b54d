package lint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFormats of the field: what fires in each, and where.
func TestFieldFormats(t *testing.T) {
	const in = "../formats/"
	for _, tt := range []struct {
		name   string
		files  Files
		fires  []string
		states map[string]State
	}{
		{"Quarkus", Files{Config: []string{in + "quarkus.properties"}}, []string{"acks-1 quarkus.properties:0", "failures-dropped quarkus.properties:5", "commit-after-processing quarkus.properties:0"}, map[string]State{"no-loss": Forfeited}},
		{"Micronaut", Files{Config: []string{in + "micronaut.yml"}}, []string{"acks-1 micronaut.yml:8", "offset-reset-latest micronaut.yml:14", "auto-commit micronaut.yml:0"}, nil},
		{"Camel", Files{Config: []string{in + "camel.properties"}}, []string{"acks-1 camel.properties:2", "offset-reset-latest camel.properties:3", "failures-dropped camel.properties:4"}, nil},
		{"Spring Cloud Stream", Files{Config: []string{in + "scs.yml"}}, []string{"offset-reset-latest scs.yml:19", "commit-after-processing scs.yml:20"}, map[string]State{"atomicity": NotClaimed}},
		{"with its profile", Files{Config: []string{in + "scs.yml"}, Profile: "prod"}, []string{"transactional-id-shared scs.yml:33", "read-uncommitted scs.yml:0"}, map[string]State{"atomicity": AtRisk}},
		{"a connector", Files{Config: []string{in + "conn.json"}}, []string{"offset-reset-latest conn.json:1", "failures-dropped conn.json:1"}, nil},
		{"kafkajs as JSON", Files{Library: "kafkajs", Config: []string{in + "kjs.json"}}, []string{"in-flight kjs.json:3", "read-uncommitted kjs.json:4", "known-bug kjs.json:0"}, map[string]State{"order": Forfeited, "no-loss": AtRisk}},
		{"Flink SQL", Files{Config: []string{in + "flink.sql"}}, []string{"transaction-timeout flink.sql:12", "offset-reset-latest flink.sql:6"}, map[string]State{"no-loss": Forfeited}},
		{"an environment", Files{Config: []string{in + "app.env"}}, []string{"acks-1 app.env:1", "offset-reset-latest app.env:2"}, nil},
		{"Kafka's own environment", Files{Config: []string{in + "plain.env"}}, []string{"acks-1 plain.env:2"}, nil},
		{"Kubernetes", Files{Manifest: in + "k8s.yaml"}, []string{"acks-1 k8s.yaml:10", "acks-0 k8s.yaml:24"}, nil},
		{"compose", Files{Manifest: in + "compose.yml"}, []string{"acks-1 compose.yml:6", "transaction-log-rf-1 compose.yml:11", "min-insync-1 compose.yml:12"}, nil},
		{"franz-go's options", Files{Library: "franz-go", Producer: in + "kgo.properties"}, []string{"acks-1 kgo.properties:1", "idempotence-off kgo.properties:2"}, nil},
		{"placeholders", Files{Producer: in + "ph.properties"}, nil, map[string]State{"no-loss": NotKnown, "no-duplicates": NotKnown, "order": NotKnown, "progress": Promised}},
		{"placeholders with values", Files{Producer: in + "ph.properties", Set: map[string]string{"IDEMP": "true", "KAFKA_ACKS": "all"}}, nil, map[string]State{"no-loss": Promised, "no-duplicates": Promised}},
		{"placeholders with bad values", Files{Producer: in + "ph.properties", Set: map[string]string{"IDEMP": "false"}}, []string{"idempotence-off ph.properties:2"}, map[string]State{"no-duplicates": Forfeited, "no-loss": NotKnown}},
		{"keys that nobody knows", Files{Producer: in + "unk.properties"}, nil, map[string]State{"no-loss": NotKnown, "no-duplicates": NotKnown, "progress": Promised}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fired, states, _, _ := opened(t, tt.files)
			for _, f := range tt.fires {
				if !slices.Contains(fired, f) {
					t.Errorf("%s does not fire; there are %v", f, fired)
				}
			}
			if tt.fires == nil && len(fired) > 0 {
				t.Errorf("%v fire", fired)
			}
			for g, want := range tt.states {
				if states[g] != want {
					t.Errorf("%s is %s, want %s", g, states[g], want)
				}
			}
		})
	}
}

// TestFilesOfAnotherKind are refused, with the way out.
func TestFilesOfAnotherKind(t *testing.T) {
	const in = "testdata/formats/"
	for _, tt := range []struct {
		files Files
		says  string
	}{
		{Files{Library: "kafkajs", Producer: in + "bad.json"}, "bad.json:2:3: a comment"},
		{Files{Library: "java", Config: []string{in + "scs.yml"}, Profile: "nope"}, "it has prod (line 27)"},
		{Files{Library: "java", Config: []string{in + "two.properties"}}, "two.properties:2: mp.messaging.outgoing.x.acks is SmallRye (Quarkus)'s, and spring.kafka.producer.acks in line 1"},
		{Files{Library: "java", Producer: in + "y.properties"}, "save it as .yml"},
		{Files{Library: "java", Producer: in + "rdk.properties"}, "did you mean --library confluent-kafka?"},
		{Files{Library: "java", Broker: in + "quarkus.properties"}, "say --config"},
		{Files{Library: "java", Config: []string{in + "quarkus.properties"}, As: "sprig"}, "--as sprig: no framework"},
		{Files{Library: "confluent-kafka", Producer: in + "rdk.ini"}, "rdk.ini:5: acks=1 contradicts enable.idempotence=true in line 3"},
		{Files{Library: "confluent-kafka", Producer: in + "net.json"}, "acks=1 contradicts enable.idempotence=true"},
	} {
		if _, err := tt.files.Open(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want an error that says %q", tt.files, err, tt.says)
		}
	}
}

// TestSecretsAreNotPrinted, whatever is asked for.
func TestSecretsAreNotPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.properties")
	text := "acks=1\nsasl.jaas.config=x password=\"hunter2\";\nssl.key.password=hunter2\nschema.registry.url=http://me:hunter2@registry\n" +
		"basic.auth.user.info=me:hunter2\nsaslPassword=hunter2\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := Files{Library: "java", Producer: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	issues := Lint(o.Apps)
	for _, err := range []error{Text(&b, issues, Promises(o.Apps, issues), false), Keys(&b, o.Readings, true), JSON(&b, issues), SARIF(&b, "1", issues)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out := b.String() + strings.Join(o.Notes, "\n"); strings.Contains(out, "hunter2") || !strings.Contains(out, "sasl.jaas.config") {
		t.Errorf("the output names no secret and each key:\n%s", out)
	}
}

// BenchmarkLint: a file of 300 lines.
func BenchmarkLint(b *testing.B) {
	var text strings.Builder
	text.WriteString("spring:\n  kafka:\n    producer:\n      acks: ${ACKS:all}\n      properties:\n        enable.idempotence: ${IDEMP}\n")
	for i := range 294 {
		fmt.Fprintf(&text, "        my.own.setting.%d: value-%d\n", i, i)
	}
	path := filepath.Join(b.TempDir(), "application.yml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		o, err := Files{Library: "java", Config: []string{path}}.Open()
		if err != nil {
			b.Fatal(err)
		}
		Promises(o.Apps, Lint(o.Apps))
	}
}
