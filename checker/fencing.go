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

// ownership is who had a partition of a group, in time.
type ownership struct {
	list []owning
	open map[int32]int   // by process: the one that lasts
	of   map[int32][]int // by process: all of them, in the order of their beginnings
	// Of each, the first one behind it that replaces it for certain: another process's,
	// which asked for it after this one was given it. -1 for none.
	next []int
}

// owns keeps who was told that it owns what.
func (j *judge) owns(p *proc, tp int32, e *history.Event) {
	if e.Op == history.OpSeek {
		if len(e.Off) > 0 {
			j.seeksOf(registerKey(p.group, tp)).add(e.T, e.Off[0])
		}
		return
	}
	k := registerKey(p.group, tp)
	o := j.owners[k]
	if o == nil {
		o = &ownership{open: map[int32]int{}}
		j.owners[k] = o
	}
	i, has := o.open[p.id]
	switch {
	case e.Op == history.OpAssigned && has: // told again
	case e.Op == history.OpAssigned:
		asked := j.wire.assigned.askedBefore(p.instance, e.Group, e.T)
		o.open[p.id] = len(o.list)
		o.list = append(o.list, owning{asked: asked, from: e.T, proc: p.id, line: uint32(j.line)})
	case has:
		o.list[i].to = e.T
		delete(o.open, p.id)
	}
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
	for _, o := range j.owners {
		for i := range o.list {
			if o.list[i].to == 0 {
				o.list[i].to = j.procs[o.list[i].proc].diedAt
			}
		}
		o.order()
		j.work += int64(len(o.list))
	}
	j.handovers()
	j.zombieOffsets()
	j.zombieTxns()
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
	for _, o := range j.owners {
		list := o.list
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
	o := j.owners[registerKey(group, tp)]
	if o == nil {
		return mine, theirs, false
	}
	own := o.of[p]
	i, _ := slices.BinarySearchFunc(own, t, func(k int, t int64) int { return cmp.Compare(o.list[k].from, t) })
	if i == 0 {
		return mine, theirs, false
	}
	mine = o.list[own[i-1]]
	if k := o.next[own[i-1]]; k >= 0 && o.list[k].from < t {
		theirs = o.list[k]
	}
	return mine, theirs, theirs.line != 0
}

// order sorts who had the partition by the beginnings, and finds what replaced what.
func (o *ownership) order() {
	list := o.list
	slices.SortStableFunc(list, func(a, b owning) int { return cmp.Compare(a.from, b.from) })
	o.of, o.next = map[int32][]int{}, make([]int, len(list))
	for i := range list {
		o.of[list[i].proc] = append(o.of[list[i].proc], i)
	}
	// Of those behind i, each that asked later than all nearer ones, the nearest last.
	var later []int
	for i := len(list) - 1; i >= 0; i-- {
		o.next[i] = -1
		// The nearest one that asked after i was given it.
		lo, hi := 0, len(later) // later[lo:] asked too early
		for lo < hi {
			if m := (lo + hi) / 2; list[later[m]].asked > list[i].from {
				lo = m + 1
			} else {
				hi = m
			}
		}
		for k := lo - 1; k >= 0; k-- { // its own later ones are none
			if list[later[k]].proc != list[i].proc {
				o.next[i] = later[k]
				break
			}
		}
		for len(later) > 0 && list[later[len(later)-1]].asked <= list[i].asked {
			later = later[:len(later)-1]
		}
		later = append(later, i)
	}
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
		of := fenced[x.proc]
		if n, _ := slices.BinarySearchFunc(of, x.commitInv+1, func(f takeover, t int64) int { return cmp.Compare(f.mine.t, t) }); n > 0 {
			f = of[n-1]
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
	order := make([]int, len(j.inits))
	for i := range order {
		order[i] = i
	}
	// By id, the largest epoch first: of those before, the first two of different processes.
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &j.inits[a], &j.inits[b]
		return cmp.Or(cmp.Compare(x.pid, y.pid), cmp.Compare(y.epoch, x.epoch))
	})
	theirs := make([]producerInit, len(j.inits))
	var first [2]producerInit
	for i := 0; i < len(order); {
		a := &j.inits[order[i]]
		if i > 0 && j.inits[order[i-1]].pid != a.pid {
			first = [2]producerInit{}
		}
		same := i // of one epoch
		for ; same < len(order) && j.inits[order[same]].pid == a.pid && j.inits[order[same]].epoch == a.epoch; same++ {
			for _, f := range first {
				if n := &theirs[order[same]]; f.line != 0 && f.proc != j.inits[order[same]].proc && (n.line == 0 || f.t < n.t) {
					*n = f
				}
			}
		}
		for ; i < same; i++ {
			first = earliest(first, j.inits[order[i]])
		}
	}
	out := map[int32][]takeover{}
	taken := map[int32]bool{}
	for i, a := range j.inits {
		out[a.proc] = append(out[a.proc], takeover{a, theirs[i]})
		taken[a.proc] = taken[a.proc] || theirs[i].line != 0
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

// earliest keeps the first two of several inits that are of different processes.
func earliest(first [2]producerInit, n producerInit) [2]producerInit {
	switch {
	case first[0].line == 0:
		first[0] = n
	case n.proc == first[0].proc:
		if n.t < first[0].t {
			first[0] = n
		}
	case n.t < first[0].t:
		first[0], first[1] = n, first[0]
	case first[1].line == 0 || n.t < first[1].t:
		first[1] = n
	}
	return first
}

func (j *judge) initEvent(i producerInit) WitnessEvent {
	return j.event(i.t, j.procName(i.proc), i.line, 0, history.OK, history.OpInitProducer, fmt.Sprintf("%s got producer %d epoch %d", j.procName(i.proc), i.pid, i.epoch))
}

// ownerGrace is how long a process that runs may go on reading after another one
// was given its partition: three heartbeats of the default interval and some air.
const ownerGrace = 10_000_000_000
