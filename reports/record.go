package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/trials"
)

// Known is a mistake or a bug that the harness is to find again and again.
type Known struct {
	Name string // of the scenario that must be found violated
	What string // one line
	Twin string // the scenario without the mistake, which must be found clean
}

// TrackRecord writes a Markdown table of how often each of known was found in
// runs, how often its twin was clean, and how soon the first violation was
// complete. A scenario that none of the runs is of says so.
func TrackRecord(w io.Writer, known []Known, runs []Trial) error {
	var b strings.Builder
	b.WriteString("| scenario | what | ran on | found | first violation | twin clean | command |\n|---|---|---|---|---|---|---|\n")
	for _, k := range known {
		found, first, on := record(k.Name, runs, violatedAsExpected)
		clean, _, _ := record(k.Twin, runs, cleanAsExpected)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | `onceproof run %s` |\n",
			k.Name, cell(k.What), cell(on), rateCell(found), first, rateCell(clean), k.Name)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the track record: %w", err)
	}
	return nil
}

// record counts the runs of one scenario. first is the median of when the first
// violation was complete.
func record(name string, runs []Trial, hit func(*checker.Report) bool) (rate trials.Rate, first, on string) {
	var at []float64
	var places []string
	for _, t := range runs {
		if t.Scenario != name || t.Report == nil || t.Report.Infra != "" {
			continue
		}
		rate.Add(hit(t.Report))
		if v, ok := FirstViolation(t.Report); ok {
			at = append(at, v.Seconds())
		}
		if place := ranOn(t); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	if len(at) > 0 {
		first = fmt.Sprintf("%.1f s", median(at))
	}
	return rate, first, strings.Join(places, "; ")
}

func ranOn(t Trial) string {
	place := t.Report.Backend
	if t.Image != "" {
		place += " " + t.Image
	}
	return place + ", " + strings.TrimSpace(t.Library+" "+t.Version)
}

func violatedAsExpected(r *checker.Report) bool {
	return r.Exit == 0 && slices.ContainsFunc(r.Guarantees, func(g checker.Result) bool { return g.Verdict == guarantee.Violated })
}

// cleanAsExpected: a twin may break what it makes no claim on (`any`), and nothing more.
func cleanAsExpected(r *checker.Report) bool {
	return r.Exit == 0 && !slices.ContainsFunc(r.Guarantees, func(g checker.Result) bool {
		return g.Verdict == guarantee.Violated && (g.Expected == guarantee.Holds || g.Expected == guarantee.Violated)
	})
}

func rateCell(r trials.Rate) string {
	if r.Runs == 0 {
		return "not run"
	}
	return r.String()
}

// FirstViolation is when, since the history's start, the first violation was
// complete: the earliest last event of a witness. What only the audit shows
// counts from the witness's events before it. ok is false if nothing was violated.
func FirstViolation(r *checker.Report) (at time.Duration, ok bool) {
	for _, f := range findings(r) {
		for _, w := range f.Witnesses {
			last := int64(0)
			for _, e := range w.Events {
				last = max(last, e.T)
			}
			if last > 0 && (!ok || time.Duration(last) < at) {
				at, ok = time.Duration(last), true
			}
		}
	}
	return at, ok
}
