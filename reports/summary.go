package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/onceproof/onceproof/checker"
)

// Summary writes summary.md, made for GitHub's step summary: the answer, a table
// of guarantees, and each witness folded away.
func Summary(w io.Writer, in Input) error {
	r := in.Report
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", markdown(Answer(r)))
	facts := []string{"scenario " + code(r.Scenario), fmt.Sprintf("seed %d", r.Seed), "backend " + code(r.Backend)}
	if r.Evidence.Duration > 0 {
		facts = append(facts, duration(r.Evidence.Duration))
	}
	facts = append(facts, count(r.Events)+" events", fmt.Sprintf("%d faults", len(r.Faults)))
	fmt.Fprintf(&b, "%s\n\n", strings.Join(facts, " · "))
	if found := foundAnyway(r); found != "" {
		fmt.Fprintf(&b, "%s\n\n", markdown(found))
	}
	if len(r.Guarantees) > 0 {
		b.WriteString("| | guarantee | verdict | expected | found | examined |\n|---|---|---|---|---|---|\n")
		for _, g := range r.Guarantees {
			found := []string{}
			for _, f := range g.Anomalies {
				found = append(found, cell(code(string(f.Kind)))+" × "+count(f.Count))
			}
			if why := reason(g); why != "" {
				found = append(found, markdown(why))
			}
			verdict := string(g.Verdict)
			if !in.stand(g).fine() {
				verdict = "**" + verdict + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", symbol(g.Verdict), g.Guarantee, verdict,
				expectation(in, g), strings.Join(found, "<br>"), examined(g.Examined))
		}
		b.WriteString("\n")
	}
	for _, g := range r.Guarantees {
		for _, f := range g.Anomalies {
			summaryFinding(&b, g, f)
		}
	}
	summaryEvidence(&b, r.Evidence.Coverage)
	if in.Replay != "" {
		fmt.Fprintf(&b, "Replay: %s\n", code(in.Replay))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// expectation is what was expected, and where a baseline decides, what it says.
func expectation(in Input, g checker.Result) string {
	if s := in.stand(g); s == known || s == worsened {
		return fmt.Sprintf("%s; %s", expected(g), s.words(g))
	}
	return string(expected(g))
}

func summaryFinding(b *strings.Builder, g checker.Result, f checker.Finding) {
	fmt.Fprintf(b, "<details><summary>✗ <b>%s</b> breaks %s: %s</summary>\n\n", markdown(string(f.Kind)), g.Guarantee, markdown(findingWords(f)))
	for _, wit := range f.Witnesses[:min(1, len(f.Witnesses))] {
		if wit.Text != "" {
			fmt.Fprintf(b, "%s\n\n", markdown(wit.Text))
		}
		if len(wit.Events) > 0 {
			b.WriteString("| time | who | what |\n|---:|---|---|\n")
			for _, e := range wit.Events {
				fmt.Fprintf(b, "| %s | %s | %s |\n", when(e), cell(code(e.Proc)), markdown(e.Text))
			}
			b.WriteString("\n")
		}
		if wit.Legal != "" {
			fmt.Fprintf(b, "Legal would have been: %s\n\n", markdown(wit.Legal))
		}
		if why := forfeit(g, wit); why != "" {
			fmt.Fprintf(b, "Because: %s\n\n", markdown(why))
		}
	}
	b.WriteString("</details>\n\n")
}

// markdown escapes text so that it stays text in a table cell, a heading and
// inside HTML.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range plain(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '@' || r == '#': // @name and #12 become mentions and links
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cell is a code span in a table, where | ends a cell even inside the span.
func cell(code string) string { return strings.ReplaceAll(code, "|", "\\|") }

// code is a code span.
func code(s string) string {
	s = plain(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
