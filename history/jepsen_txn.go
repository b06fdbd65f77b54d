package history

import (
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// invoke hands on what an operation is about to do: its transaction, if it sends
// anything, each of its micro-operations, and its commit. When within the
// operation the commit is asked is not told, so its time is the earliest.
func (j *jepsen) invoke(p *jepsenProc, op *kafkaOp) error {
	if p.open != nil {
		return inUse(p, op.f)
	}
	o, err := j.begin(p, op)
	if err != nil {
		return err
	}
	for i := range o.mops {
		m := &o.mops[i]
		if m.send {
			if m.val, err = j.newValue(p, m); err != nil {
				return err
			}
			j.sendEvent(p, o, m, Invoke, record{})
			continue
		}
		j.client(p, Invoke, OpPoll, m.id, o.txn, 0)
	}
	if o.txn != 0 {
		j.commit(p, o)
	}
	p.open = o
	return nil
}

func (j *jepsen) begin(p *jepsenProc, op *kafkaOp) (*jepsenOp, error) {
	var o *jepsenOp
	if n := len(j.idle); n > 0 {
		o, j.idle = j.idle[n-1], j.idle[:n-1]
	} else {
		o = &jepsenOp{}
	}
	*o = jepsenOp{f: op.f, line: j.line, t: j.t, mops: o.mops[:0]}
	sends := false
	for i := op.mops.from; i < op.mops.to; i++ {
		m, err := j.mop(&j.blk.mops[i])
		if err != nil {
			return nil, err
		}
		o.mops = append(o.mops, m)
		sends = sends || m.send
	}
	if sends {
		j.beginTxn(p, o)
	}
	for i := range o.mops {
		p.id++
		o.mops[i].id = p.id
	}
	return o, nil
}

func (j *jepsen) beginTxn(p *jepsenProc, o *jepsenOp) {
	p.txn++
	p.id++
	o.txn = p.txn
	j.client(p, OK, OpBegin, p.id, o.txn, 0).T = o.t
}

// commit hands on that the operation's commit is asked.
func (j *jepsen) commit(p *jepsenProc, o *jepsenOp) {
	p.id++
	o.end = p.id
	j.client(p, Invoke, OpCommit, o.end, o.txn, 0).T = o.t
}

// mop is a micro-operation as the translator knows it.
func (j *jepsen) mop(m *microOp) (jepsenMop, error) {
	if m.kind != mopSend {
		return jepsenMop{}, nil
	}
	k, err := j.key(m.key)
	r := jepsenMop{send: true, key: k, kind: m.rec.kind, text: j.text(&m.rec)}
	if r.kind == valueInt {
		r.n = m.rec.n
	}
	return r, err
}

// text is a value as it is shown, "" for nil.
func (j *jepsen) text(r *record) string {
	switch r.kind {
	case valueText:
		return j.blk.texts[r.n]
	case valueInt:
		if cap(j.arena)-len(j.arena) < 20 {
			j.arena = make([]byte, 0, arenaSize)
		}
		from := len(j.arena)
		j.arena = strconv.AppendInt(j.arena, r.n, 10)
		// What was appended is never written again: the string stays as it is.
		return unsafe.String(&j.arena[from], len(j.arena)-from)
	}
	return ""
}

// newValue numbers a send of p. Jepsen's values are unique per key, and how the
// rest of the house tells records apart is by who sent them. One that is sent
// again, as Jepsen never does, stays what it was; so does one that was polled
// before.
func (j *jepsen) newValue(p *jepsenProc, m *jepsenMop) (Value, error) {
	s := j.known(m.key, m.kind, m.n, m.text)
	if s != 0 && s&sentBit != 0 {
		return j.value(s), nil
	}
	p.sends++
	if s == 0 {
		s = makeSender(p.index, p.sends, true)
	}
	s |= sentBit
	return j.value(s), j.remember(m.key, m.kind, m.n, m.text, s)
}

// valueOf is the record that a poll returned.
func (j *jepsen) valueOf(k *jepsenKey, kind valueKind, n int64, text string) (Value, error) {
	if kind == valueNil {
		return Value{}, nil
	}
	if s := j.known(k, kind, n, text); s != 0 {
		return j.value(s), nil
	}
	j.lost++
	s := makeSender(0, j.lost, false)
	return j.value(s), j.remember(k, kind, n, text, s)
}

func (j *jepsen) value(s sender) Value { return Value{Proc: j.names[s.proc()], N: s.n()} }

// known is who sent a value, 0 if it was never seen.
func (j *jepsen) known(k *jepsenKey, kind valueKind, n int64, text string) sender {
	if kind != valueInt {
		return k.values.texts[text]
	}
	if s := j.values.find(k, n); s != nil {
		return *s
	}
	return 0
}

func (j *jepsen) remember(k *jepsenKey, kind valueKind, n int64, text string, s sender) error {
	if kind == valueInt {
		if known := j.values.find(k, n); known != nil {
			*known = s
			return nil
		}
		return j.values.add(k, n, s)
	}
	if k.values.texts == nil {
		k.values.texts = map[string]sender{}
	}
	k.values.texts[strings.Clone(text)] = s
	return j.values.take(100 + int64(len(text)))
}

// sendEvent hands on that m is sent, or, with an offset, that it was.
func (j *jepsen) sendEvent(p *jepsenProc, o *jepsenOp, m *jepsenMop, typ Type, told record) *Event {
	e := j.client(p, typ, OpSend, m.id, o.txn, 1)
	b := j.batch
	e.TP = m.key.tp
	b.key, e.Key = appendOne(b.key, m.text)
	b.val, e.Val = appendOne(b.val, m.val)
	if told.hasOff {
		e.Type = OK
		b.off, e.Off = appendOne(b.off, told.off)
	}
	return e
}

// appendOne appends to a slice of a batch, and returns what was appended too.
func appendOne[T any](all []T, one T) (_, appended []T) {
	all = append(all, one)
	return all, all[len(all)-1 : len(all) : len(all)]
}

// complete hands on how an operation ended. What it polled was returned, whether
// or not its transaction then committed; what it sent counts if it did.
func (j *jepsen) complete(p *jepsenProc, op *kafkaOp) error {
	if p.open == nil { // some histories hold completions only
		if err := j.invoke(p, op); err != nil {
			return err
		}
	}
	o, typ := p.open, opTypes[op.typ]
	p.open = nil
	told := j.blk.mops[op.mops.from:op.mops.to]
	if o.txn == 0 && slices.ContainsFunc(told, func(m microOp) bool { return m.kind == mopSend }) {
		// Its invocation did not tell what it would send.
		j.beginTxn(p, o)
		j.commit(p, o)
	}
	var reason *Error
	if op.rare != nil {
		reason = op.rare.err
	}
	j.polled = j.polled[:0]
	if err := j.rebalance(p, op.log); err != nil {
		return err
	}
	for i := range max(len(o.mops), len(told)) {
		var ended *microOp
		if i < len(told) {
			ended = &told[i]
		}
		m, err := j.match(p, o, i, ended)
		if err != nil {
			return err
		}
		switch {
		case !m.send:
			if err := j.pollEnded(p, o, m, ended, typ, reason, op.logged); err != nil {
				return err
			}
		case ended == nil:
			j.sendEvent(p, o, m, typ, record{})
		default:
			j.sendEvent(p, o, m, typ, ended.rec)
		}
	}
	if o.txn != 0 {
		j.client(p, typ, OpCommit, o.end, o.txn, 0).blame(typ, reason)
	}
	j.idle = append(j.idle, o)
	return j.settle(p, typ)
}

// match finds the micro-operation that was invoked as number i. One that ends
// as another than it began is two: the first never happened. What it returns
// holds until the next call.
func (j *jepsen) match(p *jepsenProc, o *jepsenOp, i int, told *microOp) (*jepsenMop, error) {
	var was *jepsenMop
	if i < len(o.mops) {
		was = &o.mops[i]
		if told == nil || j.matches(was, told) {
			return was, nil
		}
	}
	var err error
	m := &j.other
	if *m, err = j.mop(told); err != nil {
		return nil, err
	}
	if was != nil && was.send {
		if was.same(m) {
			return was, nil
		}
		j.sendEvent(p, o, was, Fail, record{})
	}
	p.id++
	m.id = p.id
	if m.send {
		if m.val, err = j.newValue(p, m); err != nil {
			return nil, err
		}
		j.sendEvent(p, o, m, Invoke, record{}).T = o.t
	}
	return m, nil
}

// matches says that told is surely what was invoked, as nearly always: then the
// text of its value need not be made again.
func (j *jepsen) matches(was *jepsenMop, told *microOp) bool {
	if !was.send || told.kind != mopSend {
		return !was.send && told.kind != mopSend
	}
	if told.rec.kind != valueInt || was.kind != valueInt || told.rec.n != was.n {
		return false
	}
	k, err := j.key(told.key)
	return err == nil && k == was.key
}

// blame says why. What Jepsen calls :fail has certainly not happened, whatever
// the error: the name goes into the note then, where it is not weighed.
func (e *Event) blame(typ Type, reason *Error) {
	switch {
	case reason == nil || typ == OK:
	case typ == Fail:
		if e.Note = reason.Name; reason.Text != "" {
			e.Note += ": " + reason.Text
		}
	default:
		e.Err = reason
	}
}
