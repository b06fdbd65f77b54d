package reports

import (
	"cmp"
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"path/filepath"
	"slices"
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
	if c.Setting.Command != "" {
		fmt.Fprintf(&b, "%s.\n\n    %s\n\n", markdown(c.Setting.Describe()), c.Setting.Command)
	}
	overviewMarkdown(&b, c.overview())
	for _, s := range c.Scenarios {
		fmt.Fprintf(&b, "### %s\n\n| library | runs |", markdown(s.Scenario))
		for _, g := range s.Guarantees {
			fmt.Fprintf(&b, " %s |", g)
		}
		fmt.Fprintf(&b, " records/s | longest stall | fatal errors |\n|---|---:|%s---:|---:|---|\n", strings.Repeat("---|", len(s.Guarantees)))
		for _, l := range s.Libraries {
			fmt.Fprintf(&b, "| %s | %d |", markdown(strings.TrimSpace(l.Library+" "+l.Version)), l.Runs)
			if l.Unsupported != "" {
				fmt.Fprintf(&b, " unsupported: %s |%s\n", markdown(l.Unsupported), strings.Repeat(" |", max(0, len(s.Guarantees)+2)))
				continue
			}
			for _, t := range l.Cells {
				fmt.Fprintf(&b, " %s %s |", symbol(t.Verdict()), t.Describe())
			}
			fmt.Fprintf(&b, " %s | %s | %s |\n", count(int64(l.Rate)), stallWords(l.Stall), markdown(l.fatalWords()))
		}
		b.WriteString("\n")
		recoveryMarkdown(&b, s)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

func overviewMarkdown(b *strings.Builder, o overview) {
	if len(o.Rows) == 0 {
		return
	}
	b.WriteString("| scenario |")
	for _, l := range o.Libraries {
		fmt.Fprintf(b, " %s |", markdown(l))
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("---|", len(o.Libraries)))
	for _, row := range o.Rows {
		fmt.Fprintf(b, "| %s |", markdown(row.Scenario))
		for _, c := range row.Cells {
			fmt.Fprintf(b, " %s |", strings.TrimSpace(symbol(c.Verdict)+" "+c.Describe()))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "\n%s\n\n", overviewKey)
}

// overviewKey explains an overview's cells.
const overviewKey = "✓: nothing broke but what the scenario expects or leaves open, which stands in parentheses. ✗: what broke besides."

// recoveryMarkdown is how long each fault was felt.
func recoveryMarkdown(b *strings.Builder, s ScenarioComparison) {
	faults := s.faults()
	if len(faults) == 0 {
		return
	}
	b.WriteString("| stall at fault |")
	for _, f := range faults {
		fmt.Fprintf(b, " %s |", markdown(f))
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("---:|", len(faults)))
	for _, l := range s.Libraries {
		if len(l.Recoveries) == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s |", markdown(l.Library))
		for _, r := range l.recoveries(faults) {
			fmt.Fprintf(b, " %s |", r.Describe())
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// faults are those that struck any of the libraries, in the plan's order.
func (s ScenarioComparison) faults() []string {
	steps := map[string]int{}
	for _, l := range s.Libraries {
		for _, r := range l.Recoveries {
			steps[r.Fault] = r.step
		}
	}
	return slices.SortedFunc(maps.Keys(steps), func(a, b string) int { return cmp.Or(steps[a]-steps[b], strings.Compare(a, b)) })
}

// recoveries are l's from each of the faults.
func (l LibraryResult) recoveries(faults []string) []FaultImpact {
	all := make([]FaultImpact, len(faults))
	for _, r := range l.Recoveries {
		all[slices.Index(faults, r.Fault)] = r
	}
	return all
}

// fatalWords are the errors after which a client was of no more use.
func (l LibraryResult) fatalWords() string {
	if l.Fatal == 0 {
		return "–"
	}
	return fmt.Sprintf("%d (%s)", l.Fatal, strings.Join(l.FatalNames, ", "))
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
		Setting   ComparisonSetting
		Overview  overview
		Key       string
		Scenarios []comparedView
	}{CSS: template.CSS(reportCSS), Setting: c.Setting, Overview: c.overview(), Key: overviewKey}
	for _, row := range page.Overview.Rows {
		for i := range row.Cells {
			row.Cells[i].Link = linkTo(base, row.Cells[i].Link)
		}
	}
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
	Faults    []string
	Same      []sameFault // as pictures
}

type comparedRow struct {
	LibraryResult
	Rate, Stall, Fatal string
	Cells              []comparedCell
	Unjudged           string // the report of a run that could not be judged
	Felt               []FaultImpact
}

type comparedCell struct {
	Tally
	Link string
}

func viewOf(s ScenarioComparison, base string) comparedView {
	v := comparedView{ScenarioComparison: s, Multiples: multiples(s.Libraries), Faults: s.faults(), Same: sameFaults(s.Libraries)}
	for _, l := range s.Libraries {
		row := comparedRow{LibraryResult: l, Rate: count(int64(l.Rate)), Stall: stallWords(l.Stall), Fatal: l.fatalWords()}
		row.Unjudged = linkTo(base, l.UnjudgedDir)
		if len(l.Recoveries) > 0 {
			row.Felt = l.recoveries(v.Faults)
		}
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
