package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// send is one record that an application sends.
type send struct {
	op    history.Op
	id    int64
	topic string
	part  int32
	key   string
	val   history.Value
	from  history.Input
	txn   int64
}

// parcel is a batch of sends to one partition.
type parcel struct {
	tp       history.TopicPartition
	sends    []*send
	seq      int32 // -1: not numbered yet
	flying   bool
	tries    int
	due      int64 // of the next attempt
	deadline int64
}

// producer is a client's producer: it numbers batches, repeats what failed, and
// keeps the order of each partition (KIP-98, KIP-185).
type producer struct {
	p          *process
	txnID      string
	idempotent bool
	flights    int // batches in flight at most, by partition
	pid        int64
	epoch      int16
	seqs       map[history.TopicPartition]int32
	queues     map[history.TopicPartition][]*parcel
	tps        []history.TopicPartition // of queues, in the order of their first use
	leaders    map[history.TopicPartition]int
	added      map[history.TopicPartition]bool // to the transaction
	adding     map[history.TopicPartition]bool
	broken     *history.Error // why the transaction must be aborted
	reset      bool           // needs a new producer id, once nothing is in flight
	starting   bool
	waiters    []func()
}

func newProducer(p *process, txnID string) *producer {
	c := p.client
	return &producer{p: p, txnID: txnID, idempotent: c.Idempotent || txnID != "", flights: c.InFlight, pid: -1,
		seqs: map[history.TopicPartition]int32{}, queues: map[history.TopicPartition][]*parcel{},
		leaders: map[history.TopicPartition]int{}, added: map[history.TopicPartition]bool{},
		adding: map[history.TopicPartition]bool{}}
}

// add hands records over; those of one partition go in one batch.
func (pr *producer) add(sends []*send) {
	by := map[history.TopicPartition]*parcel{}
	var touched []history.TopicPartition
	for _, s := range sends {
		tp := history.TopicPartition{Topic: s.topic, Part: s.part}
		b := by[tp]
		if b == nil || len(b.sends) >= pr.p.w.cfg.BatchMax {
			b = &parcel{tp: tp, seq: -1, deadline: pr.p.w.now + pr.p.w.cfg.DeliveryTimeout}
			by[tp] = b
			if _, known := pr.queues[tp]; !known {
				pr.tps = append(pr.tps, tp)
			}
			pr.queues[tp] = append(pr.queues[tp], b)
			touched = append(touched, tp)
		}
		b.sends = append(b.sends, s)
	}
	if pr.broken != nil {
		pr.dropRest()
		return
	}
	for _, tp := range touched {
		pr.pump(tp)
	}
}

// pump sends what may be sent to a partition now.
func (pr *producer) pump(tp history.TopicPartition) {
	if pr.idempotent && pr.pid < 0 || pr.txnID != "" && !pr.ready(tp) {
		pr.begin()
		return
	}
	flying, now := 0, pr.p.w.now
	for _, b := range pr.queues[tp] {
		if b.flying {
			flying++
		}
	}
	for _, b := range pr.queues[tp] {
		switch {
		case b.flying:
			continue
		case flying >= pr.flights:
			return
		case b.tries == 0 && pr.reset:
			return
		case b.due > now:
			return // what is behind it waits, or it would overtake
		case pr.idempotent && b.tries > 0 && flying > 0:
			return // a repetition goes alone, behind those before it
		}
		pr.fly(b)
		flying++
	}
}

// begin fetches a producer id for a producer without transactions.
func (pr *producer) begin() {
	if pr.txnID != "" || pr.starting {
		return
	}
	pr.starting = true
	pr.askPID()
}

// askPID asks until there is an answer.
func (pr *producer) askPID() {
	w := pr.p.w
	r := &request{api: "InitProducerID", version: 5, broker: w.anyBroker(), parts: []history.Event{{Data: map[string]any{"timeout-ms": 0}}},
		handle: func(b *broker, reply func(*answer)) { w.initProducer(b, "", 0, -1, -1, reply) }}
	pr.p.ask(r, func(a *answer) {
		if a == nil || a.code != none {
			pr.later(50*millisecond, pr.askPID)
			return
		}
		pr.starting = false
		pr.pid, pr.epoch, pr.reset = a.pid, a.epoch, false
		pr.seqs = map[history.TopicPartition]int32{}
		pr.pumpAll()
	})
}

// later does something after a while, in the process.
func (pr *producer) later(d int64, do func()) {
	pr.p.w.after(d, func() { pr.p.runNow(do) })
}

func (pr *producer) pumpAll() {
	for _, tp := range slices.Clone(pr.tps) {
		pr.pump(tp)
	}
}

// ready says whether a partition is part of the transaction; if not it is added,
// where the client has to do that itself.
func (pr *producer) ready(tp history.TopicPartition) bool {
	if pr.p.client.V2 || pr.added[tp] {
		return true
	}
	if pr.adding[tp] || len(pr.queues[tp]) == 0 || pr.broken != nil {
		return false
	}
	pr.adding[tp] = true
	w, id, pid, epoch := pr.p.w, pr.txnID, pr.pid, pr.epoch
	r := &request{api: "AddPartitionsToTxn", version: 3, broker: w.slotOf(id).leader, txnID: id,
		parts: []history.Event{{TP: tp, PID: pid, Epoch: epoch, HasPID: true}},
		handle: func(b *broker, reply func(*answer)) {
			w.txn(id).adds(b, pid, epoch, []history.TopicPartition{tp}, "", func(c code) {
				reply(&answer{codes: []code{c}})
			})
		}}
	pr.p.ask(r, func(a *answer) {
		pr.adding[tp] = false
		switch {
		case a == nil || retriable[a.codeOf(0)]:
			pr.later(w.between(5*millisecond, 60*millisecond), func() { pr.pump(tp) })
		case a.codeOf(0) != none:
			pr.fail(a.codeOf(0))
		default:
			pr.added[tp] = true
			pr.pump(tp)
		}
		pr.settled()
	})
	return false
}

// fly sends one batch.
func (pr *producer) fly(b *parcel) {
	w := pr.p.w
	if pr.idempotent && b.seq < 0 {
		b.seq = pr.seqs[b.tp]
		pr.seqs[b.tp] += int32(len(b.sends))
	}
	b.flying = true
	b.tries++
	leader, known := pr.leaders[b.tp]
	if !known {
		leader = w.parts[b.tp].leader
		pr.leaders[b.tp] = leader
	}
	pr.p.ask(pr.produce(b, leader), func(a *answer) { pr.answered(b, a) })
}

// produce is the Produce request of one batch.
func (pr *producer) produce(b *parcel, leader int) *request {
	w := pr.p.w
	e := history.Event{TP: b.tp, PID: -1, Epoch: -1, Data: map[string]any{"acks": pr.p.client.acks(), "records": len(b.sends),
		"last-delta": len(b.sends) - 1, "bytes": 95 * len(b.sends), "crc": w.checksum(b), "base-sequence": -1}}
	x := entry{pid: -1, epoch: -1, seq: -1, inTxn: pr.txnID != ""}
	if pr.idempotent {
		x.pid, x.epoch, x.seq = pr.pid, pr.epoch, b.seq
	}
	if pr.idempotent {
		e.PID, e.Epoch, e.HasPID = pr.pid, pr.epoch, true
		e.Data["base-sequence"] = b.seq
	}
	e.InTxn = pr.txnID != ""
	return &request{api: "Produce", version: pr.p.client.produceVersion(), broker: leader, txnID: pr.txnID, parcel: b,
		parts: []history.Event{e}, handle: func(br *broker, reply func(*answer)) {
			w.produce(br, b.tp, pr.txnID, pr.p.client.V2, b.entries(x), reply)
		}}
}

// entries are a batch's records in the log; what a program writes names no input.
func (b *parcel) entries(first entry) []entry {
	var all []entry
	for i, s := range b.sends {
		x := first
		x.val, x.from, x.key = s.val, s.from, s.key
		if x.seq >= 0 {
			x.seq += int32(i)
		}
		all = append(all, x)
	}
	return all
}

// answered takes a broker's answer about a batch.
func (pr *producer) answered(b *parcel, a *answer) {
	b.flying = false
	w := pr.p.w
	switch {
	case a == nil || retriable[a.codeOf(0)] || a.codeOf(0) == outOfOrderSequence && pr.queues[b.tp][0] != b:
		delete(pr.leaders, b.tp)
		if pr.broken != nil || w.now >= b.deadline {
			pr.giveUp(b, "TimeoutException", history.Retriable, a)
			break
		}
		b.due = w.now + w.between(10*millisecond, 120*millisecond)
		pr.later(b.due-w.now, func() { pr.pump(b.tp) })
	case a.codeOf(0) == none:
		pr.acked(b, a.off[0])
	case a.codeOf(0) == duplicateSequence:
		pr.acked(b, -1)
	default:
		pr.giveUp(b, codeNames[a.codeOf(0)], a.codeOf(0).asError().Class, a)
	}
	pr.pump(b.tp)
	pr.settled()
}

func (pr *producer) remove(b *parcel) {
	pr.queues[b.tp] = slices.DeleteFunc(pr.queues[b.tp], func(o *parcel) bool { return o == b })
}

func (pr *producer) acked(b *parcel, off int64) {
	pr.remove(b)
	for i, s := range b.sends {
		e := s.event(history.OK)
		e.TP = b.tp
		if off >= 0 {
			e.Off = []int64{off + int64(i)}
		}
		if !pr.p.client.Program {
			pr.p.w.truth.acked(s, b.tp)
		}
		pr.p.print(e)
	}
}

// event is a line about a send.
func (s *send) event(typ history.Type) history.Event {
	e := history.Event{Type: typ, Op: s.op, ID: s.id, Txn: s.txn, TP: history.TopicPartition{Topic: s.topic, Part: -1},
		Val: []history.Value{s.val}}
	if s.from != (history.Input{}) {
		e.From = []history.Input{s.from}
	}
	return e
}

// giveUp tells the application that a batch failed: for certain only if its one
// attempt was refused, or none was made.
func (pr *producer) giveUp(b *parcel, name string, class history.Class, a *answer) {
	pr.remove(b)
	typ := history.Info
	if b.tries == 0 || b.tries == 1 && a != nil && a.codeOf(0) == messageTooLarge {
		typ = history.Fail
	}
	err := &history.Error{Name: name, Class: class}
	for _, s := range b.sends {
		e := s.event(typ)
		e.Err = err
		pr.p.print(e)
	}
	if pr.txnID != "" {
		if pr.broken == nil {
			pr.broken = err
		}
		pr.dropRest()
		return
	}
	if !pr.idempotent {
		return
	}
	// What follows in this partition may not be numbered on: what was sent has an
	// unknown end too, and the rest gets a new producer id.
	pr.reset = true
	for _, o := range slices.Clone(pr.queues[b.tp]) {
		if o.tries > 0 && !o.flying {
			pr.giveUp(o, name, class, nil)
		}
	}
}

// fail breaks the transaction.
func (pr *producer) fail(c code) {
	if pr.broken == nil {
		pr.broken = c.asError()
	}
	pr.dropRest()
}

// dropRest gives up what is not in flight: the transaction will be aborted.
func (pr *producer) dropRest() {
	for _, tp := range pr.tps {
		for _, o := range slices.Clone(pr.queues[tp]) {
			if !o.flying {
				pr.remove(o)
				typ := history.Info
				if o.tries == 0 {
					typ = history.Fail
				}
				for _, s := range o.sends {
					e := s.event(typ)
					e.Err = &history.Error{Name: "TransactionAborted", Class: history.Abortable}
					pr.p.print(e)
				}
			}
		}
	}
}

// settled wakes who waits for everything to be answered, and changes the producer
// id where that is due.
func (pr *producer) settled() {
	sent := 0
	for _, tp := range pr.tps {
		for _, b := range pr.queues[tp] {
			if b.tries > 0 {
				sent++
			}
		}
	}
	if pr.reset && sent == 0 && pr.txnID == "" {
		pr.pid = -1
		pr.begin()
	}
	if !pr.idle() {
		return
	}
	waiters := pr.waiters
	pr.waiters = nil
	for _, done := range waiters {
		done()
	}
}

func (pr *producer) idle() bool {
	for _, tp := range pr.tps {
		if len(pr.queues[tp]) > 0 {
			return false
		}
	}
	return true
}

// flush waits until everything is acknowledged or given up.
func (t *thread) flush(pr *producer) {
	for !pr.idle() {
		t.wait(0, func(done func()) { pr.waiters = append(pr.waiters, done) })
	}
}
