package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/onceproof/onceproof/internal/settings"
)

// JSON writes issues as a list.
func JSON(w io.Writer, issues []Issue) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(issues); err != nil {
		return fmt.Errorf("write issues: %w", err)
	}
	return nil
}

// Text writes issues and what can be promised for people.
func Text(w io.Writer, issues []Issue, promises []Standing, colour bool) error {
	var b strings.Builder
	p := palette{colour}
	for _, i := range issues {
		whose := ""
		if i.Client != "" {
			whose = " of " + i.Client
		}
		fmt.Fprintf(&b, "%s  %s%s  %s  %s\n", p.severity(i.Severity), i.Setting(), whose, p.dim(i.Place()), p.dim(i.Rule))
		fmt.Fprintf(&b, "         %s\n", i.Promise)
		fmt.Fprintf(&b, "         fix: %s\n", i.Fix)
		if i.Scenario == "" {
			fmt.Fprintf(&b, "         see: onceproof lint --explain %s\n\n", i.Rule)
		} else {
			fmt.Fprintf(&b, "         see: onceproof run %s; onceproof lint --explain %s\n\n", i.Scenario, i.Rule)
		}
	}
	b.WriteString("At best this configuration promises:\n\n")
	table(&b, promises, p)
	b.WriteString("\n" + Summary(issues) + notKnown(promises) + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write issues: %w", err)
	}
	return nil
}

func table(b *strings.Builder, promises []Standing, p palette) {
	for _, s := range promises {
		why := s.Reason
		for _, i := range s.By {
			if why != "" {
				why += "; "
			}
			why += i.Place() + " " + i.Setting()
		}
		line := fmt.Sprintf("  %-13s  %s  %s", s.Guarantee, p.state(s.State), why)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// Keys writes what became of the keys of each file: a line that counts them, and each
// key that was not looked at. With every, each key with what it became.
func Keys(w io.Writer, readings []*settings.Reading, every bool) error {
	var b strings.Builder
	for _, r := range readings {
		as := ""
		if r.Dialect != "" {
			as = " (read as " + settings.Name(r.Dialect) + ")"
		}
		fmt.Fprintf(&b, "\n%s%s: %s\n", r.Path, as, settings.Count(r.Keys))
		for _, k := range r.Keys {
			if every || k.Fate == settings.Unknown || k.Fate == settings.Elsewhere && !k.Application() {
				fmt.Fprintf(&b, "  %s:%d: %s\n", r.Path, k.Line, k)
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// notKnown counts the guarantees that are not known: ", 2 guarantees not known".
func notKnown(promises []Standing) string {
	n := 0
	for _, s := range promises {
		if s.State == NotKnown {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return " in what could be read; 1 guarantee is not known"
	}
	return fmt.Sprintf(" in what could be read; %d guarantees are not known", n)
}

// Summary counts issues in one line.
func Summary(issues []Issue) string {
	if len(issues) == 0 {
		return "nothing to say against it"
	}
	count := map[Severity]int{}
	for _, i := range issues {
		count[i.Severity]++
	}
	var parts []string
	for _, s := range []struct {
		of  Severity
		one string
	}{{Error, "error"}, {Warning, "warning"}, {Info, "remark"}} {
		switch n := count[s.of]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s.one))
		}
	}
	return strings.Join(parts, ", ")
}

// Explain writes a rule's page.
func Explain(w io.Writer, r Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n\n%s\n\n%s\n\nFix: %s.\nBreaks: %s\n",
		r.ID, r.Severity, r.Property, sentence(r.Promise), r.Why, r.Fix, strings.Join(r.Breaks, ", "))
	if r.Scenario == "" {
		fmt.Fprintf(&b, "Not shown by a run: %s.\n", r.Unshown)
	} else {
		fmt.Fprintf(&b, "See it: onceproof run %s; mended: onceproof run %s-fixed\n", r.Scenario, r.Scenario)
	}
	for _, s := range r.Sources {
		fmt.Fprintf(&b, "Source: %s, %s\n", s.Name, s.URL)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write a rule: %w", err)
	}
	return nil
}

// sentence begins s with a capital and ends it with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// palette colours words, or does not.
type palette struct{ on bool }

func (p palette) paint(code, s string) string {
	if !p.on {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) dim(s string) string { return p.paint("2", s) }

func (p palette) severity(s Severity) string {
	return p.paint(map[Severity]string{Error: "1;31", Warning: "1;33", Info: "1;36"}[s], fmt.Sprintf("%-7s", s))
}

// state is painted in a cell of its own width, whatever its colour adds.
func (p palette) state(s State) string {
	return p.paint(map[State]string{Promised: "32", AtRisk: "33", Forfeited: "31", NotKnown: "35", NotClaimed: "2"}[s], fmt.Sprintf("%-11s", s))
}
