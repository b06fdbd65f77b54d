package scenario

import (
	"strings"
	"testing"
)

const withPattern = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: pattern}
cluster: {topics: [{name: orders}, {name: receipts}]}
clients:
  - {name: till, role: processor, program: [./till], input: orders, output: receipts, config: {group.id: till}}
run: {duration: 5s}
faults:
  - {name: late, on: {request: EndTxn, transactional.id: '~till-.*'}, delay: {by: 5ms}}
  - {name: dies, at: 2s, kill: {broker: 'coordinator(txn ~PATTERN)'}, for: 1s}
`

// A transactional id that the program draws at each start is named by an expression.
func TestPatternForIDs(t *testing.T) {
	if _, err := Parse("x.yaml", []byte(strings.Replace(withPattern, "PATTERN", "till-.*", 1))); err != nil {
		t.Error(err)
	}
	_, err := Parse("x.yaml", []byte(strings.Replace(withPattern, "PATTERN", "till-[", 1)))
	if err == nil || !strings.Contains(err.Error(), "x.yaml:10:") || !strings.Contains(err.Error(), "missing closing ]") {
		t.Errorf("an expression that is none: %v", err)
	}
}
