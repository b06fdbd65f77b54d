package reports

import (
	"regexp"
	"sort"
	"strings"

	"github.com/onceproof/onceproof/checker"
)

// diagram is a witness as a sequence: a lifeline for each process and partition
// that took part, a row for each event, in time order.
type diagram struct {
	Lanes []lane
	Rows  []row
}

type lane struct {
	Name string
	Log  bool // a partition, not a process
}

// row is one event: an arrow between two lifelines, a dot on one, or a band
// across all of them.
type row struct {
	checker.WitnessEvent
	N       int    // from 1; 0 for context
	Words   string // Text, without the process that stands beside it
	Shape   string // right, left, dot, end; band (a fault) or note across all
	From    int    // the left end's lifeline, or the dot's
	To      int    // the right end's
	Dashed  bool   // an answer
	Lost    bool   // it failed, or nobody knows
	Context bool
	Gone    []int  // lifelines that have ended before
	Later   string // how long after the row before, where that is long
}

// pause is a gap between rows that is worth saying.
const pause = int64(2e9)

func newDiagram(w checker.Witness) diagram {
	var d diagram
	for _, e := range w.Events {
		d.Rows = append(d.Rows, row{WitnessEvent: e})
	}
	for _, e := range w.Context {
		if !inStrip(e) {
			d.Rows = append(d.Rows, row{WitnessEvent: e, Context: true})
		}
	}
	sort.SliceStable(d.Rows, func(i, j int) bool {
		a, b := d.Rows[i].T, d.Rows[j].T
		return a != 0 && (b == 0 || a < b)
	})
	d.aim()
	at := map[string]int{}
	for _, logs := range []bool{false, true} {
		for _, r := range d.Rows {
			name := r.Proc
			if logs {
				name = r.TP
			} else if !isClient(name) {
				continue
			}
			if _, ok := at[name]; !ok && name != "" {
				at[name] = len(d.Lanes)
				d.Lanes = append(d.Lanes, lane{name, logs})
			}
		}
	}
	d.number(at)
	return d
}

// number places the rows, counts the witness's own, and ends the lifelines of
// processes that ended.
func (d *diagram) number(at map[string]int) {
	n := 0
	var gone []int
	for i := range d.Rows {
		r := &d.Rows[i]
		r.place(at)
		r.Words = strings.TrimPrefix(r.Text, r.Proc+" ")
		r.Gone = gone
		if r.Shape == "end" {
			gone = append(gone[:len(gone):len(gone)], r.From)
		}
		if !r.Context {
			n++
			r.N = n
		}
		if i > 0 && r.T > 0 && r.T-d.Rows[i-1].T >= pause {
			r.Later = duration(r.T-d.Rows[i-1].T) + " later"
		}
	}
}

// aim gives a call the partition that its answer names: a library chooses it
// only after it was called.
func (d *diagram) aim() {
	for i := range d.Rows {
		r := &d.Rows[i]
		if r.TP != "" || r.Type != "invoke" {
			continue
		}
		for _, answer := range d.Rows[i+1:] {
			if answer.Proc == r.Proc && answer.Op == r.Op && answer.TP != "" {
				r.TP = answer.TP
				break
			}
		}
	}
}

// isClient tells a worker's process from the harness's own voices.
func isClient(proc string) bool {
	return strings.Contains(proc, "/") && !strings.HasPrefix(proc, "fault/")
}

func (r *row) place(at map[string]int) {
	who, client := at[r.Proc]
	log, hasLog := at[r.TP]
	client = client && isClient(r.Proc)
	r.Lost = r.Type == "fail" || r.Type == "info" && client && !r.Context && r.Op != "assigned" && r.Op != "seek"
	switch {
	case client && hasLog:
		r.Shape, r.From, r.To = "right", who, log
		if r.Type != "invoke" && r.Op != "assigned" && r.Op != "seek" {
			r.Shape, r.Dashed = "left", r.Op != "process" && r.Op != "poll"
		}
	case client:
		r.Shape, r.From, r.To = "dot", who, who
		if r.Op == "exit" {
			r.Shape = "end"
		}
	case hasLog:
		r.Shape, r.From, r.To = "dot", log, log
	case strings.HasPrefix(r.Proc, "fault/"):
		r.Shape = "band"
	default:
		r.Shape = "note"
	}
}

// strip is a piece of a partition's log as the audit read it.
type strip struct {
	TP    string
	Cells []slot
}

// slot is one offset of a strip.
type slot struct {
	Off   int64
	Label string // short
	Text  string
	Hit   bool // the witness speaks of it
	Gap   bool // offsets are left out before it
}

// inStrip says that e tells what the audit read at an offset.
func inStrip(e checker.WitnessEvent) bool {
	return e.Proc == "audit" && e.TP != "" && (e.Op == "log" || e.Op == "marker" || e.Op == "visible")
}

// valueID is a value's number, as in shop/0/1#41.
var valueID = regexp.MustCompile(`[^\s/]+/\d+/\d+#\d+`)

// newStrips gathers what the audit said about offsets, the witness's own and
// their neighbours.
func newStrips(w checker.Witness) []strip {
	slots := map[string]map[int64]slot{}
	add := func(e checker.WitnessEvent, hit bool) {
		if !inStrip(e) {
			return
		}
		if slots[e.TP] == nil {
			slots[e.TP] = map[int64]slot{}
		}
		s, ok := slots[e.TP][e.Off]
		if !ok {
			s = slot{Off: e.Off, Text: e.Text, Label: valueID.FindString(e.Text)}
			if _, n, ok := strings.Cut(s.Label, "#"); ok {
				s.Label = "#" + n
			} else if strings.Contains(e.Text, "commit marker") {
				s.Label = "commit"
			} else if strings.Contains(e.Text, "abort marker") {
				s.Label = "abort"
			}
		}
		s.Hit = s.Hit || hit
		slots[e.TP][e.Off] = s
	}
	for _, e := range w.Events {
		add(e, true)
	}
	for _, e := range w.Context {
		add(e, false)
	}
	for _, e := range w.Events { // what a client was told of an offset
		if s, ok := slots[e.TP][e.Off]; ok && e.Type != "invoke" {
			s.Hit = true
			slots[e.TP][e.Off] = s
		}
	}
	var strips []strip
	for tp, cells := range slots {
		s := strip{TP: tp}
		for _, c := range cells {
			s.Cells = append(s.Cells, c)
		}
		sort.Slice(s.Cells, func(i, j int) bool { return s.Cells[i].Off < s.Cells[j].Off })
		for i := 1; i < len(s.Cells); i++ {
			s.Cells[i].Gap = s.Cells[i].Off > s.Cells[i-1].Off+1
		}
		strips = append(strips, s)
	}
	sort.Slice(strips, func(i, j int) bool { return strips[i].TP < strips[j].TP })
	return strips
}
