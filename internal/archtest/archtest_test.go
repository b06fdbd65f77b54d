// Package archtest holds the import table of the house as a test.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/onceproof/onceproof/"

// page is where the import table stands, for people and for this test.
const page = "../../docs/architecture.md"

// all marks a room that may import every other.
const all = "all"

// rooms reads the table of the page: which of our packages each package may import.
func rooms(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, found := strings.Cut(string(text), "| folder | room | may import of ours |\n|---|---|---|\n")
	if !found {
		t.Fatalf("%s has no table of folders", page)
	}
	table := map[string][]string{}
	for row := range strings.Lines(rows) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
		if len(cells) != 3 {
			break
		}
		room := strings.Trim(strings.TrimSpace(cells[0]), "`/")
		for name := range strings.SplitSeq(cells[2], ",") {
			if name = strings.TrimSpace(name); name != "–" {
				table[room] = append(table[room], name)
			}
		}
		if _, ok := table[room]; !ok {
			table[room] = []string{}
		}
	}
	return table
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
	{"internal/scenario", "github.com/twmb/franz-go/pkg/kgo", "a scenario is checked before anything starts; it knows the protocol's names, no client"},
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
	table, packages := rooms(t), list(t)
	if len(packages) < len(table) {
		t.Fatalf("go list shows %d packages, the table has %d", len(packages), len(table))
	}
	seen := map[string]bool{}
	for _, p := range packages {
		at, _ := ofOurs(p.ImportPath)
		room := roomOf(table, at)
		allowed, known := table[room]
		if !known {
			t.Errorf("%s has no row in %s", at, page)
			continue
		}
		seen[room] = true
		if last := at[strings.LastIndexByte(at, '/')+1:]; slices.Contains(noise, last) {
			t.Errorf("%s: the name says nothing about what is in it", at)
		}
		for _, imported := range p.Imports {
			path, ours := ofOurs(imported)
			other := roomOf(table, path)
			if ours && other != room && !slices.Contains(allowed, other) && !slices.Contains(allowed, all) {
				t.Errorf("%s imports %s; data flows one way: it may import %v", at, path, allowed)
			}
		}
	}
	for room := range table {
		if !seen[room] {
			t.Errorf("%s: a row for %s, and no such package", page, room)
		}
	}
}

func TestForbidden(t *testing.T) {
	table := rooms(t)
	for _, p := range list(t) {
		for _, f := range forbidden {
			if roomOf(table, strings.TrimPrefix(p.ImportPath, module)) != f.room {
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

// ofOurs is where a package stands in this repository, "." for its top.
func ofOurs(path string) (at string, ours bool) {
	if path+"/" == module {
		return ".", true
	}
	return strings.CutPrefix(path, module)
}

// roomOf is the room that a package belongs to: itself, or the room above it when
// it is one of that room's own corners ("reports/browser").
func roomOf(table map[string][]string, at string) string {
	for room := at; room != ""; {
		if _, ok := table[room]; ok {
			return room
		}
		slash := strings.LastIndexByte(room, '/')
		if slash < 0 {
			break
		}
		room = room[:slash]
	}
	return at
}
