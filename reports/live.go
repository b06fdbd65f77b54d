package reports

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

// Snapshot is where a run stands.
type Snapshot struct {
	Phase      string
	Message    string // something that happened, or ""
	Elapsed    time.Duration
	Total      time.Duration // of the load
	Faults     []string      // that strike now
	Clients    []ClientCounts
	Open       int // transactions; -1 if nobody knows
	Guarantees []SoFar
}

// ClientCounts are one client instance's counts so far.
type ClientCounts struct {
	Name                                            string
	Sent, Acked, Polled, Processed, Commits, Errors int64
}

// SoFar is what the online checker has seen of one guarantee.
type SoFar struct {
	Guarantee guarantee.Guarantee
	Verdict   guarantee.Verdict
	Found     string // the anomalies, in words
}

// LiveOptions of NewLive; the zero value prints plain lines.
type LiveOptions struct {
	Terminal bool          // redraw a block at the end of the output
	JSON     bool          // one object a line for each snapshot, and nothing else
	Scenario string        // only with JSON: named in each line
	Colour   bool          // only with Terminal
	Width    func() int    // columns of the terminal; nil = 80
	Every    time.Duration // how often plain lines tell the counts; 0 = 5 s
	Now      func() time.Time
}

// Live shows a run while it goes on: what happened as lines, where it stands as
// a block that is redrawn on a terminal, or as a line now and then elsewhere.
// Safe for concurrent use.
type Live struct {
	w   io.Writer
	opt LiveOptions

	mu    sync.Mutex
	began time.Time
	phase string
	told  time.Time // when plain lines told the counts last
	drawn int       // lines of the block that stands
	rates meter
	err   error // of the first failed write
}

// meter makes rates of counts, by client.
type meter map[string]clientRate

// clientRate is records a second between two snapshots.
type clientRate struct {
	at    time.Time
	total int64
	rate  float64
}

// NewLive returns a Live that writes to w. Close it before anything else is written.
func NewLive(w io.Writer, opt LiveOptions) *Live {
	if opt.Width == nil {
		opt.Width = func() int { return 80 }
	}
	if opt.Every == 0 {
		opt.Every = 5 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Live{w: w, opt: opt, began: opt.Now(), rates: meter{}}
}

// Show takes a snapshot.
func (l *Live) Show(s Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.opt.Now()
	l.rates.measure(now, s.Clients)
	if l.opt.JSON {
		l.print(l.object(now, s))
		return l.err
	}
	var lines []string
	if s.Phase != l.phase {
		l.phase = s.Phase
		lines = append(lines, l.stamped(now, l.ink().bold(plain(s.Phase))))
	}
	if s.Message != "" {
		lines = append(lines, l.stamped(now, "  "+plain(s.Message)))
	}
	if !l.opt.Terminal {
		if len(s.Clients) > 0 && now.Sub(l.told) >= l.opt.Every {
			l.told = now
			lines = append(lines, l.stamped(now, "  "+l.line(s)))
		}
		l.write(lines)
		return l.err
	}
	l.redraw(lines, l.block(s))
	return l.err
}

// Close takes the block away, and returns the first error of a write.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.redraw(nil, nil)
	return l.err
}

func (l *Live) ink() ink { return ink(l.opt.Terminal && l.opt.Colour) }

func (l *Live) stamped(now time.Time, text string) string {
	return fmt.Sprintf("%7.1f s  %s", now.Sub(l.began).Seconds(), text)
}

func (m meter) measure(now time.Time, clients []ClientCounts) {
	for _, c := range clients {
		total := max(c.Sent, c.Processed, c.Polled)
		was, ok := m[c.Name]
		if dt := now.Sub(was.at).Seconds(); ok && dt > 0.2 {
			m[c.Name] = clientRate{now, total, float64(total-was.total) / dt}
		} else if !ok {
			m[c.Name] = clientRate{now, total, 0}
		}
	}
}

// of is what a client moves a second, rounded.
func (m meter) of(client string) int64 { return int64(m[client].rate + .5) }

// line is the counts in one line.
func (l *Live) line(s Snapshot) string {
	var sent, acked, processed, errs int64
	for _, c := range s.Clients {
		sent, acked, processed, errs = sent+c.Sent, acked+c.Acked, processed+c.Processed, errs+c.Errors
	}
	parts := []string{fmt.Sprintf("%s of %s", s.Elapsed.Round(time.Second), s.Total.Round(time.Second)),
		count(sent) + " sent", count(acked) + " acknowledged", count(processed) + " processed"}
	if errs > 0 {
		parts = append(parts, count(errs)+" "+countName("errors", errs))
	}
	if s.Open > 0 {
		parts = append(parts, fmt.Sprintf("%d open %s", s.Open, countName("transactions", int64(s.Open))))
	}
	if len(s.Faults) > 0 {
		parts = append(parts, "now: "+plain(strings.Join(s.Faults, ", ")))
	}
	for _, g := range s.Guarantees {
		if g.Verdict == guarantee.Violated {
			parts = append(parts, fmt.Sprintf("%s %s violated", symbol(g.Verdict), g.Guarantee))
		}
	}
	return strings.Join(parts, " · ")
}

const (
	liveBar     = 28 // characters of the progress bar
	liveClients = 8  // more are summed up
)

// block is the view of a terminal, line by line.
func (l *Live) block(s Snapshot) []string {
	i := l.ink()
	out := []string{"", l.bar(s)}
	for _, f := range s.Faults {
		out = append(out, "  "+i.sgr("33", "▲ "+plain(f)))
	}
	name := 0
	for _, c := range s.Clients {
		name = max(name, width(plain(c.Name)))
	}
	for n, c := range s.Clients {
		if n == liveClients {
			out = append(out, i.dim(fmt.Sprintf("  and %d more clients", len(s.Clients)-n)))
			break
		}
		out = append(out, l.client(c, name))
	}
	if s.Open > 0 {
		out = append(out, i.dim(fmt.Sprintf("  %d open %s", s.Open, countName("transactions", int64(s.Open)))))
	}
	if len(s.Guarantees) > 0 {
		parts := []string{}
		quiet := 0
		for _, g := range s.Guarantees {
			if g.Verdict != guarantee.Violated {
				quiet++
				continue
			}
			parts = append(parts, i.verdict(g.Verdict, fmt.Sprintf("%s %s (%s)", symbol(g.Verdict), g.Guarantee, plain(g.Found))))
		}
		if quiet > 0 { // what holds is known at the end only
			parts = append(parts, i.dim(fmt.Sprintf("nothing found yet of %d %s", quiet, countName("guarantees", int64(quiet)))))
		}
		out = append(out, "  so far  "+strings.Join(parts, "  "))
	}
	return out
}

func (l *Live) bar(s Snapshot) string {
	if s.Total <= 0 {
		return "  " + plain(s.Phase)
	}
	done := min(1, s.Elapsed.Seconds()/s.Total.Seconds())
	full := int(done * liveBar)
	return fmt.Sprintf("  %s%s  %s of %s, %s to go", l.ink().bold(strings.Repeat("█", full)), l.ink().dim(strings.Repeat("░", liveBar-full)),
		s.Elapsed.Round(time.Second), s.Total.Round(time.Second), max(0, s.Total-s.Elapsed).Round(time.Second))
}

func (l *Live) client(c ClientCounts, name int) string {
	parts := []string{fmt.Sprintf("%6s/s", count(l.rates.of(c.Name)))}
	for _, p := range []struct {
		n    int64
		what string
	}{{c.Acked, "acknowledged"}, {c.Processed, "processed"}, {c.Commits, "commits"}, {c.Errors, "errors"}} {
		if p.n > 0 {
			parts = append(parts, count(p.n)+" "+countName(p.what, p.n))
		}
	}
	return "  " + pad(plain(c.Name), name) + "  " + strings.Join(parts, "  ")
}

// redraw puts lines where the block stood, and the block below them.
func (l *Live) redraw(lines, block []string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", l.drawn) // up to its first line, clear to the end
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	columns := l.opt.Width()
	for _, line := range block {
		b.WriteString(clip(line, columns-1) + "\n")
	}
	l.drawn = len(block)
	l.print(b.String())
}

func (l *Live) write(lines []string) {
	for _, line := range lines {
		l.print(line + "\n")
	}
}

func (l *Live) print(s string) {
	if l.err != nil || s == "" {
		return
	}
	if _, err := io.WriteString(l.w, s); err != nil {
		l.err = fmt.Errorf("show the run: %w", err)
	}
}

// clip cuts a line to n columns; escape sequences take none.
func clip(s string, n int) string {
	var b strings.Builder
	columns, escape := 0, false
	for _, r := range s {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			if columns++; columns > n {
				continue
			}
			if columns == n {
				r = '…'
			}
		}
		b.WriteRune(r)
	}
	if columns < n {
		return s
	}
	return b.String()
}
