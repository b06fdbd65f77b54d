package native

import (
	"fmt"
	"hash/crc32"

	"github.com/onceproof/onceproof/history"
)

// What brokers do with the requests of clients.

// produce is Produce of one batch.
func (w *world) produce(b *broker, tp history.TopicPartition, txnID string, v2 bool, entries []entry, reply func(*answer)) {
	p := w.parts[tp]
	refuse := func(c code) { reply(&answer{codes: []code{c}, off: []int64{-1}}) }
	e := &entries[0]
	switch {
	case p.leader != b.id || p.life != b.life:
		refuse(notLeader)
		return
	case !p.enough():
		refuse(notEnoughReplicas)
		return
	}
	if txnID == "" {
		w.append(b, p, entries, reply)
		return
	}
	if t := p.producers[e.pid]; t != nil && t.open >= 0 && t.epoch == e.epoch || w.defect(NoEpochCheck) {
		w.append(b, p, entries, reply)
		return
	}
	// The first batch of a transaction in this partition: the coordinator must know of it (KIP-890).
	x := w.txn(txnID)
	if off, c := p.place(e.pid, e.epoch, e.seq, int32(len(entries))); off >= 0 || c == invalidEpoch {
		reply(&answer{codes: []code{c}, off: []int64{off}})
		return
	}
	verified := func(c code) {
		b.run(func() {
			switch {
			case c == notCoordinator || c == coordinatorLoading:
				refuse(notEnoughReplicas)
			case c == producerFenced:
				refuse(invalidEpoch)
			case c != none:
				refuse(c)
			case p.leader != b.id || p.life != b.life:
				refuse(notLeader)
			case x.state != txnOngoing || x.pid != e.pid || x.epoch != e.epoch || !x.parts[tp]:
				refuse(invalidTxnState) // it was decided meanwhile
			default:
				w.append(b, p, entries, reply)
			}
		})
	}
	coordinator := w.brokers[x.slot.leader]
	if !w.alive(x.slot.leader) {
		refuse(notEnoughReplicas)
		return
	}
	if v2 {
		x.adds(coordinator, e.pid, e.epoch, []history.TopicPartition{tp}, "", verified)
		return
	}
	if c := x.check(coordinator, e.pid, e.epoch); c != none {
		verified(c)
		return
	}
	if x.state != txnOngoing || !x.parts[tp] {
		verified(invalidTxnState)
		return
	}
	verified(none)
}

// append writes a batch and answers once it is replicated.
func (w *world) append(b *broker, p *partition, entries []entry, reply func(*answer)) {
	e := &entries[0]
	off, c := p.place(e.pid, e.epoch, e.seq, int32(len(entries)))
	if c != none {
		reply(&answer{codes: []code{c}, off: []int64{-1}})
		return
	}
	if off < 0 {
		off = p.write(entries...)
		w.truth.wrote(p, off, entries)
	}
	told := off
	if w.defect(WrongOffsetTold) && w.chance(0.05) {
		told++
		w.broke()
	}
	acks := w.acks[e.val.Proc]
	if acks == 0 || acks == 1 || w.defect(AcksEarly) && len(p.replicas) > 1 {
		p.told = p.end()
		reply(&answer{codes: []code{none}, off: []int64{told}})
		p.replicate(b, func(bool) {})
		return
	}
	p.replicate(b, func(ok bool) {
		if !ok {
			reply(&answer{codes: []code{notLeader}, off: []int64{-1}})
			return
		}
		reply(&answer{codes: []code{none}, off: []int64{told}})
	})
}

// checksum is the same for each repetition of a batch.
func (w *world) checksum(b *parcel) uint32 {
	var text []byte
	for _, s := range b.sends {
		text = fmt.Append(text, b.tp, s.id, " ")
	}
	return crc32.ChecksumIEEE(text)
}

// offsetCommit is OffsetCommit (pid -1) and TxnOffsetCommit.
func (w *world) offsetCommit(b *broker, groupID, txnID, memberID string, generation int32, pid int64, epoch int16,
	v2 bool, parts []history.Event, reply func(*answer)) {
	g := w.group(groupID)
	refuse := func(c code) {
		a := &answer{}
		for range parts {
			a.codes = append(a.codes, c)
		}
		reply(a)
	}
	if c := g.validates(b, memberID, generation); c != none {
		refuse(c)
		return
	}
	if pid < 0 {
		g.commit(b, pid, parts, reply)
		return
	}
	x := w.txn(txnID)
	then := func(c code) {
		b.run(func() {
			switch {
			case c == notCoordinator || c == coordinatorLoading || c == concurrentTxns:
				refuse(coordinatorLoading)
			case c == producerFenced:
				refuse(invalidEpoch)
			case c != none:
				refuse(c)
			case x.state != txnOngoing || x.pid != pid || x.epoch != epoch || !x.groups[groupID]:
				refuse(invalidTxnState)
			default:
				if c := g.validates(b, memberID, generation); c != none {
					refuse(c)
					return
				}
				g.commit(b, pid, parts, reply)
			}
		})
	}
	if !w.alive(x.slot.leader) {
		refuse(coordinatorLoading)
		return
	}
	coordinator := w.brokers[x.slot.leader]
	if v2 {
		x.adds(coordinator, pid, epoch, nil, groupID, then)
		return
	}
	if c := x.check(coordinator, pid, epoch); c != none {
		then(c)
		return
	}
	then(none)
}
