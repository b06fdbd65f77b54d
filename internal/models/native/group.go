package native

import (
	"maps"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// committed is one offset of a group.
type committed struct {
	off  int64
	meta string
	n    int64 // its place among all commits: a newer one wins
}

// groupState is what the group coordinator knows of one group.
type groupState struct {
	w       *world
	id      string
	slot    *slot
	offsets map[history.TopicPartition]committed
	pending map[int64]map[history.TopicPartition]committed // by producer id, until a marker decides
	right   map[history.TopicPartition]int64               // what the offsets would be without a defect
	commits int64
	members map[string]*member
	order   []string // members, by the time they came

	early    map[history.TopicPartition]bool // of a defect: fetched while a transaction has a newer one pending
	promised map[string]bool                 // ids that were given and not joined with yet

	// classic
	generation int32
	phase      groupPhase
	round      int // counts rebalances

	// consumer (KIP-848)
	epoch  int32
	target map[string][]history.TopicPartition
}

type groupPhase int

const (
	groupEmpty groupPhase = iota
	groupPreparing
	groupCompleting
	groupStable
)

// member is one member of a group.
type member struct {
	id       string
	topic    string
	session  int64
	beats    int // counts heartbeats: what expires is what has not beaten since
	owned    []history.TopicPartition
	assigned []history.TopicPartition

	joining func(*answer) // waits for the others
	syncing func(*answer)

	epoch    int32
	before   int32 // the epoch that it had before
	revoking []history.TopicPartition
}

func (w *world) group(id string) *groupState {
	s := w.slotOf(id)
	g := s.groups[id]
	if g == nil {
		g = &groupState{w: w, id: id, slot: s, offsets: map[history.TopicPartition]committed{},
			right:   map[history.TopicPartition]int64{},
			pending: map[int64]map[history.TopicPartition]committed{}, members: map[string]*member{},
			target: map[string][]history.TopicPartition{}, promised: map[string]bool{},
			early: map[history.TopicPartition]bool{}}
		s.groups[id] = g
	}
	return g
}

func (s *slot) sortedGroups() []*groupState {
	var all []*groupState
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		all = append(all, s.groups[id])
	}
	return all
}

// loaded is what a new coordinator does: it waits for the members to come back.
func (g *groupState) loaded() {
	for _, id := range slices.Clone(g.order) {
		m := g.members[id]
		m.joining, m.syncing = nil, nil
		g.beat(m)
	}
	if g.phase == groupPreparing || g.phase == groupCompleting {
		g.rebalance()
	}
}

// beat starts a member's session anew.
func (g *groupState) beat(m *member) {
	m.beats++
	beats := m.beats
	g.w.after(m.session, func() {
		if g.members[m.id] == m && m.beats == beats && m.joining == nil && g.w.alive(g.slot.leader) {
			if g.w.defect(NeverEvicts) {
				g.w.broke()
				return
			}
			g.remove(m)
		}
	})
}

// remove takes a member out: it left, or was not heard of for its session timeout.
func (g *groupState) remove(m *member) {
	delete(g.members, m.id)
	delete(g.target, m.id)
	g.order = slices.DeleteFunc(g.order, func(id string) bool { return id == m.id })
	if g.epoch > 0 {
		g.retarget()
		return
	}
	g.rebalance()
}

// validates says whether a member may commit offsets.
func (g *groupState) validates(b *broker, memberID string, generation int32) code {
	if c := g.slot.serves(b); c != none {
		return c
	}
	c := g.current(memberID, generation)
	if c != none && g.w.defect(NoGenerationCheck) {
		g.w.broke()
		return none
	}
	return c
}

// current says whether a member and its generation are the group's.
func (g *groupState) current(memberID string, generation int32) code {
	m := g.members[memberID]
	switch {
	case memberID == "" && generation < 0 && len(g.members) == 0:
		return none // a group without members, used as a store
	case m == nil:
		return unknownMember
	case g.epoch > 0:
		if generation != m.epoch {
			return staleMemberEpoch
		}
		return none
	case generation != g.generation:
		return illegalGeneration
	case g.phase == groupCompleting:
		return rebalanceInProgress
	}
	return none
}

// commit is OffsetCommit, or TxnOffsetCommit where pid is not -1. What a transaction
// brings is pending from when it is in the log, so that the marker behind it decides it.
func (g *groupState) commit(b *broker, pid int64, parts []history.Event, reply func(*answer)) {
	w := g.w
	g.commits++
	n := g.commits
	apply := func() {
		for _, e := range parts {
			g.offsets[e.TP] = committed{e.Off[0], e.Meta, n}
		}
	}
	rightly := func() {
		for _, e := range parts {
			g.right[e.TP] = e.Off[0]
		}
	}
	drop := func() {}
	switch {
	case pid >= 0:
		g.stage(pid, parts, n)
		apply, rightly, drop = func() {}, func() {}, func() { g.unstage(pid, n) }
	case w.defect(CommitsApart) && w.chance(0.2): // the defect: it is applied behind what came later
		now := apply
		apply = func() { w.after(w.between(50*millisecond, 2*second), now) }
	case w.defect(ForgetsCommits) && w.chance(0.1):
		apply = func() {}
	}
	both := func() {
		apply()
		rightly()
	}
	g.slot.commit(b, both, drop, func(ok bool) {
		a := &answer{}
		c := none
		if !ok {
			c = notCoordinator
		}
		for range parts {
			a.codes = append(a.codes, c)
		}
		reply(a)
	})
}

func (g *groupState) stage(pid int64, parts []history.Event, n int64) {
	if g.pending[pid] == nil {
		g.pending[pid] = map[history.TopicPartition]committed{}
	}
	for _, e := range parts {
		g.pending[pid][e.TP] = committed{e.Off[0], e.Meta, n}
	}
}

func (g *groupState) unstage(pid, n int64) {
	for tp, c := range g.pending[pid] {
		if c.n == n {
			delete(g.pending[pid], tp)
		}
	}
}

// decide applies or forgets what a transaction has pending; rightly says what is right.
func (g *groupState) decide(pid int64, commit, rightly bool) {
	if rightly {
		for tp, c := range g.pending[pid] {
			if c.n > g.offsets[tp].n {
				g.right[tp] = c.off
			}
		}
	}
	if commit {
		for tp, c := range g.pending[pid] {
			if c.n > g.offsets[tp].n {
				g.offsets[tp] = c
			}
			if g.early[tp] {
				g.w.broke()
			}
		}
	}
	delete(g.pending, pid)
	clear(g.early)
}

// fetch is OffsetFetch of one partition. Stable: not while a transaction has one
// pending (KIP-447).
func (g *groupState) fetch(b *broker, tp history.TopicPartition, stable bool) (off int64, meta string, c code) {
	if c := g.slot.serves(b); c != none {
		return -1, "", c
	}
	if stable {
		for _, p := range g.pending {
			if _, ok := p[tp]; !ok {
				continue
			}
			if !g.w.defect(UnstableFetch) {
				return -1, "", unstableOffset
			}
			g.early[tp] = true
		}
	}
	g.look(tp)
	o, ok := g.offsets[tp]
	if !ok {
		return -1, "", none
	}
	if g.w.defect(FetchesOldOffsets) && o.off > 3 {
		g.w.broke()
		return o.off - g.w.between(1, 3), "", none
	}
	return o.off, o.meta, none
}

// look notes that somebody sees an offset that is wrong by a defect.
func (g *groupState) look(tp history.TopicPartition) {
	if right, ok := g.right[tp]; ok && g.offsets[tp].off != right {
		g.w.broke()
	}
}

// share gives each member its part of a topic, keeping what it has where it can.
func (g *groupState) share() map[string][]history.TopicPartition {
	all := map[string][]history.TopicPartition{}
	if len(g.order) == 0 {
		return all
	}
	tps := g.w.partitionsOf(g.members[g.order[0]].topic)
	most := (len(tps) + len(g.order) - 1) / len(g.order)
	free := slices.Clone(tps)
	if g.w.cfg.Sticky {
		for _, id := range g.order {
			for _, tp := range g.members[id].owned {
				if at := slices.Index(free, tp); at >= 0 && len(all[id]) < most {
					all[id] = append(all[id], tp)
					free = slices.Delete(free, at, at+1)
				}
			}
		}
	}
	for _, tp := range free {
		least := g.order[0]
		for _, id := range g.order {
			if len(all[id]) < len(all[least]) {
				least = id
			}
		}
		all[least] = append(all[least], tp)
	}
	if g.w.defect(AssignsTwice) && len(g.order) > 1 && len(tps) > 0 {
		g.w.broke()
		for _, id := range g.order {
			all[id] = slices.Clone(tps)
		}
	}
	return all
}
