package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// offsetsOf is the next offset to read behind records, by partition.
func offsetsOf(records []record) []history.Event {
	var all []history.Event
	for _, r := range records {
		i := slices.IndexFunc(all, func(e history.Event) bool { return e.TP == r.tp })
		if i < 0 {
			i = len(all)
			all = append(all, history.Event{TP: r.tp})
		}
		all[i].Off = []int64{r.off + 1}
	}
	return all
}

// positionsOf is where the consumer stands in the partitions of records, which may
// be behind control records and aborted ones.
func (c *consumer) positionsOf(records []record) []history.Event {
	all := offsetsOf(records)
	for i := range all {
		if pos, ok := c.pos[all[i].TP]; ok && len(c.buffer[all[i].TP]) == 0 {
			all[i].Off = []int64{max(pos, all[i].Off[0])}
		}
	}
	return all
}

// positions is where the consumer stands in all its partitions.
func (c *consumer) positions() []history.Event {
	var all []history.Event
	for _, tp := range c.owned {
		if pos, ok := c.pos[tp]; ok {
			all = append(all, history.Event{TP: tp, Off: []int64{pos}})
		}
	}
	return all
}

// commit is commitSync.
func (c *consumer) commit(offsets []history.Event) outcome {
	if len(offsets) == 0 {
		return done
	}
	p := c.p
	var lines []history.Event
	id, token := p.nextID(), p.token()
	for _, o := range offsets {
		e := history.Event{Op: history.OpCommitOffsets, ID: id, Group: c.group, TP: o.TP, Off: o.Off, Meta: token}
		lines = append(lines, e)
		e.Type = history.Invoke
		p.print(e)
	}
	o := c.commitLines(lines)
	for _, e := range lines {
		e.Type, e.Err = o.typ, o.err
		p.print(e)
	}
	return o
}

func (c *consumer) commitLines(lines []history.Event) outcome {
	w := c.p.w
	for until := w.now + w.cfg.APITimeout; w.now < until; {
		var parts []history.Event
		member, generation := c.member, c.generation
		for _, e := range lines {
			parts = append(parts, history.Event{Group: c.group, TP: e.TP, Off: e.Off, Meta: e.Meta,
				Data: map[string]any{"member": member, "generation": int(generation)}})
		}
		a := c.t.call(&request{api: "OffsetCommit", version: 9, broker: c.coord, parts: parts, handle: func(b *broker, reply func(*answer)) {
			w.offsetCommit(b, c.group, "", member, generation, -1, -1, false, parts, reply)
		}})
		switch {
		case a == nil || retriable[a.codeOf(0)]:
			c.coord = w.slotOf(c.group).leader
			c.t.sleep(w.between(10*millisecond, 100*millisecond))
		case a.codeOf(0) == none:
			return done
		case a.codeOf(0) == staleMemberEpoch && generation != c.generation:
			continue
		default:
			c.heard(&answer{code: a.codeOf(0)})
			return outcome{history.Info, a.codeOf(0).asError(), false}
		}
	}
	return outcome{history.Info, &history.Error{Name: "TimeoutException", Class: history.Retriable}, false}
}

// goodbye leaves the group.
func (c *consumer) goodbye() {
	if c.p.client.Commit == commitAuto && !c.lost {
		c.commit(c.positions())
	}
	c.leave = true
	c.drop(slices.Clone(c.owned), history.OpRevoked)
	if !c.joined {
		return
	}
	w, member := c.p.w, c.member
	api := "LeaveGroup"
	if c.p.client.KIP848 {
		api = "ConsumerGroupHeartbeat"
	}
	r := c.request(api, 5, func(b *broker, reply func(*answer)) {
		reply(&answer{code: w.group(c.group).leave(b, member), member: member, generation: -1})
	})
	if api == "LeaveGroup" {
		r.parts[0].Data = map[string]any{"members": []string{member}}
	}
	c.t.call(r)
}
