package checker

import (
	"fmt"
	"strconv"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// recovery counts what was sent and acknowledged since the last fault was over.
type recovery struct {
	sent, acked int64
	first, last int64
}

func (r *recovery) invoked(t int64) {
	r.sent++
	if r.first == 0 {
		r.first = t
	}
	r.last = max(r.last, t)
}

// Bounds of progress, in ns.
const (
	recoverWithin  = 10_000_000_000 // sends go through again after the last fault
	drainAtLeast   = 5_000_000_000  // a shorter drain says nothing about a consumer
	defaultSession = 45_000_000_000 // session.timeout.ms
	abortCheck     = 10_000_000_000 // transaction.abort.timed.out.transaction.cleanup.interval.ms
	defaultTimeout = 60_000_000_000 // transaction.timeout.ms
)

func (j *judge) progressDone() {
	j.counts["sends-after-faults"], j.counts["acked-after-faults"] = j.after.sent, j.after.acked
	j.recovered()
	if j.auditDone {
		j.hanging()
		j.stuck()
		j.idlePrograms()
	}
}

// recovered asks whether sends went through again after the last fault.
func (j *judge) recovered() {
	a := j.after
	if j.lastGone == 0 || a.sent == 0 || a.acked > 0 {
		return
	}
	end := j.phases["heal"]
	if end == 0 {
		end = a.last
	}
	if end-a.first < recoverWithin {
		return
	}
	j.finds.report(guarantee.NoRecovery, func() draft {
		d := draft{}
		d.events = append(d.events,
			j.event(j.lastGone, "harness", 0, 0, history.OK, history.OpGone, "the last fault was over"),
			j.event(a.first, "harness", 0, 0, history.Invoke, history.OpSend, fmt.Sprintf("the first of %d sends after it", a.sent)),
			j.event(j.lastAck, "harness", 0, 0, history.OK, history.OpSend, "the last acknowledgement of the run"))
		d.text = fmt.Sprintf("After the last fault was over at %s, %d sends were made within %.1f s, and none was acknowledged.", j.clock(j.lastGone), a.sent, float64(end-a.first)/1e9)
		d.legal = fmt.Sprintf("an acknowledgement within %d s", recoverWithin/1_000_000_000)
		return d
	})
}

// hanging reports a transaction that is still open after heal and drain though
// its client was told of its end, or its timeout passed: it holds back every
// reader under read_committed (KIP-890).
func (j *judge) hanging() {
	for _, pt := range j.parts {
		open := pt.undecided
		for _, o := range pt.open {
			if o.first >= 0 {
				open = append(open, undecided{pid: o.pid, first: o.first, last: o.first})
			}
		}
		seen := map[int64]bool{}
		for _, o := range open {
			if seen[o.pid] {
				continue
			}
			seen[o.pid] = true
			if why := j.overdue(pt, o); why != "" {
				j.hang(pt, o, why)
			}
		}
	}
}

// overdue says why an open transaction should have ended.
func (j *judge) overdue(pt *part, o undecided) string {
	row := pt.rows.get(o.last)
	if row == nil || row.val == 0 {
		return ""
	}
	last := max(row.inv, row.ack)
	timeout := int64(defaultTimeout)
	if p := j.procs[row.val.proc()]; p.info != nil {
		if n, err := strconv.ParseInt(p.info.Config["transaction.timeout.ms"], 10, 64); err == nil {
			timeout = n * 1e6
		}
	}
	if x := j.txnRow(row); x != nil {
		last = max(last, x.begin, x.commitInv, x.abortInv)
		if x.outcome == txnCommitOK || x.outcome == txnAbortOK {
			return fmt.Sprintf("its client was told at %s: %s", j.clock(x.end), x.outcome)
		}
	}
	if last != 0 && j.auditT-last > timeout+abortCheck {
		return fmt.Sprintf("nothing was heard of it for %.1f s, and its timeout is %.1f s", float64(j.auditT-last)/1e9, float64(timeout)/1e9)
	}
	return ""
}

func (j *judge) hang(pt *part, o undecided, why string) {
	j.finds.report(guarantee.HangingTransaction, func() draft {
		at := makePlace(pt.id, o.first)
		r := *pt.rows.at(o.first)
		d := draft{focus: []place{at}, txn: r.txn}
		if r.val != 0 {
			d.client = j.procs[r.val.proc()].client
		}
		d.events = append(d.events, j.sendEvents(at, &r)...)
		d.events = append(d.events, j.logEvent(at, &r))
		if pt.hasWM {
			d.events = append(d.events, j.event(j.auditT, "audit", pt.wmLine, 0, history.OK, history.OpWatermarks,
				fmt.Sprintf("after the end the last stable offset of %s is %d, the high watermark %d", tpName(pt.tp), pt.marks[1], pt.marks[2])))
		}
		d.text = fmt.Sprintf("A transaction of producer %d, open since %s, was never ended in %s; %s. It holds back the last stable offset.", o.pid, j.placeName(at), tpName(pt.tp), why)
		d.legal = "a marker that ends it"
		return d
	})
}

// stuck reports a group that committed nothing of a partition throughout a
// drain that ended without it, though records wait there. The drain must have
// been long enough for the coordinator to notice a dead member; where it was not,
// and the group has done nothing in the whole run, nobody knows whether it would.
func (j *judge) stuck() {
	from, to := j.phases["drain"], j.phases["drain-timeout"]
	if from == 0 || to == 0 {
		return
	}
	type key struct{ group, tp int32 }
	moved := map[key]int64{} // last commit
	polled := map[key]int64{}
	j.polls.scan(func(_ int64, p *pollLine) bool {
		if g := j.procs[p.proc].group; g >= 0 {
			k := key{g, p.tp}
			polled[k] = max(polled[k], p.t)
		}
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		if x := j.txns.at(int64(s.txn)); x.outcome == txnCommitOK {
			k := key{s.group, s.tp}
			moved[k] = max(moved[k], x.end)
		}
		return true
	})
	tried := j.tried(to)
	j.toRead()
	for id, g := range j.groups {
		since := max(from, j.lastGone) // members that die later die of themselves
		enough := to-since >= j.sessionTimeout(g)+drainAtLeast
		if !enough && j.worked(g) {
			continue
		}
		for _, tp := range sortedKeys(g.inputs) {
			in, pt := g.inputs[tp], j.parts[tp]
			k := key{int32(id), tp}
			if !in.hasFinal && polled[k] == 0 && !in.due || max(moved[k], in.lastT) > since {
				continue
			}
			if moved[k] == 0 && in.lastT == 0 && polled[k] > since && (in.hasFinal && !in.told || !j.meansToCommit(g)) {
				continue // it reads, and its commits are not told, or it is not known to commit
			}
			off, ok := j.visibleIn(pt, max(in.final, tried[registerKey(k.group, k.tp)].off, 0), pt.logEnd-1, true)
			if !ok || pt.hasWM && off >= pt.marks[1] {
				continue // nothing waits, or a hanging transaction holds it back
			}
			if !enough {
				j.idle = append(j.idle, fmt.Sprintf("group %s committed nothing in the whole run, though %s waits for it, but it was given only %.1f s after the last fault, and a group may take %.1f s",
					g.name, j.placeName(makePlace(tp, off)), float64(to-since)/1e9, float64(j.sessionTimeout(g)+drainAtLeast)/1e9))
				break
			}
			j.stuckAt(g, in, makePlace(tp, off), since, to, polled[k] > since)
		}
	}
}

// tried are the last commits whose answer a fault took, by register, of processes that
// read there until t: they have no reason to try again while no further record comes.
func (j *judge) tried(t int64) map[int64]offsetOp {
	last := map[int64]offsetOp{}
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		k := registerKey(c.group, c.tp)
		if c.kind == opMaybe && 0 < c.inv && c.inv <= j.lastGone && c.inv >= last[k].inv && j.keeps(c, t) {
			last[k] = *c
		}
		return true
	})
	return last
}

// keeps says whether the process of c was the last to be given its partition, and had
// it until t.
func (j *judge) keeps(c *offsetOp, t int64) bool {
	if p := j.procs[c.proc]; p.diedAt != 0 && p.diedAt < t {
		return false
	}
	owners := j.owners[registerKey(c.group, c.tp)]
	if owners == nil { // nobody tells
		return true
	}
	last := owners.list[len(owners.list)-1]
	return last.proc == c.proc && (last.to == 0 || last.to >= t)
}

// toRead marks the partitions that the configuration gives a group to read from
// the log's start, whether or not any of its members, once started, got to them.
func (j *judge) toRead() {
	for _, r := range j.readers() {
		if r.client.Config["auto.offset.reset"] != "earliest" {
			continue
		}
		for _, pt := range j.parts {
			if pt.tp.Topic == r.client.Input && pt.tp.Part >= 0 {
				r.group.input(j, pt.id).due = true
			}
		}
	}
}

// worked reports whether a group has processed or committed anything at all.
func (j *judge) worked(g *group) bool {
	if g.processes || g.outputs {
		return true
	}
	for _, in := range g.inputs {
		if in.lastT != 0 || in.hasFinal {
			return true
		}
	}
	return false
}

// meansToCommit reports whether the group's client is one that commits: by its pattern,
// or in transactions.
func (j *judge) meansToCommit(g *group) bool {
	c := j.clients[j.clientOf(g)]
	return c != nil && (c.Commit != "" || c.Config["transactional.id"] != "")
}

// stuckAt reports one group at one partition; polls says that it reads on, over
// and over, without getting anywhere.
func (j *judge) stuckAt(g *group, in *inputPart, at place, since, to int64, polls bool) {
	r := *j.parts[at.tp()].rows.at(at.off())
	name := tpName(j.parts[at.tp()].tp)
	j.finds.report(guarantee.StuckConsumer, func() draft {
		d := draft{focus: []place{at}, client: j.clientOf(g)}
		d.events = append(d.events,
			j.event(j.phases["drain"], "harness", 0, 0, history.Info, history.OpPhase, "drain began"),
			j.event(to, "harness", 0, 0, history.Info, history.OpPhase, "drain ended without success"),
			j.logEvent(at, &r), j.finalEvent(g, in))
		what := "nobody polled or committed " + name
		if polls {
			what = name + " was polled, but nothing was committed"
		}
		d.text = fmt.Sprintf("Group %s stood still: %s waits since before the drain, but for %.1f s %s.", g.name, j.placeName(at), float64(to-since)/1e9, what)
		d.legal = fmt.Sprintf("a commit past %s", j.placeName(at))
		return d
	})
}

// sessionTimeout is how long a coordinator waits for a member that died.
func (j *judge) sessionTimeout(g *group) int64 {
	if c := j.clients[j.clientOf(g)]; c != nil {
		if n, err := strconv.ParseInt(c.Config["session.timeout.ms"], 10, 64); err == nil {
			return n * 1e6
		}
	}
	return defaultSession
}

func (j *judge) clientOf(g *group) string {
	for _, p := range j.procs {
		if p.group >= 0 && j.groups[p.group] == g {
			return p.client
		}
	}
	for i := range j.header.Clients { // none of them was heard of
		if c := &j.header.Clients[i]; c.Config["group.id"] == g.name {
			return c.Name
		}
	}
	return ""
}
