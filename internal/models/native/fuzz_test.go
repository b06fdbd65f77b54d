package native

import (
	"fmt"
	"testing"
)

// TestFuzzedOrderAndLoss judges correct worlds whose recorder was slow, or whose
// processes died before their last lines were out. The verdict may be weaker; it may
// not be violated.
func TestFuzzedOrderAndLoss(t *testing.T) {
	counts := map[string]int{}
	for i := range max(3, *cases/8) {
		seed := *from + uint64(i)
		cfg := DrawCrashes(seed)
		h := Run(cfg)
		lossy, lost := h.Lossy(seed)
		late, moved := h.Late(seed, false)
		doubled, twice := h.Late(seed, true)
		counts["lines lost"] += lost
		counts["lines late"] += moved
		counts["lines doubled"] += twice
		for name, fuzzed := range map[string]*History{
			"as it was": h, "disordered": h.Disordered(seed), "lossy": lossy, "late": late, "doubled": doubled,
			"lossy and disordered": lossy.Disordered(seed), "late and disordered": late.Disordered(seed + 1),
		} {
			counts["histories"]++
			name := fmt.Sprintf("seed %d, %s", seed, name)
			if alarms(t, name, judge(t, name, fuzzed), cfg) > 0 {
				counts["alarms"]++
				keepHistory(t, name, fuzzed)
			}
		}
	}
	if counts["lines lost"] == 0 || counts["lines late"] == 0 {
		t.Error("no line was lost or late: nothing was tried")
	}
	t.Log(counts)
}
