package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/suite"
)

// badWorker does what a worker must not, by the name of it.
const badWorker = `#!/bin/sh
read -r spec
hello() { echo '{"hello":{"protocol":'$1',"library":"odd","version":"1","roles":["producer"],"commits":[],"effective":{"acks":"all"}}}'; }
echo 'last words' >&2
case $1 in
garbage) hello 1; echo 'WARN: something'; exec sleep 100;;
garbage-first) echo 'Picked up JAVA_TOOL_OPTIONS'; exec sleep 100;;
flood) hello 1; exec yes 'no event';;
endless-line) hello 1; exec tr '\0' x </dev/zero;;
early) hello 1; exit 0;;
futile) hello 1; exit 3;;
other-version) hello 2; exec sleep 100;;
dead) exit 7;;
deaf) hello 1; exec sleep 100;;
stderr-flood) hello 1; exec yes 'last words' >&2;;
esac
`

const oddScenario = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: odd, description: A worker that does what it must not.}
cluster:
  backend: embedded
  topics: [{name: orders, partitions: 1, replicas: 1}]
clients:
  - {name: shop, role: producer, command: [%q, %s], rate: 50/s, topic: orders, config: {acks: all}}
run: {duration: 1s, warmup: 0s, drain: 5s, seed: 7}
`

// TestBadWorkersEndTheRun: whatever a worker does, its run ends with exit code 3, says
// why, its last words and where its log is, and leaves a folder that says the same.
func TestBadWorkersEndTheRun(t *testing.T) {
	for kind, says := range map[string]string{
		"garbage":       `a line that is no event`,
		"garbage-first": `its first line is no hello: "Picked up JAVA_TOOL_OPTIONS"`,
		"flood":         `a line that is no event`,
		"endless-line":  "a line of more than 1048576 bytes",
		"early":         "ended by itself with exit code 0 and no close",
		"futile":        "got nothing done in the whole run: client: shop/0/",
		"other-version": "it speaks worker protocol 2, this harness 1",
		"dead":          "ended before its hello with exit code 7",
		"deaf":          "did not stop within 10s of being asked and was killed",
		"stderr-flood":  "did not stop within 10s of being asked and was killed",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			worker := filepath.Join(dir, "worker.sh")
			if err := os.WriteFile(worker, []byte(badWorker), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "odd.yaml", fmt.Sprintf(oddScenario, worker, kind))
			got := onceproof(t, dir, "run", "odd.yaml", "--quiet")
			if got.code != suite.ExitUnjudged {
				t.Errorf("exit %d, want %d", got.code, suite.ExitUnjudged)
			}
			log := filepath.Join("logs", "shop-0.log")
			for _, want := range []string{says, "last words", log} {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, got.stderr)
				}
			}
			if n := strings.Count(got.stderr, "last lines of its stderr"); n != 1 {
				t.Errorf("its last lines are there %d times:\n%s", n, got.stderr)
			}
			dirs, _ := filepath.Glob(filepath.Join(dir, "runs", "odd-7-*"))
			if len(dirs) != 1 {
				t.Fatalf("run folders %v, want one", dirs)
			}
			for name, want := range map[string]string{"verdict.json": `"exit": 3`, log: "last words", "report.html": "last words"} {
				text, err := os.ReadFile(filepath.Join(dirs[0], name))
				if err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%s has no %q: %v", name, want, err)
				}
			}
		})
	}
}
