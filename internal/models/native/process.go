package native

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
)

// process is one incarnation of a client: what one spawn and one exit enclose.
//
//	spawn ── hello, work ──┬── close ── exit code 0
//	                       ├── fatal error ── exit code 3
//	                       └── SIGKILL
type process struct {
	w        *world
	client   *client
	instance int
	name     string // client/instance/incarnation
	threads  []*thread
	dead     bool
	frozen   bool
	stopping bool     // was asked to end
	deferred []func() // what happens once it is thawed

	lines    []*Line // printed and not flushed
	nudged   bool
	arrived  int64 // when its last line got to the recorder
	ids      int64
	values   int64
	txns     int64
	tokens   int64
	open     []history.Event // invoked and not ended
	conns    map[int]*conn
	deduced  *deduced // of a program
	produced *producer
}

// seat is the name that stays over restarts: client/instance.
func (p *process) seat() string { return fmt.Sprintf("%s/%d", p.client.Name, p.instance) }

// run does something in the process: at once, when it is thawed, or never.
func (p *process) run(do func()) {
	p.w.after(0, func() { p.runNow(do) })
}

func (p *process) runNow(do func()) {
	switch {
	case p.dead:
	case p.frozen:
		p.deferred = append(p.deferred, do)
	default:
		do()
	}
}

// freeze is SIGSTOP; thaw is SIGCONT.
func (p *process) freeze() { p.frozen = true }

func (p *process) thaw() {
	p.frozen = false
	for _, do := range p.deferred {
		p.run(do)
	}
	p.deferred = nil
}

// nextID numbers operations.
func (p *process) nextID() int64 {
	p.ids++
	return p.ids
}

// nextValue is the value id of the next record.
func (p *process) nextValue() history.Value {
	p.values++
	return history.Value{Proc: p.name, N: p.values}
}

// token is the metadata of the next offset commit.
func (p *process) token() string {
	p.tokens++
	return fmt.Sprintf("%s:%d", p.name, p.tokens)
}

// print tells one line, which gets out with the next flush. Programs tell nothing.
func (p *process) print(e history.Event) {
	if p.client.Program {
		return
	}
	e.T, e.Src, e.Proc = p.w.stamp(), history.SrcClient, p.name
	p.lines = append(p.lines, &Line{Event: e, by: p.name})
	p.book(e)
	if e.Type == history.Invoke {
		p.flush()
		return
	}
	if !p.nudged {
		p.nudged = true
		p.w.after(p.w.between(microsecond, 3*millisecond), func() {
			p.nudged = false
			p.runNow(p.flush)
		})
	}
}

// book keeps the operations that have no end.
func (p *process) book(e history.Event) {
	if e.Type == history.Invoke {
		p.open = append(p.open, e)
		return
	}
	for i, o := range p.open {
		if o.ID == e.ID && (o.TP.Topic == "" || o.TP.Topic == e.TP.Topic && (o.TP.Part < 0 || o.TP.Part == e.TP.Part)) {
			p.open = append(p.open[:i:i], p.open[i+1:]...)
			return
		}
	}
}

// flush writes what was printed; the harness reads it a little later.
func (p *process) flush() {
	for _, l := range p.lines {
		p.arrived = max(p.arrived+1, p.w.now+p.w.between(5*microsecond, 400*microsecond))
		l.arrive = p.arrived
		p.w.rec.add(l)
	}
	p.lines = p.lines[:0]
}

// end is the end of the process, by a signal or by itself.
func (p *process) end(how string) {
	if p.dead {
		return
	}
	if how != sigkill {
		p.flush()
	}
	p.dead = true
	lost := map[int64]bool{}
	for _, l := range p.lines {
		lost[l.Event.ID] = true
	}
	for _, t := range p.threads {
		t.over = true
		t.stop()
	}
	for _, c := range p.conns {
		c.broken = true
	}
	p.w.after(p.w.between(100*microsecond, 20*millisecond), func() { p.settle(how) })
}

// settle is what the harness records of an end: the operations left open, and how
// it ended. Ends that were never flushed are not known to it.
func (p *process) settle(how string) {
	t := p.w.stamp()
	for _, o := range p.unended() {
		o.T, o.Type = t, history.Info
		o.Err = &history.Error{Name: "process-ended", Text: how}
		p.w.rec.add(&Line{Event: o, by: p.name, arrive: p.later()})
	}
	if p.deduced != nil {
		p.deduced.exit(how, t)
	}
	p.w.rec.add(&Line{Event: history.Event{T: p.w.stamp(), Src: history.SrcHarness, Proc: p.name, Type: history.Info,
		Op: history.OpExit, Note: how}, by: p.name, arrive: p.later()})
	p.w.ended(p, how)
}

func (p *process) later() int64 {
	p.arrived = max(p.arrived+1, p.w.now)
	return p.arrived
}

// unended is what has no end among the lines that got out.
func (p *process) unended() []history.Event {
	open := append([]history.Event(nil), p.open...)
	for _, l := range p.lines { // its end was printed and lost
		e := l.Event
		if e.Type == history.Invoke || !invokes[e.Op] {
			continue
		}
		o := e
		o.Type, o.Err = history.Info, nil
		if e.Op == history.OpSend {
			o.TP.Part, o.Off = -1, nil
		}
		open = append(open, o)
	}
	return open
}

// invokes are the operations that begin with an invoke line.
var invokes = map[history.Op]bool{
	history.OpInitProducer: true, history.OpSend: true, history.OpSendOffsets: true, history.OpCommit: true,
	history.OpAbort: true, history.OpCommitOffsets: true, history.OpClose: true, history.OpSetAside: true,
}

const (
	sigkill  = "SIGKILL"
	exitOK   = "exit code 0"
	exitDead = "exit code 3" // the library says that this client is finished
)
