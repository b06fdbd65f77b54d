// Package checker is the judge: it reads a history and says for each guarantee
// whether it holds, with a witness where it does not.
//
//	history ──> checker ──> reports
//
// Check judges a whole history, Online a run that goes on; Explain says what an
// anomaly is, Standings what a configuration promises about one. docs/checker.md
// describes how, docs/anomalies.md what.
package checker

import (
	"encoding/json"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
)

// Format of Report's JSON form, verdict.json.
const Format = "onceproof-verdict/1"

// Report is verdict.json: what `check --json` prints.
type Report struct {
	Format     string          `json:"format"`
	Scenario   string          `json:"scenario"`
	Seed       uint64          `json:"seed"`
	Backend    string          `json:"backend"`
	Exit       int             `json:"exit"` // 0, 1 or 3
	Why        string          `json:"why"`  // the one line on stderr
	Guarantees []Result        `json:"guarantees"`
	Evidence   Evidence        `json:"evidence"`
	Faults     []FaultEvidence `json:"faults"`
	Infra      string          `json:"infra,omitempty"` // why the run could not be judged; "" otherwise
	Events     int64           `json:"events"`
	Tool       string          `json:"tool,omitempty"`     // the program that judged: name, version, commit
	Mutation   string          `json:"mutation,omitempty"` // the checker's mutation score
}

// Result is the verdict on one guarantee.
type Result struct {
	Guarantee guarantee.Guarantee `json:"guarantee"`
	Verdict   guarantee.Verdict   `json:"verdict"`
	Expected  guarantee.Verdict   `json:"expected"`
	// Applies says whether the run's configuration has anything that the guarantee is
	// about. One that does not apply decides nothing unless `expect` names it.
	Applies   bool             `json:"applies"`
	Reason    string           `json:"reason"`
	Examined  map[string]int64 `json:"examined"` // records, transactions, aborts, fences, rebalances, faults…
	Anomalies []Finding        `json:"anomalies"`
	// Undecided are what may be an anomaly, and the history cannot show it. They never
	// make a guarantee violated; without a violation they make it unknown.
	Undecided []Finding `json:"undecided"`
	Permitted string    `json:"permitted,omitempty"` // the configuration line that forfeits the guarantee
}

// Surprises says whether the guarantee is violated though the scenario expects it to hold.
func (r *Result) Surprises() bool {
	return r.Verdict == guarantee.Violated && r.Expected == guarantee.Holds
}

// Finding is one kind of anomaly, counted, with a few witnesses.
type Finding struct {
	Kind        guarantee.Anomaly `json:"kind"`
	Jepsen      Names             `json:"jepsen"` // Jepsen's names for what was counted; none where it has none
	Count       int64             `json:"count"`
	Fingerprint string            `json:"fingerprint"`
	Witnesses   []Witness         `json:"witnesses"`
}

// Names is a list of names. A verdict.json of before it was a list has one string.
type Names []string

// UnmarshalJSON reads a list, or a string.
func (n *Names) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		if *n = nil; one != "" {
			*n = Names{one}
		}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(n))
}

// UnmarshalJSON reads a result. In a verdict.json of before `applies` was a field,
// the reason began with it.
func (r *Result) UnmarshalJSON(data []byte) error {
	type plain Result
	in := struct {
		*plain
		Applies *bool `json:"applies"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Applies != nil {
		r.Applies = *in.Applies
		return nil
	}
	reason, not := strings.CutPrefix(r.Reason, "does not apply: ")
	r.Applies, r.Reason = !not, reason
	return nil
}

// Witness is at most about five events that show an anomaly, and their context.
type Witness struct {
	Events  []WitnessEvent `json:"events"`
	Context []WitnessEvent `json:"context"`           // log neighbours, overlapping faults, leader changes, the transaction's other facts
	Text    string         `json:"text"`              // in words
	Legal   string         `json:"legal,omitempty"`   // what would have been legal
	Forfeit string         `json:"forfeit,omitempty"` // the configuration line that promises or forfeits it
	View    string         `json:"view,omitempty"`    // porcupine's picture, a name that Options.View was given
}

// WitnessEvent is one event as a reader sees it.
type WitnessEvent struct {
	T    int64  `json:"t"` // ns since the history's start
	Proc string `json:"proc"`
	Line int64  `json:"line,omitempty"` // of the history, from 1 (the header)
	Text string `json:"text"`           // "send of shop/0/1#41 acknowledged at orders/0@57"
	TP   string `json:"tp,omitempty"`
	Off  int64  `json:"off,omitempty"`
	Type string `json:"type,omitempty"`
	Op   string `json:"op,omitempty"`
}

// Evidence is what the run exercised.
type Evidence struct {
	Duration  int64            `json:"duration"` // ns
	Counts    map[string]int64 `json:"counts"`   // sends, acked, polled, commits, aborts, fences, rebalances, …
	Watermark map[string]int64 `json:"high-watermarks"`
	Coverage  []Coverage       `json:"coverage"` // what the faults met, kind × transaction phase × role
}

// FaultEvidence is one fault and what it met.
type FaultEvidence struct {
	Step     int              `json:"step"`
	Kind     string           `json:"kind"`
	Target   string           `json:"target"`
	Resolved string           `json:"resolved"`
	Injected int64            `json:"injected"` // ns since the history's start
	Seen     int64            `json:"seen"`     // 0 = never
	SeenBy   string           `json:"seen-by,omitempty"`
	Healed   int64            `json:"healed"`
	Met      map[string]int64 `json:"met"`            // operations that overlapped it
	Wire     *Encounter       `json:"wire,omitempty"` // what it met on the wire
}
