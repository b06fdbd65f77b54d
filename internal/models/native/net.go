package native

import (
	"maps"

	"github.com/onceproof/onceproof/history"
)

// request is what a client asks of one broker. It has an event for each partition
// that it names, or one.
type request struct {
	api     string
	version int
	broker  int
	txnID   string
	timeout int64           // 0: the client's request.timeout.ms
	parts   []history.Event // what the proxy tells of it: TP, Off, Meta, Group, PID, Epoch, Marker, Data
	handle  func(b *broker, reply func(*answer))

	parcel *parcel // of a Produce

	id     int64 // on the wire
	corr   int32
	conn   *conn
	client *process
	done   func(*answer) // nil once the client has given up on it
	over   bool          // the proxy has recorded its outcome
}

// answer is a broker's response; which fields count depends on the API. The client
// gets nil where its connection ended first.
type answer struct {
	code   code
	codes  []code  // of each part
	off    []int64 // of each part: where it stands in the log, or the committed offset, -1 for none
	meta   []string
	pid    int64
	epoch  int16
	hasPID bool
	next   bool // EndTxn of KIP-890: pid and epoch are those of the next transaction

	member     string
	generation int32
	leader     bool
	assigned   []history.TopicPartition
	given      bool // assigned is news

	fetched []fetched
}

// codeOf is the code of one part.
func (a *answer) codeOf(i int) code {
	if a.code == none && i < len(a.codes) {
		return a.codes[i]
	}
	return a.code
}

// conn is a connection of a client to a broker. The broker serves one request of it
// at a time, in order.
type conn struct {
	id      int64
	corr    int32
	life    int // of the broker
	broken  bool
	arrival int64 // of the last request at the proxy
	up      int64 // of the last request at the broker
	down    int64 // of the last answer at the client
	queue   []*request
	busy    bool
	pending []*request // not answered yet
}

// link is the way between one seat and one broker.
type link struct {
	refuse int
	dead   int // swallowed until healed
	delay  int64
	queue  []func() // what waits for the link to heal
}

type linkKey struct {
	seat   string
	broker int
}

func (w *world) link(seat string, broker int) *link {
	key := linkKey{seat, broker}
	if w.links[key] == nil {
		w.links[key] = &link{}
	}
	return w.links[key]
}

// pass lets do happen after the link's latency, behind what went the same way
// before, and not before the link is healed.
func (w *world) pass(l *link, last *int64, do func()) {
	*last = max(*last+1, w.now+w.between(20*microsecond, w.cfg.Latency)+l.delay)
	w.after(*last-w.now, func() {
		if l.dead > 0 {
			l.queue = append(l.queue, do)
			return
		}
		do()
	})
}

// quick are the requests that the proxy records only with their answer, if that is
// news.
var quick = map[string]bool{"Heartbeat": true, "ConsumerGroupHeartbeat": true, "OffsetFetch": true, "Fetch": true}

// ask sends a request. done hears the answer in the process, or nil.
func (p *process) ask(r *request, done func(*answer)) {
	w := p.w
	r.client, r.done = p, done
	b := w.brokers[r.broker]
	l := w.link(p.seat(), r.broker)
	if !b.up || l.refuse > 0 {
		w.after(w.between(50*microsecond, 2*millisecond), func() { r.hear(nil) })
		return
	}
	c := p.conns[r.broker]
	if c == nil || c.broken || c.life != b.life {
		w.conns++
		c = &conn{id: w.conns, life: b.life}
		p.conns[r.broker] = c
	}
	r.conn = c
	c.pending = append(c.pending, r)
	w.after(max(r.timeout, w.cfg.RequestTimeout), func() {
		if r.done != nil {
			p.runNow(c.cut)
		}
	})
	at := max(c.arrival+1, w.now+w.between(10*microsecond, w.cfg.Latency))
	c.arrival = at
	w.after(at-w.now, func() { w.forward(r) })
}

// call is ask for a thread that waits.
func (t *thread) call(r *request) *answer {
	var got *answer
	t.wait(0, func(done func()) {
		t.p.ask(r, func(a *answer) {
			got = a
			done()
		})
	})
	return got
}

// hear gives the client its answer.
func (r *request) hear(a *answer) {
	if r.done == nil {
		return
	}
	done := r.done
	r.done = nil
	r.client.run(func() { done(a) })
}

// cut ends a connection at the client's side: it hears no more of what it asked.
func (c *conn) cut() {
	if c.broken {
		return
	}
	c.broken = true
	for _, r := range c.pending {
		r.hear(nil)
	}
	c.pending = nil
}

// forward is the proxy's part: it records the request, and strikes it if a rule
// says so.
func (w *world) forward(r *request) {
	if r.conn.broken {
		return
	}
	w.requests++
	r.id = w.requests
	r.conn.corr++
	r.corr = r.conn.corr
	r.sighted()
	delay, hold, struck := w.strikeRequest(r)
	if struck {
		return
	}
	if hold > 0 {
		w.after(hold, func() { w.arrive(r) })
		return
	}
	r.conn.up = max(r.conn.up, w.now) + delay
	w.pass(w.link(r.client.seat(), r.broker), &r.conn.up, func() { w.arrive(r) })
}

// arrive puts the request into its connection's queue at the broker.
func (w *world) arrive(r *request) {
	b := w.brokers[r.broker]
	if !b.up || b.life != r.conn.life {
		w.unanswered(r, history.Info, "not-answered")
		return
	}
	r.conn.queue = append(r.conn.queue, r)
	w.serve(r.conn, b)
}

func (w *world) serve(c *conn, b *broker) {
	if c.busy || len(c.queue) == 0 {
		return
	}
	c.busy = true
	r := c.queue[0]
	c.queue = c.queue[1:]
	b.run(func() {
		r.handle(b, func(a *answer) {
			if b.life == c.life && b.up {
				w.answered(r, a)
			} else {
				w.unanswered(r, history.Info, "not-answered")
			}
			c.busy = false
			w.serve(c, b)
		})
	})
}

// answered takes the broker's answer back to the proxy and the client.
func (w *world) answered(r *request, a *answer) {
	w.pass(w.link(r.client.seat(), r.broker), &r.conn.down, func() {
		told := "passed"
		delay, lost, code := w.strikeResponse(r)
		switch {
		case lost || r.conn.broken:
			told = "dropped"
		case code != none:
			told = "replaced"
		}
		r.outcome(a, told, code)
		if lost {
			r.conn.cut()
			return
		}
		w.after(delay+w.between(10*microsecond, w.cfg.Latency), func() {
			if r.conn.broken {
				return
			}
			r.conn.settle(r)
			if code != none {
				r.hear(replaced(r, code))
				return
			}
			r.hear(a)
		})
	})
}

// replaced is the answer that says only code.
func replaced(r *request, c code) *answer {
	a := &answer{code: c}
	for range r.parts {
		a.codes, a.off = append(a.codes, c), append(a.off, -1)
	}
	return a
}

func (c *conn) settle(r *request) {
	for i, o := range c.pending {
		if o == r {
			c.pending = append(c.pending[:i:i], c.pending[i+1:]...)
			return
		}
	}
}

// unanswered ends a request whose broker said nothing.
func (w *world) unanswered(r *request, typ history.Type, told string) {
	if r.over {
		return
	}
	r.over = true
	if !quick[r.api] {
		for i := range r.parts {
			e := r.event(i, typ, history.OpResponse)
			e.Data["told"] = told
			w.wire(r, e)
		}
	}
	w.after(w.between(10*microsecond, w.cfg.Latency), r.conn.cut)
}

// event is what the proxy tells of one part of a request.
func (r *request) event(i int, typ history.Type, op history.Op) history.Event {
	e := r.parts[i]
	data := map[string]any{"api": r.api, "version": r.version, "broker": r.broker, "conn": r.conn.id, "corr": r.corr}
	maps.Copy(data, e.Data)
	if r.txnID != "" {
		data["txn-id"] = r.txnID
	}
	e.T, e.Src, e.Proc, e.Type, e.Op, e.ID, e.Data = r.client.w.stamp(), history.SrcWire, r.client.seat(), typ, op, r.id, data
	return e
}

func (r *request) sighted() {
	if quick[r.api] {
		return
	}
	for i := range r.parts {
		r.client.w.wire(r, r.event(i, history.Invoke, history.OpRequest))
	}
}

// wire records what the proxy saw, and lets what is deduced of a program follow.
func (w *world) wire(r *request, e history.Event) {
	w.rec.tell("wire", e)
	if d := r.client.deduced; d != nil && e.Data["struck"] == nil {
		d.see(r, e)
	}
}
