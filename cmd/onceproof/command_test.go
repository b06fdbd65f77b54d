package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/suite"
)

// asCommand makes the test binary be onceproof itself, so that these tests see
// what a user sees: processes, signals, exit codes.
const asCommand = "ONCEPROOF_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// invocation is one finished command.
type invocation struct {
	pid, code   int
	out, stderr string
}

func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

func onceproof(t *testing.T, dir string, args ...string) invocation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := command(ctx, dir, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatalf("onceproof %s: %v", strings.Join(args, " "), err)
	}
	return invocation{cmd.Process.Pid, cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// small is a scenario of a few seconds on the embedded cluster.
const small = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: small, description: A few seconds of everything.}
cluster:
  backend: embedded
  brokers: 3
  config: {group.min.session.timeout.ms: 1000}
  topics:
    - {name: orders, partitions: 1, replicas: 3}
    - {name: receipts, partitions: 1, replicas: 3}
clients:
  - {name: shop, role: producer, library: franz-go, rate: 200/s, topic: orders, config: {acks: all}}
  - name: till
    role: processor
    library: franz-go
    input: orders
    output: receipts
    commit: transaction
    config: {group.id: till, isolation.level: read_committed, transactional.id: "till-${instance}", auto.offset.reset: earliest,
             session.timeout.ms: 3000, heartbeat.interval.ms: 500}
run: {duration: 6s, warmup: 1s, drain: 20s, seed: 7}
faults:
  - {at: 2s, crash: {client: till}, for: 500ms}
  - {at: 4s, kill: {broker: leader(orders/0)}, for: 500ms}
  - on: {request: Produce, client: shop, nth: 10, phase: response}
    drop: {}
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunLeavesAWholeFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "small.yaml", small)
	got := onceproof(t, dir, "run", "small.yaml")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	runs, err := filepath.Glob(filepath.Join(dir, "runs", "small-7-*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("run folders %v, %v; want one", runs, err)
	}
	for _, name := range []string{"scenario.yaml", "plan.json", "history.jsonl.zst", "verdict.json", "report.html", "junit.xml", "summary.md", "logs"} {
		if _, err := os.Stat(filepath.Join(runs[0], name)); err != nil {
			t.Error(err)
		}
	}
	again := onceproof(t, dir, "check", runs[0], "--json")
	saved, err := os.ReadFile(filepath.Join(runs[0], "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(saved), again.out); again.code != suite.ExitExpected || diff != "" {
		t.Errorf("check --json of the run folder (exit %d) differs from its verdict.json (-run +check):\n%s", again.code, diff)
	}
}

func TestBadInputEndsBeforeAnythingStarts(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(small, old) {
			t.Fatalf("small has no %q", old)
		}
		return strings.Replace(small, old, new, 1)
	}
	clients, err := filepath.Abs("../../clients")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, yaml string
		at         string // the text whose place the error names
		args       []string
		code       int
		says       []string
	}{
		{"unknown field", edit("input: orders", "inptu: orders"), "inptu:", nil, suite.ExitUsage, []string{`"inptu"`, `"input"`}},
		{"misspelt guarantee", small + "expect: {no-los: violated}\n", "no-los:", nil, suite.ExitUsage, []string{`"no-los"`, "no-loss"}},
		{"fault beyond the backend", edit("{at: 4s, kill: {broker: leader(orders/0)}", "{at: 4s, partition: {isolate: leader(orders/0), from: brokers}"),
			"{at: 4s", nil, suite.ExitUsage, []string{"embedded", "--backend docker"}},
		{"no such library", edit("role: processor\n    library: franz-go", "role: processor\n    library: franzgo"), "franzgo", nil, suite.ExitUsage,
			[]string{`client "till": no library is named "franzgo"; did you mean "franz-go"?`}},
		{"another library's property", edit("config: {acks: all}", "config: {message.timeout.ms: 5}"), "message.timeout.ms", nil, suite.ExitUsage,
			[]string{`unknown property "message.timeout.ms": it is librdkafka's name of delivery.timeout.ms`}},
		{"a property that the library lacks", edit("config: {acks: all}", "config: {max.block.ms: 5}"), "max.block.ms", nil, suite.ExitUsage,
			[]string{"franz-go does not support max.block.ms (supported by java, kafka-python)", "remove it, or set unsupported: warn"}},
		{"no brokers", edit("brokers: 3", "brokers: 0"), "0\n  config", nil, suite.ExitUsage, nil},
		{"replication above brokers", edit("replicas: 3", "replicas: 4"), "4}", nil, suite.ExitUsage, []string{"4 replicas", "3 brokers"}},
		{"no duration", edit("duration: 6s", "duration: 0s"), "0s, warmup", nil, suite.ExitUsage, []string{"duration"}},
		{"seed that is no number", edit("seed: 7", "seed: seven"), "seven", nil, suite.ExitUsage, []string{"seven"}},
		{"seed flag that is no number", small, "", []string{"--seed", "seven"}, suite.ExitUsage, []string{"seven"}},
		{"repeated never", small, "", []string{"--repeat", "0"}, suite.ExitUsage, []string{"--repeat", "1 or more"}},
		{"engine unreachable", small, "", []string{"--backend", "docker"}, suite.ExitUnjudged, []string{"engine"}},
		{"no such backend", small, "", []string{"--backend", "dcoker"}, suite.ExitUsage, []string{"dcoker", "docker"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "bad.yaml", tt.yaml)
			t.Setenv(process.EnvClients, clients)
			t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "no.sock"))
			got := onceproof(t, dir, append([]string{"run", "bad.yaml"}, tt.args...)...)
			if got.code != tt.code {
				t.Errorf("exit %d, want %d", got.code, tt.code)
			}
			for _, s := range append(tt.says, place(tt.yaml, tt.at)) {
				if !strings.Contains(got.stderr, s) {
					t.Errorf("stderr does not say %q", s)
				}
			}
			if strings.Contains(got.stderr, "goroutine ") {
				t.Error("a stack trace")
			}
			if t.Failed() {
				t.Log(got.stderr)
			}
		})
	}
}

// place is how an error names where text stands in yaml; "" for no text.
func place(yaml, text string) string {
	before, _, found := strings.Cut(yaml, text)
	if text == "" || !found {
		return ""
	}
	column := len(before) - strings.LastIndexByte(before, '\n')
	return fmt.Sprintf("bad.yaml:%d:%d", strings.Count(before, "\n")+1, column)
}

func TestNoSuchScenarioNamesTheNearOnes(t *testing.T) {
	got := onceproof(t, t.TempDir(), "run", "guide-recipie")
	if got.code != suite.ExitUsage || !strings.Contains(got.stderr, "guide-recipe") || !strings.Contains(got.stderr, "onceproof list") {
		t.Errorf("exit %d, stderr %s", got.code, got.stderr)
	}
}

// TestInterruptionLeavesNothing interrupts a run in the middle of its load.
func TestInterruptionLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "small.yaml", small)
			r := startRun(t, dir, "small.yaml")
			r.waitFor(t, "load")
			workers := childrenOf(t, r.cmd.Process.Pid)
			if len(workers) == 0 {
				t.Fatal("no worker runs under load")
			}
			if err := r.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := r.wait(t); code != suite.ExitInterrupted {
				t.Errorf("exit %d, want %d\n%s", code, suite.ExitInterrupted, r.text())
			}
			for _, pid := range workers {
				if alive(pid) {
					t.Errorf("worker %d is left", pid)
				}
			}
		})
	}
}

// TestKilledHarnessLeavesNoWorker kills the harness itself: its workers must not outlive it.
func TestKilledHarnessLeavesNoWorker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "small.yaml", small)
	r := startRun(t, dir, "small.yaml")
	r.waitFor(t, "load")
	workers := childrenOf(t, r.cmd.Process.Pid)
	if len(workers) == 0 {
		t.Fatal("no worker runs under load")
	}
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.wait(t)
	for _, pid := range workers {
		eventually(t, "worker is gone", func() bool { return !alive(pid) })
	}
}
