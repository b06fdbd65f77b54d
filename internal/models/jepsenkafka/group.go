package jepsenkafka

import "slices"

// group is the coordinator's view of the one consumer group.
type group struct {
	members    []*member
	generation int
	preparing  bool // eager: waiting for all members to join again
	since      int  // the step at which it began to wait
	committed  map[int]int64
	pending    map[int]int // transactions that have an offset of the key under way
}

// member is one consumer in the group. A member that the coordinator has removed
// does not know of it before it asks.
type member struct {
	topics     []int
	in         bool // the coordinator counts it
	joined     bool // eager: has joined the generation that is being prepared
	generation int  // whose assignment it has
	owned      []int
	target     []int
	told       bool // it has taken its target
}

// join puts a new member into the group.
func (w *world) join(topics []int) *member {
	m := &member{topics: topics, in: true}
	w.group.members = append(w.group.members, m)
	w.rebalance()
	return m
}

// leave takes the member out: it has closed, or its session has timed out.
func (w *world) leave(m *member) {
	if m == nil || !m.in {
		return
	}
	m.in = false
	w.group.members = slices.DeleteFunc(w.group.members, func(o *member) bool { return o == m })
	w.rebalance()
}

// rebalance begins a new generation: with the eager protocol when all members have
// joined it, else at once.
func (w *world) rebalance() {
	g := w.group
	if !w.c.Eager {
		w.share()
		return
	}
	if !g.preparing {
		g.since = w.steps
	}
	g.preparing = true
	for _, m := range g.members {
		m.joined = false
	}
}

// share gives each partition of each subscribed topic to one member of those that
// subscribe to it.
func (w *world) share() {
	g := w.group
	g.generation++
	g.preparing = false
	for _, m := range g.members {
		m.target, m.told = nil, false
	}
	turn := w.r.IntN(len(g.members) + 1)
	for topic := range w.topics() {
		var subscribed []*member
		for _, m := range g.members {
			if slices.Contains(m.topics, topic) {
				subscribed = append(subscribed, m)
			}
		}
		for _, key := range w.keysOf(topic) {
			if len(subscribed) == 0 {
				break
			}
			m := subscribed[turn%len(subscribed)]
			if owner := w.owner(key); owner != nil && w.r.IntN(4) != 0 && slices.Contains(subscribed, owner) {
				m = owner // sticky
			}
			m.target = append(m.target, key)
			turn++
		}
	}
}

// owner is the member that the coordinator takes for the key's owner.
func (w *world) owner(key int) *member {
	for _, m := range w.group.members {
		if slices.Contains(m.owned, key) {
			return m
		}
	}
	return nil
}

// expire removes the members that have let the others wait.
func (w *world) expire() {
	g := w.group
	if !g.preparing || w.steps-g.since < 40 {
		return
	}
	for _, m := range slices.Clone(g.members) {
		if !m.joined {
			m.in = false
			g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
		}
	}
	if len(g.members) > 0 {
		w.share()
	} else {
		g.preparing = false
	}
}

// coordinate is the part of a poll in which a consumer learns of rebalances. It
// returns what its listener was told.
func (w *world) coordinate(c *consumer) (log []Rebalance) {
	m := c.member
	tell := func(typ string, keys []int) {
		log = append(log, Rebalance{Type: typ, Keys: slices.Clone(keys)})
	}
	if m == nil || !m.in {
		if m != nil && len(m.owned) > 0 {
			tell("lost", m.owned)
			c.give(m.owned)
		}
		m = w.join(c.topics)
		c.member = m
	}
	if !slices.Equal(m.topics, c.topics) {
		m.topics = c.topics
		w.rebalance()
	}
	if w.c.Eager {
		w.joinAgain(c, m, tell)
		return log
	}
	if gone := minus(m.owned, m.target); len(gone) > 0 {
		tell("revoked", gone)
		c.give(gone)
		m.owned = minus(m.owned, gone)
	}
	var come []int
	for _, key := range minus(m.target, m.owned) {
		if w.owner(key) == nil {
			come = append(come, key)
		}
	}
	if len(come) > 0 || !m.told && w.chance(0.3) {
		tell("assigned", come)
		c.take(come)
		m.owned = append(m.owned, come...)
	}
	m.told, m.generation = true, w.group.generation
	return log
}

// joinAgain is the eager protocol: everything is given up before a new generation
// is joined.
func (w *world) joinAgain(c *consumer, m *member, tell func(string, []int)) {
	g := w.group
	if g.preparing && !m.joined {
		if len(m.owned) > 0 {
			tell("revoked", m.owned)
			c.give(m.owned)
			m.owned = nil
		}
		m.joined = true
		if !slices.ContainsFunc(g.members, func(o *member) bool { return !o.joined }) {
			w.share()
		}
	}
	if !g.preparing && m.generation < g.generation {
		m.generation = g.generation
		m.owned = slices.Clone(m.target)
		tell("assigned", m.owned)
		c.take(m.owned)
	}
}

// current says whether the coordinator accepts an offset commit of the consumer.
func (w *world) current(c *consumer) bool {
	m := c.member
	return m == nil || m.in && (m.generation == w.group.generation || !w.c.Eager)
}

func minus(a, b []int) []int {
	var rest []int
	for _, x := range a {
		if !slices.Contains(b, x) {
			rest = append(rest, x)
		}
	}
	return rest
}
