package reports

import (
	"fmt"
	"sort"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// Around each event of a witness, single operations are kept.
const (
	momentAround = int64(150e6) // ns to either side
	maxMoments   = 4000         // of the whole page
)

// windows are stretches of time in ns, sorted and apart from each other.
type windows []window

type window struct{ from, to int64 }

// witnessWindows are the times within around of a witness's events.
func witnessWindows(r *checker.Report, around int64) windows {
	var ws windows
	for _, g := range r.Guarantees {
		for _, f := range g.Anomalies {
			for _, w := range f.Witnesses {
				for _, e := range w.Events {
					if e.Proc != "audit" && e.T != 0 {
						ws = append(ws, window{e.T - around, e.T + around})
					}
				}
			}
		}
	}
	sort.Slice(ws, func(i, j int) bool { return ws[i].from < ws[j].from })
	var out windows
	for _, w := range ws {
		if len(out) > 0 && w.from <= out[len(out)-1].to {
			out[len(out)-1].to = max(out[len(out)-1].to, w.to)
			continue
		}
		out = append(out, w)
	}
	return out
}

func (ws windows) overlap(from, to int64) bool {
	i := sort.Search(len(ws), func(i int) bool { return ws[i].to >= from })
	return i < len(ws) && ws[i].from <= to
}

// moments keeps the operations around witnesses, and those that failed.
type moments struct {
	windows windows
	list    []Moment
	share   int   // how many each window may keep
	kept    []int // by window
	lost    int
}

func newMoments(r *checker.Report) moments {
	m := moments{windows: witnessWindows(r, momentAround)}
	m.share = maxMoments / max(1, len(m.windows))
	m.kept = make([]int, len(m.windows))
	return m
}

func (m *moments) add(t int64, p *process, e *history.Event) {
	i := sort.Search(len(m.windows), func(i int) bool { return m.windows[i].to >= t })
	if i == len(m.windows) || m.windows[i].from > t {
		return
	}
	if m.kept[i] >= m.share {
		m.lost++
		return
	}
	m.kept[i]++
	m.list = append(m.list, Moment{T: micro(t), Lane: p.instance, Op: string(e.Op), Type: string(e.Type), Text: describe(e)})
}

func (m *moments) all(left *[]string) []Moment {
	if m.lost > 0 {
		*left = append(*left, count(int64(m.lost))+" operations near witnesses")
	}
	sort.SliceStable(m.list, func(i, j int) bool { return m.list[i].T < m.list[j].T })
	return append([]Moment{}, m.list...)
}

// describe says a client's event in one line.
func describe(e *history.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Op, e.Type)
	if e.Group != "" {
		fmt.Fprintf(&b, " of group %s", e.Group)
	}
	if n := len(e.Val); n > 0 {
		fmt.Fprintf(&b, " %s#%d", e.Val[0].Proc, e.Val[0].N)
		if n > 1 {
			fmt.Fprintf(&b, " and %d more", n-1)
		}
	}
	if e.TP.Topic != "" {
		fmt.Fprintf(&b, " %s", partition(e.TP))
	}
	if n := len(e.Off); n > 0 {
		fmt.Fprintf(&b, " @%d", e.Off[0])
		if n > 1 {
			fmt.Fprintf(&b, "…%d", e.Off[n-1])
		}
	}
	if n := len(e.From); n > 0 {
		fmt.Fprintf(&b, " from %s@%d", partition(e.From[0].TP), e.From[0].Off)
	}
	if e.Txn != 0 {
		fmt.Fprintf(&b, " in transaction %d", e.Txn)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %s", e.Err.Name)
	}
	return b.String()
}
