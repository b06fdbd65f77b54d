package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// liveGroup is a consumer group as it goes on.
type liveGroup struct {
	id      int32
	name    string
	members map[*liveProc]bool
	regs    map[*livePart]*liveRegister
}

// liveInput is what a group did with one input: it processed it, it wrote an
// output of it.
type liveInput uint8

const (
	liveDone liveInput = 1 << iota
	liveOutput
	liveTwice // that it took effect twice was told
)

// mostNewest is how many of its commits, owners and transactions a register keeps.
const mostNewest = 32

// liveRegister is a group's offset for one partition, and who owns that.
type liveRegister struct {
	g        *liveGroup
	pt       *livePart
	writes   []*liveWrite // the newest, in the order in which they were heard of
	fetches  []liveFetch  // that wait to be judged
	since    int64        // fetches that began before are not judged: what explains them may be forgotten
	lost     bool         // commits of unknown outcome were forgotten: fetches are not judged
	floor    int64        // commits before a regression do not count again
	seeks    []seek
	owners   []liveOwner
	contests map[string]*contest
	tiles    []tile
}

// liveWrite is a commit of an offset; end is forever while it may take effect.
type liveWrite struct {
	off, inv, end int64
	sure, inTxn   bool
}

type liveFetch struct {
	off, inv, end int64
	proc          string
}

// tile is an offset of a committed transaction, and when that was over.
type tile struct{ off, end int64 }

type liveOwner struct {
	proc  string
	asked int64 // when it asked for what it was given, as far as that was seen
	from  int64
	gone  bool // given up
}

// contest is a process that goes on though its partition was given to another.
type contest struct {
	by          string
	from, first int64
	over        bool // told, or the other one gave up
}

func (o *Online) group(name string) *liveGroup {
	g := o.groups[name]
	if g == nil && len(o.groups) < mostLive {
		g = &liveGroup{id: int32(len(o.groups) + 1), name: name, members: map[*liveProc]bool{}, regs: map[*livePart]*liveRegister{}}
		o.groups[name] = g
	}
	return g
}

func (o *Online) join(p *liveProc) {
	if p.group != nil {
		p.group.members[p] = true
	}
}

// register is g's for a partition, nil if there are too many.
func (o *Online) register(g *liveGroup, pt *livePart) *liveRegister {
	if g == nil || pt == nil {
		return nil
	}
	r := g.regs[pt]
	if r == nil && len(g.regs) < mostLive {
		r = &liveRegister{g: g, pt: pt, contests: map[string]*contest{}}
		g.regs[pt] = r
	}
	return r
}

// processed looks for a second effect of one input, by a group without transactions.
func (o *Online) processed(p *liveProc, e *history.Event) {
	if e.Type != history.OK {
		return
	}
	for _, from := range e.From {
		pt := o.part(from.TP)
		g := o.groupOf(p)
		if pt == nil || g == nil || p.txnal {
			continue
		}
		in := o.inputs.at(g.id, pt.id, from.Off)
		if *in&liveDone != 0 {
			o.effectTwice(in, e.T, fmt.Sprintf("%s was processed by group %s before, and by %s again", pt.at(from.Off), g.name, p.name))
		}
		*in |= liveDone
	}
}

// effectTwice tells of an input once, though it shows twice: when it is processed
// again, and when its second output is acknowledged.
func (o *Online) effectTwice(in *liveInput, t int64, text string) {
	if *in&liveTwice == 0 {
		o.alarm(guarantee.DuplicateOutput, t, text)
	}
	*in |= liveTwice
}

// output looks for a second output of one input.
func (o *Online) output(p *liveProc, from history.Input, to *livePart, off, t int64) {
	pt, g := o.part(from.TP), o.groupOf(p)
	if pt == nil || g == nil {
		return
	}
	in := o.inputs.at(g.id, pt.id, from.Off)
	if *in&liveOutput != 0 {
		o.effectTwice(in, t, fmt.Sprintf("group %s made %s from %s, of which it had made another output before", g.name, to.at(off), pt.at(from.Off)))
	}
	*in |= liveOutput
}

// owns keeps who was given the partition.
func (o *Online) owns(p *liveProc, r *liveRegister, e *history.Event) {
	switch {
	case r == nil:
	case e.Op == history.OpSeek:
		if len(e.Off) == 0 {
			return
		}
		if len(r.seeks) == mostNewest {
			r.seeks = slices.Delete(r.seeks, 0, 1)
		}
		r.seeks = append(r.seeks, seek{t: e.T, off: e.Off[0]})
	case e.Op != history.OpAssigned:
		delete(r.contests, p.name)
		for i := range r.owners {
			r.owners[i].gone = r.owners[i].gone || r.owners[i].proc == p.name
		}
		for _, c := range r.contests {
			if c.by == p.name {
				c.over = true
			}
		}
	default:
		delete(r.contests, p.name)
		_, instance := splitProc(p.name)
		asked := o.given.askedBefore(instance, e.Group, e.T)
		for _, w := range r.owners {
			if w.proc != p.name && !w.gone && w.from < asked && r.contests[w.proc] == nil && o.procs[w.proc] != nil {
				r.contests[w.proc] = &contest{by: p.name, from: e.T}
			}
		}
		if len(r.owners) == mostNewest {
			r.owners = slices.Delete(r.owners, 0, 1)
		}
		r.owners = append(r.owners, liveOwner{proc: p.name, asked: asked, from: e.T})
	}
}

// replaced is who was given the partition after proc last was, before t.
func (r *liveRegister) replaced(proc string, t int64) (string, bool) {
	var mine int64 // when it was given it; 0 = not seen
	by := ""
	for _, w := range r.owners {
		switch {
		case w.from >= t:
		case w.proc == proc:
			mine, by = w.from, ""
		case mine != 0 && by == "" && w.asked > mine:
			by = w.proc
		}
	}
	return by, mine != 0 && by != ""
}

// reading looks for a process that reads on, long after its partition was given
// to another one.
func (o *Online) reading(p *liveProc, pt *livePart, t int64) {
	if p.group == nil {
		return
	}
	r := p.group.regs[pt]
	if r == nil || len(r.contests) == 0 {
		return
	}
	c := r.contests[p.name]
	switch {
	case c == nil || c.over || t <= c.from || o.procs[c.by] == nil:
	case c.first == 0:
		c.first = t
	case t-c.first >= ownerGrace:
		c.over = true
		o.alarm(guarantee.DoubleOwner, t, fmt.Sprintf("%s still reads %s %.1f s after that was given to %s", p.name, pt.name, float64(t-c.from)/1e9, c.by))
	}
}

// offset takes in a commit outside transactions, or a fetch.
func (o *Online) offset(p *liveProc, e *history.Event) {
	pt := o.part(e.TP)
	fetch := e.Op == history.OpFetchOffsets && e.Type == history.Invoke
	if pt == nil || len(e.Off) == 0 && !fetch {
		return
	}
	r := o.register(o.groupOf(p), pt)
	if r == nil {
		return
	}
	k := commitKey{e.ID, pt}
	if e.Type == history.Invoke {
		switch {
		case len(p.commits)+len(p.asked) >= mostLive:
		case fetch:
			p.asked[k] = e.T
		default:
			p.commits[k] = r.write(liveWrite{off: e.Off[0], inv: e.T, end: forever})
		}
		return
	}
	if e.Op == history.OpFetchOffsets {
		if e.Type == history.OK {
			o.fetched(p, pt, r, e, p.asked[k])
		}
		delete(p.asked, k)
		return
	}
	w := p.commits[k]
	delete(p.commits, k)
	switch {
	case w == nil:
		r.lost = true // it may have happened at any time
	case e.Type == history.OK:
		w.sure, w.end = true, e.T
		o.regressed(p, r, w)
		if who, ok := r.replaced(p.name, w.inv); ok {
			o.alarm(guarantee.ZombieCommit, e.T, fmt.Sprintf("%s committed offset %d of %s after that had been given to %s", p.name, w.off, pt.name, who))
		}
	case e.Type == history.Fail && certain(e):
		r.writes = slices.DeleteFunc(r.writes, func(v *liveWrite) bool { return v == w })
	}
}

// write keeps a commit, and forgets the oldest one. What was certainly
// overwritten explains no later fetch.
func (r *liveRegister) write(w liveWrite) *liveWrite {
	if len(r.writes) == mostNewest {
		old := r.writes[0]
		r.writes = slices.Delete(r.writes, 0, 1)
		over := int64(0)
		for _, v := range r.writes {
			if v.sure && !v.inTxn && v.inv > old.end && (over == 0 || v.end < over) {
				over = v.end
			}
		}
		if over == 0 {
			r.lost = r.lost || old.end == forever
			for _, v := range r.writes { // a later transaction's stands for it
				if v.inTxn && v.inv > old.end && v.end != forever && (over == 0 || v.end < over) {
					over = v.end
				}
			}
			r.lost = r.lost || over == 0
		}
		r.since = max(r.since, over)
	}
	n := &w
	r.writes = append(r.writes, n)
	return n
}

// regressed compares a commit with those that were over before it began.
func (o *Online) regressed(p *liveProc, r *liveRegister, w *liveWrite) {
	for _, b := range r.writes {
		if !b.sure || b.inTxn || b.end >= w.inv || b.off <= w.off || b.inv < r.floor || r.soughtBack(w, b) {
			continue
		}
		o.alarm(guarantee.OffsetRegression, w.end, fmt.Sprintf("the committed offset of group %s for %s went back from %d to %d, by %s", r.g.name, r.pt.name, b.off, w.off, p.name))
		r.floor = w.inv
		return
	}
}

func (r *liveRegister) soughtBack(w, best *liveWrite) bool {
	if len(r.seeks) == mostNewest && r.seeks[0].t > best.inv {
		return true // older ones are forgotten
	}
	return slices.ContainsFunc(r.seeks, func(s seek) bool { return s.t >= best.inv && s.t <= w.end && s.off <= w.off })
}

// fetched takes in what p was told of the committed offset.
func (o *Online) fetched(p *liveProc, pt *livePart, r *liveRegister, e *history.Event, inv int64) {
	off := e.Off[0]
	if pos := p.position(pt); pos.last < 0 {
		pos.base, pos.sought = off, false
	}
	if inv == 0 {
		inv = e.T
	}
	if !r.lost && len(r.fetches) < mostNewest {
		r.fetches = append(r.fetches, liveFetch{off: off, inv: inv, end: e.T, proc: p.name})
	}
}

// fetchesDone judges the fetches that all members of g were heard after.
func (o *Online) fetchesDone(g *liveGroup) {
	mark := int64(forever)
	for p := range g.members {
		mark = min(mark, p.mark)
	}
	for _, r := range g.regs {
		if len(r.fetches) == 0 {
			continue
		}
		kept := r.fetches[:0]
		for _, f := range r.fetches {
			switch {
			case r.lost || f.inv <= r.since:
			case f.end >= mark:
				kept = append(kept, f)
			case !r.explains(f):
				o.alarm(guarantee.NonlinearizableOffset, f.end, fmt.Sprintf("%s was told that the committed offset of %s is %d, which no order of the commits explains", f.proc, r.pt.name, f.off))
			}
		}
		r.fetches = kept
	}
}

// explains says that some commit may be what a fetch returned, or what was there
// before the first one.
func (r *liveRegister) explains(f liveFetch) bool {
	over := func(from int64) bool {
		return slices.ContainsFunc(r.writes, func(w *liveWrite) bool {
			return w.sure && !w.inTxn && w.inv > from && w.end < f.inv
		})
	}
	for _, w := range r.writes {
		if w.off == f.off && w.inv <= f.end && (w.end == forever || !over(w.end)) {
			return true
		}
	}
	written := slices.ContainsFunc(r.writes, func(w *liveWrite) bool { return w.off == f.off })
	return !written && r.since == 0 && !over(0)
}
