// Package archtest holds the import table of the house as a test.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/onceproof/onceproof/"

// rooms says which of our packages each package may import. A package that is not
// named here may not exist.
var rooms = map[string][]string{
	"history":         {},
	"history/parquet": {"history"}, // apart, so that workers do not link a Parquet library
	"scenarios":       {},
	"internal/plan":    {"scenarios"},
	"internal/network": {}, // where clients, proxy and brokers meet: TCP or memory
	"internal/cluster": {"internal/network"},
	"internal/proxy":   {"history", "internal/network"},
	"harness/client":  {"history", "internal/network"},
	// tries workers against the same embedded brokers that a run has
	"harness/client/conformance": {"harness/client", "internal/network", "internal/cluster", "history"},
	"faults":                     {"internal/network", "internal/cluster", "internal/proxy", "harness/client", "scenarios"},
	"harness":                    {"history", "scenarios", "internal/plan", "internal/network", "internal/cluster", "internal/proxy", "harness/client", "faults"},
	"checker/linear":             {"history"},
	"checker":                    {"history", "checker/linear"},
	"internal/trials":                     {},                       // counting
	"internal/search":                     {"scenarios", "checker"}, // whose evidence guides it
	// runs in bubbles; of tests alone
	"internal/search/faketime":   {"internal/search", "scenarios", "checker", "history", "harness", "internal/plan", "internal/network", "harness/client", "clients/franz-go"},
	"internal/shrink":            {"scenarios", "internal/trials"},
	"reports":           {"checker", "history", "internal/trials"},
	"internal/lint":              {"scenarios"},                                      // says what a configuration can promise before any run, so it knows no run
	"internal/verify":            {"scenarios", "internal/lint", "checker", "harness/client"}, // chooses what to run and reads verdicts; starts nothing
	"clients/franz-go":  {"harness/client", "internal/network", "history"},
	"internal/archtest": {},
}

// forbidden says which of others' packages a room must never reach, even through
// others, and why.
var forbidden = []struct{ room, prefix, why string }{
	{"history", "github.com/twmb/franz-go", "a history is judged on machines that have no Kafka"},
	{"clients/franz-go", "github.com/parquet-go", "a worker prints a history, and exports none; 5 MB of each"},
	{"history", "github.com/moby", "a history is judged on machines that have no engine"},
	{"checker", "github.com/twmb/franz-go", "the judge sees only the history, never a broker"},
	{"checker", "github.com/moby", "the judge sees only the history, never a container"},
	{"checker", "github.com/testcontainers", "the judge sees only the history, never a container"},
	{"reports", "github.com/twmb/franz-go", "a report is made from verdict and history alone"},
	{"scenarios", "github.com/twmb/franz-go/pkg/kgo", "a scenario is checked before anything starts; it knows the protocol's names, no client"},
	{"internal/plan", "github.com/twmb/franz-go/pkg/kgo", "a plan is pure: the same scenario and seed give the same steps"},
	{"internal/plan", "time/tzdata", "a plan knows durations, not clocks"},
}

// noise names packages that say nothing.
var noise = []string{"util", "utils", "common", "helpers", "types", "misc", "base"}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	packages := list(t)
	if len(packages) < len(rooms) {
		t.Fatalf("go list shows %d packages, want at least %d", len(packages), len(rooms))
	}
	for _, p := range packages {
		room := strings.TrimPrefix(p.ImportPath, module)
		if room == "cmd/onceproof" {
			continue // may import all
		}
		allowed, known := rooms[parent(room)]
		if !known {
			t.Errorf("%s has no place in the house; give it one here and in docs/architecture.md", room)
			continue
		}
		if last := room[strings.LastIndexByte(room, '/')+1:]; slices.Contains(noise, last) {
			t.Errorf("%s: the name says nothing about what is in it", room)
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module)
			if ours && parent(other) != parent(room) && !slices.Contains(allowed, parent(other)) {
				t.Errorf("%s imports %s; data flows one way: it may import %v", room, other, allowed)
			}
		}
	}
}

func TestForbidden(t *testing.T) {
	for _, p := range list(t) {
		for _, f := range forbidden {
			if parent(strings.TrimPrefix(p.ImportPath, module)) != f.room {
				continue
			}
			for _, dep := range p.Deps {
				if strings.HasPrefix(dep, f.prefix) {
					t.Errorf("%s reaches %s: %s", f.room, dep, f.why)
				}
			}
		}
	}
}

// parent is the room that a package belongs to: itself, or the room above it when
// it is one of that room's own corners ("reports/browser").
func parent(room string) string {
	for at := room; at != ""; {
		if _, ok := rooms[at]; ok {
			return at
		}
		slash := strings.LastIndexByte(at, '/')
		if slash < 0 {
			break
		}
		at = at[:slash]
	}
	return room
}
