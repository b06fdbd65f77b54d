package checker

import (
	"fmt"
	"io"
	"time"

	"github.com/onceproof/onceproof/checker/linear"
)

// Bounds of one search. It is over in milliseconds unless the history is illegal
// and has commits of unknown outcome; its memory grows with the square of the
// operations.
const (
	searchTime = 2 * time.Second
	searchOps  = 2_000
)

// searchRegister asks porcupine about one group's offset for one partition. It
// finds what the rules of a register miss: several fetches that agree with the
// commits one by one, but not with each other. found says whether a rule has
// found something already; then the search only draws the picture.
func (j *judge) searchRegister(group, tp int32, ws []write, fetches []offsetOp, found bool) {
	if len(fetches) == 0 || j.searchBudget <= 0 || len(ws)+len(fetches) > 50*searchOps {
		j.counts["registers-not-searched"]++
		return
	}
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
	r := linear.Offsets(ops, linear.Caps{Ops: searchOps, Time: searchTime})
	j.searchBudget--
	name := fmt.Sprintf("committed offset of group %s for %s", j.groups[group].name, tpName(j.parts[tp].tp))
	switch r.Verdict {
	case linear.Unknown:
		if !r.TimedOut { // too much at once: the rules alone have judged it
			j.counts["registers-not-searched"]++
			return
		}
		j.unsearched = append(j.unsearched, name+": "+r.Reason)
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

// producerView draws the operations on one producer id of which a zombie's
// commit is one.
func (j *judge) producerView(pid int64, zombie int32) string {
	if j.opt.View == nil {
		return ""
	}
	owners := map[int32]bool{}
	var ops []linear.ProducerOp
	for _, n := range j.inits {
		if n.pid == pid {
			owners[n.proc] = true
			ops = append(ops, linear.ProducerOp{Kind: linear.InitProducer, Owner: int(n.proc), Epoch: n.epoch, Call: n.t - 1, Return: n.t})
		}
	}
	for i := range j.nTxns {
		if x := j.txns.at(i); owners[x.proc] && x.outcome == txnCommitOK && len(ops) < searchOps {
			ops = append(ops, linear.ProducerOp{Kind: linear.UseProducer, Owner: int(x.proc), What: fmt.Sprintf("commit %d", x.num), Call: x.commitInv, Return: x.end})
		}
	}
	r := linear.Producers(ops, linear.Caps{Ops: searchOps, Time: searchTime})
	if r.Verdict != linear.Illegal {
		return ""
	}
	return j.view(fmt.Sprintf("transactional id of %s", j.procName(zombie)), &r)
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
	r := linear.Log(ops, linear.Caps{Ops: searchOps, Time: searchTime})
	if r.Verdict != linear.Illegal {
		return ""
	}
	return j.view("log of "+tpName(pt.tp), &r)
}
