package reports

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
)

// maxSummary is what GitHub shows of one step's summary, with room to spare.
const maxSummary = 900 << 10

// SuiteSummary writes one summary of several runs: a line a run, then each run's
// own as long as GitHub shows it. notes are said first, such as what got worse.
func SuiteSummary(w io.Writer, runs []Input, notes []string) error {
	var b bytes.Buffer
	for _, n := range notes {
		fmt.Fprintf(&b, "- **%s**\n", markdown(n))
	}
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	if len(runs) > 1 {
		b.WriteString("| | scenario | seed | answer |\n|---|---|---|---|\n")
		for _, in := range runs {
			fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", glance(in), cell(code(in.Report.Scenario)), in.Report.Seed, markdown(Answer(in.Report)))
		}
		b.WriteString("\n")
	}
	left := 0
	for _, in := range runs {
		var one bytes.Buffer
		if err := Summary(&one, in); err != nil {
			return err
		}
		if b.Len()+one.Len() > maxSummary {
			left++
			continue
		}
		b.Write(one.Bytes())
	}
	if left > 0 {
		fmt.Fprintf(&b, "%d more %s: see their folders.\n", left, countName("runs", int64(left)))
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// glance tells at a glance how a run stands against what was expected or known.
func glance(in Input) string {
	m := "✓"
	for _, g := range in.Report.Guarantees {
		switch s := in.stand(g); {
		case s.broken():
			return "✗"
		case !s.fine():
			m = "?"
		}
	}
	if in.Report.Infra != "" {
		return "?"
	}
	return m
}

// WriteSuite writes junit.xml and summary.md of several runs into dir, where
// one path serves whatever collects them.
func WriteSuite(dir string, runs []Input, notes []string) error {
	var junit, summary bytes.Buffer
	if err := JUnitSuite(&junit, runs); err != nil {
		return err
	}
	if err := SuiteSummary(&summary, runs, notes); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, FileJUnit), junit.Bytes()); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, FileSummary), summary.Bytes())
}
