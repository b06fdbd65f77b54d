package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// BaselineFormat is the format of a baseline file.
const BaselineFormat = "onceproof-baseline/1"

// Baseline is what is known and accepted: a gate that uses it fails only on what
// got worse. Its file is meant to be committed.
type Baseline struct {
	Format    string                      `json:"format"`
	Scenarios map[string]BaselineScenario `json:"scenarios"`
}

// BaselineScenario is one scenario's share.
type BaselineScenario struct {
	Guarantees map[guarantee.Guarantee]guarantee.Verdict `json:"guarantees"`
	Findings   map[string]guarantee.Anomaly              `json:"findings"` // by fingerprint
	Stall      time.Duration                             `json:"stall-ns,omitempty"`
}

// NewBaseline takes trials as they are. Of several trials of one scenario it
// keeps the worst: a finding that comes and goes is known.
func NewBaseline(trials []Trial) *Baseline {
	b := &Baseline{Format: BaselineFormat, Scenarios: map[string]BaselineScenario{}}
	for i := range trials {
		t := &trials[i]
		if t.Report == nil || t.Report.Infra != "" {
			continue // it shows nothing to compare with
		}
		s, ok := b.Scenarios[t.Scenario]
		if !ok {
			s = BaselineScenario{Guarantees: map[guarantee.Guarantee]guarantee.Verdict{}, Findings: map[string]guarantee.Anomaly{}}
		}
		for _, r := range t.Report.Guarantees {
			if worse(s.Guarantees[r.Guarantee], r.Verdict) {
				s.Guarantees[r.Guarantee] = r.Verdict
			}
			for _, f := range r.Anomalies {
				s.Findings[f.Fingerprint] = f.Kind
			}
		}
		s.Stall = max(s.Stall, t.Stall)
		b.Scenarios[t.Scenario] = s
	}
	return b
}

// rank orders verdicts from best to worst.
var rank = map[guarantee.Verdict]int{"": 0, guarantee.Holds: 1, guarantee.NotExercised: 2, guarantee.Unknown: 3, guarantee.Violated: 4}

func worse(was, is guarantee.Verdict) bool { return rank[is] > rank[was] }

// ReadBaseline reads a baseline file.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	b := new(Baseline)
	if err := dec.Decode(b); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	if b.Format != BaselineFormat {
		return nil, fmt.Errorf("read the baseline: format %q, want %s; write it anew with --update-baseline", b.Format, BaselineFormat)
	}
	return b, nil
}

// Write writes the baseline; the same one gives the same bytes.
func (b *Baseline) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return nil
}

// Merge takes other's scenarios in place of b's own.
func (b *Baseline) Merge(other *Baseline) {
	maps.Copy(b.Scenarios, other.Scenarios)
}

// Regression is one thing that is worse than the baseline.
type Regression struct {
	About     string // a guarantee, Recovery, or "run"
	Text      string
	Undecided bool // nothing is known to be broken: what was shown before was not shown now
}

// Recovery is what a Regression is about when a fault was felt for too long.
const Recovery = "recovery"

// slack is what a stall may grow by, whatever the ratio: below it, a difference
// is the machine's.
const slack = 500 * time.Millisecond

// Worse is what in t is worse than the baseline, nothing if nothing is: a
// finding with a new fingerprint, a guarantee that held and was not shown to
// hold now, a stall longer than ratio times the known one (0 = not looked at).
// A scenario that the baseline does not know is held to its expectations.
func (b *Baseline) Worse(t Trial, ratio float64) []Regression {
	if t.Report == nil {
		return nil
	}
	if t.Report.Infra != "" {
		return []Regression{{"run", "could not be judged: " + t.Report.Infra, true}}
	}
	s, known := b.Scenarios[t.Scenario]
	var out []Regression
	for _, r := range t.Report.Guarantees {
		if known {
			out = append(out, s.worse(r)...)
		} else if st := stand(r, nil); !st.fine() {
			out = append(out, Regression{string(r.Guarantee), fmt.Sprintf("%s: %s, %s (the baseline does not know %s)", r.Guarantee, r.Verdict, st.words(r), t.Scenario), st == undecided})
		}
	}
	if known && ratio > 0 && s.Stall > 0 && float64(t.Stall) > ratio*float64(s.Stall) && t.Stall > s.Stall+slack {
		out = append(out, Regression{About: Recovery, Text: fmt.Sprintf("recovery: a fault was felt for %s, more than %g times the %s of the baseline", stallWords(t.Stall), ratio, stallWords(s.Stall))})
	}
	return out
}

func (s BaselineScenario) worse(r checker.Result) []Regression {
	var out []Regression
	for _, f := range r.Anomalies {
		if _, ok := s.Findings[f.Fingerprint]; !ok {
			out = append(out, Regression{About: string(r.Guarantee), Text: fmt.Sprintf("%s: new finding %s (%s), fingerprint %s", r.Guarantee, f.Kind, findingWords(f), f.Fingerprint)})
		}
	}
	slices.SortFunc(out, func(a, b Regression) int { return strings.Compare(a.Text, b.Text) })
	if r.Verdict != guarantee.Violated && s.Guarantees[r.Guarantee] == guarantee.Holds && worse(guarantee.Holds, r.Verdict) {
		out = append(out, Regression{string(r.Guarantee), fmt.Sprintf("%s: held before, now %s (%s)", r.Guarantee, r.Verdict, r.Reason), true})
	}
	return out
}
