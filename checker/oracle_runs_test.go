package checker

import (
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Ownership and liveness: the definitions that are about whole runs.

// each calls f for every event of one kind, in the history's order.
func (o *oracle) each(op history.Op, f func(e *history.Event)) {
	for i := range o.events {
		if o.events[i].Op == op {
			f(&o.events[i])
		}
	}
}

func (o *oracle) groupOf(proc string) string { return o.group[first(splitProc(proc))] }

// replaced says that proc, which had been given tp, had since lost it to another
// process when it acted at t.
func (o *oracle) replaced(proc string, tp history.TopicPartition, t int64) bool {
	mine := int64(-1)
	o.each(history.OpAssigned, func(e *history.Event) {
		if e.Proc == proc && e.TP == tp && e.T < t {
			mine = max(mine, e.T)
		}
	})
	theirs := false
	o.each(history.OpAssigned, func(e *history.Event) {
		if e.Proc != proc && o.groupOf(e.Proc) == o.groupOf(proc) && e.TP == tp && mine >= 0 && e.T > mine && e.T < t {
			theirs = true
		}
	})
	return theirs
}

func (o *oracle) countFencing(n map[guarantee.Anomaly]int64) {
	for _, c := range o.offs {
		if c.kind == "ok" && o.replaced(c.proc, c.tp, c.inv) {
			n[guarantee.ZombieCommit]++
		}
	}
	for _, s := range o.staged {
		if o.stagedTxn(s).committed && o.replaced(s.proc, s.tp, s.t) {
			n[guarantee.ZombieCommit]++
		}
	}
	for _, x := range o.txns {
		var mine *history.Event // how it got its producer id
		for i := range o.inits {
			if e := &o.inits[i]; e.Proc == x.proc && e.T <= x.ask && (mine == nil || e.T >= mine.T) {
				mine = e
			}
		}
		if x.committed && mine != nil && slices.ContainsFunc(o.inits, func(e history.Event) bool {
			return e.Proc != x.proc && e.PID == mine.PID && e.Epoch > mine.Epoch && e.T < x.ask
		}) {
			n[guarantee.ZombieCommit]++
		}
	}
	// Each process counts once a partition.
	type key struct {
		proc string
		tp   history.TopicPartition
	}
	doubled := map[key]bool{}
	o.each(history.OpAssigned, func(a *history.Event) {
		o.each(history.OpAssigned, func(b *history.Event) {
			if a.TP != b.TP || a.Proc == b.Proc || o.groupOf(a.Proc) != o.groupOf(b.Proc) || b.T <= a.T {
				return
			}
			aTo, bTo := o.until(a), o.until(b)
			lo, hi := int64(-1), int64(-1)
			for _, p := range o.polls {
				if p.proc == a.Proc && p.tp == a.TP && p.t > b.T && p.t <= aTo {
					if lo < 0 {
						lo = p.t
					}
					hi = p.t
				}
			}
			if lo >= 0 && hi-lo >= ownerGrace && bTo >= hi {
				doubled[key{a.Proc, a.TP}] = true
			}
		})
	})
	n[guarantee.DoubleOwner] = int64(len(doubled))
}

// until is when the ownership that e began was over.
func (o *oracle) until(e *history.Event) int64 {
	to := int64(forever)
	for i := range o.events {
		x := &o.events[i]
		gave := (x.Op == history.OpRevoked || x.Op == history.OpLost) && x.TP == e.TP
		if x.Proc == e.Proc && x.T > e.T && (gave || x.Op == history.OpExit) {
			to = min(to, x.T)
		}
	}
	return to
}

// keeps says whether the process of c was the last to be given its partition, and had it
// until t.
func (o *oracle) keeps(c ooff, t int64) bool {
	var last *history.Event
	for i := range o.events {
		e := &o.events[i]
		if e.Proc == c.proc && e.T < t && (e.Op == history.OpExit || e.Op == history.OpClose && e.Type == history.OK) {
			return false
		}
		if e.Op == history.OpAssigned && e.TP == c.tp && o.groupOf(e.Proc) == o.groupOf(c.proc) {
			last = e
		}
	}
	return last == nil || last.Proc == c.proc && o.until(last) >= t
}

func (o *oracle) countProgress(n map[guarantee.Anomaly]int64) {
	gone := -1
	var goneT int64
	phase := map[string]int64{}
	for i := range o.events {
		switch e := &o.events[i]; e.Op {
		case history.OpGone:
			gone, goneT = i, e.T
		case history.OpPhase:
			phase[e.Note] = e.T
		}
	}
	if gone >= 0 {
		var first, last int64
		acked := false
		for i := gone + 1; i < len(o.events); i++ {
			e := &o.events[i]
			switch {
			case e.Op != history.OpSend:
			case e.Type == history.OK:
				acked = true
			case e.Type == history.Invoke:
				if last = e.T; first == 0 {
					first = e.T
				}
			}
		}
		if end := phase["heal"]; end != 0 {
			last = end
		}
		if first != 0 && !acked && last-first >= recoverWithin {
			n[guarantee.NoRecovery]++
		}
	}
	from, to := max(phase["drain"], goneT), phase["drain-timeout"]
	if phase["drain"] == 0 || to-from < defaultSession+drainAtLeast {
		return
	}
	for _, g := range []string{"till", "exact"} {
		for p := range int32(2) {
			if o.stands(g, tpOf("orders", p), from, goneT, to) {
				n[guarantee.StuckConsumer]++
			}
		}
	}
}

// stands says that a group committed nothing of a partition since from, though it
// is a reader of it and a record waits there that it could be given, and that its last
// commit before goneT was not to cover.
func (o *oracle) stands(g string, tp history.TopicPartition, from, goneT, to int64) bool {
	final, known := o.final[g][tp]
	polled, committed, told := int64(0), int64(0), false
	for _, p := range o.polls {
		if o.groupOf(p.proc) == g && p.tp == tp {
			polled = max(polled, p.t)
		}
	}
	for _, c := range o.offs {
		if c.kind != "fetch" && c.tp == tp && o.groupOf(c.proc) == g {
			told = true
		}
		if c.kind == "ok" && c.tp == tp && o.groupOf(c.proc) == g {
			committed = max(committed, c.end)
		}
	}
	for _, s := range o.staged {
		told = told || s.tp == tp && o.groupOf(s.proc) == g
		if x := o.stagedTxn(s); s.tp == tp && o.groupOf(s.proc) == g && x.committed {
			committed = max(committed, x.end)
		}
	}
	last, tried := int64(0), int64(0)
	for _, c := range o.offs {
		if c.kind == "maybe" && c.tp == tp && o.groupOf(c.proc) == g && 0 < c.inv && c.inv <= goneT && c.inv >= last && o.keeps(c, to) {
			last, tried = c.inv, c.off
		}
	}
	switch {
	case committed > from, committed == 0 && polled > from && known && !told:
		return false
	}
	return slices.ContainsFunc(o.log, func(r orec) bool {
		return r.tp == tp && r.off >= max(final, tried) && r.off < o.lso[tp] && o.there(&r)
	})
}
