package native

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// fault is one thing that strikes, at a time or on a request.
type fault struct {
	Kind   string
	At     int64 // after the load began
	For    int64
	Seat   string // client/instance
	Broker int
	API    string // of rules
	Phase  string // request or response
	Nth    int
	By     int64
	Code   code

	step int
}

// rule waits for a request to strike.
type rule struct {
	fault *fault
	seen  int
	over  bool
}

// tell records a moment in a fault's life.
func (w *world) tellFault(f *fault, op history.Op, by string) {
	data := map[string]any{"kind": f.Kind, "target": f.target(), "resolved": f.target(), "by": by, "began": w.now}
	switch {
	case f.API != "":
	case f.Seat != "":
		data["clients"] = []string{f.Seat}
	case f.Broker > 0:
		data["brokers"] = []int{f.Broker}
	}
	proc := fmt.Sprintf("fault/%d", f.step)
	w.rec.tell("fault", history.Event{T: w.stamp(), Src: history.SrcFault, Proc: proc, Type: history.OK, Op: op, Data: data,
		Note: f.Kind + " " + f.target()})
}

func (f *fault) target() string {
	switch {
	case f.API != "":
		return fmt.Sprintf("%s of client %s, match %d, %s", f.API, f.Seat, f.Nth, f.Phase)
	case f.Seat != "":
		return "client " + f.Seat
	}
	return fmt.Sprintf("broker %d", f.Broker)
}

func (w *world) seat(name string) *seat {
	for _, s := range w.seats {
		if s.name() == name {
			return s
		}
	}
	return nil
}

// strike begins a fault.
func (w *world) strike(f *fault) {
	if w.quiet {
		return
	}
	if f.API != "" {
		w.rules = append(w.rules, &rule{fault: f})
		w.tellFault(f, history.OpInject, "")
		return
	}
	heal := w.effect(f)
	if heal == nil {
		return
	}
	w.truth.Struck++
	w.tellFault(f, history.OpInject, "")
	w.tellFault(f, history.OpEffect, "seen")
	w.striking++
	w.after(f.For, func() {
		w.tellFault(f, history.OpRecover, "")
		heal()
		w.tellFault(f, history.OpGone, "seen")
		w.striking--
	})
}

// effect strikes, and returns what heals it; nil if there is nothing to strike.
func (w *world) effect(f *fault) (heal func()) {
	switch f.Kind {
	case "crash", "pause", "stop":
		return w.strikeClient(f)
	case "kill", "pause-broker":
		return w.strikeBroker(f)
	case "cut", "blackhole", "delay-link":
		return w.strikeLink(f)
	}
	return w.strikeOnce(f)
}

func (w *world) strikeClient(f *fault) func() {
	s := w.seat(f.Seat)
	p := s.process
	if p.dead || p.frozen {
		return nil
	}
	switch f.Kind {
	case "pause":
		p.freeze()
		return func() {
			if !p.dead {
				p.thaw()
			}
		}
	case "stop":
		p.stopping = true
		w.after(3*second, func() { p.end(sigkill) })
	default:
		p.end(sigkill)
	}
	return func() {
		p.end(sigkill)
		w.after(50*millisecond, func() {
			if s.process == p {
				w.launch(s)
			}
		})
	}
}

func (w *world) strikeBroker(f *fault) func() {
	b := w.brokers[f.Broker]
	up := 0
	for _, o := range w.brokers {
		if o.up && !o.frozen {
			up++
		}
	}
	if !b.up || b.frozen || up <= 1 && len(w.brokers) > 1 {
		return nil
	}
	if f.Kind == "kill" {
		b.kill()
		return b.start
	}
	b.frozen = true
	life := b.life
	w.after(second+w.between(0, second), func() { // it is fenced, and its leaderships move
		if b.frozen && b.life == life {
			w.fence(b)
		}
	})
	return func() {
		if b.life == life {
			b.thaw()
		}
	}
}

// fence moves what a broker leads that does not answer.
func (w *world) fence(b *broker) {
	for _, tp := range w.tps {
		if p := w.parts[tp]; p.leader == b.id {
			if next := w.candidate(p.replicas); next > 0 {
				p.lead(next, true)
			}
		}
	}
	for _, s := range w.slots {
		if s.leader == b.id {
			if next := w.candidate(w.brokerIDs); next > 0 {
				s.lead(next, true)
			}
		}
	}
}

func (w *world) strikeLink(f *fault) func() {
	var links []*link
	for _, id := range w.brokerIDs {
		if f.Broker == 0 || f.Broker == id {
			links = append(links, w.link(f.Seat, id))
		}
	}
	for i, l := range links {
		switch f.Kind {
		case "cut":
			l.refuse++
			id := w.brokerIDs[i]
			if f.Broker > 0 {
				id = f.Broker
			}
			if c := w.seat(f.Seat).process.conns[id]; c != nil {
				c.cut()
			}
		case "blackhole":
			l.dead++
		default:
			l.delay += f.By
		}
	}
	return func() {
		for _, l := range links {
			switch f.Kind {
			case "cut":
				l.refuse--
			case "blackhole":
				l.heal(w)
			default:
				l.delay -= f.By
			}
		}
	}
}

func (l *link) heal(w *world) {
	if l.dead--; l.dead > 0 {
		return
	}
	queue := l.queue
	l.queue = nil
	for _, do := range queue {
		w.after(0, do)
	}
}

// strikeOnce is what happens at one moment.
func (w *world) strikeOnce(f *fault) func() {
	nothing := func() {}
	switch f.Kind {
	case "move-leader":
		p := w.parts[w.tps[f.Nth%len(w.tps)]]
		if next := w.candidate(p.replicas); next > 0 && next != p.leader && w.alive(p.leader) {
			p.lead(next, false)
			return nothing
		}
	case "move-coordinator":
		s := w.slots[f.Nth%len(w.slots)]
		if next := w.candidate(w.brokerIDs); next > 0 && next != s.leader && w.alive(s.leader) {
			s.lead(next, false)
			return nothing
		}
	case "fence":
		s := w.seat(f.Seat)
		if s.client.TxnID == "" {
			return nil
		}
		t := w.txn(w.txnIDOf(s.process))
		if t.pid < 0 || !w.alive(t.slot.leader) {
			return nil
		}
		w.initProducer(w.brokers[t.slot.leader], t.id, s.client.TxnTimeout, -1, -1, func(*answer) {})
		return nothing
	case "evict":
		g := w.group(w.seat(f.Seat).client.Group)
		if len(g.order) > 0 && w.alive(g.slot.leader) {
			g.remove(g.members[g.order[f.Nth%len(g.order)]])
			return nothing
		}
	}
	return nil
}

// healAll ends everything that still strikes.
func (w *world) healAll() {
	for _, r := range w.rules {
		if !r.over {
			r.over = true
			w.tellFault(r.fault, history.OpRecover, "")
			w.tellFault(r.fault, history.OpGone, "the rule is gone")
		}
	}
	w.runUntil(func() bool { return w.striking == 0 })
}

// matches says whether a rule strikes a request now.
func (w *world) matches(r *request, phase string) *rule {
	for _, x := range w.rules {
		f := x.fault
		if x.over || f.Phase != phase || f.API != r.api || f.Seat != r.client.seat() {
			continue
		}
		if x.seen++; x.seen >= f.Nth {
			x.over = true
			w.truth.Struck++
			e := r.event(0, history.Info, history.OpRequest)
			e.Op = history.Op(phase)
			e.Data["struck"], e.Data["fault"] = f.Kind, fmt.Sprintf("fault/%d", f.step)
			w.wire(r, history.Event{T: e.T, Src: e.Src, Proc: e.Proc, Type: e.Type, Op: e.Op, ID: e.ID, Data: e.Data})
			w.tellFault(f, history.OpEffect, f.target())
			w.after(w.between(0, millisecond), func() {
				w.tellFault(f, history.OpRecover, "")
				w.tellFault(f, history.OpGone, "the rule is gone")
			})
			return x
		}
	}
	return nil
}

// strikeRequest applies what strikes a request before the broker gets it.
func (w *world) strikeRequest(r *request) (delay, hold int64, struck bool) {
	x := w.matches(r, "request")
	if x == nil {
		return 0, 0, false
	}
	f := x.fault
	switch f.Kind {
	case "drop", "drop-crash":
		w.unanswered(r, history.Fail, "not-sent")
		w.onProcess(f, r)
		return 0, 0, true
	case "hold-crash":
		w.onProcess(f, r)
		return 0, f.By, false
	case "hold":
		w.after(w.between(10*microsecond, w.cfg.Latency), r.conn.cut)
		return 0, f.By, false
	case "delay":
		return f.By, 0, false
	case "error":
		r.over = true
		if !quick[r.api] {
			for i := range r.parts {
				e := r.event(i, history.Fail, history.OpResponse)
				e.Data["told"], e.Data["told-code"] = "replaced", int16(f.Code)
				w.wire(r, e)
			}
		}
		r.conn.settle(r)
		w.after(w.between(10*microsecond, w.cfg.Latency), func() { r.hear(replaced(r, f.Code)) })
		return 0, 0, true
	}
	w.onProcess(f, r)
	return 0, 0, false
}

// onProcess strikes the client whose request it is.
func (w *world) onProcess(f *fault, r *request) {
	s := w.seat(f.Seat)
	p := r.client
	if p.dead || s.process != p {
		return
	}
	switch f.Kind {
	case "crash-on", "drop-crash", "hold-crash":
		p.end(sigkill)
		w.after(f.For, func() {
			if s.process == p && !w.over {
				w.launch(s)
			}
		})
	case "pause-on":
		p.freeze()
		w.after(f.For, func() {
			if !p.dead {
				p.thaw()
			}
		})
	}
}

// strikeResponse applies what strikes an answer before the client hears of it.
func (w *world) strikeResponse(r *request) (delay int64, lost bool, c code) {
	x := w.matches(r, "response")
	if x == nil {
		return 0, false, none
	}
	switch f := x.fault; f.Kind {
	case "drop":
		return 0, true, none
	case "delay":
		return f.By, false, none
	case "error":
		return 0, false, f.Code
	default:
		w.onProcess(f, r)
	}
	return 0, false, none
}

// apis are the requests that a client of a kind sends.
func (c *client) apis() []string {
	var all []string
	if c.Role != consumerRole {
		all = append(all, "Produce")
	}
	if c.TxnID != "" {
		all = append(all, "EndTxn", "InitProducerID")
		if !c.V2 {
			all = append(all, "AddPartitionsToTxn")
		}
	}
	if c.Group != "" {
		all = append(all, "OffsetFetch", "Fetch")
		if c.Commit == commitTxn {
			all = append(all, "TxnOffsetCommit")
		} else {
			all = append(all, "OffsetCommit")
		}
		if c.KIP848 {
			all = append(all, "ConsumerGroupHeartbeat")
		} else {
			all = append(all, "JoinGroup", "SyncGroup", "Heartbeat")
		}
	}
	slices.Sort(all)
	return all
}
