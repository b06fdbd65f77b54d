package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/suite"
)

// TestSeveralLibrariesInOneRun runs the scenario that docs/clients.md shows, with its
// own libraries where ONCEPROOF_WORKERS has them all, else with sarama and the
// built-in one in their places.
func TestSeveralLibrariesInOneRun(t *testing.T) {
	built := strings.Split(os.Getenv("ONCEPROOF_WORKERS"), ",")
	has := func(library string) bool { return slices.Contains(built, library) || slices.Contains(built, "all") }
	if !has("sarama") {
		t.Skip("ONCEPROOF_WORKERS does not name sarama")
	}
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	_, scenario, found := strings.Cut(string(page), "```yaml\n")
	scenario, _, ended := strings.Cut(scenario, "```")
	if !found || !ended {
		t.Fatal("the page shows no scenario")
	}
	if !has("java") || !has("confluent-kafka") {
		scenario = strings.NewReplacer("library: java", "library: sarama", "library: confluent-kafka", "library: franz-go", "duration: 8s", "duration: 3s").Replace(scenario)
	}
	clients, err := filepath.Abs("../../clients")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("ONCEPROOF_CLIENTS") == "" {
		t.Setenv("ONCEPROOF_CLIENTS", clients)
	}
	dir := t.TempDir()
	write(t, dir, "mixed.yaml", scenario)
	got := onceproof(t, dir, "run", "mixed.yaml", "--backend", "embedded")
	if got.code != suite.ExitExpected || !strings.Contains(got.out, "Exactly once in this run") {
		t.Errorf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "runs", "mixed-*", "logs", "*.log"))
	if len(logs) != 4 {
		t.Errorf("logs of %q, want those of four processes", logs)
	}
}
