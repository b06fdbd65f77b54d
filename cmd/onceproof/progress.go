package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/reports"
)

// progress shows a run as it goes.
type progress struct {
	w    io.Writer
	live *reports.Live // nil = quiet
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w}
	if !quiet {
		p.live = reports.NewLive(w, reports.LiveOptions{
			Terminal: isTerminal(w), Colour: isTerminal(w), Width: func() int { return width(w) },
		})
	}
	return p
}

func (p *progress) plan(j job) {
	if p.live != nil {
		fmt.Fprintf(p.w, "\n%s: %s\n%s\n", j.name(), firstLine(j.scenario.Metadata.Description), j.plan)
	}
}

func (p *progress) show(now harness.Progress) {
	if p.live == nil {
		return
	}
	s := reports.Snapshot{
		Phase: now.Phase, Message: now.Message, Elapsed: now.Elapsed, Total: now.Total, Faults: now.Faults, Open: -1,
	}
	for _, c := range now.Clients {
		s.Clients = append(s.Clients, reports.ClientCounts(c))
	}
	p.live.Show(s)
}

func (p *progress) end() {
	if p.live != nil {
		p.live.Close()
	}
}

func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 20 {
			return columns
		}
	}
	return 80
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}
