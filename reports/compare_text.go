package reports

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes the comparison for a terminal, a table a scenario.
func (c *Comparison) Text(w io.Writer) error {
	var b strings.Builder
	if err := overviewText(&b, c.overview()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	for _, s := range c.Scenarios {
		fmt.Fprintf(&b, "\n%s: %s\n\n", s.Scenario, s.likeness())
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprint(t, "library\truns")
		for _, g := range s.Guarantees {
			fmt.Fprintf(t, "\t%s", g)
		}
		fmt.Fprint(t, "\trecords/s\tstall\tfatal errors\n")
		var unsupported []LibraryResult
		for _, l := range s.Libraries {
			if l.Unsupported != "" {
				unsupported = append(unsupported, l)
				continue
			}
			fmt.Fprintf(t, "%s\t%d", strings.TrimSpace(l.Library+" "+l.Version), l.Runs-l.Unjudged)
			for _, cell := range l.Cells {
				fmt.Fprintf(t, "\t%s %s", symbol(cell.Verdict()), cell.Describe())
			}
			fmt.Fprintf(t, "\t%s\t%s\t%s\n", count(int64(l.Rate)), stallWords(l.Stall), l.fatalWords())
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, l := range unsupported {
			fmt.Fprintf(&b, "%s  unsupported: %s\n", l.Library, l.Unsupported)
		}
		for _, l := range s.Libraries {
			if l.Unjudged > 0 {
				why, _, _ := strings.Cut(l.Why, "\n")
				fmt.Fprintf(&b, "%s  %d of %d runs could not be judged: %s\n", l.Library, l.Unjudged, l.Runs, why)
				if len(l.Found) > 0 {
					fmt.Fprintf(&b, "%s  found violated all the same: %s\n", l.Library, strings.Join(l.Found, ", "))
				}
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

// overviewText has a line a scenario and a column a library. What broke is left to the
// tables: its names would make the columns too wide.
func overviewText(w io.Writer, o overview) error {
	if len(o.Rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nscenario\t%s\n", strings.Join(o.Libraries, "\t"))
	for _, row := range o.Rows {
		fmt.Fprint(t, row.Scenario)
		for _, c := range row.Cells {
			fmt.Fprintf(t, "\t%s", symbol(c.Verdict))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n✓: nothing broke but what the scenario expects or leaves open. ✗: something did besides, see below.")
	return err
}

// likeness says how many of the libraries were judged, and then how they compare: one
// that was not judged is like no other.
func (s *ScenarioComparison) likeness() string {
	judged := 0
	for _, l := range s.Libraries {
		if l.Unsupported == "" && l.Runs > l.Unjudged {
			judged++
		}
	}
	of := fmt.Sprintf("%d of %d libraries were judged", judged, len(s.Libraries))
	switch {
	case s.Differs:
		return of + "; they differ"
	case judged < 2:
		return of + "; there is nothing to compare"
	case judged < len(s.Libraries):
		return of + "; those do alike"
	}
	return of + "; all do alike"
}
