package jepsenkafka

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// opinion is what onceproof says of a history.
type opinion struct {
	kinds    map[string]int64 // its own names
	jepsen   map[string]int64 // Jepsen's names
	maybe    map[string]int64 // names, its own and Jepsen's, of what the history cannot decide
	verdicts map[guarantee.Guarantee]guarantee.Verdict
	reasons  map[guarantee.Guarantee]string
	texts    []string
}

// names is Jepsen's name for an anomaly in verdict.json: one, or a list.
type names []string

// UnmarshalJSON reads either form.
func (n *names) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*n = list
		return nil
	}
	var one string
	err := json.Unmarshal(b, &one)
	if one != "" {
		*n = names{one}
	}
	return err
}

// memory is for each history, in bytes. It is little, since thousands are judged and
// the judge sets room for itself apart at once.
const memory = 64 << 20

// judge asks onceproof, by way of verdict.json.
func judge(t *testing.T, edn []byte) (o opinion) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			o = opinion{kinds: map[string]int64{"panic": 1}, texts: []string{fmt.Sprint(p)}}
		}
	}()
	r, err := history.NewReaderFormat("history.edn", bytes.NewReader(edn), history.JepsenFormat)
	if err != nil {
		t.Fatal(err)
	}
	report, err := checker.Check(t.Context(), r, checker.Options{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var verdict struct {
		Guarantees []struct {
			Guarantee            guarantee.Guarantee
			Verdict              guarantee.Verdict
			Reason               string
			Anomalies, Undecided []finding
		}
	}
	if err := json.Unmarshal(text, &verdict); err != nil {
		t.Fatal(err)
	}
	o = opinion{
		kinds: map[string]int64{}, jepsen: map[string]int64{}, maybe: map[string]int64{},
		verdicts: map[guarantee.Guarantee]guarantee.Verdict{}, reasons: map[guarantee.Guarantee]string{},
	}
	for _, g := range verdict.Guarantees {
		o.verdicts[g.Guarantee], o.reasons[g.Guarantee] = g.Verdict, g.Reason
		for _, f := range g.Anomalies {
			f.count(o.kinds, o.jepsen)
			for _, w := range f.Witnesses[:min(1, len(f.Witnesses))] {
				o.texts = append(o.texts, f.Kind+": "+w.Text)
			}
		}
		for _, f := range g.Undecided {
			f.count(o.maybe, o.maybe)
		}
	}
	return o
}

// finding is one kind of anomaly in verdict.json.
type finding struct {
	Kind      string
	Jepsen    names
	Count     int64
	Witnesses []struct{ Text string }
}

// count adds the finding under its kind and under Jepsen's names for it.
func (f finding) count(kinds, jepsen map[string]int64) {
	kinds[f.Kind] += f.Count
	for _, name := range f.Jepsen {
		jepsen[name] += f.Count
	}
}

// broken are the guarantees that the judge calls violated.
func (o opinion) broken() []guarantee.Guarantee {
	var broken []guarantee.Guarantee
	for _, g := range guarantee.All {
		if o.verdicts[g] == guarantee.Violated {
			broken = append(broken, g)
		}
	}
	slices.Sort(broken)
	return broken
}
