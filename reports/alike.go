package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
)

// Likeness says how alike two runs of one plan were. A seed fixes the plan, not
// how a cluster and its clients interleave, so a replay is like, never the same.
type Likeness struct {
	Verdicts, OfVerdicts int      // guarantees with the same verdict, of how many
	Again, Gone, New     []string // findings, by fingerprint
	Struck, OfStruck     int      // faults that struck the same target, of how many
	Elsewhere            []string // those that did not: where instead
	Drift                time.Duration
	Counts               []string
}

// compared are the counts of checker.Evidence that tell how much work a run did.
var compared = []string{"sends", "processed", "commits", "aborts", "offset-commits", "rebalances"}

// Alike compares a run with the one that it replays.
func Alike(was, is *checker.Report) Likeness {
	var l Likeness
	l.findings(was, is)
	l.faults(was, is)
	for _, name := range compared {
		if a, b := was.Evidence.Counts[name], is.Evidence.Counts[name]; a+b > 0 {
			l.Counts = append(l.Counts, fmt.Sprintf("%s %d → %d", name, a, b))
		}
	}
	return l
}

func (l *Likeness) findings(was, is *checker.Report) {
	before, now := findings(was), findings(is)
	for _, r := range was.Guarantees {
		i := slices.IndexFunc(is.Guarantees, func(other checker.Result) bool { return other.Guarantee == r.Guarantee })
		if i < 0 {
			continue
		}
		l.OfVerdicts++
		if is.Guarantees[i].Verdict == r.Verdict {
			l.Verdicts++
		}
	}
	for _, f := range before {
		if i := find(now, f); i >= 0 {
			l.Again = append(l.Again, fmt.Sprintf("%s %d → %d", f.Kind, f.Count, now[i].Count))
		} else {
			l.Gone = append(l.Gone, string(f.Kind))
		}
	}
	for _, f := range now {
		if find(before, f) < 0 {
			l.New = append(l.New, string(f.Kind))
		}
	}
}

func (l *Likeness) faults(was, is *checker.Report) {
	for _, f := range was.Faults {
		l.OfStruck++
		i := slices.IndexFunc(is.Faults, func(other checker.FaultEvidence) bool { return other.Step == f.Step })
		switch {
		case i < 0:
			l.Elsewhere = append(l.Elsewhere, fmt.Sprintf("step %d did not strike", f.Step))
		case is.Faults[i].Resolved == f.Resolved:
			l.Struck++
			l.Drift = max(l.Drift, (time.Duration(is.Faults[i].Injected) - time.Duration(f.Injected)).Abs())
		default:
			l.Elsewhere = append(l.Elsewhere, fmt.Sprintf("step %d: %s, then %s", f.Step, f.Resolved, is.Faults[i].Resolved))
		}
	}
}

// String is what replay prints: a line for each thing that was compared.
func (l Likeness) String() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", what, fmt.Sprintf(format, args...))
	}
	line("verdicts", "%d of %d as before", l.Verdicts, l.OfVerdicts)
	if len(l.Again) > 0 {
		line("again", "%s", strings.Join(l.Again, ", "))
	}
	if len(l.Gone) > 0 {
		line("not again", "%s", strings.Join(l.Gone, ", "))
	}
	if len(l.New) > 0 {
		line("new", "%s", strings.Join(l.New, ", "))
	}
	if l.OfStruck > 0 {
		line("faults", "%d of %d struck the same target, at most %v earlier or later", l.Struck, l.OfStruck, l.Drift.Round(time.Millisecond))
	}
	for _, e := range l.Elsewhere {
		line("", "%s", e)
	}
	if len(l.Counts) > 0 {
		line("work", "%s", strings.Join(l.Counts, ", "))
	}
	return b.String()
}

func findings(r *checker.Report) []checker.Finding {
	var out []checker.Finding
	for _, g := range r.Guarantees {
		out = append(out, g.Anomalies...)
	}
	return out
}

func find(in []checker.Finding, f checker.Finding) int {
	return slices.IndexFunc(in, func(other checker.Finding) bool { return other.Fingerprint == f.Fingerprint && other.Kind == f.Kind })
}

// Reproduced reports whether r shows a finding of this fingerprint.
func Reproduced(r *checker.Report, fingerprint string) bool {
	return slices.ContainsFunc(findings(r), func(f checker.Finding) bool { return f.Fingerprint == fingerprint })
}
