package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
)

// Text writes the answer for people. dirs are shown as they are.
func (a *Answer) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", a.Sentence())
	fmt.Fprintf(&b, "  %-13s  %-11s  %s\n", "guarantee", "at best", "in the runs")
	for _, r := range a.Guarantees {
		line := fmt.Sprintf("  %-13s  %-11s  %s", r.Guarantee, r.AtBest, r.seen())
		if len(r.By) > 0 {
			line = fmt.Sprintf("  %-13s  %-11s  %-22s  %s", r.Guarantee, r.AtBest, r.seen(), strings.Join(r.By, "; "))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, r := range a.Guarantees {
		if r.Violated > 0 {
			fmt.Fprintf(&b, "\n✗ %s breaks %s\n  %s\n  see %s\n", r.Anomaly, r.Guarantee, r.Witness, filepath.Join(r.Dir, "report.html"))
		}
	}
	for _, o := range a.Runs {
		if !o.judged() {
			fmt.Fprintf(&b, "\n? %s could not be judged: %s\n", o.Scenario, firstLine(o.unjudged()))
		}
	}
	b.WriteString(a.mending())
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func (r Row) seen() string {
	switch {
	case r.Violated > 0 && r.Allowed:
		return fmt.Sprintf("✗ violated in %d (allowed)", r.Violated)
	case r.Violated > 0:
		return fmt.Sprintf("✗ violated in %d of %d", r.Violated, r.Violated+r.Holds)
	case r.Holds > 0:
		return fmt.Sprintf("✓ holds in %d", r.Holds)
	case r.Verdict == guarantee.Unknown:
		return "? unknown"
	}
	return "– not exercised"
}

// mending says what to change, and whether that was tried.
func (a *Answer) mending() string {
	if len(a.Broken()) == 0 {
		return ""
	}
	if fix := a.byHand(); len(a.Change) == 0 && fix != "" {
		return "\nNo line of the files mends it. What does: " + fix + ".\n"
	}
	if len(a.Change) == 0 {
		return "\nNothing in the configuration explains this. It is promised and was not kept: by the library, the brokers, or the application's code.\n"
	}
	var b strings.Builder
	b.WriteString("\nThe smallest change that mends it:\n\n")
	for _, c := range a.Change {
		fmt.Fprintf(&b, "  %s\n", a.where(c))
	}
	switch m := a.Mended; {
	case m == nil:
		b.WriteString("\nNot tried; --fix runs it again with that change.\n")
	case m.Judged() == 0:
		fmt.Fprintf(&b, "\nWith that change it could not be judged: %s\n", firstLine(m.Runs[0].unjudged()))
	case len(m.Broken()) == 0:
		fmt.Fprintf(&b, "\nTried: with that change nothing broke in %d of %d runs of what broke before.\n", m.Judged(), len(m.Runs))
		b.WriteString(a.smallness())
	default:
		fmt.Fprintf(&b, "\nTried, and not enough: %s\n", m.Sentence())
	}
	return b.String()
}

// byHand is what lint says mends a guarantee that broke, where that is the
// application's own work; "" = lint has nothing to say.
func (a *Answer) byHand() string {
	for _, r := range a.Guarantees {
		for _, i := range a.Issues {
			if r.broken() && slices.Contains(i.Breaks, string(r.Guarantee)) && len(i.Changes) == 0 {
				return i.Fix
			}
		}
	}
	return ""
}

// where is a change with the line that it replaces.
func (a *Answer) where(c lint.Change) string {
	file := a.app.FileOf(c.Part)
	if c.Part == lint.Code || file == nil {
		return c.String()
	}
	now := c.Property + "=" + c.Value
	if c.Value == "" {
		now = "take " + c.Property + " out"
	}
	if p, set := file.Get(c.Property); set {
		return fmt.Sprintf("%s:%d: %s (was %s)", file.Path, p.Line, now, p.Value)
	}
	return fmt.Sprintf("%s: add %s", file.Path, now)
}

// JSON writes the answer for programs.
func (a *Answer) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// Markdown writes the answer as a page that lies in the folder base.
func (a *Answer) Markdown(w io.Writer, base string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s, backend %s\n\n", a.Sentence(), a.Library, a.Backend)
	b.WriteString("| guarantee | at best | in the runs | because |\n|---|---|---|---|\n")
	for _, r := range a.Guarantees {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Guarantee, r.AtBest, r.seen(), cell(strings.Join(r.By, "; ")))
	}
	b.WriteString("\n## Runs\n\n| scenario | seed | exit | why |\n|---|---:|---:|---|\n")
	for _, o := range a.runsAndMended() {
		link := o.Scenario
		if rel, err := filepath.Rel(base, filepath.Join(o.Dir, "report.html")); err == nil && o.Dir != "" {
			link = fmt.Sprintf("[%s](%s)", o.Scenario, filepath.ToSlash(rel))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", link, o.Seed, o.Exit, cell(firstLine(o.Why)))
	}
	for _, r := range a.Guarantees {
		if r.Violated > 0 {
			fmt.Fprintf(&b, "\n**%s** breaks %s: %s\n", r.Anomaly, r.Guarantee, r.Witness)
		}
	}
	b.WriteString(strings.ReplaceAll(a.mending(), "\n  ", "\n    "))
	b.WriteString("\n## What a run could not use as it is\n\n")
	for _, r := range a.Replaced {
		fmt.Fprintf(&b, "- `%s`\n", r)
	}
	for _, n := range a.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func (a *Answer) runsAndMended() []Outcome {
	all := a.Runs
	if a.Mended != nil {
		all = append(all[:len(all):len(all)], a.Mended.Runs...)
	}
	return all
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
