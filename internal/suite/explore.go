package suite

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/search"
	"github.com/onceproof/onceproof/reports"
)

// explorer moves the faults of a suite's runs to where none has struck yet, as the
// verdicts in the output folder tell.
type explorer struct {
	out    string
	before map[string][]checker.Coverage // by scenario, when the suite began
}

func newExplorer(out string) *explorer { return &explorer{out, map[string][]checker.Coverage{}} }

// covered is what all runs of a scenario below the output folder have met.
func (e *explorer) covered(scenario string) ([]checker.Coverage, error) {
	var dirs []string
	for _, d := range reports.RunFolders(e.out) {
		if ofScenario(d, scenario) {
			dirs = append(dirs, d)
		}
	}
	coverage, _, err := CoverageOf(dirs)
	if _, known := e.before[scenario]; !known {
		e.before[scenario] = coverage
	}
	return coverage, err
}

// Explore moves the faults of s for its next run, and says to where.
func (e *explorer) explore(w io.Writer, s *scenario.Scenario, seed uint64) (*scenario.Scenario, error) {
	coverage, err := e.covered(s.Metadata.Name)
	if err != nil {
		return nil, err
	}
	hits := map[checker.Cell]int64{}
	for _, c := range coverage {
		hits[c.Cell] = c.Strikes
	}
	x := search.Explore(s, seed, hits)
	if len(x.Aims) == 0 {
		fmt.Fprintf(w, "explore: %s has no fault that can be moved: a kill, stop, pause or restart, a crash, or a fault on a request, beside transactions\n", s.Metadata.Name)
	}
	for _, c := range x.Aims {
		fmt.Fprintf(w, "explore: %s of the %s while %s (hit %d times so far)\n", c.Kind, c.Role, c.Phase, hits[c])
	}
	return x.Scenario, nil
}

// grown says how far the suite's runs went beyond those before.
func (e *explorer) grown(w io.Writer) error {
	for scenario, before := range e.before {
		now, err := e.covered(scenario)
		if err != nil {
			return err
		}
		known := map[checker.Cell]bool{}
		for _, c := range before {
			known[c.Cell] = true
		}
		var fresh []string
		for _, c := range now {
			if !known[c.Cell] {
				fresh = append(fresh, fmt.Sprintf("%s %s %s", c.Kind, c.Phase, c.Role))
			}
		}
		fmt.Fprintf(w, "\nexplore: %s went from %d cells to %d", scenario, len(before), len(now))
		if len(fresh) > 0 {
			fmt.Fprintf(w, ": %s", strings.Join(fresh, ", "))
		}
		fmt.Fprintln(w)
		if err := reports.Evidence(w, now); err != nil {
			return err
		}
	}
	return nil
}

// ofScenario says whether a run folder's verdict is about a scenario.
func ofScenario(dir, scenario string) bool {
	v, err := ReadVerdict(dir)
	return err == nil && v.Scenario == scenario
}

// exploreWords is where the explorer tells its aims.
func exploreWords(quiet bool) io.Writer {
	if quiet {
		return io.Discard
	}
	return os.Stderr
}
