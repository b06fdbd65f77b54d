package native

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/checker"
)

// leastFound is the share of planted defects that must be found, of those that had an
// effect that the history can show. A few effects meet an operation whose outcome nobody
// knows, and prove nothing.
const leastFound = 0.9

// TestPlantedDefects runs worlds with one defect each. Of those in which it had an
// effect, the judge must find nearly all, under one of the names that it has.
func TestPlantedDefects(t *testing.T) {
	found := map[string]int{}
	for i := range Plants {
		n := plantMany(t, &Plants[i], max(1, *cases/20))
		for _, g := range Plants[i].Breaks {
			found[g] += n
		}
	}
	for _, g := range []string{"no-loss", "no-duplicates", "order", "isolation", "atomicity", "agreement", "offsets", "fencing", "progress"} {
		if found[g] == 0 {
			t.Errorf("no planted defect of %s was found", g)
		}
	}
}

// plantMany runs worlds with one defect and says in how many it was found.
func plantMany(t *testing.T, p *plant, worlds int) int {
	shown, found := 0, 0
	names := map[string]int{}
	for n := range worlds {
		seed := *from + uint64(n)
		h := Run(DrawPlant(seed, p))
		if h.Truth.Fired == 0 {
			continue
		}
		shown++
		if finds(judge(t, fmt.Sprintf("%s, seed %d", p, seed), h), p, names) {
			found++
			continue
		}
		keepHistory(t, fmt.Sprintf("%d-%d", p.Defect, seed), h)
		t.Logf("%s: seed %d: not found (%d effects)", p, seed, h.Truth.Fired)
	}
	t.Logf("%-90s %4d worlds, %4d shown, %4d found; %v", p, worlds, shown, found, names)
	if missed := shown - found; missed > 1 && float64(found) < leastFound*float64(shown) {
		t.Errorf("%s: %d of %d found, want at least %.0f %%", p, found, shown, 100*leastFound)
	}
	return found
}

// finds says whether a report has one of the plant's anomalies, and counts all.
func finds(report *checker.Report, p *plant, names map[string]int) bool {
	hit := false
	for _, g := range report.Guarantees {
		for _, a := range g.Anomalies {
			names[string(a.Kind)]++
			hit = hit || slices.Contains(p.Kinds, string(a.Kind)) && string(g.Verdict) == "violated"
		}
	}
	return hit
}
