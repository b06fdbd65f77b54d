package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// record is one record that an application was given.
type record struct {
	tp  history.TopicPartition
	off int64
	entry
}

// consumer is a client's consumer: a member of a group, its positions, and what it
// has fetched and not handed out.
type consumer struct {
	p          *process
	t          *thread
	group      string
	topic      string
	member     string
	generation int32
	joined     bool
	rejoin     bool // the group rebalances
	lost       bool // the group has given its partitions to others
	full       bool // KIP-848: the next heartbeat says all
	owned      []history.TopicPartition
	wanted     []history.TopicPartition // KIP-848: what the group has given last
	news       bool
	pos        map[history.TopicPartition]int64 // next to hand out; absent: not known yet
	read       map[history.TopicPartition]int64 // next to fetch
	buffer     map[history.TopicPartition][]record
	moved      map[history.TopicPartition]bool // by an abort, whither is not known yet
	leaders    map[history.TopicPartition]int
	coord      int
	leave      bool
	beaten     int64 // when the coordinator last answered
}

func newConsumer(t *thread) *consumer {
	c := &consumer{p: t.p, t: t, group: t.p.client.Group, topic: t.p.client.Input, generation: -1,
		pos: map[history.TopicPartition]int64{}, read: map[history.TopicPartition]int64{},
		buffer: map[history.TopicPartition][]record{}, moved: map[history.TopicPartition]bool{}, leaders: map[history.TopicPartition]int{}}
	c.coord = c.p.w.slotOf(c.group).leader
	if t.p.client.KIP848 {
		c.p.w.memberIDs++
		c.member, c.generation = c.p.w.memberName(), 0
	}
	t.p.spawn(c.beats)
	return c
}

// beats is the thread that sends heartbeats.
func (c *consumer) beats(t *thread) {
	w := c.p.w
	for !c.leave {
		t.sleep(w.cfg.Heartbeat)
		if c.leave || !c.joined || c.rejoin || c.lost {
			continue
		}
		if c.p.client.KIP848 {
			c.beat848(t, false)
			continue
		}
		member, generation := c.member, c.generation
		a := t.call(c.request("Heartbeat", 4, func(b *broker, reply func(*answer)) {
			reply(&answer{code: w.group(c.group).heartbeat(b, member, generation)})
		}))
		if generation == c.generation && member == c.member {
			c.heard(a)
		}
	}
}

// heard takes the code of a heartbeat or a commit.
func (c *consumer) heard(a *answer) {
	switch {
	case a == nil || a.code == notCoordinator:
		c.coord = c.p.w.slotOf(c.group).leader
	case a.code == none:
		c.beaten = c.p.w.now
	case a.code == rebalanceInProgress:
		c.rejoin = true
	case a.code == unknownMember || a.code == illegalGeneration || a.code == fencedMemberEpoch:
		c.lost = true
	}
}

// request is one to the group's coordinator.
func (c *consumer) request(api string, version int, handle func(b *broker, reply func(*answer))) *request {
	data := map[string]any{"member": c.member, "generation": int(c.generation)}
	return &request{api: api, version: version, broker: c.coord, handle: handle,
		parts: []history.Event{{Group: c.group, Data: data}}}
}

// tell prints what the group gives or takes.
func (c *consumer) tell(op history.Op, tps []history.TopicPartition) {
	if len(tps) == 0 {
		return
	}
	id := c.p.nextID()
	for _, tp := range tps {
		c.p.print(history.Event{Type: history.Info, Op: op, ID: id, Group: c.group, TP: tp})
	}
}

// drop forgets partitions that are no longer this member's.
func (c *consumer) drop(tps []history.TopicPartition, op history.Op) {
	c.tell(op, tps)
	for _, tp := range tps {
		delete(c.pos, tp)
		delete(c.read, tp)
		delete(c.buffer, tp)
		delete(c.moved, tp)
	}
	c.owned = slices.DeleteFunc(slices.Clone(c.owned), func(tp history.TopicPartition) bool { return slices.Contains(tps, tp) })
}

// take begins with partitions that are new.
func (c *consumer) take(tps []history.TopicPartition) {
	c.owned = append(slices.Clone(c.owned), tps...)
	slices.SortFunc(c.owned, compareTP)
	c.tell(history.OpAssigned, tps)
}

// ensure takes part in rebalances until the member has its partitions and their
// positions.
func (c *consumer) ensure(before func()) {
	for !c.p.stopping {
		switch {
		case c.lost:
			c.drop(slices.Clone(c.owned), history.OpLost)
			c.lost, c.joined, c.rejoin, c.generation = false, false, false, -1
			c.member = ""
			if c.p.client.KIP848 {
				c.p.w.memberIDs++
				c.member, c.generation, c.wanted, c.news = c.p.w.memberName(), 0, nil, false
			}
		case c.p.client.KIP848:
			if !c.ensure848(before) {
				return
			}
		case !c.joined || c.rejoin:
			c.joinClassic(before)
		default:
			return
		}
	}
}

// joinClassic is JoinGroup and SyncGroup.
func (c *consumer) joinClassic(before func()) {
	w := c.p.w
	before()
	if c.lost {
		return
	}
	if !w.cfg.Cooperative {
		c.drop(slices.Clone(c.owned), history.OpRevoked)
	}
	g, owned := w.group(c.group), slices.Clone(c.owned)
	member := c.member
	r := c.request("JoinGroup", 9, func(b *broker, reply func(*answer)) {
		g.join(b, member, c.topic, w.cfg.Session, owned, reply)
	})
	r.parts[0].Data = map[string]any{"member": member, "session-timeout-ms": int(w.cfg.Session / millisecond)}
	r.timeout = 2*w.cfg.RebalanceTimeout + w.cfg.RequestTimeout
	a := c.t.call(r)
	switch {
	case a != nil && a.code == memberIDRequired:
		c.member = a.member
		return
	case a == nil || a.code != none:
		c.failed(a)
		return
	}
	c.member, c.generation = a.member, a.generation
	generation := a.generation
	r = c.request("SyncGroup", 5, func(b *broker, reply func(*answer)) { g.sync(b, a.member, generation, reply) })
	r.timeout = 2*w.cfg.RebalanceTimeout + w.cfg.RequestTimeout
	s := c.t.call(r)
	if s == nil || s.code != none {
		c.failed(s)
		return
	}
	c.joined, c.rejoin, c.beaten = true, false, w.now
	given := slices.Clone(s.assigned)
	gone := slices.DeleteFunc(slices.Clone(c.owned), func(tp history.TopicPartition) bool { return slices.Contains(given, tp) })
	fresh := slices.DeleteFunc(given, func(tp history.TopicPartition) bool { return slices.Contains(c.owned, tp) })
	c.drop(gone, history.OpRevoked)
	c.take(fresh)
	if len(gone) > 0 {
		c.rejoin = true // what was given back can be given on
	}
}

// failed waits before the next attempt to join.
func (c *consumer) failed(a *answer) {
	c.joined = false
	c.heard(a)
	if a != nil && (a.code == unknownMember || a.code == illegalGeneration) {
		c.lost = true
	}
	c.rejoin = false
	c.t.sleep(c.p.w.between(20*millisecond, 120*millisecond))
}

// ensure848 applies what the group has given; true: there is more to do.
func (c *consumer) ensure848(before func()) bool {
	switch {
	case !c.joined:
		c.generation = 0
		if a := c.beat848(c.t, true); a == nil || a.code != none {
			c.t.sleep(c.p.w.between(20*millisecond, 120*millisecond))
			return true
		}
		c.joined = true
		return true
	case !c.news:
		return false
	}
	c.news = false
	wanted := slices.Clone(c.wanted)
	gone := slices.DeleteFunc(slices.Clone(c.owned), func(tp history.TopicPartition) bool { return slices.Contains(wanted, tp) })
	fresh := slices.DeleteFunc(wanted, func(tp history.TopicPartition) bool { return slices.Contains(c.owned, tp) })
	if len(gone) > 0 {
		before()
		if c.lost {
			return true
		}
	}
	c.drop(gone, history.OpRevoked)
	c.take(fresh)
	c.beat848(c.t, true)
	return true
}

// beat848 is a heartbeat of KIP-848; a full one says what the member has.
func (c *consumer) beat848(t *thread, full bool) *answer {
	g := c.p.w.group(c.group)
	full = full || c.full
	member, epoch, owned := c.member, c.generation, slices.Clone(c.owned)
	r := c.request("ConsumerGroupHeartbeat", 1, func(b *broker, reply func(*answer)) {
		reply(g.beat848(b, member, c.topic, epoch, owned, full))
	})
	if full {
		r.parts[0].Data["owns"] = names(owned)
	}
	a := t.call(r)
	if member != c.member {
		return nil
	}
	c.heard(a)
	if c.full = a == nil; a == nil || a.code != none {
		return a
	}
	c.generation = max(c.generation, a.generation)
	if a.given {
		c.wanted = a.assigned
		c.news = !slices.Equal(names(c.wanted), names(c.owned))
	}
	return a
}
