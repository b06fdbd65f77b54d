package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/harness/client"
)

var (
	pageRow     = regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\|")
	pageRefused = regexp.MustCompile("(?m)^Nothing for: (.*)$")
	pageName    = regexp.MustCompile("`([a-z.]+)`")
)

// TestClientsPage holds docs/clients.md against the workers: what the page has
// nothing for, the worker refuses. It asks franz-go, and the built workers that
// ONCEPROOF_WORKERS names.
func TestClientsPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/clients.md")
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
		if library != client.Builtin {
			if !slices.Contains(asked, library) && !slices.Contains(asked, "all") {
				continue
			}
			command, err = client.Lookup(library)
			if errors.Is(err, client.ErrNoWorker) && slices.Contains(asked, "all") {
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
			hello := helloTo(t, command, nothing)
			var told []string
			for _, r := range hello.Refused {
				name, _, _ := strings.Cut(r, ":")
				told = append(told, name)
			}
			slices.Sort(told)
			if diff := cmp.Diff(nothing, told); diff != "" {
				t.Errorf("asked for all that the page has nothing for, the worker refuses (-page +worker):\n%s", diff)
			}
		})
	}
}

// helloTo asks for properties that the library has nothing for; their values do
// not matter, as long as they are not what the library does anyway.
func helloTo(t *testing.T, command, properties []string) client.Hello {
	t.Helper()
	spec := client.Spec{
		Protocol: client.ProtocolVersion, Proc: "till/0/1", Role: client.Processor, Commit: client.CommitBatch,
		Bootstrap: []string{"127.0.0.1:1"}, Input: "in", Output: "out", Config: map[string]string{"group.id": "till"},
	}
	for _, p := range properties {
		spec.Config[p] = "true"
	}
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
	var greeting struct{ Hello client.Hello }
	if err := json.Unmarshal(first, &greeting); err != nil {
		t.Fatal(err)
	}
	return greeting.Hello
}
