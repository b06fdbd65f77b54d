package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/checker/internal/linear"
	"github.com/onceproof/onceproof/guarantee"
)

// A second opinion: porcupine judges stretches of the partitions' logs and the
// producer ids that passed from one process to another, whatever the passes have
// found there. It shares no code with them. Where the two differ, one of them is
// wrong, and the guarantee is unknown rather than held.
const (
	opinionOps       = 500 // a stretch
	opinionStretches = 64  // all logs together
	opinionIDs       = 64  // producer ids
)

// outOfOrder is a pair of records that a pass found out of real-time order.
type outOfOrder struct{ before, at int64 }

// mostPairs is how many pairs of a partition are kept; with more, there is no
// second opinion of its log.
const mostPairs = 1000

func (pt *part) outOfOrder(before, at int64) {
	if len(pt.pairs) <= mostPairs {
		pt.pairs = append(pt.pairs, outOfOrder{before, at})
	}
}

func (j *judge) secondOpinion() {
	if j.reads != nil {
		return // nobody says in which order a log without an audit is
	}
	if j.stretches == 0 {
		return
	}
	logs := 0
	for _, pt := range j.parts {
		if pt.logged > 1 {
			logs++
		}
	}
	for _, pt := range j.parts {
		if pt.logged > 1 && len(pt.pairs) <= mostPairs {
			j.logOpinions(pt, max(1, j.stretches/logs))
		}
	}
	ids := 0
	for _, pid := range j.contested() {
		if ids++; ids > opinionIDs {
			break
		}
		j.producerOpinion(pid)
	}
}

func (j *judge) opinion(agreed bool, r *linear.Result, g guarantee.Guarantee, what string) {
	switch {
	case r.Verdict == linear.Unknown:
		j.counts["second-opinions-open"]++
	case agreed:
		j.counts["second-opinions"]++
	default:
		j.counts["second-opinions-against"]++
		s := fmt.Sprintf("porcupine calls the %s %s, the passes do not", what, map[linear.Verdict]string{linear.OK: "linearizable", linear.Illegal: "not linearizable"}[r.Verdict])
		if v := j.view(what, r); v != "" {
			s += " (" + v + ")"
		}
		if len(j.disputed[g]) < 3 {
			j.disputed[g] = append(j.disputed[g], s)
		}
	}
}

// logOpinions compares some stretches of a log, evenly spread over it.
func (j *judge) logOpinions(pt *part, most int) {
	n := min(int64(most), (pt.logEnd+opinionOps-1)/opinionOps)
	for i := range n {
		lo := i * pt.logEnd / n
		ops, hi := j.stretch(pt, lo, (i+1)*pt.logEnd/n)
		if len(ops) < 2 {
			continue
		}
		has := map[int64]bool{}
		for _, o := range ops {
			has[o.Off] = true
		}
		found, inside := false, false
		for _, p := range pt.pairs {
			found = found || has[p.at]
			inside = inside || has[p.at] && has[p.before]
		}
		r := linear.Log(ops, linear.Caps{Ops: opinionOps, Clients: 100})
		if r.Verdict == linear.OK && found && !inside {
			continue // what it is out of order with is not in the stretch
		}
		j.opinion(found == (r.Verdict == linear.Illegal), &r, guarantee.Order, fmt.Sprintf("log of %s from %d to %d", tpName(pt.tp), lo, hi-1))
	}
}

// stretch is the appends from lo on, and where it ends: those whose place the log
// and an acknowledgement agree on, sent once. Any part of a legal log is legal.
func (j *judge) stretch(pt *part, lo, hi int64) (ops []linear.LogOp, end int64) {
	for off := lo; off < hi; off++ {
		if len(ops) == opinionOps {
			return ops, off
		}
		r := pt.rows.get(off)
		const judged = fAcked | fLogged
		if r == nil || r.flags&(judged|fAborted|fClash) != judged || r.val == 0 || r.inv == 0 {
			continue
		}
		if j.valueFlags(r.val)&(vResent|vTwice|vAside) != 0 || j.procs[r.val.proc()].unacked {
			continue
		}
		ops = append(ops, linear.LogOp{Off: off, Value: j.valName(r.val), Client: int(r.val.proc()), Call: r.inv, Return: r.ack})
	}
	return ops, hi
}

// contested are the producer ids that more than one process had, in the order in
// which they passed on.
func (j *judge) contested() []int64 {
	var out []int64
	owner := map[int64]int32{}
	passed := map[int64]bool{}
	for _, n := range j.inits {
		if p, ok := owner[n.pid]; ok && p != n.proc && !passed[n.pid] {
			passed[n.pid] = true
			out = append(out, n.pid)
		}
		owner[n.pid] = n.proc
	}
	return out
}

// producerOps are the operations on a producer id: who took it, and which
// commits were acknowledged to whom had it. ok is false if there are too many.
func (j *judge) producerOps(pid int64) (ops []linear.ProducerOp, ok bool) {
	owners := map[int32]bool{}
	for _, n := range j.inits {
		if n.pid == pid {
			owners[n.proc] = true
			ops = append(ops, linear.ProducerOp{Kind: linear.InitProducer, Owner: int(n.proc), Epoch: n.epoch, Call: n.inv, Return: n.t})
		}
	}
	ok = len(ops) < searchOps
	for i := int64(0); i < j.nTxns && ok; i++ {
		x := j.txns.get(i)
		if !owners[x.proc] || x.outcome != txnCommitOK || j.idAt(x.proc, x.commitInv) != pid {
			continue
		}
		ops = append(ops, linear.ProducerOp{Kind: linear.UseProducer, Owner: int(x.proc), What: fmt.Sprintf("commit %d", x.num), Call: x.commitInv, Return: x.end})
		ok = len(ops) < searchOps
	}
	return ops, ok
}

// idAt is the producer id that a process had at t, -1 if that is not known.
func (j *judge) idAt(proc int32, t int64) int64 {
	pid, when := int64(-1), int64(-1)
	for _, n := range j.inits {
		if n.proc == proc && n.t <= t && n.t >= when {
			pid, when = n.pid, n.t
		}
	}
	return pid
}

func (j *judge) producerOpinion(pid int64) {
	ops, ok := j.producerOps(pid)
	if !ok {
		j.counts["second-opinions-open"]++
		return
	}
	r := linear.Producers(ops, linear.Caps{Ops: searchOps, Clients: 1000})
	j.opinion(j.zombies[pid] == (r.Verdict == linear.Illegal), &r, guarantee.Fencing, fmt.Sprintf("use of producer id %d", pid))
}

// producerView draws the operations on one producer id of which a zombie's
// commit is one.
func (j *judge) producerView(pid int64) string {
	ops, _ := j.producerOps(pid)
	if j.opt.View == nil || len(ops) > searchOps {
		return ""
	}
	r := linear.Producers(ops, linear.Caps{Ops: searchOps, Clients: 1000})
	if r.Verdict != linear.Illegal {
		return ""
	}
	return j.view(fmt.Sprintf("use of producer id %d", pid), &r)
}
