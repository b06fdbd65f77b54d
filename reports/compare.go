package reports

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/trials"
)

// Comparison is libraries × guarantees, a table a scenario, differences first.
type Comparison struct {
	Format    string               `json:"format"`
	Setting   ComparisonSetting    `json:"setting"`
	Scenarios []ScenarioComparison `json:"scenarios"`
}

// ComparisonFormat is the format of Comparison's JSON form.
const ComparisonFormat = "onceproof-comparison/1"

// ComparisonSetting is how the runs were made.
type ComparisonSetting struct {
	Command string    `json:"command"`
	Tool    string    `json:"tool"`
	Began   time.Time `json:"began"`
	Backend string    `json:"backend"`
	Repeat  int       `json:"repeat"`
}

// Describe is the setting in one line.
func (s ComparisonSetting) Describe() string {
	runs := "1 run"
	if s.Repeat > 1 {
		runs = fmt.Sprintf("%d runs", s.Repeat)
	}
	return fmt.Sprintf("%s, backend %s, %s of each, one after the other; %s", s.Began.UTC().Format("2006-01-02 15:04 UTC"), s.Backend, runs, toolName(s.Tool))
}

// ScenarioComparison is one scenario run with several libraries.
type ScenarioComparison struct {
	Scenario   string                `json:"scenario"`
	Differs    bool                  `json:"differs"`    // the libraries do not all do alike
	Guarantees []guarantee.Guarantee `json:"guarantees"` // columns; those that tell libraries apart come first
	Libraries  []LibraryResult       `json:"libraries"`
}

// LibraryResult is a row: what one library did, over all its trials.
type LibraryResult struct {
	Library     string        `json:"library"`
	Version     string        `json:"version"`
	Unsupported string        `json:"unsupported,omitempty"` // why it cannot run the scenario
	Runs        int           `json:"runs"`
	Unjudged    int           `json:"unjudged"` // runs that the infrastructure spoilt
	UnjudgedDir string        `json:"unjudged-dir,omitempty"`
	Why         string        `json:"unjudged-why,omitempty"`
	Found       []string      `json:"unjudged-found,omitempty"` // what broke all the same in runs that could not be judged, sorted
	Cells       []Tally       `json:"guarantees"`
	Rate        float64       `json:"records-a-second"` // median of the trials
	Stall       time.Duration `json:"stall-ns"`         // the longest that a fault was felt, median of the trials
	Recoveries  []FaultImpact `json:"recoveries"`
	Fatal       int           `json:"fatal-errors"` // of all trials
	FatalNames  []string      `json:"fatal-names"`  // sorted
	shape       *Trial        // the trial that is drawn
}

// Tally counts the verdicts on one guarantee.
type Tally struct {
	Guarantee    guarantee.Guarantee `json:"guarantee"`
	Holds        int                 `json:"holds"`
	Violated     int                 `json:"violated"`
	Surprises    int                 `json:"violated-unexpectedly"` // of Violated, those where the scenario expects it to hold
	NotExercised int                 `json:"not-exercised"`
	Unknown      int                 `json:"unknown"`
	Low          float64             `json:"violated-low"` // 95 % interval of the share of violated runs among the judged (Wilson)
	High         float64             `json:"violated-high"`
	Dir          string              `json:"dir"` // a run to look at: a violated one if there is one
}

// Verdict is the worst that was seen.
func (t Tally) Verdict() guarantee.Verdict {
	switch {
	case t.Violated > 0:
		return guarantee.Violated
	case t.Holds > 0:
		return guarantee.Holds
	case t.Unknown > 0:
		return guarantee.Unknown
	default:
		return guarantee.NotExercised
	}
}

func (t Tally) runs() int { return t.Holds + t.Violated + t.NotExercised + t.Unknown }

// Describe is the cell's text: one run has a verdict, several have counts.
func (t Tally) Describe() string {
	n := t.runs()
	switch {
	case n == 0:
		return "not judged"
	case n == 1:
		return string(t.Verdict())
	case t.Violated > 0:
		return fmt.Sprintf("%d of %d", t.Violated, n)
	case t.Holds > 0:
		return fmt.Sprintf("%d of %d", t.Holds, n)
	default:
		return fmt.Sprintf("%s × %d", t.Verdict(), n)
	}
}

// Interval says between what shares the true one lies, "" where nothing was judged.
func (t Tally) Interval() string {
	if t.Holds+t.Violated < 2 {
		return ""
	}
	return fmt.Sprintf("violated in %d of %d judged runs; 95 %% interval %.0f to %.0f %%", t.Violated, t.Holds+t.Violated, 100*t.Low, 100*t.High)
}

// Compare gathers trials by scenario and library.
func Compare(trials []Trial) *Comparison {
	type key struct{ scenario, library, version string }
	groups := map[key][]*Trial{}
	var keys []key
	versions := map[[2]string]string{} // a run that broke before the hello does not know its own
	for _, t := range trials {
		if of := [2]string{t.Scenario, t.Library}; versions[of] == "" {
			versions[of] = t.Version
		}
	}
	for i := range trials {
		k := key{trials[i].Scenario, trials[i].Library, trials[i].Version}
		if k.version == "" {
			k.version = versions[[2]string{k.scenario, k.library}]
		}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], &trials[i])
	}
	c := &Comparison{Format: ComparisonFormat, Scenarios: []ScenarioComparison{}}
	at := map[string]int{}
	for _, k := range keys {
		i, ok := at[k.scenario]
		if !ok {
			i = len(c.Scenarios)
			at[k.scenario] = i
			c.Scenarios = append(c.Scenarios, ScenarioComparison{Scenario: k.scenario})
		}
		c.Scenarios[i].Libraries = append(c.Scenarios[i].Libraries, libraryResult(k.library, k.version, groups[k]))
	}
	for i := range c.Scenarios {
		c.Scenarios[i].order()
	}
	sort.SliceStable(c.Scenarios, func(i, j int) bool { return c.Scenarios[i].Differs && !c.Scenarios[j].Differs })
	return c
}

func libraryResult(library, version string, trials []*Trial) LibraryResult {
	l := LibraryResult{Library: library, Version: version, Runs: len(trials), shape: trials[0]}
	var rates, stalls []float64
	for _, t := range trials {
		if t.Unsupported != "" {
			l.Unsupported, l.Runs = t.Unsupported, 0
			return l
		}
		if t.spoilt() {
			l.Unjudged++
			l.UnjudgedDir, l.Why = t.Dir, t.Report.Infra
			for _, r := range t.Report.Guarantees {
				if r.Surprises() {
					l.Found = append(l.Found, string(r.Guarantee))
				}
			}
			continue
		}
		for name, n := range t.Fatal {
			l.Fatal += n
			l.FatalNames = append(l.FatalNames, name)
		}
		if l.shape.spoilt() {
			l.shape = t
		}
		rates, stalls = append(rates, t.Rate), append(stalls, float64(t.Stall))
	}
	l.Rate, l.Stall, l.Recoveries = median(rates), time.Duration(median(stalls)), recoveries(trials)
	slices.Sort(l.Found)
	l.Found = slices.Compact(l.Found)
	slices.Sort(l.FatalNames)
	l.FatalNames = slices.Compact(l.FatalNames)
	for _, g := range guarantee.All {
		l.Cells = append(l.Cells, tally(g, trials))
	}
	return l
}

func tally(g guarantee.Guarantee, runs []*Trial) Tally {
	t := Tally{Guarantee: g}
	for _, trial := range runs {
		r, ok := trial.result(g)
		if !ok || trial.spoilt() {
			continue
		}
		if t.Dir == "" || r.Verdict == guarantee.Violated && t.Violated == 0 {
			t.Dir = trial.Dir
		}
		switch r.Verdict {
		case guarantee.Holds:
			t.Holds++
		case guarantee.Violated:
			t.Violated++
			if r.Surprises() {
				t.Surprises++
			}
		case guarantee.NotExercised:
			t.NotExercised++
		default:
			t.Unknown++
		}
	}
	t.Low, t.High = trials.Rate{Hits: t.Violated, Runs: t.Holds + t.Violated}.Interval()
	return t
}

func median(vs []float64) float64 {
	if len(vs) == 0 {
		return 0
	}
	sort.Float64s(vs)
	if n := len(vs); n%2 == 0 {
		return (vs[n/2-1] + vs[n/2]) / 2
	}
	return vs[len(vs)/2]
}

// order puts the columns that tell libraries apart first, drops those where no
// run showed anything, and the libraries with violations on top.
func (s *ScenarioComparison) order() {
	differs := map[guarantee.Guarantee]bool{}
	shown := map[guarantee.Guarantee]bool{}
	for i, g := range guarantee.All {
		seen := map[guarantee.Verdict]bool{}
		for _, l := range s.Libraries {
			if i < len(l.Cells) && l.Cells[i].runs() > 0 {
				v := l.Cells[i].Verdict()
				if v != guarantee.NotExercised { // what was not put to the test tells nobody apart
					seen[v], shown[g] = true, true
				}
			}
		}
		differs[g] = len(seen) > 1
		s.Differs = s.Differs || differs[g]
	}
	for _, want := range []bool{true, false} {
		for _, g := range guarantee.All {
			if shown[g] && differs[g] == want {
				s.Guarantees = append(s.Guarantees, g)
			}
		}
	}
	for i := range s.Libraries {
		byName := map[guarantee.Guarantee]Tally{}
		for _, c := range s.Libraries[i].Cells {
			byName[c.Guarantee] = c
		}
		s.Libraries[i].Cells = nil
		if s.Libraries[i].Unsupported != "" {
			continue
		}
		for _, g := range s.Guarantees {
			s.Libraries[i].Cells = append(s.Libraries[i].Cells, byName[g])
		}
	}
	sort.SliceStable(s.Libraries, func(i, j int) bool {
		a, b := s.Libraries[i], s.Libraries[j]
		if (a.Unsupported != "") != (b.Unsupported != "") {
			return a.Unsupported == ""
		}
		return a.violations() > b.violations()
	})
}

func (l LibraryResult) violations() (n int) {
	for _, c := range l.Cells {
		if c.Violated > 0 {
			n++
		}
	}
	return n
}
