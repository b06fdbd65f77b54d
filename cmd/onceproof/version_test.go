package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/buildinfo"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

func TestVersion(t *testing.T) {
	command, flag := onceproof(t, t.TempDir(), "version"), onceproof(t, t.TempDir(), "--version")
	if command.code != suite.ExitExpected || command.out != flag.out || command.out != versionText() {
		t.Errorf("version prints\n%s--version prints\n%s", command.out, flag.out)
	}
	var got buildinfo.Info
	if out := onceproof(t, t.TempDir(), "version", "--json").out; json.Unmarshal([]byte(out), &got) != nil || got != buildinfo.Read() {
		t.Errorf("version --json prints %s", out)
	}
}

// TestRunsNameTheirTool: who recorded is in the history, who judged in the verdict.
func TestRunsNameTheirTool(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "small.yaml", small)
	if got := onceproof(t, dir, "run", "small.yaml", "--backend", "embedded", "--quiet"); got.code == suite.ExitUsage {
		t.Fatal(got.stderr)
	}
	runs, _ := filepath.Glob(filepath.Join(dir, "runs", "small-*"))
	if len(runs) != 1 {
		t.Fatalf("run folders: %q", runs)
	}
	r, err := history.Open(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	verdict := checker.Report{}
	if data, err := os.ReadFile(filepath.Join(runs[0], reports.FileVerdict)); err != nil || json.Unmarshal(data, &verdict) != nil {
		t.Fatalf("the verdict: %v", err)
	}
	page := read(t, filepath.Join(runs[0], "report.html"))
	if r.Header().Tool != tool() || verdict.Tool != tool() || !strings.Contains(page, `content="`+tool()+`"`) {
		t.Errorf("the history says %q, the verdict %q; this is %q", r.Header().Tool, verdict.Tool, tool())
	}
	if again := onceproof(t, dir, "check", runs[0], "--json"); !strings.Contains(again.out, `"tool": "`+tool()+`"`) {
		t.Errorf("check does not say who judged:\n%.300s", again.out)
	}
}
