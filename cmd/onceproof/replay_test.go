package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/suite"
)

// brief is a scenario whose one fault always makes a duplicate.
const brief = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: brief}
cluster:
  backend: embedded
  topics: [{name: orders}]
clients:
  - {name: shop, role: producer, rate: 100/s, topic: orders, config: {acks: all, enable.idempotence: false}}
run: {duration: 2s, warmup: 200ms, seed: 7}
faults:
  - on: {request: Produce, client: shop, nth: 20, phase: response}
    drop: {}
expect: {no-duplicates: violated}
`

func TestReplayTellsHowAlikeItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "brief.yaml", brief)
	if got := onceproof(t, dir, "run", "brief.yaml", "--out", "first"); got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	first, err := filepath.Glob(filepath.Join(dir, "first", "brief-7-*"))
	if err != nil || len(first) != 1 {
		t.Fatalf("run folders %v, %v; want one", first, err)
	}
	got := onceproof(t, dir, "replay", first[0], "--repeat", "2")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	for _, want := range []string{
		"  verdicts    9 of 9 as before\n", "  again       duplicate-write ", "  faults      1 of 1 struck the same target",
		"no-duplicates, duplicate-write: reproduced in 2 of 2 (95 % interval 34 to 100 %)",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("replay does not print %q:\n%s", want, got.out)
		}
	}
	if runs, _ := filepath.Glob(filepath.Join(dir, "runs", "brief-7-*")); len(runs) != 2 {
		t.Errorf("replay left %v, want two folders", runs)
	}
}

func TestReplayOfWhatIsNoRun(t *testing.T) {
	dir := t.TempDir()
	if got := onceproof(t, dir, "replay", "nowhere"); got.code != suite.ExitUsage || !strings.Contains(got.stderr, "`onceproof run` makes run folders") {
		t.Errorf("exit %d, %q", got.code, got.stderr)
	}
}

func TestRepeatGivesRates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "brief.yaml", brief)
	got := onceproof(t, dir, "run", "brief.yaml", "--repeat", "2")
	if want := "brief: no-duplicates violated in 2 of 2 (95 % interval 34 to 100 %)"; got.code != suite.ExitExpected || !strings.Contains(got.out, want) {
		t.Errorf("exit %d, want 0 and %q:\n%s\n%s", got.code, want, got.out, got.stderr)
	}
}
