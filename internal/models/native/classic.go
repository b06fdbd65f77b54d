package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// The classic protocol: all members join, the leader assigns, all sync.

// join is JoinGroup. It is answered once all have joined, or the rest is given up on.
func (g *groupState) join(b *broker, memberID, topic string, session int64, owned []history.TopicPartition, reply func(*answer)) {
	if c := g.slot.serves(b); c != none {
		reply(&answer{code: c, generation: -1})
		return
	}
	if memberID == "" {
		g.w.memberIDs++
		id := g.w.memberName()
		g.promised[id] = true
		reply(&answer{code: memberIDRequired, generation: -1, member: id})
		return
	}
	m := g.members[memberID]
	if m == nil && !g.promised[memberID] {
		reply(&answer{code: unknownMember, generation: -1, member: memberID})
		return
	}
	if m == nil {
		delete(g.promised, memberID)
		m = &member{id: memberID, session: session}
		g.members[memberID] = m
		g.order = append(g.order, memberID)
	}
	if m.joining != nil {
		m.joining(&answer{code: rebalanceInProgress, generation: -1, member: memberID})
	}
	m.topic, m.owned, m.joining, m.syncing = topic, owned, reply, nil
	m.beats++
	if g.phase != groupPreparing {
		g.rebalance()
	}
	g.allJoined()
}

// rebalance begins a new round.
func (g *groupState) rebalance() {
	if len(g.members) == 0 {
		g.phase = groupEmpty
		g.generation++
		return
	}
	g.phase = groupPreparing
	g.round++
	round := g.round
	for _, id := range g.order {
		if m := g.members[id]; m.syncing != nil {
			m.syncing(&answer{code: rebalanceInProgress})
			m.syncing = nil
		}
	}
	g.w.after(g.w.cfg.RebalanceTimeout, func() {
		if g.round != round || g.phase != groupPreparing {
			return
		}
		for _, id := range slices.Clone(g.order) {
			if g.members[id].joining == nil && !g.w.defect(NeverEvicts) {
				delete(g.members, id)
				g.order = slices.DeleteFunc(g.order, func(o string) bool { return o == id })
			}
		}
		g.allJoined()
	})
	g.w.after(0, g.allJoined)
}

// allJoined ends the round once everybody has joined.
func (g *groupState) allJoined() {
	if g.phase != groupPreparing {
		return
	}
	if g.w.defect(RebalanceNeverEnds) && g.generation > 2 {
		g.w.broke()
		return
	}
	for _, id := range g.order {
		if g.members[id].joining == nil {
			return
		}
	}
	if len(g.order) == 0 {
		g.phase = groupEmpty
		return
	}
	g.generation++
	g.phase = groupCompleting
	for i, id := range g.order {
		m := g.members[id]
		m.joining(&answer{generation: g.generation, member: id, leader: i == 0})
		m.joining = nil
		g.beat(m)
	}
	round := g.round
	g.w.after(g.w.cfg.RebalanceTimeout, func() { // who has not synced by then is out
		if g.round != round || g.phase != groupCompleting {
			return
		}
		g.rebalance()
	})
}

// sync is SyncGroup: the leader's brings the assignment, the others' wait for it.
func (g *groupState) sync(b *broker, memberID string, generation int32, reply func(*answer)) {
	if c := g.slot.serves(b); c != none {
		reply(&answer{code: c})
		return
	}
	m := g.members[memberID]
	switch {
	case m == nil:
		reply(&answer{code: unknownMember})
		return
	case generation != g.generation:
		reply(&answer{code: illegalGeneration})
		return
	case g.phase == groupPreparing:
		reply(&answer{code: rebalanceInProgress})
		return
	}
	g.beat(m)
	if g.phase == groupStable {
		reply(&answer{assigned: m.assigned, given: true})
		return
	}
	m.syncing = reply
	if g.order[0] != memberID {
		return
	}
	g.phase = groupStable
	shares := g.share()
	for _, id := range g.order {
		o := g.members[id]
		o.assigned = shares[id]
		if g.w.cfg.Cooperative {
			o.assigned = g.withoutOthers(id, shares[id])
		}
		o.owned = o.assigned
		if o.syncing != nil {
			o.syncing(&answer{assigned: o.assigned, given: true})
			o.syncing = nil
		}
	}
}

// withoutOthers leaves out what another member still owns: in the cooperative
// protocol that is given in the next round, once it was given back.
func (g *groupState) withoutOthers(id string, share []history.TopicPartition) []history.TopicPartition {
	var all []history.TopicPartition
	for _, tp := range share {
		taken := false
		for _, o := range g.order {
			taken = taken || o != id && slices.Contains(g.members[o].owned, tp) && !g.w.defect(AssignsTwice)
		}
		if !taken {
			all = append(all, tp)
		}
	}
	return all
}

// heartbeat of the classic protocol.
func (g *groupState) heartbeat(b *broker, memberID string, generation int32) code {
	if c := g.slot.serves(b); c != none {
		return c
	}
	m := g.members[memberID]
	switch {
	case m == nil:
		return unknownMember
	case generation != g.generation:
		return illegalGeneration
	case g.phase == groupPreparing:
		g.beat(m)
		return rebalanceInProgress
	}
	g.beat(m)
	return none
}

// leave is LeaveGroup, or the last heartbeat of KIP-848.
func (g *groupState) leave(b *broker, memberID string) code {
	if c := g.slot.serves(b); c != none {
		return c
	}
	m := g.members[memberID]
	if m == nil {
		return unknownMember
	}
	g.remove(m)
	return none
}
