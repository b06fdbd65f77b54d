package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// The consumer protocol (KIP-848): the coordinator assigns, and each member has an
// epoch of its own. It is asked to give back first, and is given what others have
// given back.

// beat848 is ConsumerGroupHeartbeat. epoch 0 joins. owned is nil where the member does not
// say what it has.
func (g *groupState) beat848(b *broker, memberID, topic string, epoch int32, owned []history.TopicPartition, says bool) *answer {
	if c := g.slot.serves(b); c != none {
		return &answer{code: c, member: memberID}
	}
	m := g.members[memberID]
	switch {
	case epoch == 0:
		if m == nil {
			m = &member{id: memberID}
			g.members[memberID] = m
			g.order = append(g.order, memberID)
		}
		m.topic, m.session, m.assigned, m.revoking, m.epoch, m.before = topic, g.w.cfg.Session, nil, nil, 0, 0
		g.retarget()
	case m == nil:
		return &answer{code: unknownMember, member: memberID}
	case epoch != m.epoch && (epoch != m.before || !subset(owned, m.assigned)):
		return &answer{code: fencedMemberEpoch, member: memberID}
	}
	g.beat(m)
	if says && len(m.revoking) > 0 && !slices.ContainsFunc(m.revoking, func(tp history.TopicPartition) bool { return slices.Contains(owned, tp) }) {
		m.revoking = nil
	}
	changed := g.reconcile(m)
	a := &answer{member: memberID, generation: m.epoch}
	if changed || says || epoch == 0 {
		a.assigned, a.given = slices.Clone(m.assigned), true
	}
	return a
}

// retarget computes what each member should have.
func (g *groupState) retarget() {
	g.epoch++
	for _, m := range g.members {
		m.owned = m.assigned
	}
	g.target = g.share()
}

// reconcile brings a member nearer to its target; true: its assignment changed.
func (g *groupState) reconcile(m *member) bool {
	if len(m.revoking) > 0 {
		return false
	}
	target := g.target[m.id]
	var keep, revoke []history.TopicPartition
	for _, tp := range m.assigned {
		if slices.Contains(target, tp) {
			keep = append(keep, tp)
		} else {
			revoke = append(revoke, tp)
		}
	}
	if len(revoke) > 0 {
		m.assigned, m.revoking = keep, revoke
		return true
	}
	if m.epoch != g.epoch {
		m.before, m.epoch = m.epoch, g.epoch
	}
	changed := false
	for _, tp := range target {
		if !slices.Contains(m.assigned, tp) && (g.free(tp, m) || g.w.defect(AssignsTwice)) {
			m.assigned = append(m.assigned, tp)
			changed = true
		}
	}
	return changed
}

// free says whether nobody else has the partition.
func (g *groupState) free(tp history.TopicPartition, m *member) bool {
	for _, o := range g.members {
		if o != m && (slices.Contains(o.assigned, tp) || slices.Contains(o.revoking, tp)) {
			return false
		}
	}
	return true
}

func subset(some, of []history.TopicPartition) bool {
	for _, tp := range some {
		if !slices.Contains(of, tp) {
			return false
		}
	}
	return true
}
