package history

import (
	"fmt"
	"slices"
)

// invoke queues what an operation is about to do: its transaction, if it sends
// anything, each of its micro-operations, and its commit. When within the
// operation the commit is asked is not told, so its time is the earliest.
func (j *jepsen) invoke(p *jepsenProc, op *form, f string, line int64) error {
	if p.open != nil {
		return fmt.Errorf("process %s invokes :%s while its :%s of line %d has not ended", p.name, f, p.open.f, p.open.line)
	}
	o, err := j.begin(p, op.get("value"), f, line)
	if err != nil {
		return err
	}
	for i := range o.mops {
		m := &o.mops[i]
		if m.send {
			if m.val, err = j.newValue(p, m.v); err != nil {
				return err
			}
			j.put(line, j.sendEvent(p, o, m, Invoke))
			continue
		}
		j.put(line, Event{Src: SrcClient, Proc: p.name, Type: Invoke, Op: OpPoll, ID: m.id, Txn: o.txn})
	}
	if o.txn != 0 {
		j.commit(p, o, line)
	}
	p.open = o
	return nil
}

func (j *jepsen) begin(p *jepsenProc, value *form, f string, line int64) (*jepsenOp, error) {
	o := &jepsenOp{f: f, line: line, t: j.t}
	if value.kind != ednList && value.kind != ednNil {
		return nil, fmt.Errorf(":value %.60s; want micro-operations, such as [[:send 5 7] [:poll]]", value)
	}
	sends := false
	for i := range value.list {
		m, err := mop(&value.list[i])
		if err != nil {
			return nil, err
		}
		o.mops = append(o.mops, m)
		sends = sends || m.send
	}
	if sends {
		j.beginTxn(p, o, line)
	}
	for i := range o.mops {
		p.id++
		o.mops[i].id = p.id
	}
	return o, nil
}

func (j *jepsen) beginTxn(p *jepsenProc, o *jepsenOp, line int64) {
	p.txn++
	p.id++
	o.txn = p.txn
	j.put(line, Event{T: o.t, Src: SrcClient, Proc: p.name, Type: OK, Op: OpBegin, ID: p.id, Txn: o.txn})
}

// commit queues that the operation's commit is asked.
func (j *jepsen) commit(p *jepsenProc, o *jepsenOp, line int64) {
	p.id++
	o.end = p.id
	j.put(line, Event{T: o.t, Src: SrcClient, Proc: p.name, Type: Invoke, Op: OpCommit, ID: o.end, Txn: o.txn})
}

// mop reads [:send key value], [:send key [offset value]], or [:poll …].
func mop(f *form) (jepsenMop, error) {
	if f.kind == ednList && len(f.list) > 0 {
		switch f.list[0].word() {
		case "poll":
			return jepsenMop{}, nil
		case "send":
			if len(f.list) == 3 {
				tp, err := f.list[1].key()
				_, value := pair(&f.list[2])
				return jepsenMop{send: true, v: jepsenValue{tp, value.value()}}, err
			}
		}
	}
	return jepsenMop{}, fmt.Errorf("micro-operation %.60s; want [:send key value] or [:poll]", f)
}

func isSend(f form) bool { return len(f.list) > 0 && f.list[0].word() == "send" }

// pair reads [offset value]; anything else is a value without an offset.
func pair(f *form) (offset *form, value *form) {
	if f.kind == ednList && len(f.list) == 2 {
		return &f.list[0], &f.list[1]
	}
	return &form{}, f
}

// newValue numbers a send of p. Jepsen's values are unique per key, and how the
// rest of the house tells records apart is by who sent them. One that is sent
// again, as Jepsen never does, stays what it was.
func (j *jepsen) newValue(p *jepsenProc, v jepsenValue) (Value, error) {
	if val, again := j.sent[v]; again {
		return val, nil
	}
	if err := j.remember(); err != nil {
		return Value{}, err
	}
	p.sends++
	val := Value{Proc: p.name, N: p.sends}
	if never, ok := j.lost[v]; ok { // polled before it was sent
		val = never
	}
	j.sent[v] = val
	return val, nil
}

// valueOf is the record that a poll returned.
func (j *jepsen) valueOf(v jepsenValue) (Value, error) {
	if v.text == "" {
		return Value{}, nil
	}
	if val, ok := j.sent[v]; ok {
		return val, nil
	}
	val, ok := j.lost[v]
	if !ok {
		if err := j.remember(); err != nil {
			return Value{}, err
		}
		val = Value{Proc: "nobody/0/0", N: int64(len(j.lost)) + 1}
		j.lost[v] = val
	}
	return val, nil
}

func (j *jepsen) sendEvent(p *jepsenProc, o *jepsenOp, m *jepsenMop, typ Type) Event {
	return Event{Src: SrcClient, Proc: p.name, Type: typ, Op: OpSend, ID: m.id, Txn: o.txn,
		TP: m.v.tp, Key: []string{m.v.text}, Val: []Value{m.val}}
}

// complete queues how an operation ended. What it polled was returned, whether
// or not its transaction then committed; what it sent counts if it did.
func (j *jepsen) complete(p *jepsenProc, op *form, typ Type, f string, line int64) error {
	value := op.get("value")
	o := p.open
	if o == nil { // some histories hold completions only
		if err := j.invoke(p, op, f, line); err != nil {
			return err
		}
		o = p.open
	}
	p.open = nil
	if o.txn == 0 && slices.ContainsFunc(value.list, isSend) { // its invocation did not tell what it would send
		j.beginTxn(p, o, line)
		j.commit(p, o, line)
	}
	reason := jepsenError(op.get("error"))
	polled := map[TopicPartition]int64{} // behind the last record of each key
	r := rebalances(op.get("rebalance-log"))
	j.rebalance(p, op.get("rebalance-log"), line)
	for i := range max(len(o.mops), len(value.list)) {
		var told *form
		if i < len(value.list) {
			told = &value.list[i]
		}
		m, err := j.match(p, o, i, told, line)
		if err != nil {
			return err
		}
		if m.send {
			j.sendEnded(p, o, m, told, typ, line)
		} else if err := j.pollEnded(p, o, m, told, typ, reason, r, polled, line); err != nil {
			return err
		}
	}
	if o.txn != 0 {
		e := Event{Src: SrcClient, Proc: p.name, Type: typ, Op: OpCommit, ID: o.end, Txn: o.txn}
		e.blame(typ, reason)
		j.put(line, e)
	}
	j.settle(p, typ, r, polled, line)
	return nil
}

// match finds the micro-operation that was invoked as number i. One that ends
// as another than it began is two: the first never happened.
func (j *jepsen) match(p *jepsenProc, o *jepsenOp, i int, told *form, line int64) (*jepsenMop, error) {
	if told == nil {
		return &o.mops[i], nil
	}
	m, err := mop(told)
	if err != nil {
		return nil, err
	}
	if i < len(o.mops) {
		was := &o.mops[i]
		if was.send == m.send && was.v == m.v {
			return was, nil
		}
		if was.send {
			j.put(line, j.sendEvent(p, o, was, Fail))
		}
	}
	p.id++
	m.id = p.id
	if m.send {
		if m.val, err = j.newValue(p, m.v); err != nil {
			return nil, err
		}
		e := j.sendEvent(p, o, &m, Invoke)
		e.T = o.t
		j.put(line, e)
	}
	return &m, nil
}

func (j *jepsen) sendEnded(p *jepsenProc, o *jepsenOp, m *jepsenMop, told *form, typ Type, line int64) {
	e := j.sendEvent(p, o, m, typ)
	if told != nil {
		if off, _ := pair(&told.list[2]); off.kind == ednInt {
			e.Type, e.Off = OK, []int64{off.n}
		}
	}
	j.put(line, e)
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

// jepsenError reads :timeout, [:network "text"], or {:type :abort, …}.
func jepsenError(f *form) *Error {
	switch f.kind {
	case ednNil:
		return nil
	case ednList:
		if len(f.list) > 0 && f.list[0].word() != "" {
			e := &Error{Name: f.list[0].word()}
			if len(f.list) > 1 {
				e.Text = f.list[1].word()
			}
			return e
		}
	case ednMap:
		if name := f.get("type").word(); name != "" {
			return &Error{Name: name, Text: f.String()}
		}
	}
	if name := f.word(); name != "" {
		return &Error{Name: name}
	}
	return &Error{Name: "error", Text: f.String()}
}
