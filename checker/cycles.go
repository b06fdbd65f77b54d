package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// readGraph finds transactions that read each other's records (wr-only G1c).
//
// Going round such a cycle, in the order in which transactions end, some read must
// go back: its reader ended before the writer did. So whatever stretch of the history
// a cycle spans, at each moment of it there is a transaction that has not ended and
// of which something was read already. Only edges of such stretches are kept, and at
// the end of each one pass finds its strongly connected components.
type readGraph struct {
	early map[int32]bool // transactions that have not ended, and of which something was read
	since int64          // when the stretch began
	edges *spool[readEdge]
	nodes *table[graphNode] // by transaction
	stack *spool[int32]     // of nodes whose component is open
	path  *spool[int32]     // of nodes whose edges are being followed
	over  bool              // the stretch has ended
	own   int32             // the last transaction that read its own record + 1
}

// readEdge says that a poll within a transaction returned a record of another.
type readEdge struct {
	t      int64
	at     place
	reader int32
	writer int32
	next   int32 // older edge of the same reader + 1
	line   uint32
}

// graphNode is a transaction in one stretch.
type graphNode struct {
	edges int32 // its newest edge + 1
	next  int32 // the edge to follow next + 1
	index int32 // in the order of the walk, from 1
	low   int32 // the smallest index that it leads to on the stack
	open  bool  // it is on the stack
	_     [3]uint8
}

func newReadGraph(p *pool) readGraph {
	return readGraph{early: map[int32]bool{}, edges: newSpool[readEdge](p), nodes: newTable[graphNode](p), stack: newSpool[int32](p), path: newSpool[int32](p)}
}

// readFrom takes in that a poll within a transaction returned a record of writer's.
func (j *judge) readFrom(e readEdge) {
	g := &j.reads.cycles
	if e.reader == e.writer {
		if g.own != e.reader+1 {
			g.own = e.reader + 1
			j.cycle([]readEdge{e}, 1)
		}
		return
	}
	switch x := j.txns.at(int64(e.writer)); {
	case x.end == 0:
		if len(g.early) == 0 {
			g.since = e.t
		}
		g.early[e.writer] = true
	case len(g.early) == 0 || x.end < g.since:
		return // no cycle spans this edge
	}
	n := g.nodes.at(int64(e.reader))
	if last := n.edges; last != 0 && g.edges.at(int64(last-1)).writer == e.writer {
		return
	}
	e.next = n.edges
	n.edges = int32(g.edges.add(e)) + 1
	j.work++
}

// cycleEnds ends a stretch with the last transaction that keeps it going.
func (j *judge) cycleEnds(txn int32) {
	g := &j.reads.cycles
	if !g.early[txn] {
		return
	}
	delete(g.early, txn)
	g.over = len(g.early) == 0
}

// cyclesDone ends the last stretch.
func (j *judge) cyclesDone() {
	clear(j.reads.cycles.early)
	j.components()
}

// components finds the strongly connected components of a stretch (Tarjan, with the
// path in a list instead of in calls), and forgets it.
func (j *judge) components() {
	g := &j.reads.cycles
	index := int32(0)
	for i := range g.edges.n {
		root := g.edges.at(i).reader
		if g.nodes.at(int64(root)).index != 0 {
			continue
		}
		index = j.enter(root, index)
		for g.path.n > 0 {
			if j.pool.over() {
				j.pool.trim()
			}
			index = j.follow(index)
		}
	}
	for i := range g.edges.n {
		e := *g.edges.at(i)
		*g.nodes.at(int64(e.reader)), *g.nodes.at(int64(e.writer)) = graphNode{}, graphNode{}
	}
	g.edges.n, g.over = 0, false
}

func (j *judge) enter(node, index int32) int32 {
	g := &j.reads.cycles
	n := g.nodes.at(int64(node))
	n.index, n.low, n.next, n.open = index+1, index+1, n.edges, true
	g.stack.add(node)
	g.path.add(node)
	return index + 1
}

// follow takes the next step of the walk.
func (j *judge) follow(index int32) int32 {
	g := &j.reads.cycles
	j.work++
	node := *g.path.at(g.path.n - 1)
	n := g.nodes.at(int64(node))
	if n.next != 0 {
		e := g.edges.at(int64(n.next - 1))
		n.next = e.next
		switch w := g.nodes.at(int64(e.writer)); {
		case w.index == 0:
			return j.enter(e.writer, index)
		case w.open:
			n.low = min(n.low, w.index)
		}
		return index
	}
	g.path.n--
	if g.path.n > 0 {
		up := g.nodes.at(int64(*g.path.at(g.path.n - 1)))
		up.low = min(up.low, n.low)
	}
	if n.low == n.index {
		j.component(node)
	}
	return index
}

// component takes a whole component off the stack, and reports one that is a cycle.
func (j *judge) component(root int32) {
	g := &j.reads.cycles
	top := g.stack.n
	for {
		g.stack.n--
		node := *g.stack.at(g.stack.n)
		g.nodes.at(int64(node)).open = false
		if node == root {
			break
		}
	}
	if size := top - g.stack.n; size > 1 {
		// The rows behind the stack's end still hold the component.
		j.cycle(nil, size)
	}
}

// mostCycle bounds the search for a short cycle in a large component.
const mostCycle = 1 << 16

// shortCycle finds a shortest way from a node of a component back to it.
func (j *judge) shortCycle(size int64) []readEdge {
	g := &j.reads.cycles
	in := map[int32]bool{}
	for i := g.stack.n; i < g.stack.n+min(size, mostCycle); i++ {
		in[*g.stack.at(i)] = true
	}
	from := *g.stack.at(g.stack.n)
	via := map[int32]readEdge{}
	for queue := []int32{from}; len(queue) > 0; queue = queue[1:] {
		for k := g.nodes.at(int64(queue[0])).edges; k != 0; {
			e := *g.edges.at(int64(k - 1))
			k = e.next
			if _, seen := via[e.writer]; seen || !in[e.writer] {
				continue
			}
			via[e.writer] = e
			if e.writer != from {
				queue = append(queue, e.writer)
				continue
			}
			cycle := []readEdge{e}
			for e.reader != from {
				e = via[e.reader]
				cycle = append(cycle, e)
			}
			return cycle
		}
	}
	return nil
}

// cycle reports transactions that read each other's records, or one its own. Each
// read is before its own transaction's commit, so going round such a cycle one read
// was before the commit of what it returned.
func (j *judge) cycle(cycle []readEdge, size int64) {
	names := jepsenName(guarantee.DirtyRead)
	if size > 1 {
		names = append(names, "G1c")
	}
	j.finds.named(guarantee.DirtyRead, names, func() draft {
		if size > 1 {
			cycle = j.shortCycle(size)
		}
		var d draft
		for _, e := range cycle[:min(5, len(cycle))] {
			x := j.txns.at(int64(e.reader))
			d.client = j.procs[x.proc].client
			d.focus = append(d.focus, e.at)
			d.events = append(d.events, j.event(e.t, j.procName(x.proc), e.line, e.at, history.OK, history.OpPoll,
				fmt.Sprintf("a poll within transaction %d of %s returned %s", x.num, j.procName(x.proc), j.placeName(e.at))))
		}
		d.text = fmt.Sprintf("%d transactions read each other's records before they had committed: one of these reads came before the commit of what it returned.", max(int64(len(cycle)), 2))
		if size == 1 {
			d.text = fmt.Sprintf("A transaction was given its own record %s before it had committed.", j.placeName(cycle[0].at))
		}
		d.legal = "records of transactions that have committed"
		return d
	})
}
