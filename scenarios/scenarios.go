// Package scenarios holds the scenario files that ship with onceproof, embedded.
// Package internal/scenario loads and checks them; docs/scenarios.md is the reference.
//
//	scenarios ──> plan ──> harness ──> history ──> checker ──> reports
package scenarios

import "embed"

// Files holds shipped/*.yaml (what must hold, and the guide's recipe), mistakes/*.yaml
// (what documentation warns of, each with its correction) and bugs/*.yaml (real bugs
// of clients and brokers, each with the version that has it and one that has not).
//
//go:embed shipped/*.yaml mistakes/*.yaml bugs/*.yaml
var Files embed.FS
