package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// owning is the time in which a process held a partition for its group.
type owning struct {
	asked    int64 // when it asked for what it was given, as far as that was seen
	from, to int64 // to is 0 while it lasts
	proc     int32
	line     uint32
}

// replaces says whether o was given the partition after old was, for certain.
func (o owning) replaces(old owning) bool { return o.proc != old.proc && o.asked > old.from }

// owns keeps who was told that it owns what. Rebalances are rare, so this list
// is short.
func (j *judge) owns(p *proc, tp int32, e *history.Event) {
	if e.Op == history.OpSeek {
		if len(e.Off) > 0 {
			j.seeks = append(j.seeks, seek{t: e.T, off: e.Off[0], tp: tp, group: p.group})
		}
		return
	}
	k := registerKey(p.group, tp)
	list := j.owners[k]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].proc == p.id && list[i].to == 0 {
			if e.Op == history.OpAssigned {
				return // told again
			}
			list[i].to = e.T
		}
	}
	if e.Op == history.OpAssigned {
		asked := j.wire.assigned.askedBefore(p.instance, e.Group, e.T)
		j.owners[k] = append(list, owning{asked: asked, from: e.T, proc: p.id, line: uint32(j.line)})
	}
}

// seek is a move that a client made of its own will.
type seek struct {
	t, off int64
	tp     int32
	group  int32
}

// epochOrder looks for records of a producer epoch behind a record or marker of
// a later epoch. The broker's promise is fencing: "any requests … with an epoch
// older than the current one are rejected" (KIP-98, KIP-360, KIP-890).
func (j *judge) epochOrder(pt *part, off int64, r *record, p *producerLog, k pidEpoch) {
	if k.epoch >= p.epoch {
		if k.epoch > p.epoch {
			j.counts["epoch-bumps"]++
		}
		p.epoch, p.epochAt = k.epoch, off
		return
	}
	if r.flags&fMarker != 0 {
		return
	}
	rec, newer, at := *r, p.epoch, makePlace(pt.id, off)
	before := makePlace(pt.id, p.epochAt)
	j.finds.report(guarantee.ZombieWrite, func() draft {
		b := *pt.rows.at(before.off())
		d := draft{focus: []place{before, at}, txn: rec.txn}
		if rec.val != 0 {
			d.client = j.procs[rec.val.proc()].client
		}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		d.events = append(d.events, j.logEvent(before, &b), j.logEvent(at, &rec))
		d.text = fmt.Sprintf("A fenced producer wrote: %s of producer %d epoch %d stands behind %s of epoch %d.", j.placeName(at), k.pid, k.epoch, j.placeName(before), newer)
		d.legal = fmt.Sprintf("no record of epoch %d behind epoch %d", k.epoch, newer)
		return d
	})
}

// initialised keeps when each process got its producer id and epoch.
func (j *judge) initialised(p *proc, e *history.Event, line uint32) {
	inv := p.invoked(e)
	if inv == 0 {
		inv = e.T // not told: then a moment is all that is known
	}
	j.inits = append(j.inits, producerInit{inv: inv, t: e.T, pid: e.PID, epoch: e.Epoch, proc: p.id, line: line})
}

type producerInit struct {
	inv   int64
	t     int64
	pid   int64
	proc  int32
	line  uint32
	epoch int16
}

// ownersDone judges commits by processes that had been replaced.
func (j *judge) ownersDone() {
	for _, p := range j.procs {
		if p.diedAt == 0 {
			continue
		}
		for _, list := range j.owners {
			for i := range list {
				if list[i].proc == p.id && list[i].to == 0 {
					list[i].to = p.diedAt
				}
			}
		}
	}
	for _, list := range j.owners {
		slices.SortStableFunc(list, func(a, b owning) int { return cmp.Compare(a.from, b.from) })
	}
	j.handovers()
	j.zombieOffsets()
	j.zombieTxns()
	j.doubleOwners()
}

// handovers counts how often a partition or a producer id passed from one
// process to another, and how often the first of them lived on.
func (j *judge) handovers() {
	passed := func(a int32, t int64) {
		j.counts["handovers"]++
		if p := j.procs[a]; p.diedAt == 0 || p.diedAt > t {
			j.counts["live-handovers"]++
		}
	}
	for _, list := range j.owners {
		for i := 1; i < len(list); i++ {
			if list[i].proc != list[i-1].proc {
				passed(list[i-1].proc, list[i].from)
			}
		}
	}
	last := map[int64]producerInit{}
	for _, n := range j.inits {
		if o, ok := last[n.pid]; ok && o.proc != n.proc {
			passed(o.proc, n.t)
		}
		last[n.pid] = n
	}
}

// replaced finds the process that was given a partition after p last was, and
// before t.
func (j *judge) replaced(group, tp, p int32, t int64) (mine, theirs owning, ok bool) {
	list := j.owners[registerKey(group, tp)]
	for _, o := range list {
		if o.from >= t {
			break
		}
		if o.proc == p {
			mine, ok = o, false
			theirs = owning{}
		} else if mine.line != 0 && theirs.line == 0 && o.replaces(mine) {
			theirs, ok = o, true
		}
	}
	return mine, theirs, ok && mine.line != 0
}

// zombieOffsets reports offsets that a process committed after its partition
// had been given to another one. The group's generation fences that: "a commit
// from a member of an older generation is rejected" (KIP-98 for plain commits;
// KIP-447 for those in a transaction).
func (j *judge) zombieOffsets() {
	report := func(group, tp, proc int32, t int64, what WitnessEvent) {
		mine, theirs, ok := j.replaced(group, tp, proc, t)
		if !ok {
			return
		}
		j.finds.report(guarantee.ZombieCommit, func() draft {
			d := draft{client: j.procs[proc].client}
			for _, o := range []owning{mine, theirs} {
				d.events = append(d.events, j.event(o.from, j.procName(o.proc), o.line, 0, history.Info, history.OpAssigned, fmt.Sprintf("%s was given to %s", tpName(j.parts[tp].tp), j.procName(o.proc))))
			}
			d.events = append(d.events, what)
			d.text = fmt.Sprintf("%s had been given to %s at %s; after that, %s.", tpName(j.parts[tp].tp), j.procName(theirs.proc), j.clock(theirs.from), what.Text)
			d.legal = "an error: the commit of a replaced member is rejected"
			return d
		})
	}
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		if c.kind == opCommitted && c.inv != 0 {
			report(c.group, c.tp, c.proc, c.inv, j.commitEvent(write{off: c.off, sure: true, op: *c}))
		}
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		x := j.txns.at(int64(s.txn))
		if s.failed || x.outcome != txnCommitOK {
			return true
		}
		report(s.group, s.tp, x.proc, s.t, j.event(s.t, j.procName(x.proc), s.line, makePlace(s.tp, s.off), history.OK, history.OpSendOffsets,
			fmt.Sprintf("%s sent offset %d of %s into transaction %d, which committed", j.procName(x.proc), s.off, tpName(j.parts[s.tp].tp), x.num)))
		return true
	})
}

// zombieTxns reports a process that ended a transaction or wrote a record, and
// was told of success, after another process had got the same producer id with a
// later epoch.
func (j *judge) zombieTxns() {
	if len(j.inits) == 0 {
		return
	}
	fenced := j.takeovers()
	if len(fenced) == 0 {
		return
	}
	for i := range j.nTxns {
		x := *j.txns.at(i)
		if x.outcome != txnCommitOK {
			continue
		}
		var f takeover // of the id as the process had it last before this commit
		for _, n := range fenced[x.proc] {
			if n.mine.t <= x.commitInv {
				f = n
			}
		}
		if f.theirs.line == 0 || x.commitInv <= f.theirs.t {
			continue
		}
		j.zombies[f.mine.pid] = true
		j.finds.report(guarantee.ZombieCommit, func() draft {
			d := draft{client: j.procs[x.proc].client, txn: int32(i) + 1, view: j.producerView(f.mine.pid)}
			d.events = append(d.events, j.initEvent(f.mine), j.initEvent(f.theirs),
				j.event(x.commitInv, j.procName(x.proc), x.invLine, 0, history.Invoke, history.OpCommit, fmt.Sprintf("commit of transaction %d asked", x.num)),
				j.event(x.end, j.procName(x.proc), x.endLine, 0, history.OK, history.OpCommit, fmt.Sprintf("transaction %d committed", x.num)))
			d.text = fmt.Sprintf("%s committed transaction %d at %s, though %s had taken over its transactional.id at %s.", j.procName(x.proc), x.num, j.clock(x.end), j.procName(f.theirs.proc), j.clock(f.theirs.t))
			d.legal = "PRODUCER_FENCED or INVALID_PRODUCER_EPOCH"
			return d
		})
	}
}

// takeover is an init of a process, and the first one by another process that
// took its producer id over; theirs.line is 0 if nobody did.
type takeover struct{ mine, theirs producerInit }

// takeovers are the inits of each process that had its id taken, in their order.
func (j *judge) takeovers() map[int32][]takeover {
	byPID := map[int64][]producerInit{}
	for _, n := range j.inits {
		byPID[n.pid] = append(byPID[n.pid], n)
	}
	out := map[int32][]takeover{}
	taken := map[int32]bool{}
	for _, a := range j.inits {
		f := takeover{mine: a}
		for _, b := range byPID[a.pid] {
			if b.proc != a.proc && b.epoch > a.epoch && (f.theirs.line == 0 || b.t < f.theirs.t) {
				f.theirs = b
			}
		}
		out[a.proc] = append(out[a.proc], f)
		taken[a.proc] = taken[a.proc] || f.theirs.line != 0
	}
	for p := range out {
		if !taken[p] {
			delete(out, p)
			continue
		}
		slices.SortStableFunc(out[p], func(a, b takeover) int { return cmp.Compare(a.mine.t, b.mine.t) })
	}
	return out
}

func (j *judge) initEvent(i producerInit) WitnessEvent {
	return j.event(i.t, j.procName(i.proc), i.line, 0, history.OK, history.OpInitProducer, fmt.Sprintf("%s got producer %d epoch %d", j.procName(i.proc), i.pid, i.epoch))
}

// ownerGrace is how long a process that runs may go on reading after another one
// was given its partition: three heartbeats of the default interval and some air.
const ownerGrace = 10_000_000_000

// doubleOwners reports two processes that went on reading one partition for
// their group. A consumer fetches without asking its coordinator, so one that
// was replaced reads on until its next heartbeat; longer is wrong.
func (j *judge) doubleOwners() {
	type pair struct{ tp, proc int32 }
	polls := map[pair][]pollLine{} // first and last after the loss, of replaced processes only
	starts := map[pair][2]owning{}
	for k, list := range j.owners {
		tp := int32(k & 0xffffffff)
		for _, o := range list {
			for _, n := range list {
				if n.replaces(o) && (o.to == 0 || o.to > n.from+ownerGrace) {
					if s, ok := starts[pair{tp, o.proc}]; !ok || n.from < s[1].from {
						starts[pair{tp, o.proc}] = [2]owning{o, n}
					}
				}
			}
		}
	}
	if len(starts) == 0 {
		return
	}
	j.polls.scan(func(_ int64, p *pollLine) bool {
		k := pair{p.tp, p.proc}
		s, ok := starts[k]
		if !ok || p.t <= s[1].from || s[0].to != 0 && p.t > s[0].to {
			return true
		}
		if l := polls[k]; len(l) < 2 {
			polls[k] = append(l, *p)
		} else {
			l[1] = *p
		}
		return true
	})
	keys := make([]pair, 0, len(polls))
	for k := range polls {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b pair) int { return cmp.Or(cmp.Compare(a.tp, b.tp), cmp.Compare(a.proc, b.proc)) })
	for _, k := range keys {
		l, s := polls[k], starts[k]
		if len(l) < 2 || l[1].t-l[0].t < ownerGrace || s[1].to != 0 && s[1].to < l[1].t {
			continue
		}
		j.finds.report(guarantee.DoubleOwner, func() draft {
			d := draft{client: j.procs[k.proc].client}
			for _, o := range s {
				d.events = append(d.events, j.event(o.from, j.procName(o.proc), o.line, 0, history.Info, history.OpAssigned, fmt.Sprintf("%s was given to %s", tpName(j.parts[k.tp].tp), j.procName(o.proc))))
			}
			for _, p := range l {
				d.events = append(d.events, j.event(p.t, j.procName(p.proc), p.line, makePlace(p.tp, p.hi), history.OK, history.OpPoll, fmt.Sprintf("%s read %s up to %d", j.procName(p.proc), tpName(j.parts[p.tp].tp), p.hi)))
			}
			d.text = fmt.Sprintf("%s and %s both owned %s: %s was still reading it %.1f s after it had been given to %s.",
				j.procName(s[0].proc), j.procName(s[1].proc), tpName(j.parts[k.tp].tp), j.procName(s[0].proc), float64(l[1].t-s[1].from)/1e9, j.procName(s[1].proc))
			d.legal = "one owner in a group at a time"
			return d
		})
	}
}
