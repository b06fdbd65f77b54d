package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

var (
	pageRow     = regexp.MustCompile("(?m)^\\| `([a-z0-9.]+)` \\| (?:`([^`]*)`)?.*\\| *(.*) \\|$")
	pageRefused = regexp.MustCompile("(?m)^Nothing for: (.*)$")
	pageName    = regexp.MustCompile("`([a-z0-9.]+)`")
)

// TestClientsPage holds docs/clients.md against the workers: what the page has
// nothing for, the worker refuses; what it has a name for, the worker takes; and the
// defaults that it gives are those that the worker tells of. It asks franz-go, and the
// built workers that ONCEPROOF_WORKERS names.
func TestClientsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ONCEPROOF_TEST_WORKER", "1")
	asked := strings.Split(os.Getenv("ONCEPROOF_WORKERS"), ",")
	for section := range strings.SplitSeq(string(page), "\n## ") {
		library, text, _ := strings.Cut(section, "\n")
		refused := pageRefused.FindStringSubmatch(text)
		if refused == nil {
			continue // the head, and Java, whose names are all its own
		}
		command := []string{exe}
		if library != process.Builtin {
			if !slices.Contains(asked, library) && !slices.Contains(asked, "all") {
				continue
			}
			command, err = process.Lookup(library)
			if errors.Is(err, process.ErrNoWorker) && slices.Contains(asked, "all") {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Run(library, func(t *testing.T) {
			var mapped, nothing []string
			for _, m := range pageRow.FindAllStringSubmatch(text, -1) {
				mapped = append(mapped, m[1])
			}
			for _, m := range pageName.FindAllStringSubmatch(refused[1], -1) {
				if m[1] != "transactional.id" { // not without transactions, whatever the library
					nothing = append(nothing, m[1])
				}
			}
			if len(mapped) < 10 || len(nothing) < 10 {
				t.Fatalf("%d properties mapped, %d not: the page has lost its table", len(mapped), len(nothing))
			}
			slices.Sort(nothing)
			asked := map[string]string{}
			for _, p := range nothing {
				asked[p] = "true" // no matter what, as long as it is not what the library does anyway
			}
			hello := helloTo(t, command, asked)
			var told []string
			for _, r := range hello.Refused {
				name, _, _ := strings.Cut(r, ":")
				told = append(told, name)
			}
			slices.Sort(told)
			if diff := cmp.Diff(nothing, told); diff != "" {
				t.Errorf("asked for all that the page has nothing for, the worker refuses (-page +worker):\n%s", diff)
			}
			taken(t, command, mapped)
			defaults(t, helloTo(t, command, nil), text)
		})
	}
}

// TestClientsPageAndOwnNames: errors about properties know the same as the page.
func TestClientsPageAndOwnNames(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := 0
	for section := range strings.SplitSeq(string(page), "\n## ") {
		library, text, _ := strings.Cut(section, "\n")
		refused := pageRefused.FindStringSubmatch(text)
		if refused == nil {
			continue
		}
		sections++
		for _, m := range pageRow.FindAllStringSubmatch(text, -1) {
			property, own := m[1], strings.TrimPrefix(m[2], "js.consumer.max.batch.size") // the binding's, not librdkafka's
			if !scenario.Honours(library, property) {
				t.Errorf("%s: the page has a name for %s, internal/scenario/own.tsv has none", library, property)
			}
			if kafkas, _ := scenario.KafkasName(library, own); own != "" && kafkas != property && !sameOption(library, kafkas, property) {
				t.Errorf("%s: the page calls %s %s, by internal/scenario/own.tsv that is %q", library, property, own, kafkas)
			}
		}
		for _, m := range pageName.FindAllStringSubmatch(refused[1], -1) {
			if scenario.Honours(library, m[1]) {
				t.Errorf("%s: the page has nothing for %s, internal/scenario/own.tsv has", library, m[1])
			}
		}
	}
	if sections != 11 {
		t.Errorf("%d libraries with a table, want all but Java", sections)
	}
}

// sameOption says whether two properties are one option of library.
func sameOption(library, a, b string) bool {
	pair := []string{a, b}
	slices.Sort(pair)
	switch library {
	case process.Builtin:
		return slices.Equal(pair, []string{"group.remote.assignor", "partition.assignment.strategy"})
	case "@platformatic/kafka":
		return slices.Equal(pair, []string{"request.timeout.ms", "transaction.timeout.ms"})
	}
	return false
}

// taken asks for Kafka's own value of each property that the page has a name for.
func taken(t *testing.T, command, mapped []string) {
	t.Helper()
	asked := map[string]string{}
	for _, p := range mapped {
		if p != "transactional.id" { // not without transactions
			asked[p] = kafkas(p)
		}
	}
	for name, v := range map[string]string{
		"partition.assignment.strategy": "roundrobin", // each library that has a choice has this one
		"enable.idempotence":            "false",      // with which max.in.flight is free
		"enable.auto.commit":            "false",      // the spec's commit pattern
	} {
		if _, any := asked[name]; any {
			asked[name] = v
		}
	}
	delete(asked, "group.remote.assignor")  // for the other protocol
	delete(asked, "transaction.timeout.ms") // not without transactions
	for _, r := range helloTo(t, command, asked).Refused {
		if name, _, _ := strings.Cut(r, ":"); asked[name] != "" {
			t.Errorf("the page has a name for %s, and the worker refuses %s=%s: %s", name, name, asked[name], r)
		}
	}
}

// defaults compares what a worker tells of when nothing is asked of it.
func defaults(t *testing.T, hello worker.Hello, text string) {
	t.Helper()
	compared := 0
	for _, m := range pageRow.FindAllStringSubmatch(text, -1) {
		name, page := m[1], m[3]
		told, any := hello.Effective[name]
		if !any || slices.Contains([]string{"enable.auto.commit", "group.id", "client.id"}, name) { // the pattern's, the spec's, nobody's
			continue
		}
		want := page
		if page == "" && told != "" {
			want = kafkas(name)
		}
		compared++
		if short(name, told) != short(name, want) {
			t.Errorf("%s: the page says %q (Kafka's is %q), the worker %q", name, page, kafkas(name), told)
		}
	}
	if compared < 8 {
		t.Errorf("%d defaults compared: the worker tells of too few", compared)
	}
}

// kafkas is Kafka's own default of a client's property, "x" where it has none.
func kafkas(name string) string {
	for _, kind := range []string{"producer", "consumer"} {
		if p, known := scenario.LookupProperty(kind, name); known && p.Default != "" {
			return p.Default
		}
	}
	return "x"
}

// short is a value as the shortest of its spellings.
func short(name, value string) string {
	switch name {
	case "acks":
		return strings.ReplaceAll(value, "-1", "all")
	case "partition.assignment.strategy":
		first, _, _ := strings.Cut(value, ",")
		return strings.ToLower(strings.TrimSuffix(first[strings.LastIndexByte(first, '.')+1:], "Assignor"))
	}
	return value
}

// helloTo starts a processor with a configuration, and returns its hello.
func helloTo(t *testing.T, command []string, asked map[string]string) worker.Hello {
	t.Helper()
	spec := worker.Spec{
		Protocol: worker.ProtocolVersion, Proc: "till/0/1", Role: guarantee.Processor, Commit: guarantee.CommitBatch,
		Bootstrap: []string{"127.0.0.1:1"}, Input: "in", Output: "out", Config: map[string]string{"group.id": "till"},
	}
	maps.Copy(spec.Config, asked)
	line, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	if _, err := stdin.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no hello: %v: %s", err, &stderr)
	}
	var greeting struct{ Hello worker.Hello }
	if err := json.Unmarshal(first, &greeting); err != nil {
		t.Fatal(err)
	}
	return greeting.Hello
}
