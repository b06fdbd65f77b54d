package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/onceproof/onceproof/internal/suite"
)

// brittle has a worker that starts only once: its second run cannot be judged.
const brittle = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: brittle, description: A worker that starts only once.}
cluster: {backend: embedded, brokers: 1, topics: [{name: orders, partitions: 1, replicas: 1}]}
clients:
  - {name: shop, role: producer, command: [sh, -c, 'mkdir %s && exec %s worker franz-go'], rate: 200/s, topic: orders, config: {acks: all}}
run: {duration: 1500ms, warmup: 500ms, drain: 20s, seed: 7}
faults:
  - on: {request: Produce, client: shop, nth: 5, phase: response}
    drop: {}
`

// TestUntilFail: seed after seed as long as all is as expected, then the end.
func TestUntilFail(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "brittle.yaml", fmt.Sprintf(brittle, filepath.Join(dir, "started"), self))
	got := onceproof(t, dir, "run", "brittle.yaml", "--until-fail", "--quiet")
	if got.code != suite.ExitUnjudged {
		t.Errorf("exit %d, want that of the run that failed\n%s\n%s", got.code, got.out, got.stderr)
	}
	for seed, want := range map[int]int{7: 1, 8: 1, 9: 0} {
		runs, err := filepath.Glob(filepath.Join(dir, "runs", fmt.Sprintf("brittle-%d-*", seed)))
		if err != nil || len(runs) != want {
			t.Errorf("%d runs with seed %d, want %d: %v", len(runs), seed, want, err)
		}
	}
}
