package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
)

// overview is a comparison of several scenarios at a glance: what broke, scenarios ×
// libraries.
type overview struct {
	Libraries []string // sorted
	Rows      []overviewRow
}

type overviewRow struct {
	Scenario string
	Cells    []overviewCell
}

// overviewCell is what one library did in one scenario.
type overviewCell struct {
	Verdict  guarantee.Verdict // Holds if nothing broke unexpectedly
	Broke    []string          // guarantees that were violated, though the scenario expects them to hold
	Expected []string          // those of which it does not
	Rest     string            // why there is no verdict
	Link     string
}

// Describe is the cell's text; what may be violated stands in parentheses.
func (c overviewCell) Describe() string {
	words := strings.Join(c.Broke, ", ")
	if len(c.Expected) > 0 {
		words = strings.TrimSpace(words + " (" + strings.Join(c.Expected, ", ") + ")")
	}
	return words + c.Rest
}

// overview is empty for a single scenario, whose table says it all.
func (c *Comparison) overview() overview {
	var o overview
	if len(c.Scenarios) < 2 {
		return o
	}
	for _, s := range c.Scenarios {
		for _, l := range s.Libraries {
			o.Libraries = append(o.Libraries, l.Library)
		}
	}
	slices.Sort(o.Libraries)
	o.Libraries = slices.Compact(o.Libraries)
	for _, s := range c.Scenarios {
		row := overviewRow{Scenario: s.Scenario, Cells: make([]overviewCell, len(o.Libraries))}
		for i := range row.Cells {
			row.Cells[i] = overviewCell{Verdict: guarantee.NotExercised, Rest: "not run"}
		}
		for _, l := range s.Libraries {
			i, _ := slices.BinarySearch(o.Libraries, l.Library)
			row.Cells[i] = l.glance()
		}
		o.Rows = append(o.Rows, row)
	}
	return o
}

func (l LibraryResult) glance() overviewCell {
	switch {
	case l.Unsupported != "":
		return overviewCell{Verdict: guarantee.NotExercised, Rest: "unsupported"}
	case l.Unjudged == l.Runs:
		cell := overviewCell{Verdict: guarantee.Unknown, Rest: "not judged", Link: l.UnjudgedDir}
		if len(l.Found) > 0 {
			cell.Rest += ", yet " + strings.Join(l.Found, ", ")
		}
		return cell
	}
	cell := overviewCell{Verdict: guarantee.Holds}
	for _, t := range l.Cells {
		if t.Violated == 0 {
			continue
		}
		name := string(t.Guarantee)
		if n := l.Runs - l.Unjudged; n > 1 {
			name += fmt.Sprintf(" %d/%d", t.Violated, n)
		}
		if t.Surprises > 0 {
			cell.Broke = append(cell.Broke, name)
			if cell.Verdict != guarantee.Violated {
				cell.Verdict, cell.Link = guarantee.Violated, t.Dir
			}
		} else {
			cell.Expected = append(cell.Expected, name)
			if cell.Link == "" {
				cell.Link = t.Dir
			}
		}
	}
	return cell
}
