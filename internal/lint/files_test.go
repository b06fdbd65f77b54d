package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOpenSaysEverythingThatIsWrong: each wrong value with its line, each slip as a note.
func TestOpenSaysEverythingThatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.properties")
	text := "acks=al\nenable.idempotance=true\nretries=many\nacks=all\nschema.registry.url=http://registry\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	opened, err := Files{Library: "java", Producer: path}.Open()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{path + ":1:1: acks has no value \"al\"", path + ":3:1: retries is a whole number"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	want := []string{
		path + ":2: the producer has no property enable.idempotance, so it does nothing; did you mean enable.idempotence?",
		path + ":4: acks is set in line 1 already; the last one counts",
	}
	if d := cmp.Diff(want, opened.Notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

// TestOpenKnowsTheLibrarysNames: a file may have the names that its library gives
// Kafka's properties; another library's do nothing, and that is said.
func TestOpenKnowsTheLibrarysNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.properties")
	text := "message.timeout.ms=5000\nrequest.required.acks=1\nqueue.buffering.max.messages=9\nlinger_ms=5\ngroup.id=g\nown.thing=1\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := Files{Library: "confluent-kafka@2.3.0", Producer: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		path + ":1: message.timeout.ms is read as delivery.timeout.ms, which is Kafka's name of it",
		path + ":2: request.required.acks is read as acks, which is Kafka's name of it",
		path + ":4: the producer has no property linger_ms, so it does nothing; it is aiokafka's name of linger.ms",
		path + ":5: the producer has no property group.id, so it does nothing; it is a consumer's",
	}
	if d := cmp.Diff(want, opened.Notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	if acks := opened.Apps[0].producer("acks"); acks.Value != "1" || acks.Line != 2 {
		t.Errorf("acks is %+v, want what line 2 says", acks)
	}
}

// TestLibrariesAreTheWorkers: every library with a worker is known by its name.
func TestLibrariesAreTheWorkers(t *testing.T) {
	for _, pattern := range []string{"*", "@*/*"} {
		builds, err := filepath.Glob(filepath.Join("../../clients", pattern, "build"))
		if err != nil || len(builds) == 0 {
			t.Fatalf("%v %v", builds, err)
		}
		for _, build := range builds {
			name, err := filepath.Rel("../../clients", filepath.Dir(build))
			if err != nil || !Knows(name) || !Knows(name+"@1.0.0") {
				t.Errorf("lint does not know %s: %v", name, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	written := func(text string) string {
		path := filepath.Join(t.TempDir(), "p.properties")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		files Files
		says  string
	}{
		{Files{Library: "jav", Producer: "p"}, `no library is named "jav"; did you mean "java"?`},
		{Files{Library: "nothing like it", Producer: "p"}, "there are @confluentinc/kafka-javascript"},
		{Files{Library: "java"}, "--producer"},
		{Files{Library: "java", Producer: written("{\n\"acks\": \"all\"\n}\n")}, "p.properties:1: is JSON by its text, and .properties by its name"},
		{Files{Library: "java", Consumer: written("acks=all\n")}, "none of its properties is a consumer's"},
		{Files{Library: "java", Producer: written("acks=all\n"), Pattern: "transacton"}, `did you mean "transaction"?`},
		{Files{Library: "java", Producer: written("transactional.id=x\nenable.idempotence=false\n")}, "p.properties:2: enable.idempotence=false contradicts transactional.id in line 1"},
		{Files{Library: "java", Producer: written("transactional.id=x\nacks=1\n")}, "p.properties:2: acks=1 contradicts transactional.id in line 1"},
		{Files{Library: "java", Producer: written("acks=0\nenable.idempotence=true\n")}, "p.properties:1: acks=0 contradicts enable.idempotence=true in line 2"},
		{Files{Library: "java", Producer: "no/such.properties"}, "no/such.properties"},
	} {
		if _, err := tt.files.Open(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want an error that says %q", tt.files, err, tt.says)
		}
	}
}
