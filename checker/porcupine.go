package checker

import (
	"fmt"
	"io"

	"github.com/onceproof/onceproof/checker/internal/linear"
	"github.com/onceproof/onceproof/guarantee"
)

// Bounds of searches. A window is over in milliseconds unless the history is
// illegal and has commits of unknown outcome; its memory grows with the square of
// the operations.
const (
	searchOps      = 2_000     // a window
	searchUnknown  = 8         // a window
	searchRegister = 1 << 18   // of a register, at once
	searchTotal    = 5_000_000 // all registers together
)

// searchRegister asks porcupine about one group's offset for one partition. It
// finds what the rules of a register miss: several fetches that agree with the
// commits one by one, but not with each other. found says whether a rule has
// found something already; then the search only draws the picture.
//
// What cannot be searched leaves the guarantee unknown, unless the rules were
// exact there: at most one fetch met a commit under way.
func (j *judge) searchRegister(r *register, exact, found bool) {
	fetches, n := r.lastFetches(4)
	if n == 0 {
		return // nothing was read of it
	}
	name := fmt.Sprintf("committed offset of group %s for %s", j.groups[r.group].name, tpName(j.parts[r.tp].tp))
	unsearched := func(why string) {
		if exact {
			j.counts["registers-by-rules"]++
			return
		}
		j.counts["registers-not-searched"]++
		if len(j.unsearched) < 5 {
			j.unsearched = append(j.unsearched, name+": "+why)
		}
	}
	ops, why := j.registerOps(r, n)
	if why != "" {
		unsearched(why)
		return
	}
	j.searchBudget -= len(ops)
	res := linear.Offsets(ops, linear.Caps{Ops: searchOps, Clients: 100, Unknown: searchUnknown})
	switch res.Verdict {
	case linear.Unknown:
		unsearched(res.Reason)
		return
	case linear.OK:
		j.counts["registers-searched"]++
		return
	}
	view := j.view(name, &res)
	if found {
		return
	}
	last := fetches[len(fetches)-1]
	j.finds.report(guarantee.NonlinearizableOffset, func() draft {
		d := draft{client: j.procs[last.proc].client, view: view}
		for _, f := range fetches {
			d.events = append(d.events, j.event(f.end, j.procName(f.proc), f.line, makePlace(r.tp, f.off), "ok", "fetch-offsets", fmt.Sprintf("%s was told %d", j.procName(f.proc), f.off)))
		}
		d.text = fmt.Sprintf("No order of the commits explains what was fetched of the %s.", name)
		d.legal = "values in one order of the commits"
		return d
	})
}

// view writes porcupine's HTML, and names it.
func (j *judge) view(name string, r *linear.Result) string {
	if j.opt.View == nil {
		return ""
	}
	j.views++
	file := fmt.Sprintf("linear-%d.html", j.views)
	w, err := j.opt.View(file)
	if err != nil {
		j.pool.fail(fmt.Errorf("write the view of the %s: %w", name, err))
		return ""
	}
	err = r.HTML(w)
	if c, ok := w.(io.Closer); ok && err == nil {
		err = c.Close()
	}
	if err != nil {
		j.pool.fail(err)
		return ""
	}
	return file
}

// logView draws the appends around two records of a partition.
func (j *judge) logView(pt *part, lo, hi int64) string {
	const around = 10
	if j.opt.View == nil || hi-lo > searchOps/2 {
		return ""
	}
	var ops []linear.LogOp
	for off := max(0, lo-around); off <= hi+around; off++ {
		r := pt.rows.get(off)
		if r == nil || r.val == 0 || r.inv == 0 || r.flags&fAcked == 0 {
			continue
		}
		ops = append(ops, linear.LogOp{Off: off, Value: j.valName(r.val), Client: int(r.val.proc()), Call: r.inv, Return: r.ack})
	}
	r := linear.Log(ops, linear.Caps{Ops: searchOps})
	if r.Verdict != linear.Illegal {
		return ""
	}
	return j.view("log of "+tpName(pt.tp), &r)
}
