// Package plan turns a scenario and a seed into numbered steps, before anything
// starts. It is pure: the same scenario and seed give the same plan.
package plan

import (
	"time"

	"github.com/onceproof/onceproof/scenarios"
)

// Plan is what a run will do. It is printed and saved before anything starts.
type Plan struct {
	Scenario string        `json:"scenario"`
	Seed     uint64        `json:"seed"`
	Duration time.Duration `json:"duration"`
	Steps    []Step        `json:"steps"`
}

// Step is one strike: a fault with a concrete time or a trigger. A fault that
// comes `every` so often has one step for each strike.
type Step struct {
	N     int             `json:"n"`
	At    time.Duration   `json:"at"`   // since the load began; -1 when a request or another fault triggers it
	For   time.Duration   `json:"for"`  // drawn
	Seed  uint64          `json:"seed"` // of this step's own draws, from (seed, step, target)
	Text  string          `json:"text"` // "kill broker leader(orders/0) at 12s for 5s"
	Fault scenarios.Fault `json:"fault"`
}

// Build draws the plan of s for seed.
func Build(s *scenarios.Scenario, seed uint64) (*Plan, error) { panic("not built yet") }
