package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Property
	}{
		{"separators", "a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}, {"d", "4", 4}, {"e", "5", 5}, {"f", "", 6}}},
		{"comments and blank lines", "# a=1\n  ! b=2\n\n \t\nacks=all # not a comment\n", []Property{{"acks", "all # not a comment", 5}}},
		{"a line that goes on", "bootstrap.servers=one:9092,\\\n    two:9092\nacks=1", []Property{{"bootstrap.servers", "one:9092,two:9092", 1}, {"acks", "1", 3}}},
		{"an even number of backslashes ends the line", "path=c:\\\\\nacks=1", []Property{{"path", `c:\`, 1}, {"acks", "1", 2}}},
		{"a comment does not go on", "# x \\\nacks=1", []Property{{"acks", "1", 2}}},
		{"within a line that goes on there is no comment", "a=1,\\\n#2", []Property{{"a", "1,#2", 1}}},
		{"escapes", `a\=b\ c\:d=x\ty\u00e9\z`, []Property{{"a=b c:d", "x\tyéz", 1}}},
		{"a value keeps its last blanks", "acks=all  ", []Property{{"acks", "all  ", 1}}},
		{"CRLF and CR", "a=1\r\nb=2\rc=3", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}}},
		{"the file ends within a line", `a=1\`, []Property{{"a", "1", 1}}},
		{"twice", "a=1\na=2", []Property{{"a", "1", 1}, {"a", "2", 2}}},
		{"no name", "=1", []Property{{"", "1", 1}}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("p", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, f.Properties); d != "" {
				t.Errorf("properties (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"acks=all\nx=\\u12":   "p:2: \\u is followed",
		"x=\\u12gh":           "p:1: \\u is followed",
		"\uFEFFacks=all":      "byte order mark",
		"acks=\xff\xfe\x00al": "UTF-8",
	} {
		if _, err := Parse("p", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%q) = %v, want an error that says %q", text, err, says)
		}
	}
}

// TestOpenSaysEverythingThatIsWrong: each wrong value with its line, each slip as a note.
func TestOpenSaysEverythingThatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.properties")
	text := "acks=al\nenable.idempotance=true\nretries=many\nacks=all\nschema.registry.url=http://registry\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, notes, err := Files{Library: "java", Producer: path}.Open()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{path + ":1: acks has no value \"al\"", path + ":3: retries is a whole number"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	want := []string{
		path + ":2: the producer has no property enable.idempotance, so it does nothing; did you mean enable.idempotence?",
		path + ":4: acks is set in line 1 already; the last one counts",
	}
	if d := cmp.Diff(want, notes); d != "" {
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
	a, notes, err := Files{Library: "confluent-kafka@2.3.0", Producer: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		path + ":1: message.timeout.ms is read as delivery.timeout.ms, which is Kafka's name of it",
		path + ":2: request.required.acks is read as acks, which is Kafka's name of it",
		path + ":3: queue.buffering.max.messages is librdkafka's alone, and is not looked at",
		path + ":4: the producer has no property linger_ms, so it does nothing; it is aiokafka's name of linger.ms",
		path + ":5: the producer has no property group.id, so it does nothing; it is a consumer's",
	}
	if d := cmp.Diff(want, notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	if acks := a.producer("acks"); acks.Value != "1" || acks.Line != 2 {
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
		{Files{Library: "java", Producer: written("{\n\"acks\": \"all\"\n}\n")}, "p.properties:1: none of its properties is a producer's"},
		{Files{Library: "java", Consumer: written("acks=all\n")}, "none of its properties is a consumer's"},
		{Files{Library: "java", Producer: written("acks=all\n"), Pattern: "transacton"}, `did you mean "transaction"?`},
		{Files{Library: "java", Producer: written("transactional.id=x\nenable.idempotence=false\n")}, "p.properties:2: enable.idempotence=false contradicts transactional.id in line 1"},
		{Files{Library: "java", Producer: written("transactional.id=x\nacks=1\n")}, "p.properties:2: acks=1 contradicts transactional.id in line 1"},
		{Files{Library: "java", Producer: written("acks=0\nenable.idempotence=true\n")}, "p.properties:1: acks=0 contradicts enable.idempotence=true in line 2"},
		{Files{Library: "java", Producer: "no/such.properties"}, "no/such.properties"},
	} {
		if _, _, err := tt.files.Open(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want an error that says %q", tt.files, err, tt.says)
		}
	}
}

// FuzzParse: whatever the file, no panic, and lines count up within it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a=1\\\nb", `\u00e9=\:`, "=\n:\n \\", "#\\\na"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("p", text)
		if err != nil {
			return
		}
		natural := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n") + 1
		last := 0
		for _, p := range file.Properties {
			if p.Line <= last || p.Line > natural {
				t.Fatalf("property %q in line %d, after %d, of %d", p.Name, p.Line, last, natural)
			}
			last = p.Line
		}
	})
}
