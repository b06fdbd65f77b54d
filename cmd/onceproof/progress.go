package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/onceproof/onceproof/harness"
)

// plainEvery is how often the counts are printed where there is no terminal to
// redraw a line on.
const plainEvery = 5 * time.Second

// progress shows a run as it goes: messages as lines, and the counts as one line
// that is redrawn on a terminal.
type progress struct {
	w     io.Writer
	tty   bool
	quiet bool

	mu    sync.Mutex
	began time.Time
	phase string
	last  time.Time // when counts were printed last
	drawn bool      // a line of counts stands, to be redrawn
}

func newProgress(w io.Writer, quiet bool) *progress {
	return &progress{w: w, tty: isTerminal(w), quiet: quiet, began: time.Now()}
}

func (p *progress) plan(j job) {
	if p.quiet {
		return
	}
	fmt.Fprintf(p.w, "\n%s: %s\n%s\n", j.name(), firstLine(j.scenario.Metadata.Description), j.plan)
}

func (p *progress) show(now harness.Progress) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase != p.phase {
		p.phase = now.Phase
		p.line(now.Phase)
	}
	if now.Message != "" {
		p.line("  " + now.Message)
	}
	if len(now.Clients) > 0 && now.Phase == "load" {
		p.counts(now)
	}
}

func (p *progress) line(text string) {
	p.clear()
	fmt.Fprintf(p.w, "%6.1fs  %s\n", time.Since(p.began).Seconds(), text)
}

func (p *progress) counts(now harness.Progress) {
	if !p.tty && time.Since(p.last) < plainEvery {
		return
	}
	p.last = time.Now()
	var sent, acked, processed int64
	for _, c := range now.Clients {
		sent, acked, processed = sent+c.Sent, acked+c.Acked, processed+c.Processed
	}
	text := fmt.Sprintf("  %s of %s: %d sent, %d acknowledged, %d processed", now.Elapsed.Round(time.Second), now.Total, sent, acked, processed)
	if len(now.Faults) > 0 {
		text += "; now: " + strings.Join(now.Faults, ", ")
	}
	if !p.tty {
		p.line(text)
		return
	}
	p.clear()
	fmt.Fprintf(p.w, "%6.1fs  %s", time.Since(p.began).Seconds(), clip(text, p.width()-10))
	p.drawn = true
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) width() int {
	if f, ok := p.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
	}
	return 80
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}
