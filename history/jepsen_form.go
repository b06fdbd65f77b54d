package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// formError is an error about a form that stands at pos.
type formError struct {
	pos int32
	err error
}

func (e *formError) Error() string { return e.err.Error() }

func (f *form) wrong(format string, args ...any) error {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError // it may steer a terminal
		}
		return r
	}, fmt.Sprintf(format, args...))
	return &formError{f.pos, errors.New(text)}
}

// operation reads an operation in any shape. An error is a *formError.
func (b *block) operation(f *form, op *kafkaOp) error {
	if f.kind != ednMap {
		return f.wrong("found %.60s; want an operation, such as {:type :invoke, :f :poll, :value [[:poll]], :process 0}", f)
	}
	typ := f.get("type")
	if i := slices.Index(opTypes[:], Type(typ.word())); i > 0 {
		op.typ = opType(i)
	} else {
		return f.about(typ).wrong(":type %.60s; want :invoke, :ok, :fail or :info", typ)
	}
	op.t = clock(f.get("time"), f.get("index"))
	if err := b.whose(f, op); err != nil {
		return err
	}
	value := f.get("value")
	switch op.f {
	case kindNemesis:
		op.rare = &rareParts{f: f.get("f").word(), text: value.String()}
		return nil
	case kindDebug:
		op.rare = &rareParts{text: value.String()}
		return nil
	case kindCrash:
		return nil
	case kindAssign, kindSubscribe:
		seek := f.get("seek-to-beginning?")
		op.seek = seek.kind == ednBool && seek.n == 1
		return b.assignment(f.about(value), op)
	}
	if reason := jepsenError(f.get("error")); reason != nil {
		op.rare = &rareParts{err: reason}
	}
	if err := b.value(f.about(value), op); err != nil {
		return err
	}
	return b.rebalances(f.get("rebalance-log"), op)
}

// about is the form that an error is about: a part of f, or f where the part is missing.
func (f *form) about(part *form) *form {
	if part.kind == ednNil && part.pos == 0 {
		part.pos = f.pos
	}
	return part
}

// clock is an operation's time; its index, where it has none. Jepsen's time begins
// at 0, which here means that there is none: it is one later.
func clock(t, index *form) int64 {
	for _, n := range []*form{t, index} {
		if n.kind == ednInt && n.n >= 0 && n.n < math.MaxInt64 {
			return n.n + 1
		}
	}
	return 0
}

// whose reads who did what.
func (b *block) whose(f *form, op *kafkaOp) error {
	process, what := f.get("process"), f.get("f")
	i := slices.Index(opKinds[kindSend:], what.word())
	switch {
	case process.kind == ednInt:
		op.process = process.n
		if i < 0 {
			return f.about(what).wrong(":f %.60s is no operation of jepsen.tests.kafka: "+
				"want :send, :poll, :txn, :assign, :subscribe, :crash or :debug-topic-partitions", what)
		}
		op.f = kindSend + opKind(i)
	case i >= 0 && process.kind != ednKeyword:
		return f.about(process).wrong(":process %.60s of :%s; want a number, or :nemesis", process, what.word())
	default:
		op.f = kindNemesis
	}
	return nil
}

// value reads the micro-operations of :send, :poll and :txn.
func (b *block) value(value *form, op *kafkaOp) error {
	from := len(b.mops)
	switch {
	case value.kind == ednNil, value.kind != ednList && (op.typ == opFail || op.typ == opInfo):
		return nil
	case value.kind != ednList:
		return value.wrong(":value %.60s; want micro-operations, such as [[:send 5 7] [:poll]]", value)
	}
	for i := range value.list {
		m, err := b.mop(&value.list[i], op.typ)
		if err != nil {
			return err
		}
		b.mops = append(b.mops, m)
	}
	op.mops = at(from, len(b.mops))
	return nil
}

// mop reads [:send key value], [:send key [offset value]], or [:poll …].
func (b *block) mop(f *form, typ opType) (m microOp, err error) {
	if f.kind == ednList && len(f.list) > 0 {
		switch f.list[0].word() {
		case "poll":
			if typ == opInvoke || len(f.list) < 2 || f.list[1].kind == ednNil {
				return m, nil
			}
			m.kind = mopPolled
			m.polled, err = b.poll(&f.list[1])
			return m, err
		case "send":
			if len(f.list) == 3 {
				m.kind, m.rec = mopSend, b.record(&f.list[2])
				m.key, err = b.key(&f.list[1])
				return m, err
			}
		}
	}
	return m, f.wrong("micro-operation %.60s; want [:send key value] or [:poll]", f)
}

// poll reads what a poll returned: {key [[offset value] …]}.
func (b *block) poll(keys *form) (span, error) {
	if keys.kind != ednMap {
		return span{}, keys.wrong("poll of %.60s; want {key [[offset value] …]}", keys)
	}
	from := len(b.polled)
	for i := 0; i < len(keys.list); i += 2 {
		key, err := b.key(&keys.list[i])
		if err != nil {
			return span{}, err
		}
		recs := &keys.list[i+1]
		switch recs.kind {
		case ednNil, ednList, ednSet:
		default:
			return span{}, recs.wrong("%.60s of key %.60s; want records, such as [[0 7] [1 8]]", recs, &keys.list[i])
		}
		first := len(b.recs)
		for k := range recs.list {
			b.recs = append(b.recs, b.record(&recs.list[k]))
		}
		b.polled = append(b.polled, polledKey{key, at(first, len(b.recs))})
	}
	return at(from, len(b.polled)), nil
}

// record reads [offset value]; anything else is a value without an offset.
func (b *block) record(f *form) (r record) {
	if f.kind == ednList && len(f.list) == 2 {
		if off := &f.list[0]; off.kind == ednInt {
			r.off, r.hasOff = off.n, true
		}
		f = &f.list[1]
	}
	switch f.kind {
	case ednNil:
	case ednInt:
		r.kind, r.n = valueInt, f.n
	default:
		r.kind, r.n = valueText, int64(b.text(f.identity()))
	}
	return r
}

// key reads a key: a number from 0 on, or a name.
func (b *block) key(f *form) (int64, error) {
	switch {
	case f.kind == ednInt && f.n >= 0 && f.n <= math.MaxInt32:
		return f.n, nil
	case f.word() != "":
		return int64(-1 - b.text(f.word())), nil
	}
	return 0, f.wrong("found %.60s; want a key, such as 11", f)
}

// assignment reads the keys of an :assign or :subscribe that may have happened.
func (b *block) assignment(value *form, op *kafkaOp) error {
	if op.typ != opOK && op.typ != opInfo {
		return nil
	}
	if value.kind != ednList && value.kind != ednSet && value.kind != ednNil {
		return value.wrong(":value %.60s of :%s; want keys, such as [1 2]", value, opKinds[op.f])
	}
	keys, err := b.keyList(value)
	op.keys = keys
	return err
}

func (b *block) keyList(list *form) (span, error) {
	from := len(b.keys)
	for i := range list.list {
		key, err := b.key(&list.list[i])
		if err != nil {
			return span{}, err
		}
		b.keys = append(b.keys, key)
	}
	return at(from, len(b.keys)), nil
}

// rebalances reads the rebalances that an operation saw:
// [{:type :revoked, :keys [1 2]} …].
func (b *block) rebalances(log *form, op *kafkaOp) error {
	from := len(b.logs)
	if log.kind != ednNil && log.kind != ednList {
		return log.wrong(":rebalance-log %.60s; want entries, such as [{:type :revoked, :keys [1 2]}]", log)
	}
	for i := range log.list {
		entry := &log.list[i]
		r := rebalance{op: OpAssigned}
		switch entry.get("type").word() {
		case "revoked":
			r.op = OpRevoked
		case "lost":
			r.op = OpLost
		}
		keys := entry.get("keys")
		if keys.kind != ednNil && keys.kind != ednList && keys.kind != ednSet || entry.kind != ednMap {
			return entry.wrong(":rebalance-log with %.60s; want entries such as {:type :revoked, :keys [1 2]}", entry)
		}
		var err error
		if r.keys, err = b.keyList(keys); err != nil {
			return err
		}
		b.logs = append(b.logs, r)
	}
	op.log, op.logged = at(from, len(b.logs)), log.kind != ednNil
	return nil
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
