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

// judge asks onceproof, by way of verdict.json.
func judge(t *testing.T, edn []byte) (o opinion) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			o = opinion{kinds: map[string]int64{"panic": 1}, jepsen: map[string]int64{}, texts: []string{fmt.Sprint(p)}}
		}
	}()
	r, err := history.NewReaderFormat("history.edn", bytes.NewReader(edn), history.JepsenFormat)
	if err != nil {
		t.Fatal(err)
	}
	report, err := checker.Check(t.Context(), r, checker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var verdict struct {
		Guarantees []struct {
			Guarantee guarantee.Guarantee
			Verdict   guarantee.Verdict
			Reason    string
			Anomalies []struct {
				Kind      string
				Jepsen    names
				Count     int64
				Witnesses []struct{ Text string }
			}
		}
	}
	if err := json.Unmarshal(text, &verdict); err != nil {
		t.Fatal(err)
	}
	o = opinion{map[string]int64{}, map[string]int64{}, map[guarantee.Guarantee]guarantee.Verdict{}, map[guarantee.Guarantee]string{}, nil}
	for _, g := range verdict.Guarantees {
		o.verdicts[g.Guarantee], o.reasons[g.Guarantee] = g.Verdict, g.Reason
		for _, a := range g.Anomalies {
			o.kinds[a.Kind] += a.Count
			for _, name := range a.Jepsen {
				o.jepsen[name] += a.Count
			}
			for _, w := range a.Witnesses[:min(1, len(a.Witnesses))] {
				o.texts = append(o.texts, a.Kind+": "+w.Text)
			}
		}
	}
	return o
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
