package reports

import (
	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// maxBars bounds a client's transaction bars. When there are more, those that
// began within one stretch of time are drawn as one, and the stretch grows until
// they fit; transactions around a witness stay single.
const (
	maxBars      = 1200
	firstStretch = 20_000 // µs
)

// bars are the transactions of every client instance.
type bars struct {
	byInstance map[string]*clientBars
	windows    windows
}

type clientBars struct {
	done    []Span
	open    map[int64]*Span // by transaction number of the incarnation
	stretch int64           // µs; 0 = each bar is one transaction
}

func newBars(r *checker.Report) bars {
	return bars{byInstance: map[string]*clientBars{}, windows: witnessWindows(r, 2e9)}
}

// add follows a transaction from its first event to the answer of its end.
func (b *bars) add(t int64, instance string, e *history.Event) {
	c := b.byInstance[instance]
	if c == nil {
		if e.Txn == 0 {
			return
		}
		c = &clientBars{open: map[int64]*Span{}}
		b.byInstance[instance] = c
	}
	if e.Txn == 0 {
		return
	}
	at := micro(t)
	s, ok := c.open[e.Txn]
	if !ok {
		if e.Type != history.Invoke && e.Op != history.OpBegin {
			return // an answer after the end
		}
		c.supersede(b.windows)
		s = &Span{From: at, N: 1}
		c.open[e.Txn] = s
	}
	s.To = max(s.To, at)
	if e.Op != history.OpCommit && e.Op != history.OpAbort {
		return
	}
	switch e.Type {
	case history.Invoke:
		if s.End == 0 {
			s.End = at
		}
		s.State = string(e.Op)
		return
	case history.OK:
		s.State = string(e.Op)
	case history.Fail:
		if e.Op == history.OpCommit {
			s.State = "failed"
			return // an abort may follow, or the library has aborted it itself
		}
		s.State = "unknown"
	default:
		s.State = "unknown"
	}
	delete(c.open, e.Txn)
	c.close(*s, b.windows)
}

// supersede ends what is still open when a process begins its next transaction:
// it has one at a time.
func (c *clientBars) supersede(keep windows) {
	for n, s := range c.open {
		if s.State != "failed" {
			s.State = "unknown"
		}
		delete(c.open, n)
		c.close(*s, keep)
	}
}

// exit ends what a dead process had open: whether its end was decided is the
// broker's affair.
func (b *bars) exit(t int64, instance string) {
	c := b.byInstance[instance]
	if c == nil {
		return
	}
	for n, s := range c.open {
		s.To = max(s.To, micro(t))
		if s.State != "failed" {
			s.State = "crashed"
		}
		delete(c.open, n)
		c.close(*s, b.windows)
	}
}

func (c *clientBars) close(s Span, keep windows) {
	if s.State != "commit" {
		s.Bad = 1
	}
	c.done = c.join(c.done, s, keep)
	for len(c.done) > maxBars && c.stretch < 1<<50 {
		c.stretch = max(firstStretch, 2*c.stretch)
		out := c.done[:0]
		for _, s := range c.done {
			out = c.join(out, s, keep)
		}
		c.done = out
	}
}

// join appends s, or adds it to the last bar if both began in one stretch.
func (c *clientBars) join(bars []Span, s Span, keep windows) []Span {
	if c.stretch == 0 || len(bars) == 0 {
		return append(bars, s)
	}
	last := &bars[len(bars)-1]
	if last.From/c.stretch != s.From/c.stretch || keep.overlap(s.From*1000, s.To*1000) || keep.overlap(last.From*1000, last.To*1000) {
		return append(bars, s)
	}
	if s.State != last.State {
		last.State = "mixed"
	}
	last.To, last.End = max(last.To, s.To), 0
	last.N, last.Bad = last.N+s.N, last.Bad+s.Bad
	return bars
}

// all returns the bars of the clients that are shown.
func (b *bars) all(last int64, shown []Lane) []Lane {
	out := []Lane{}
	for _, l := range shown {
		c := b.byInstance[l.Name]
		if c == nil {
			continue
		}
		done := append([]Span{}, c.done...)
		for _, s := range c.open {
			s := *s
			s.To, s.State = micro(last), "open"
			done = append(done, s)
		}
		for i := range done {
			if done[i].N == 1 {
				done[i].N, done[i].Bad = 0, 0
			}
		}
		out = append(out, Lane{l.Name, done})
	}
	return out
}
