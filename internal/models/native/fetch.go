package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// poll returns the next records: of what was fetched, or of another fetch. It takes
// part in rebalances first; before is called ahead of giving partitions back.
func (c *consumer) poll(most int, before func()) []record {
	c.ensure(before)
	if c.p.stopping || !c.locate() {
		return nil
	}
	if c.p.w.now-c.beaten > c.p.w.cfg.Session { // the coordinator does not answer: nobody knows whose they are
		c.t.sleep(c.p.w.cfg.Heartbeat)
		return nil
	}
	out := c.handOut(most)
	if len(out) > 0 {
		return out
	}
	c.fetchAll()
	if c.lost || c.rejoin || c.news {
		return nil // the next poll takes part in the rebalance first
	}
	if out = c.handOut(most); len(out) == 0 {
		c.t.sleep(c.p.w.between(5*millisecond, c.p.w.cfg.FetchWait))
	}
	return out
}

// handOut hands out what was fetched.
func (c *consumer) handOut(most int) []record {
	var out []record
	for _, tp := range c.owned {
		n := min(len(c.buffer[tp]), most-len(out))
		for _, r := range c.buffer[tp][:n] {
			c.pos[tp] = r.off + 1
			out = append(out, r)
		}
		c.buffer[tp] = c.buffer[tp][n:]
		if len(c.buffer[tp]) == 0 && c.p.w.cfg.PositionCommits {
			c.pos[tp] = max(c.pos[tp], c.read[tp]) // behind what is no record
		}
	}
	return out
}

// locate finds where to begin in partitions that are new: at the committed offset.
func (c *consumer) locate() bool {
	for _, tp := range slices.Clone(c.owned) {
		if _, known := c.pos[tp]; known {
			continue
		}
		off, meta, ok := c.committed(tp)
		if !ok {
			return false
		}
		p := c.p.w.parts[tp]
		if off >= 0 {
			if c.p.w.cfg.TellsFetched {
				c.p.print(history.Event{Type: history.OK, Op: history.OpFetchOffsets, ID: c.p.nextID(), Group: c.group, TP: tp,
					Off: []int64{off}, Meta: meta})
			}
		} else {
			off = p.base
		}
		if c.p.w.defect(IgnoresCommitted) && off > p.base+2 {
			off = p.base + c.p.w.between(0, 2)
			c.p.w.broke()
		}
		if c.p.w.defect(SkipsAtStart) && off > p.base {
			off += c.p.w.between(1, 3)
			c.p.w.broke()
		}
		c.pos[tp], c.read[tp] = off, off
		if c.moved[tp] {
			delete(c.moved, tp)
			c.seek(tp, off)
		}
	}
	return true
}

// committed is OffsetFetch of one partition, tried again until it is stable.
func (c *consumer) committed(tp history.TopicPartition) (off int64, meta string, ok bool) {
	w, g := c.p.w, c.p.w.group(c.group)
	for !c.lost && !c.p.stopping && !c.rejoin && !c.news {
		r := c.request("OffsetFetch", 9, func(b *broker, reply func(*answer)) {
			off, meta, failed := g.fetch(b, tp, c.p.client.Committed)
			reply(&answer{codes: []code{failed}, off: []int64{off}, meta: []string{meta}})
		})
		r.parts[0].TP = tp
		a := c.t.call(r)
		if a != nil && a.codeOf(0) == none {
			return a.off[0], a.meta[0], slices.Contains(c.owned, tp)
		}
		if a == nil || a.codeOf(0) == notCoordinator {
			c.coord = w.slotOf(c.group).leader
		}
		c.t.sleep(w.between(20*millisecond, 100*millisecond))
	}
	return 0, "", false
}

// fetchAll asks each leader for what is next.
func (c *consumer) fetchAll() {
	w := c.p.w
	by := map[int][]history.TopicPartition{}
	var brokers []int
	for _, tp := range c.owned {
		if _, known := c.pos[tp]; !known {
			continue
		}
		leader, cached := c.leaders[tp]
		if !cached {
			leader = w.parts[tp].leader
			c.leaders[tp] = leader
		}
		if by[leader] == nil {
			brokers = append(brokers, leader)
		}
		by[leader] = append(by[leader], tp)
	}
	for _, id := range brokers {
		c.fetchFrom(id, by[id])
	}
}

func (c *consumer) fetchFrom(id int, tps []history.TopicPartition) {
	w := c.p.w
	from := make([]int64, len(tps))
	for i, tp := range tps {
		from[i] = c.read[tp]
	}
	r := &request{api: "Fetch", version: 16, broker: id, parts: []history.Event{{}},
		handle: func(b *broker, reply func(*answer)) {
			a := &answer{}
			for i, tp := range tps {
				p := w.parts[tp]
				if p.leader != b.id || p.life != b.life {
					a.fetched = append(a.fetched, fetched{tp: tp, code: notLeader})
					continue
				}
				a.fetched = append(a.fetched, p.read(from[i], c.p.client.Committed, w.cfg.FetchMax))
			}
			reply(a)
		}}
	a := c.t.call(r)
	if a == nil || a.code != none {
		for _, tp := range tps {
			delete(c.leaders, tp)
		}
		return
	}
	for i, f := range a.fetched {
		if f.code != none {
			delete(c.leaders, f.tp)
			continue
		}
		if at, ours := c.read[f.tp]; !ours || at != from[i] || !slices.Contains(c.owned, f.tp) {
			continue // it was taken away, or moved, meanwhile
		}
		c.keep(f)
	}
}

// keep buffers what a consumer hands out of what it was given.
func (c *consumer) keep(f fetched) {
	w := c.p.w
	skip := -1
	if w.defect(SkipsRecord) && len(f.entries) > 2 && w.chance(0.1) {
		skip = len(f.entries) / 2
	}
	for i, e := range f.entries {
		off := f.first + int64(i)
		c.read[f.tp] = off + 1
		switch {
		case i == skip && e.marker == "" && e.fate != "abort":
			w.broke()
		case e.marker != "" || e.note != "":
			if w.defect(ShowsMarkers) && e.marker != "" {
				w.broke()
				c.buffer[f.tp] = append(c.buffer[f.tp], record{f.tp, off, entry{}})
			}
		case c.p.client.Committed && e.fate == "abort" && !w.defect(IgnoresAborts):
		default:
			if c.p.client.Committed && e.inTxn && e.fate != "commit" {
				w.broke()
			}
			if w.defect(TwoRecordsAtOffset) && i > 0 && w.chance(0.02) && f.entries[i-1].val != (history.Value{}) {
				e = f.entries[i-1] // a stale replica
				w.broke()
			}
			c.buffer[f.tp] = append(c.buffer[f.tp], record{f.tp, off, e})
		}
	}
	if w.defect(RereadsBatch) && len(f.entries) > 0 && w.chance(0.05) {
		w.broke()
		c.read[f.tp] = f.first
	}
}

// seek moves the position.
func (c *consumer) seek(tp history.TopicPartition, off int64) {
	c.pos[tp], c.read[tp] = off, off
	c.buffer[tp] = nil
	c.p.print(history.Event{Type: history.Info, Op: history.OpSeek, ID: c.p.nextID(), TP: tp, Off: []int64{off}})
}
