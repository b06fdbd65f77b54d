package checker

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/onceproof/onceproof/checker/linear"
)

// Bounds of searches. A window is over in milliseconds unless the history is
// illegal and has commits of unknown outcome; its memory grows with the square of
// the operations.
const (
	searchOps     = 2_000     // a window
	searchUnknown = 8         // a window
	searchTotal   = 5_000_000 // all registers together
)

// searchRegister asks porcupine about one group's offset for one partition. It
// finds what the rules of a register miss: several fetches that agree with the
// commits one by one, but not with each other. found says whether a rule has
// found something already; then the search only draws the picture.
//
// What cannot be searched leaves the guarantee unknown, unless the rules were
// exact there: at most one fetch met a commit under way.
func (j *judge) searchRegister(group, tp int32, ws []write, fetches []offsetOp, found bool) {
	if len(fetches) == 0 {
		return // nothing was read of it
	}
	name := fmt.Sprintf("committed offset of group %s for %s", j.groups[group].name, tpName(j.parts[tp].tp))
	exact := !ambiguous(ws, fetches)
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
	if len(ws)+len(fetches) > j.searchBudget {
		unsearched(fmt.Sprintf("there are more than %d operations on committed offsets", searchTotal))
		return
	}
	j.searchBudget -= len(ws) + len(fetches)
	var ops []linear.OffsetOp
	clients := map[int32]int{}
	client := func(proc int32) int {
		if _, ok := clients[proc]; !ok {
			clients[proc] = len(clients)
		}
		return clients[proc]
	}
	for _, w := range ws {
		switch {
		case w.txn != 0:
			s := j.stagedFor(j.txns.at(int64(w.txn-1)), group, tp)
			ops = append(ops,
				linear.OffsetOp{Kind: linear.StageOffset, Off: w.off, Txn: w.txn, Client: client(w.op.proc), Call: s.t, Return: max(s.t+1, w.inv)},
				linear.OffsetOp{Kind: linear.EndCommit, Txn: w.txn, Client: client(w.op.proc), Call: max(s.t+1, w.inv) + 1, Return: w.end})
		case w.inv != 0:
			ops = append(ops, linear.OffsetOp{Kind: linear.CommitOffset, Off: w.off, Client: client(w.op.proc), Call: w.inv, Return: w.end})
		}
	}
	for _, f := range fetches {
		if f.inv == 0 {
			f.inv = f.end
		}
		ops = append(ops, linear.OffsetOp{Kind: linear.FetchOffset, Off: f.off, Client: client(f.proc), Call: f.inv, Return: f.end})
	}
	r := linear.Offsets(ops, linear.Caps{Ops: searchOps, Clients: 100, Unknown: searchUnknown})
	switch r.Verdict {
	case linear.Unknown:
		unsearched(r.Reason)
		return
	case linear.OK:
		j.counts["registers-searched"]++
		return
	}
	view := j.view(name, &r)
	if found {
		return
	}
	last := fetches[len(fetches)-1]
	j.finds.report(NonlinearizableOffset, func() draft {
		d := draft{client: j.procs[last.proc].client, view: view}
		for _, f := range fetches[max(0, len(fetches)-4):] {
			d.events = append(d.events, j.event(f.end, j.procName(f.proc), f.line, makePlace(tp, f.off), "ok", "fetch-offsets", fmt.Sprintf("%s was told %d", j.procName(f.proc), f.off)))
		}
		d.text = fmt.Sprintf("No order of the commits explains what was fetched of the %s.", name)
		d.legal = "values in one order of the commits"
		return d
	})
}

// ambiguous says that two or more fetches met a commit under way, or one of unknown
// outcome: either value is right for each of them, but perhaps not for both. Any
// other fetch has one right value, and the rules know it.
func ambiguous(ws []write, fetches []offsetOp) bool {
	last := make([]int64, len(ws)+1) // the largest end of the first i writes, in order of invocation
	for i, w := range ws {
		last[i+1] = max(last[i], w.end)
	}
	met := 0
	for _, f := range fetches {
		inv := f.inv
		if inv == 0 {
			inv = f.end
		}
		n, _ := slices.BinarySearchFunc(ws, f.end, func(w write, end int64) int { return cmp.Compare(w.inv, end+1) })
		if last[n] >= inv {
			met++
		}
	}
	return met > 1
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
