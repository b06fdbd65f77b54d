package native

import (
	"math/rand/v2"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// fuzzing is a history as another recorder could have left it: lines of different
// sources in another order, and the last lines of processes that were killed lost,
// doubled or late.
type fuzzing struct {
	*rand.Rand
	h *History
}

// DrawCrashes draws a correct world in which clients are killed again and again.
func DrawCrashes(seed uint64) *Config {
	c := Draw(seed)
	d := &drawing{rand.New(rand.NewPCG(seed, 0x6372617368)), c}
	for range 2 + d.IntN(4) {
		cl := c.Clients[d.IntN(len(c.Clients))]
		seat := &fault{Kind: "crash", At: d.between(100, c.Load/millisecond) * millisecond, For: d.between(100, 1500) * millisecond}
		seat.Seat = cl.Name + "/0"
		if d.chance(0.5) {
			seat.Kind, seat.API, seat.At = "crash-on", pick(d, cl.apis()...), seat.At/2
			seat.Phase, seat.Nth = pick(d, "request", "response"), 1+d.IntN(10)
		}
		c.Faults = append(c.Faults, seat)
	}
	return c
}

// Disordered is h with lines of different sources in another order: each source, a
// pipe or the proxy or the harness itself, keeps its own and lags behind as it likes.
// The audit begins when all the others have ended.
func (h *History) Disordered(seed uint64) *History {
	f := &fuzzing{rand.New(rand.NewPCG(seed, 0x66757a7a)), h}
	lag, last := map[string]int64{}, map[string]int64{}
	out := &History{Header: h.Header, Truth: h.Truth}
	begins := h.auditBegins()
	for _, l := range h.Lines {
		if _, known := lag[l.by]; !known {
			lag[l.by] = f.draw()
		}
		if f.Float64() < 0.01 {
			lag[l.by] = f.draw()
		}
		x := *l
		x.arrive = max(last[l.by]+1, l.arrive+lag[l.by])
		switch {
		case l.Event.Src == history.SrcAudit || l.arrive >= begins:
			x.arrive = l.arrive
		default:
			x.arrive = min(x.arrive, begins-1)
		}
		last[l.by] = x.arrive
		out.Lines = append(out.Lines, &x)
	}
	out.sort()
	return out
}

// draw is how far a source lags behind: not at all, a little, or as a pipe whose
// reader is busy.
func (f *fuzzing) draw() int64 {
	switch f.IntN(4) {
	case 0:
		return 0
	case 1:
		return f.Int64N(5 * millisecond)
	case 2:
		return f.Int64N(300 * millisecond)
	}
	return f.Int64N(3 * second)
}

// auditBegins is when the audit's first line came.
func (h *History) auditBegins() int64 {
	for _, l := range h.Lines {
		if l.Event.Op == history.OpPhase && l.Event.Note == "audit" {
			return l.arrive
		}
	}
	return 1 << 62
}

func (h *History) sort() {
	slices.SortStableFunc(h.Lines, func(a, b *Line) int {
		switch {
		case a.arrive < b.arrive:
			return -1
		case a.arrive > b.arrive:
			return 1
		}
		return 0
	})
}

// tails are, by incarnation that was killed, the lines that were not yet flushed for
// certain when it died: those behind its last invoke line, which was.
func (h *History) tails() map[string][]int {
	tails, dead := map[string][]int{}, map[string]bool{}
	for i, l := range h.Lines {
		e := &l.Event
		switch {
		case e.Op == history.OpExit && e.Note == sigkill:
			dead[e.Proc] = true
		case e.Src != history.SrcClient || e.Err != nil && e.Err.Name == "process-ended" || h.program(e.Proc):
		case e.Type == history.Invoke:
			tails[e.Proc] = nil
		default:
			tails[e.Proc] = append(tails[e.Proc], i)
		}
	}
	for proc := range tails {
		if !dead[proc] {
			delete(tails, proc)
		}
	}
	return tails
}

// program says whether a process is a program: what it does is seen by the proxy,
// and does not get lost.
func (h *History) program(proc string) bool {
	for _, c := range h.Header.Clients {
		if c.Program && len(proc) > len(c.Name) && proc[:len(c.Name)+1] == c.Name+"/" {
			return true
		}
	}
	return false
}

// Lossy is h without the last lines of processes that were killed, some of them. The
// harness then ends the operations whose ends are lost, as unknown.
func (h *History) Lossy(seed uint64) (out *History, lost int) {
	f := &fuzzing{rand.New(rand.NewPCG(seed, 0x6c6f7373)), h}
	gone := map[int]bool{}
	for _, proc := range sortedKeys(h.tails()) {
		tail := h.tails()[proc]
		if len(tail) == 0 || f.Float64() < 0.2 {
			continue
		}
		for _, i := range tail[f.IntN(len(tail)):] {
			gone[i] = true
		}
	}
	out = &History{Header: h.Header, Truth: h.Truth}
	unended := map[string][]*Line{}
	for i, l := range h.Lines {
		e := l.Event
		if gone[i] {
			if invokes[e.Op] {
				e.Type, e.Off, e.Err = history.Info, offsetsKept(e), &history.Error{Name: "process-ended", Text: sigkill}
				if e.Op == history.OpSend {
					e.TP.Part = -1
				}
				unended[e.Proc] = append(unended[e.Proc], &Line{Event: e, by: l.by})
			}
			continue
		}
		if e.Op == history.OpExit {
			for _, u := range unended[e.Proc] {
				u.Event.T, u.arrive = e.T, l.arrive
				out.Lines = append(out.Lines, u)
			}
		}
		out.Lines = append(out.Lines, l)
	}
	return out, len(gone)
}

// offsetsKept are an offset commit's own offsets, which its invoke line told.
func offsetsKept(e history.Event) []int64 {
	if e.Op == history.OpCommitOffsets || e.Op == history.OpSendOffsets {
		return e.Off
	}
	return nil
}

// Late is h in which the last lines of processes that were killed come after the
// harness has noted their end, or twice.
func (h *History) Late(seed uint64, twice bool) (out *History, moved int) {
	f := &fuzzing{rand.New(rand.NewPCG(seed, 0x6c617465)), h}
	out = &History{Header: h.Header, Truth: h.Truth}
	late := map[int]int64{}
	for _, proc := range sortedKeys(h.tails()) {
		by := f.Int64N(second)
		tail := h.tails()[proc]
		for _, i := range tail[min(len(tail), f.IntN(4)):] {
			late[i] = by
		}
	}
	begins := h.auditBegins()
	for i, l := range h.Lines {
		by, is := late[i]
		if !is {
			out.Lines = append(out.Lines, l)
			continue
		}
		moved++
		x := *l
		x.arrive = min(l.arrive+by, max(l.arrive, begins-1))
		out.Lines = append(out.Lines, &x)
		if twice {
			out.Lines = append(out.Lines, l)
		}
	}
	out.sort()
	return out, moved
}

func sortedKeys(m map[string][]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
