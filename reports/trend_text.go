package reports

import (
	"fmt"
	"io"
	"strings"
)

// TrendText prints what Trend shows: for each scenario and library a line a
// guarantee, a character a run, the oldest left, and where something turned bad.
func TrendText(w io.Writer, trials []Trial, colour bool) error {
	var b strings.Builder
	i := ink(colour)
	for _, s := range trend("", trials) {
		fmt.Fprintf(&b, "\n%s %s\n", i.bold(plain(s.Scenario)), i.dim(plain(s.Library)+" · "+s.Span))
		names := []string{"records/s", "recovery"}
		for _, r := range s.Rows {
			names = append(names, string(r.Guarantee))
		}
		name := 0
		for _, n := range names {
			name = max(name, width(n))
		}
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "  %s  ", pad(string(r.Guarantee), name))
			for _, c := range r.Cells {
				sign := symbol(c.Verdict)
				if c.Verdict == "" {
					sign = "·"
				}
				if c.First {
					sign = i.bold(sign)
				}
				b.WriteString(i.verdict(c.Verdict, sign))
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "  %s  %s  up to %s\n", pad("records/s", name), bars8(s.Runs, func(r trendRun) string { return r.RateShare }), s.Rate)
		fmt.Fprintf(&b, "  %s  %s  up to %s\n", pad("recovery", name), bars8(s.Runs, func(r trendRun) string { return r.StallShare }), s.Stall)
		for _, n := range s.News {
			fmt.Fprintf(&b, "  %s %s\n", i.verdict("violated", "✗"), plain(n))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print the trend: %w", err)
	}
	return nil
}

// bars8 draws shares in percent as bars of eight heights.
func bars8(runs []trendRun, share func(trendRun) string) string {
	heights := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, r := range runs {
		percent := 0
		if _, err := fmt.Sscan(share(r), &percent); err != nil {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(heights[min(percent*len(heights)/101, len(heights)-1)])
	}
	return b.String()
}
