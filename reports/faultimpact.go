package reports

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/history"
)

// FaultImpact is how long one fault of a scenario was felt by a library's clients,
// over its trials.
type FaultImpact struct {
	Fault  string        `json:"fault"`    // "1: drop Produce of shop"
	Runs   int           `json:"runs"`     // in which it struck
	Median time.Duration `json:"stall-ns"` // median; 0 = nobody felt it
	Worst  time.Duration `json:"worst-ns"` // the longest
	step   int
}

// Describe is the cell's text: the median, and the worst where it differs.
func (r FaultImpact) Describe() string {
	switch {
	case r.Runs == 0:
		return "did not strike"
	case r.Runs > 1 && r.Worst >= 2*r.Median && r.Worst > 0:
		return fmt.Sprintf("%s, once %s", stallWords(r.Median), stallWords(r.Worst))
	}
	return stallWords(r.Median)
}

// recoveries are the faults of the plan in its order; trials of one scenario have
// the same. A fault that strikes again and again is felt as long as the longest.
func recoveries(runs []*Trial) []FaultImpact {
	var all []FaultImpact
	var stalls [][]float64
	at := map[int]int{}
	for _, t := range runs {
		if t.timeline == nil || t.spoilt() {
			continue
		}
		longest := map[int]time.Duration{}
		for _, f := range t.timeline.Faults {
			i, known := at[f.Step]
			if !known {
				i = len(all)
				at[f.Step] = i
				all = append(all, FaultImpact{step: f.Step, Fault: fmt.Sprintf("%d: %s", f.Step, instanceOf.ReplaceAllString(strings.TrimSpace(f.Kind+" "+f.Target), "$1"))})
				stalls = append(stalls, nil)
			}
			if f.Effect > 0 || f.Inject > 0 {
				longest[i] = max(longest[i], time.Duration(f.Stall)*time.Microsecond)
			}
		}
		for i, d := range longest {
			all[i].Runs++
			all[i].Worst = max(all[i].Worst, d)
			stalls[i] = append(stalls[i], float64(d))
		}
	}
	for i := range all {
		all[i].Median = time.Duration(median(stalls[i]))
	}
	slices.SortStableFunc(all, func(a, b FaultImpact) int { return a.step - b.step })
	return all
}

// instanceOf is the instance that a fault struck, which differs from run to run.
var instanceOf = regexp.MustCompile(`(client [^ /,]+)/\d+`)

// fatals passes a history on and counts the errors that ended a client for good,
// by their name.
type fatals struct {
	source
	seen map[string]int
}

func (f *fatals) Next(e *history.Event) error {
	err := f.source.Next(e)
	if err == nil && e.Src == history.SrcClient && e.Err != nil && (e.Err.Class == history.Fatal || e.Err.Class == history.Fenced) {
		f.seen[e.Err.Name]++
	}
	return err
}
