package native

import (
	"cmp"
	"maps"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// txnState is what the transaction coordinator knows of one transactional id.
//
//	empty ── first partition ──> ongoing ── EndTxn ──> prepare ── all markers written ──> complete
//	            ^                                                                            │
//	            └────────────────────────────────────────────────────────────────────────────┘
type txnState struct {
	id      string
	slot    *slot
	pid     int64
	epoch   int16
	state   txnPhase
	commit  bool // what was decided
	parts   map[history.TopicPartition]bool
	groups  map[string]bool
	began   int64
	timeout int64
	pending bool // a change is not replicated yet
	sent    int  // slot epoch that writes the markers

	markEpoch int16 // of the markers
	markPID   int64
	round     int64 // counts transactions
	fenced    bool  // decided by the coordinator, and not by its client
}

type txnPhase int

const (
	txnEmpty txnPhase = iota
	txnOngoing
	txnPrepare
	txnComplete
)

// maxEpoch is the last epoch of a producer id: the next transaction has a new id.
const maxEpoch = 32766

func (w *world) txn(id string) *txnState {
	s := w.slotOf(id)
	t := s.txns[id]
	if t == nil {
		t = &txnState{id: id, slot: s, pid: -1, parts: map[history.TopicPartition]bool{}, groups: map[string]bool{}}
		s.txns[id] = t
		s.ordered = append(s.ordered, id)
	}
	return t
}

// newPID draws a producer id.
func (w *world) newPID() int64 {
	w.pids += w.between(1, 3)
	return w.pids
}

// initProducer is InitProducerId: it ends what the id has open, fences who had it,
// and gives the next epoch.
func (w *world) initProducer(b *broker, id string, timeout int64, pid int64, epoch int16, reply func(*answer)) {
	if id == "" {
		reply(&answer{pid: w.newPID(), hasPID: true})
		return
	}
	t := w.txn(id)
	if c := t.slot.serves(b); c != none {
		reply(&answer{code: c})
		return
	}
	switch {
	case t.pending, t.state == txnPrepare:
		reply(&answer{code: concurrentTxns})
		return
	case pid >= 0 && (pid != t.pid || epoch != t.epoch) && !w.defect(NoEpochCheck):
		reply(&answer{code: producerFenced})
		return
	case t.state == txnOngoing:
		t.abortOpen(b)
		reply(&answer{code: concurrentTxns})
		return
	}
	t.pending = true
	t.slot.commit(b, func() {
		t.pending = false
		switch {
		case t.pid < 0:
			t.pid, t.epoch = w.newPID(), w.cfg.FirstEpoch
		case t.epoch >= maxEpoch:
			t.pid, t.epoch = w.newPID(), 0
		default:
			t.epoch++
		}
		t.state, t.timeout = txnEmpty, timeout
	}, func() { t.pending = false }, func(ok bool) {
		if !ok {
			reply(&answer{code: notCoordinator})
			return
		}
		reply(&answer{pid: t.pid, epoch: t.epoch, hasPID: true})
	})
}

// abortOpen is the coordinator's own abort: of a transaction that timed out, or
// whose id another instance took. It bumps the epoch, which fences its client.
func (t *txnState) abortOpen(b *broker) {
	w := t.slot.w
	t.epoch++
	t.fenced = true
	t.prepare(b, w.defect(ExpiredIsCommitted), t.pid, t.epoch, func(bool) {})
	if w.defect(ExpiredIsCommitted) {
		w.broke()
	}
}

// adds makes a partition or a group's offsets a part of the transaction.
func (t *txnState) adds(b *broker, pid int64, epoch int16, tps []history.TopicPartition, group string,
	reply func(code)) {
	w := t.slot.w
	if c := t.check(b, pid, epoch); c != none {
		reply(c)
		return
	}
	if t.pending || t.state == txnPrepare {
		reply(concurrentTxns)
		return
	}
	known := t.state == txnOngoing && (group == "" || t.groups[group])
	for _, tp := range tps {
		known = known && t.parts[tp]
	}
	if known {
		reply(none)
		return
	}
	t.pending = true
	t.slot.commit(b, func() {
		t.pending = false
		if t.state != txnOngoing {
			t.state, t.began = txnOngoing, w.now
			t.round++
			t.expire(t.round)
		}
		for _, tp := range tps {
			t.parts[tp] = true
		}
		if group != "" {
			t.groups[group] = true
		}
	}, func() { t.pending = false }, func(ok bool) {
		if ok {
			reply(none)
			return
		}
		reply(notCoordinator)
	})
}

// check is what every request of a transaction must pass.
func (t *txnState) check(b *broker, pid int64, epoch int16) code {
	if c := t.slot.serves(b); c != none {
		return c
	}
	switch {
	case pid != t.pid:
		return invalidPIDMapping
	case epoch != t.epoch && !t.slot.w.defect(NoEpochCheck):
		return producerFenced
	}
	return none
}

// expire aborts the transaction if it is still open when its time is over.
func (t *txnState) expire(round int64) {
	w := t.slot.w
	w.after(t.timeout, func() {
		if t.state != txnOngoing || t.round != round {
			return
		}
		b := w.brokers[max(t.slot.leader, 1)]
		if t.slot.leader < 0 || !b.up || b.frozen || t.pending || t.slot.ready > w.now {
			w.after(100*millisecond, func() { t.expireNow(round) })
			return
		}
		t.abortOpen(b)
	})
}

func (t *txnState) expireNow(round int64) {
	timeout := t.timeout
	t.timeout = 100 * millisecond
	t.expire(round)
	t.timeout = timeout
}

// end is EndTxn. The client hears of it once the decision is replicated; the
// markers follow. With KIP-890 the next transaction has the next epoch.
func (t *txnState) end(b *broker, pid int64, epoch int16, commit, v2 bool, reply func(*answer)) {
	w := t.slot.w
	if c := t.slot.serves(b); c != none {
		reply(&answer{code: c})
		return
	}
	decided := t.state == txnPrepare || t.state == txnComplete
	if v2 && decided && t.commit == commit && t.repeated(pid, epoch) {
		if t.state == txnPrepare || t.pending {
			reply(&answer{code: concurrentTxns})
			return
		}
		reply(&answer{pid: t.pid, epoch: t.epoch, next: true})
		return
	}
	if c := t.check(b, pid, epoch); c != none {
		reply(&answer{code: c})
		return
	}
	switch {
	case t.pending || t.state == txnPrepare:
		reply(&answer{code: concurrentTxns})
	case t.state == txnOngoing:
		t.decide(b, commit, v2, reply)
	case v2 && !commit && t.state != txnPrepare: // nothing is in it: only the epoch goes on
		t.decide(b, commit, v2, reply)
	case !v2 && t.state == txnComplete && t.commit == commit && !t.fenced:
		reply(&answer{}) // its own repetition
	default:
		reply(&answer{code: invalidTxnState})
	}
	_ = w
}

// repeated says whether an EndTxn of KIP-890 is the one that decided already.
func (t *txnState) repeated(pid int64, epoch int16) bool {
	return !t.fenced && (pid == t.pid && epoch == t.epoch-1 || pid == t.markPID && pid != t.pid && epoch == maxEpoch)
}

func (t *txnState) decide(b *broker, commit, v2 bool, reply func(*answer)) {
	w := t.slot.w
	pid, epoch := t.pid, t.epoch
	markPID, markEpoch := pid, epoch
	if v2 {
		if epoch >= maxEpoch {
			pid, epoch, markEpoch = w.newPID(), 0, epoch+1
		} else {
			epoch++
			markEpoch = epoch
		}
		if w.cfg.MarkersKeepEpoch {
			markEpoch = t.epoch
		}
	}
	told := commit
	if commit && w.defect(CommitBecomesAbort) && w.chance(0.2) && len(t.parts) > 0 {
		commit = false
		w.broke()
	}
	if !commit && !told && w.defect(AbortBecomesCommit) && len(t.parts) > 0 {
		commit = true
		w.broke()
	}
	t.fenced = false
	t.prepareAs(b, commit, pid, epoch, markPID, markEpoch, func(ok bool) {
		if !ok {
			reply(&answer{code: notCoordinator})
			return
		}
		t.commit = told
		reply(&answer{pid: pid, epoch: epoch, next: v2})
	})
}

func (t *txnState) prepare(b *broker, commit bool, pid int64, epoch int16, done func(bool)) {
	t.prepareAs(b, commit, pid, epoch, pid, epoch, done)
}

func (t *txnState) prepareAs(b *broker, commit bool, pid int64, epoch int16, markPID int64, markEpoch int16,
	done func(bool)) {
	t.pending = true
	t.slot.commit(b, func() {
		t.pending = false
		t.state, t.commit = txnPrepare, commit
		t.pid, t.epoch, t.markPID, t.markEpoch = pid, epoch, markPID, markEpoch
		t.sent = t.slot.epoch
		t.slot.w.mark(t, commit)
	}, func() { t.pending = false }, done)
}

// resume lets a new coordinator write the markers that are missing.
func (w *world) resume(t *txnState) {
	if t.state == txnPrepare {
		t.sent = t.slot.epoch
		w.mark(t, t.commit)
	}
}

// mark writes the markers into all partitions and groups of a transaction.
func (w *world) mark(t *txnState, commit bool) {
	epoch := t.slot.epoch
	tps := slices.SortedFunc(maps.Keys(t.parts), compareTP)
	for i, tp := range tps {
		decision := commit
		if w.defect(TornMarkers) && i > 0 && commit && w.chance(0.5) {
			decision = false
			w.broke()
		}
		if w.defect(LosesMarker) && i == 0 && w.quiet {
			delete(t.parts, tp)
			w.broke()
			continue
		}
		w.markPart(t, tp, decision, epoch)
	}
	for _, group := range slices.Sorted(maps.Keys(t.groups)) {
		w.markGroup(t, group, commit, epoch)
	}
	t.completed()
}

func (w *world) markPart(t *txnState, tp history.TopicPartition, commit bool, epoch int) {
	round := t.round
	w.after(w.between(50*microsecond, w.cfg.MarkerDelay), func() {
		if t.sent != epoch || t.slot.epoch != epoch || !t.parts[tp] || t.round != round {
			return // another coordinator does it, or it is done
		}
		if !w.alive(t.slot.leader) {
			if w.brokers[t.slot.leader].frozen {
				w.markPart(t, tp, commit, epoch)
			}
			return
		}
		p := w.parts[tp]
		if !w.alive(p.leader) || w.brokers[p.leader].life != p.life {
			w.markPart(t, tp, commit, epoch)
			return
		}
		b := w.brokers[p.leader]
		if x := p.producers[t.markPID]; x != nil && x.epoch > t.markEpoch {
			delete(t.parts, tp) // the partition has seen a newer one
			t.completed()
			return
		}
		marker := "abort"
		if commit {
			marker = "commit"
		}
		p.write(entry{pid: t.markPID, epoch: t.markEpoch, inTxn: true, marker: marker})
		p.replicate(b, func(ok bool) {
			switch {
			case t.sent != epoch || t.slot.epoch != epoch || t.round != round:
			case !ok:
				w.markPart(t, tp, commit, epoch)
			default:
				delete(t.parts, tp)
				t.completed()
			}
		})
		life := b.life
		w.after(second, func() { // its leader may have died with the marker
			if t.state == txnPrepare && t.parts[tp] && t.round == round && t.sent == epoch && (b.life != life || b.frozen) {
				w.markPart(t, tp, commit, epoch)
			}
		})
	})
}

// markGroup decides the offsets that a group has pending.
func (w *world) markGroup(t *txnState, group string, commit bool, epoch int) {
	s := w.slotOf(group)
	w.after(w.between(50*microsecond, w.cfg.MarkerDelay), func() {
		switch {
		case t.sent != epoch || t.slot.epoch != epoch || !w.brokers[t.slot.leader].up:
			return
		case !w.alive(t.slot.leader) || !w.alive(s.leader) || s.ready > w.now:
			w.markGroup(t, group, commit, epoch)
			return
		}
		applies := commit
		if w.defect(DropsPendingOffsets) && commit && w.chance(0.15) {
			applies = false
		} else if w.defect(AppliesAbortedOffsets) && !commit {
			applies = true
		}
		w.group(group).decide(t.markPID, applies, commit)
		delete(t.groups, group)
		t.completed()
	})
}

// completed ends the transaction once every marker is written.
func (t *txnState) completed() {
	if t.state == txnPrepare && len(t.parts) == 0 && len(t.groups) == 0 {
		t.state = txnComplete
	}
}

func (w *world) alive(id int) bool {
	return id > 0 && w.brokers[id].up && !w.brokers[id].frozen
}

func compareTP(a, b history.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Part, b.Part))
}
