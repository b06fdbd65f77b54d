package native

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// Line is one line of a history, and what the fuzzing of order and loss needs to
// know of it.
type Line struct {
	Event  history.Event
	arrive int64  // when the recorder got it
	by     string // whose lines it stays in order with: an incarnation, or a source
}

// History is what a run leaves.
type History struct {
	Header history.Header
	Lines  []*Line
	Truth  Truth
}

// recorder takes lines from many sources and keeps each source's order.
type recorder struct {
	w     *world
	lines []*Line
	last  map[string]int64
}

func (r *recorder) add(l *Line) { r.lines = append(r.lines, l) }

// tell records an event of the harness, the proxy, a fault or the audit, which
// reaches the file a little later.
func (r *recorder) tell(by string, e history.Event) {
	if e.T == 0 {
		e.T = r.w.stamp()
	}
	at := max(r.last[by]+1, e.T+r.w.between(microsecond, 200*microsecond))
	r.last[by] = at
	r.add(&Line{Event: e, by: by, arrive: at})
}

func (r *recorder) harness(e history.Event) {
	e.Src, e.Type = history.SrcHarness, history.Info
	if e.Proc == "" {
		e.Proc = "harness"
	}
	r.tell("harness", e)
}

// finish is the file's order: by arrival.
func (r *recorder) finish() []*Line {
	slices.SortStableFunc(r.lines, func(a, b *Line) int {
		switch {
		case a.arrive < b.arrive:
			return -1
		case a.arrive > b.arrive:
			return 1
		}
		return 0
	})
	return r.lines
}

// Bytes is the history as JSON lines.
func (h *History) Bytes() ([]byte, error) {
	h.Header.Format = fmt.Sprintf("%s/%d", history.FormatName, history.FormatMajor)
	out, err := json.Marshal(h.Header)
	if err != nil {
		return nil, fmt.Errorf("native: header: %w", err)
	}
	out = append(out, '\n')
	for _, l := range h.Lines {
		out = append(history.MarshalLine(out, &l.Event), '\n')
	}
	return out, nil
}
