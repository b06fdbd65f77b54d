package native

import (
	"hash/fnv"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// broker is one server.
type broker struct {
	w        *world
	id       int
	up       bool
	life     int // how often it has started
	frozen   bool
	deferred []func()
	serving  []*request
}

// run does something in the broker, in this life of it.
func (b *broker) run(do func()) {
	life := b.life
	again := func() {
		if b.up && b.life == life {
			do()
		}
	}
	if b.frozen {
		b.deferred = append(b.deferred, again)
		return
	}
	again()
}

func (b *broker) thaw() {
	b.frozen = false
	deferred := b.deferred
	b.deferred = nil
	for _, do := range deferred {
		b.w.after(0, func() { b.run(do) })
	}
}

// kill is SIGKILL: what is in memory is gone; what was written stays on the disk.
func (b *broker) kill() {
	if !b.up {
		return
	}
	b.up, b.frozen, b.deferred = false, false, nil
	b.life++
	serving := b.serving
	b.serving = nil
	for _, r := range serving {
		b.w.unanswered(r, history.Info, "not-answered")
	}
	b.w.after(b.w.between(50*millisecond, 600*millisecond), b.w.elect)
}

func (b *broker) start() {
	b.up = true
	b.w.after(b.w.between(20*millisecond, 300*millisecond), b.w.elect)
}

// slot is a partition of an internal topic: its leader is the coordinator of the
// groups and transactional ids that hash to it.
type slot struct {
	w       *world
	leader  int
	life    int // of the leader, when it became that
	epoch   int
	ready   int64 // when the leader has loaded its state
	writes  []*write
	groups  map[string]*groupState
	txns    map[string]*txnState
	ordered []string // transactional ids, in the order of their first use
}

// write is a change of a coordinator's state that is not replicated yet.
type write struct{ apply, drop func() }

// slotOf is where a group's or a transactional id's state lives.
func (w *world) slotOf(id string) *slot {
	h := fnv.New32a()
	h.Write([]byte(id))
	return w.slots[int(h.Sum32())%len(w.slots)]
}

// serves says whether b may answer for the slot now.
func (s *slot) serves(b *broker) code {
	switch {
	case s.leader != b.id:
		return notCoordinator
	case s.ready > s.w.now:
		return coordinatorLoading
	}
	return none
}

// commit applies a change once it is replicated, and then calls done. Where the
// coordinator dies before, nobody knows whether the change came to be.
func (s *slot) commit(b *broker, apply, drop func(), done func(ok bool)) {
	wr := &write{apply, drop}
	s.writes = append(s.writes, wr)
	epoch := s.epoch
	s.w.after(s.w.between(50*microsecond, s.w.cfg.Replication), func() {
		b.run(func() {
			if s.epoch != epoch {
				done(false)
				return
			}
			s.writes = slices.DeleteFunc(s.writes, func(o *write) bool { return o == wr })
			apply()
			done(true)
		})
	})
}

// lead makes a broker the slot's leader. lossy: the last one died, and what was not
// replicated may be gone.
func (s *slot) lead(id int, lossy bool) {
	keep := len(s.writes)
	if lossy {
		keep = s.w.rng.IntN(keep + 1)
	}
	for i, wr := range s.writes {
		if i < keep {
			wr.apply()
		} else {
			wr.drop()
		}
	}
	s.writes = nil
	s.leader, s.life = id, s.w.brokers[id].life
	s.epoch++
	s.ready = s.w.now + s.w.between(5*millisecond, 150*millisecond)
	s.w.after(s.ready-s.w.now, func() {
		if s.leader == id {
			s.loaded()
		}
	})
}

// loaded takes up what the last coordinator left undone.
func (s *slot) loaded() {
	for _, id := range s.ordered {
		s.w.resume(s.txns[id])
	}
	for _, g := range s.sortedGroups() {
		g.loaded()
	}
}

// elect gives partitions and slots whose leader is down another one.
func (w *world) elect() {
	for _, tp := range w.tps {
		p := w.parts[tp]
		if b := w.brokers[p.leader]; b.up && b.life == p.life {
			continue
		}
		if w.defect(NeverElects) {
			w.broke()
			continue
		}
		if next := w.candidate(p.replicas); next > 0 {
			p.lead(next, true)
		}
	}
	for _, s := range w.slots {
		if b := w.brokers[s.leader]; !b.up || b.life != s.life {
			if next := w.candidate(w.brokerIDs); next > 0 {
				s.lead(next, true)
			}
		}
	}
}

// candidate is a living one of these brokers, 0 if there is none.
func (w *world) candidate(ids []int) int {
	var live []int
	for _, id := range ids {
		if b := w.brokers[id]; b.up && !b.frozen {
			live = append(live, id)
		}
	}
	if len(live) == 0 {
		return 0
	}
	return live[w.rng.IntN(len(live))]
}

// lead makes a broker the partition's leader. A lossy change forgets a part of what
// was not replicated; what a replica alone holds survives its restart.
func (p *partition) lead(id int, lossy bool) {
	w := p.w
	if lossy && len(p.replicas) > 1 {
		keep := w.between(p.high, p.end())
		if w.defect(ForgetsAcknowledged) && p.high-p.base > 3 {
			keep = p.high - w.between(1, min(3, p.high-p.base-1))
			w.broke()
		}
		p.truncate(keep)
	}
	p.leader, p.life, p.epoch = id, w.brokers[id].life, p.epoch+1
	if w.cfg.LeaderMarkers { // KRaft writes none into data partitions; some logs hold control records that decide nothing
		p.write(entry{pid: -1, note: "leader"})
	}
	b, epoch, end := w.brokers[id], p.epoch, p.end()
	w.after(w.between(millisecond, 20*millisecond), func() {
		b.run(func() {
			if p.epoch == epoch {
				p.raise(end)
			}
		})
	})
}

// enough says whether acks=all can be kept.
func (p *partition) enough() bool {
	up := 0
	for _, id := range p.replicas {
		if p.w.brokers[id].up {
			up++
		}
	}
	return up >= min(p.w.cfg.MinInSync, len(p.replicas))
}
