package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/doctor"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

// away is a folder outside the checkout, with a cache in which nothing is built.
func away(t *testing.T) string {
	t.Helper()
	t.Setenv("ONCEPROOF_CLIENTS", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return t.TempDir()
}

// TestWorkersAwayFromTheCheckout builds a worker from what the binary carries, and runs
// it: first the command is offered, then run --build does it. sarama's modules are this
// module's own, so that nothing is fetched.
func TestWorkersAwayFromTheCheckout(t *testing.T) {
	// Go's own caches stay, or all of them would be fetched and compiled again.
	t.Setenv("GOCACHE", goEnv(t, "GOCACHE"))
	t.Setenv("GOMODCACHE", goEnv(t, "GOMODCACHE"))
	dir := away(t)
	write(t, dir, "small.yaml", strings.Replace(small, "role: producer, library: franz-go", "role: producer, library: sarama", 1))
	got := onceproof(t, dir, "run", "small.yaml", "--backend", "embedded", "--quiet")
	if got.code != suite.ExitUnjudged || !strings.Contains(got.stderr, "build it with onceproof clients build sarama") {
		t.Fatalf("without its worker: exit %d\n%s", got.code, got.stderr)
	}
	got = onceproof(t, dir, "run", "small.yaml", "--backend", "embedded", "--quiet", "--build", "--out", "built")
	if !strings.Contains(got.stderr, "building the worker of sarama\n") {
		t.Fatalf("--build: exit %d\n%s", got.code, got.stderr)
	}
	verdicts, _ := filepath.Glob(filepath.Join(dir, "built", "small-*", reports.FileVerdict))
	if len(verdicts) != 1 {
		t.Fatalf("--build: exit %d, verdicts %q\n%s", got.code, verdicts, got.stderr)
	}
	var verdict checker.Report
	if err := json.Unmarshal([]byte(read(t, verdicts[0])), &verdict); err != nil || verdict.Infra != "" {
		t.Errorf("the run with the worker: %v, %s", err, verdict.Infra)
	}
	if got := onceproof(t, dir, "clients", "list"); !strings.Contains(got.out, filepath.Join(os.Getenv("XDG_CACHE_HOME"), "onceproof", "clients")) {
		t.Errorf("clients list does not say where sarama's worker is:\n%s", got.out)
	}
}

// TestClientsBuildRefuses: what cannot be built is said before anything is tried.
func TestClientsBuildRefuses(t *testing.T) {
	dir := away(t)
	t.Setenv("PATH", t.TempDir())
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"clients build", suite.ExitUsage, "name one library"},
		{"clients build jaba", suite.ExitUsage, `did you mean "java"`},
		{"clients build sarama 1.40.0", suite.ExitUsage, "give v1.40.0"},
		{"clients build sarama@v1.40.0 v1.41.0", suite.ExitUsage, "two versions"},
		{"clients build java ../../x", suite.ExitUsage, "no version of java"},
		{"clients build java", suite.ExitUnjudged, "Maven is missing (no mvn in the path)"},
		{"compare --libraries java --build", suite.ExitUnjudged, "Maven is missing"},
	} {
		if got := onceproof(t, dir, strings.Fields(tt.args)...); got.code != tt.code || !strings.Contains(got.stderr, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", tt.args, got.code, tt.code, tt.says, got.stderr)
		}
	}
	if got := onceproof(t, dir, "clients", "build", "franz-go"); got.code != suite.ExitExpected || !strings.HasSuffix(got.out, " worker franz-go\n") {
		t.Errorf("what is built in: exit %d, %s%s", got.code, got.out, got.stderr)
	}
}

// TestDoctorForPrograms: --json says of each library how it can be had.
func TestDoctorForPrograms(t *testing.T) {
	dir := away(t)
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "no.sock"))
	t.Setenv("PATH", t.TempDir())
	var r doctor.Report
	if got := onceproof(t, dir, "doctor", "--json"); json.Unmarshal([]byte(got.out), &r) != nil || r.Format != doctor.Format {
		t.Fatalf("exit %d\n%s%s", got.code, got.out, got.stderr)
	}
	states := map[string]string{}
	for _, l := range r.Libraries {
		states[l.Name] = l.State
	}
	if states["franz-go"] != doctor.BuiltIn || states["java"] != doctor.CannotBeBuilt || len(states) < 12 {
		t.Errorf("on a machine without any tool: %v", states)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}
