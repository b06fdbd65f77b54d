package reports

import (
	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// maxBars bounds a client's transaction bars. When there are more, neighbours
// with the same outcome are drawn as one, nearer ones first; those around a
// witness stay single.
const maxBars = 1200

// bars are the transactions of every client instance.
type bars struct {
	byInstance map[string]*clientBars
	windows    windows
}

type clientBars struct {
	done []Span
	open map[int64]*Span // by transaction number of the incarnation
	gap  int64           // bars nearer than this are drawn as one, µs
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
			return // an abort follows, or the client's end
		}
		s.State = "unknown"
	default:
		s.State = "unknown"
	}
	delete(c.open, e.Txn)
	c.close(*s, b.windows)
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
	c.done = append(c.done, s)
	if len(c.done) > maxBars {
		c.merge(keep)
	}
}

// merge joins neighbours until half as many are left.
func (c *clientBars) merge(keep windows) {
	if c.gap == 0 {
		c.gap = 1000
	}
	for len(c.done) > maxBars/2 {
		out := c.done[:1]
		for _, s := range c.done[1:] {
			last := &out[len(out)-1]
			near := s.From-last.To <= c.gap
			same := s.State == last.State || c.gap > 1e9
			if near && same && !keep.overlap(s.From*1000, s.To*1000) && !keep.overlap(last.From*1000, last.To*1000) {
				if s.State != last.State {
					last.State = "mixed"
				}
				last.To, last.N, last.End = max(last.To, s.To), last.N+s.N, 0
				continue
			}
			out = append(out, s)
		}
		c.done = out
		if c.gap > 1e12 {
			return // all that is left is near witnesses
		}
		c.gap *= 2
	}
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
				done[i].N = 0
			}
		}
		out = append(out, Lane{l.Name, done})
	}
	return out
}
