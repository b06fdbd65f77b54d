package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/checker"
)

// evidenceRow is what faults of one kind met whose victims had one role.
type evidenceRow struct {
	Kind  string
	Role  checker.Role
	Hits  []int64 // by phase, as checker.Phases
	First bool    // of its kind
}

func evidenceRows(coverage []checker.Coverage) []evidenceRow {
	var rows []evidenceRow
	for _, c := range coverage {
		i := slices.IndexFunc(rows, func(r evidenceRow) bool { return r.Kind == c.Kind && r.Role == c.Role })
		if i < 0 {
			i = len(rows)
			rows = append(rows, evidenceRow{Kind: c.Kind, Role: c.Role, Hits: make([]int64, len(checker.Phases))})
		}
		rows[i].Hits[slices.Index(checker.Phases, c.Phase)] += c.Strikes
	}
	slices.SortStableFunc(rows, func(a, b evidenceRow) int {
		if a.Kind != b.Kind {
			return strings.Compare(a.Kind, b.Kind)
		}
		return slices.Index(checker.Roles, a.Role) - slices.Index(checker.Roles, b.Role)
	})
	for i := range rows {
		rows[i].First = i == 0 || rows[i-1].Kind != rows[i].Kind
	}
	return rows
}

// Evidence writes, as text, what the faults of one or more runs met: a line for
// each kind of fault and role of its victim, a column for each transaction phase.
func Evidence(w io.Writer, coverage []checker.Coverage) error {
	rows := evidenceRows(coverage)
	if len(rows) == 0 {
		_, err := io.WriteString(w, "no fault met anything on the wire\n")
		return err
	}
	var b strings.Builder
	kind, role := len("fault"), len("role")
	for _, r := range rows {
		kind, role = max(kind, len(r.Kind)), max(role, len(r.Role))
	}
	fmt.Fprintf(&b, "%-*s  %-*s", kind, "fault", role, "role")
	for _, p := range checker.Phases {
		fmt.Fprintf(&b, "  %9s", p)
	}
	b.WriteString("\n")
	for _, r := range rows {
		name := r.Kind
		if !r.First {
			name = ""
		}
		fmt.Fprintf(&b, "%-*s  %-*s", kind, name, role, r.Role)
		for _, n := range r.Hits {
			fmt.Fprintf(&b, "  %9s", hits(n))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// encounterWords says what one fault met, but for the requests in flight, which
// the timeline tells.
func encounterWords(e *checker.Encounter) string {
	if e == nil {
		return ""
	}
	var words []string
	for _, p := range checker.Phases {
		if n := e.Transactions[p]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, p))
		}
	}
	if len(words) > 0 {
		words = []string{"transactions: " + strings.Join(words, ", ")}
	}
	if e.Rebalancing > 0 {
		words = append(words, fmt.Sprintf("members mid-rebalance: %d", e.Rebalancing))
	}
	for _, api := range slices.Sorted(maps.Keys(e.Lost)) {
		words = append(words, fmt.Sprintf("answers lost: %s × %d", api, e.Lost[api]))
	}
	return strings.Join(words, "; ")
}

func hits(n int64) string {
	if n == 0 {
		return "·"
	}
	return strconv.FormatInt(n, 10)
}

// evidenceLine is the evidence in short, for the terminal.
func evidenceLine(coverage []checker.Coverage) string {
	var kinds []string
	for i, c := range coverage {
		if i > 0 && coverage[i-1].Kind == c.Kind {
			continue
		}
		var met []string
		for _, p := range checker.Phases {
			if slices.ContainsFunc(coverage, func(o checker.Coverage) bool { return o.Kind == c.Kind && o.Phase == p }) {
				met = append(met, string(p))
			}
		}
		kinds = append(kinds, c.Kind+" met "+strings.Join(met, ", "))
	}
	return strings.Join(kinds, "; ")
}

// summaryEvidence is the table of Evidence in Markdown.
func summaryEvidence(b *strings.Builder, coverage []checker.Coverage) {
	rows := evidenceRows(coverage)
	if len(rows) == 0 {
		return
	}
	b.WriteString("<details><summary>What the faults met: transactions by phase, by the victim's role</summary>\n\n| fault | role |")
	for _, p := range checker.Phases {
		fmt.Fprintf(b, " %s |", p)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---:|", len(checker.Phases)) + "\n")
	for _, r := range rows {
		fmt.Fprintf(b, "| %s | %s |", markdown(r.Kind), r.Role)
		for _, n := range r.Hits {
			fmt.Fprintf(b, " %s |", hits(n))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n</details>\n\n")
}
