package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// process is what is known about one incarnation.
type process struct {
	client   string // till
	instance string // till/0
	group    string
	pending  map[int64]int64 // operation -> time of its invoke, ns
	owns     []string        // partitions that its group gave it
	lane     bool            // it is shown
	dead     bool            // what comes of it now was on its way when it died
}

// maxPending bounds the operations without an end that one process may have.
const maxPending = 1 << 16

func (a *aggregate) spawn(t int64, proc string, p *process) {
	_, inc := split(proc)
	a.clients.of(p.instance).next(t, Span{State: "running", Text: inc})
	p.lane = true
}

// client takes an event of a worker.
func (a *aggregate) client(t int64, e *history.Event) {
	p := a.process(e.Proc)
	if !p.lane && !p.dead { // nobody recorded its start
		a.spawn(t, e.Proc, p)
	}
	if e.Group != "" {
		p.group = e.Group
	}
	var took int64 = -1
	switch e.Type {
	case history.Invoke:
		if e.ID != 0 && !p.dead && len(p.pending) < maxPending {
			p.pending[e.ID] = t
		}
	default:
		if from, ok := p.pending[e.ID]; ok && e.ID != 0 {
			took = t - from
			delete(p.pending, e.ID)
		}
	}
	switch e.Op {
	case history.OpAssigned, history.OpRevoked, history.OpLost:
		a.assign(t, p, e)
	}
	if e.Txn != 0 || e.Op == history.OpInitProducer {
		a.txns.add(t, p.instance, e)
	}
	a.curves.add(t, took, p, e)
	a.moments.add(t, p, e)
	a.stalls.add(t, p.instance, e)
}

// assign follows which partitions a group's member owns.
func (a *aggregate) assign(t int64, p *process, e *history.Event) {
	if e.TP.Topic == "" || p.dead {
		return
	}
	name := partition(e.TP)
	i, found := slices.BinarySearch(p.owns, name)
	switch {
	case e.Op == history.OpAssigned && !found:
		p.owns = slices.Insert(p.owns, i, name)
	case e.Op != history.OpAssigned && found:
		p.owns = slices.Delete(p.owns, i, i+1)
	}
	a.own(t, p)
}

func (a *aggregate) own(t int64, p *process) {
	lane := a.owned.of(p.instance)
	if len(p.owns) == 0 {
		lane.end(t, "", "")
		return
	}
	text := strings.Join(p.owns[:min(len(p.owns), 6)], ", ")
	if len(p.owns) > 6 {
		text += fmt.Sprintf(" and %d more", len(p.owns)-6)
	}
	lane.next(t, Span{Text: text})
}

func (a *aggregate) process(proc string) *process {
	p, ok := a.procs[proc]
	if !ok {
		p = &process{client: proc, instance: instance(proc), pending: map[int64]int64{}}
		p.client, _, _ = strings.Cut(proc, "/")
		a.procs[proc] = p
	}
	return p
}

// instance is a process's name without its incarnation: till/0 of till/0/3.
func instance(proc string) string { in, _ := split(proc); return in }

func split(proc string) (instance, incarnation string) {
	if strings.Count(proc, "/") < 2 {
		return proc, ""
	}
	i := strings.LastIndexByte(proc, '/')
	return proc[:i], proc[i+1:]
}
