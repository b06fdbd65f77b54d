package suite

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
func newProgress(w io.Writer, o Options, j Job, seen func(checker.Alarm)) *progress {
	p := &progress{w: w, prose: !o.Quiet && !o.JSON, server: o.Server}
	if !o.Quiet {
		p.live = reports.NewLive(w, reports.LiveOptions{
			Terminal: IsTerminal(w), Colour: IsTerminal(w), Width: func() int { return Width(w) }, JSON: o.JSON, Scenario: j.Name(),
		})
	}
	if p.live != nil || p.server != nil || seen != nil {
		p.follow = &reports.Follow{Draw: p.server != nil, Seen: seen}
	}
	if p.server != nil {
		p.server.Begin(p.follow, reports.Input{
			Report: &checker.Report{Scenario: j.Name(), Seed: j.Plan.Seed, Backend: j.Scenario.Cluster.Backend, Tool: o.Tool}, Plan: j.Plan.String(), Default: KafkaDefault,
		})
	}
	return p
}

func (p *progress) plan(j Job) {
	if p.prose {
		fmt.Fprintf(p.w, "\n%s: %s\n%s\n", j.Name(), FirstLine(j.Scenario.Metadata.Description), j.Plan)
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

func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 20 {
			return columns
		}
	}
	return 80
}

func FirstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}
