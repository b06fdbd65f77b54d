package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/reports"
)

// progress shows a run as it goes: on the terminal, in a browser, or not at all.
type progress struct {
	w      io.Writer
	prose  bool            // the plan may be printed
	live   *reports.Live   // nil = quiet
	follow *reports.Follow // nil = nobody wants to know
	server *reports.Server // nil = not served
}

// newProgress shows j as o wants it. seen, if not nil, is told of each kind of
// violation as soon as it can be known.
func newProgress(w io.Writer, o runOptions, j job, seen func(checker.Alarm)) *progress {
	p := &progress{w: w, prose: !o.quiet && !o.asJSON, server: o.server}
	if !o.quiet {
		p.live = reports.NewLive(w, reports.LiveOptions{
			Terminal: isTerminal(w), Colour: isTerminal(w), Width: func() int { return width(w) }, JSON: o.asJSON, Scenario: j.name(),
		})
	}
	if p.live != nil || p.server != nil || seen != nil {
		p.follow = &reports.Follow{Draw: p.server != nil, Seen: seen}
	}
	if p.server != nil {
		p.server.Begin(p.follow, reports.Input{
			Report: &checker.Report{Scenario: j.name(), Seed: j.plan.Seed, Backend: j.scenario.Cluster.Backend, Tool: tool()}, Plan: j.plan.String(), Default: kafkaDefault,
		})
	}
	return p
}

func (p *progress) plan(j job) {
	if p.prose {
		fmt.Fprintf(p.w, "\n%s: %s\n%s\n", j.name(), firstLine(j.scenario.Metadata.Description), j.plan)
	}
}

// observe makes what sees every event, for harness.Config.
func (p *progress) observe() func(history.Header) func(*history.Event) {
	if p.follow == nil {
		return nil
	}
	return p.follow.Observe
}

func (p *progress) show(now harness.Progress) {
	if p.live == nil && p.server == nil {
		return
	}
	s := reports.Snapshot{
		Phase: now.Phase, Message: now.Message, Elapsed: now.Elapsed, Total: now.Total, Faults: now.Faults,
	}
	for _, c := range now.Clients {
		s.Clients = append(s.Clients, reports.ClientCounts(c))
	}
	p.follow.Fill(&s)
	if p.live != nil {
		p.live.Show(s)
	}
	if p.server != nil {
		p.server.Show(s)
	}
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
