package reports

import (
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"
	"time"
)

//go:embed assets/compare.html.tmpl
var compareTemplate string

var comparePage = template.Must(template.New("compare").Funcs(template.FuncMap{"symbol": symbol}).Parse(compareTemplate))

// JSON writes the comparison for machines.
func (c *Comparison) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("write the comparison as JSON: %w", err)
	}
	return nil
}

// Markdown writes the comparison as tables.
func (c *Comparison) Markdown(w io.Writer) error {
	var b strings.Builder
	for _, s := range c.Scenarios {
		fmt.Fprintf(&b, "### %s\n\n| library | runs |", markdown(s.Scenario))
		for _, g := range s.Guarantees {
			fmt.Fprintf(&b, " %s |", g)
		}
		fmt.Fprintf(&b, " records/s | longest stall |\n|---|---:|%s---:|---:|\n", strings.Repeat("---|", len(s.Guarantees)))
		for _, l := range s.Libraries {
			fmt.Fprintf(&b, "| %s | %d |", markdown(strings.TrimSpace(l.Library+" "+l.Version)), l.Runs)
			if l.Unsupported != "" {
				fmt.Fprintf(&b, " unsupported: %s |%s\n", markdown(l.Unsupported), strings.Repeat(" |", max(0, len(s.Guarantees)+1)))
				continue
			}
			for _, t := range l.Cells {
				fmt.Fprintf(&b, " %s %s |", symbol(t.Verdict()), t.Words())
			}
			fmt.Fprintf(&b, " %s | %s |\n", count(int64(l.Rate)), stallWords(l.Stall))
		}
		b.WriteString("\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

func stallWords(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return duration(int64(d))
}

// HTML writes the comparison as one self-contained page; links to the runs'
// reports are relative to the folder base, where the page will lie.
func (c *Comparison) HTML(w io.Writer, base string) error {
	page := struct {
		CSS       template.CSS
		Scenarios []comparedView
	}{CSS: template.CSS(reportCSS)}
	for _, s := range c.Scenarios {
		page.Scenarios = append(page.Scenarios, viewOf(s, base))
	}
	if err := comparePage.Execute(w, page); err != nil {
		return fmt.Errorf("write the comparison page: %w", err)
	}
	return nil
}

type comparedView struct {
	ScenarioComparison
	Rows      []comparedRow
	Multiples []multiple
}

type comparedRow struct {
	LibraryResult
	Rate, Stall string
	Cells       []comparedCell
}

type comparedCell struct {
	Tally
	Link string
}

func viewOf(s ScenarioComparison, base string) comparedView {
	v := comparedView{ScenarioComparison: s, Multiples: multiples(s.Libraries)}
	for _, l := range s.Libraries {
		row := comparedRow{LibraryResult: l, Rate: count(int64(l.Rate)), Stall: stallWords(l.Stall)}
		for _, t := range l.Cells {
			row.Cells = append(row.Cells, comparedCell{t, linkTo(base, t.Dir)})
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// linkTo is the path of a run's report as seen from base.
func linkTo(base, dir string) string {
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, FileHTML)
	if rel, err := filepath.Rel(base, path); err == nil {
		path = rel
	}
	return filepath.ToSlash(path)
}
