package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// liveProc is a process that has not ended.
type liveProc struct {
	name, clientName string
	info             *history.ClientInfo
	group            *liveGroup
	rc, txnal        bool
	maxSent          int64
	flights          map[int64]flight // sends
	commits          map[commitKey]*liveWrite
	asked            map[commitKey]int64 // when a fetch was invoked
	txns             map[int64]*liveTxn
	before           *liveTxn // the one that was committed last
	pos              map[*livePart]*position
	moves            int64 // how often it was moved in all partitions at once
	pid              int64
	epoch            int16
	fencedT          int64 // when another process took its producer id over
	fencedBy         string

	// All that the process did before mark has been heard; next is where mark
	// moves when something at least heardStep later is heard. A process prints
	// within that time of its running; while it is frozen it tells nothing.
	mark, next int64
	phantoms   []phantomRead
}

const heardStep = 1_000_000_000

// commitKey is one partition of an operation on committed offsets.
type commitKey struct {
	id int64
	pt *livePart
}

// flight is a send that has not ended.
type flight struct {
	t     int64
	txn   int64
	val   history.Value
	from  history.Input
	more  []batchedValue
	again bool // the value was sent before, or out of order
}

type batchedValue struct {
	val  history.Value
	from history.Input
}

type phantomRead struct {
	t    int64
	n    int64
	text string
}

func (o *Online) proc(name string) *liveProc {
	if p := o.procs[name]; p != nil || len(o.procs) >= mostLive {
		return p
	}
	client, _ := splitProc(name)
	p := &liveProc{
		name: name, clientName: client, info: o.clients[client], maxSent: -1,
		flights: map[int64]flight{}, commits: map[commitKey]*liveWrite{}, asked: map[commitKey]int64{}, txns: map[int64]*liveTxn{}, pos: map[*livePart]*position{},
	}
	if p.info != nil {
		p.rc = p.info.Config["isolation.level"] == "read_committed"
		p.txnal = p.info.Config["transactional.id"] != ""
	}
	o.procs[name] = p
	return p
}

// groupOf is the group in whose name p works, as in the judge.
func (o *Online) groupOf(p *liveProc) *liveGroup {
	if p.group == nil {
		name := p.clientName
		if p.info != nil && p.info.Config["group.id"] != "" {
			name = p.info.Config["group.id"]
		}
		p.group = o.group(name)
		o.join(p)
	}
	return p.group
}

// forget lets go of a process that has ended. What it left in flight may still
// have happened.
func (o *Online) forget(p *liveProc) {
	delete(o.procs, p.name)
	if p.group != nil {
		delete(p.group.members, p)
		for _, r := range p.group.regs {
			delete(r.contests, p.name)
		}
	}
	for _, pt := range o.parts {
		delete(pt.lastOf, p.name)
		pt.leave(func(x *liveTxn) bool { return x.p == p })
	}
	if o.holders[p.pid] == p {
		delete(o.holders, p.pid)
	}
}

// heard moves p's mark, and judges what waited for that.
func (o *Online) heard(p *liveProc, t int64) {
	switch {
	case p.next == 0:
		p.next = t
		return
	case t < p.next+heardStep:
		return
	}
	p.mark, p.next = p.next-heardStep, t
	kept := p.phantoms[:0]
	for _, r := range p.phantoms {
		switch {
		case r.t >= p.mark:
			kept = append(kept, r)
		case r.n > p.maxSent:
			o.alarm(guarantee.PhantomRead, r.t, r.text)
		}
	}
	p.phantoms = kept
	if p.group != nil {
		o.fetchesDone(p.group)
	}
}

// unheard keeps a record whose send was not heard of, until its process was.
func (o *Online) unheard(v history.Value, at string, t int64) {
	if p := o.procs[v.Proc]; p != nil && v.N > p.maxSent && len(p.phantoms) < mostWaiting {
		p.phantoms = append(p.phantoms, phantomRead{t: t, n: v.N, text: fmt.Sprintf("%s#%d was read at %s, but nobody sent it", v.Proc, v.N, at)})
	}
}

// position is where p stands in a partition, nowhere after anything that moves it
// in all of them.
func (p *liveProc) position(pt *livePart) *position {
	pos := p.pos[pt]
	if pos == nil {
		pos = &position{last: -1, base: -1}
		p.pos[pt] = pos
	}
	if pos.moves != p.moves {
		*pos = position{last: -1, base: -1, moves: p.moves}
	}
	return pos
}

func (p *liveProc) moved() { p.moves++ }
