package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Files of the run folder.
const (
	ScenarioFile = "scenario.yaml"
	PlanFile     = "plan.json"
)

// FolderName is the name of a run's folder below runs/.
func FolderName(scenario string, seed uint64, at time.Time) string {
	return fmt.Sprintf("%s-%d-%s", scenario, seed, at.UTC().Format("20060102T150405"))
}

// saveInputs leaves what is needed to run the same again.
func saveInputs(cfg Config) error {
	yaml, err := scenario.Marshal(cfg.Scenario)
	if err != nil {
		return fmt.Errorf("save the scenario: %w", err)
	}
	plan, err := json.MarshalIndent(cfg.Plan, "", "  ")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	for name, data := range map[string][]byte{ScenarioFile: yaml, PlanFile: append(plan, '\n')} {
		if err := os.WriteFile(filepath.Join(cfg.Dir, name), data, 0o644); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	return nil
}
