package reports

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// Terminal prints a line for each guarantee, the first witness of each kind of
// violation, where the report lies and the command that replays the run. Colour
// only if asked; nothing depends on it.
func Terminal(w io.Writer, in Input, colour bool) error {
	if in.Report == nil {
		return errors.New("reports: no verdict to print")
	}
	t := &terminal{ink: ink(colour)}
	t.head(in)
	t.verdicts(in)
	for _, g := range in.Report.Guarantees {
		for _, f := range g.Anomalies {
			t.finding(g, f)
		}
	}
	t.foot(in)
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("print the verdict: %w", err)
	}
	return nil
}

type terminal struct {
	strings.Builder
	ink ink
}

func (t *terminal) head(in Input) {
	r := in.Report
	fmt.Fprintf(t, "\n%s\n", t.ink.bold(plain(Answer(r))))
	if found := foundAnyway(r); found != "" {
		fmt.Fprintf(t, "%s\n", plain(found))
	}
	facts := []string{plain(r.Scenario), fmt.Sprintf("seed %d", r.Seed), plain(r.Backend)}
	if r.Evidence.Duration > 0 {
		facts = append(facts, duration(r.Evidence.Duration))
	}
	facts = append(facts, count(r.Events)+" events")
	fmt.Fprintf(t, "%s\n", t.ink.dim(strings.Join(facts, " · ")))
	if len(r.Guarantees) > 0 {
		t.WriteString("\n")
	}
}

// verdicts aligns symbol, guarantee, verdict and expectation; what was found and
// examined follows in a ragged last column.
func (t *terminal) verdicts(in Input) {
	results := in.Report.Guarantees
	var name, verdict, stands int
	for _, g := range results {
		name = max(name, width(string(g.Guarantee)))
		verdict = max(verdict, width(string(g.Verdict)))
		stands = max(stands, width(in.stand(g).words(g)))
	}
	for _, g := range results {
		s := in.stand(g)
		about := []string{}
		for _, f := range g.Anomalies {
			about = append(about, fmt.Sprintf("%s × %s", f.Kind, count(f.Count)))
		}
		if why := reason(g); why != "" {
			about = append(about, plain(why))
		}
		if e := examined(g.Examined); e != "" && s != notApplying {
			about = append(about, e)
		}
		words := pad(s.words(g), stands)
		if !s.fine() {
			words = t.ink.bold(words)
		} else {
			words = t.ink.dim(words)
		}
		line := fmt.Sprintf("  %s %s  %s  %s  %s",
			t.ink.verdict(g.Verdict, symbol(g.Verdict)), pad(string(g.Guarantee), name),
			t.ink.verdict(g.Verdict, pad(string(g.Verdict), verdict)), words, strings.Join(about, " · "))
		t.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// finding prints the first witness of one kind in words, then its events.
func (t *terminal) finding(g checker.Result, f checker.Finding) {
	fmt.Fprintf(t, "\n%s %s\n", t.ink.verdict(guarantee.Violated, "✗ "+string(f.Kind)),
		t.ink.dim(fmt.Sprintf("breaks %s: %s", g.Guarantee, findingWords(f))))
	if len(f.Witnesses) == 0 {
		return
	}
	wit := f.Witnesses[0]
	if f.Count > 1 {
		fmt.Fprintf(t, "  %s\n", t.ink.dim("the first of "+count(f.Count)+":"))
	}
	if wit.Text != "" {
		fmt.Fprintf(t, "  %s\n", plain(wit.Text))
	}
	var at, who int
	for _, e := range wit.Events {
		at = max(at, width(when(e)))
		who = max(who, width(plain(e.Proc)))
	}
	for _, e := range wit.Events {
		fmt.Fprintf(t, "    %*s  %s  %s\n", at, when(e), pad(plain(e.Proc), who), plain(strings.TrimPrefix(e.Text, e.Proc+" ")))
	}
	if wit.Legal != "" {
		fmt.Fprintf(t, "  %s %s\n", t.ink.dim("legal    "), plain(wit.Legal))
	}
	if why := forfeit(g, wit); why != "" {
		fmt.Fprintf(t, "  %s %s\n", t.ink.dim("because  "), plain(why))
	}
}

// forfeit is the configuration line that the witness, or else the guarantee, names.
func forfeit(g checker.Result, w checker.Witness) string {
	if w.Forfeit != "" {
		return w.Forfeit
	}
	return g.Permitted
}

func (t *terminal) foot(in Input) {
	t.WriteString("\n")
	if in.Report.Why != "" && in.Report.Infra == "" {
		fmt.Fprintf(t, "  %s  %s\n", t.ink.dim("why   "), plain(in.Report.Why))
	}
	if met := evidenceLine(in.Report.Evidence.Coverage); met != "" {
		fmt.Fprintf(t, "  %s  %s\n", t.ink.dim("wire  "), plain(met))
	}
	if in.Dir != "" {
		fmt.Fprintf(t, "  %s  %s\n", t.ink.dim("report"), filepath.Join(in.Dir, FileHTML))
	}
	if in.Replay != "" {
		fmt.Fprintf(t, "  %s  %s\n", t.ink.dim("replay"), plain(in.Replay))
	}
}

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// ink colours, or does not.
type ink bool

func (i ink) sgr(code, s string) string {
	if !i || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (i ink) bold(s string) string { return i.sgr("1", s) }
func (i ink) dim(s string) string  { return i.sgr("2", s) }

func (i ink) verdict(v guarantee.Verdict, s string) string {
	switch v {
	case guarantee.Holds:
		return i.sgr("32", s)
	case guarantee.Violated:
		return i.sgr("1;31", s)
	default:
		return i.sgr("33", s)
	}
}
