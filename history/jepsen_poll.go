package history

import (
	"fmt"
	"slices"
)

// pollEnded queues what a poll returned: one event a key. polled collects how
// far the operation came in each.
func (j *jepsen) pollEnded(p *jepsenProc, o *jepsenOp, m *jepsenMop, told *form, typ Type, reason *Error,
	shaken map[TopicPartition]bool, polled map[TopicPartition]int64, line int64) error {
	e := Event{Src: SrcClient, Proc: p.name, Type: OK, Op: OpPoll, ID: m.id, Txn: o.txn}
	if told == nil || len(told.list) < 2 || told.list[1].kind == ednNil {
		e.Type = typ // it returned nothing, or nobody knows what
		e.blame(typ, reason)
		j.put(line, e)
		return nil
	}
	keys := told.list[1]
	if keys.kind != ednMap {
		return fmt.Errorf("poll of %.60s; want {key [[offset value] …]}", &keys)
	}
	lines := 0
	for i := 0; i+1 < len(keys.list); i += 2 {
		tp, err := keys.list[i].key()
		if err != nil {
			return err
		}
		pairs := keys.list[i+1].list
		if len(pairs) == 0 {
			continue
		}
		if len(pairs) > MaxRecords {
			return room(len(pairs), 0, 0)
		}
		e.TP, e.Off, e.Key, e.Val = tp, nil, nil, nil
		for k := range pairs {
			off, value := pair(&pairs[k])
			v := jepsenValue{tp, value.value()}
			val, err := j.valueOf(v)
			if err != nil {
				return err
			}
			if off.kind != ednInt { // Jepsen takes it as read, somewhere
				j.put(line, Event{Src: SrcClient, Proc: p.name, Type: OK, Op: OpPoll, ID: m.id, Txn: o.txn,
					TP: tp, Key: []string{v.text}, Val: []Value{val}})
				lines++
				continue
			}
			e.Off, e.Key, e.Val = append(e.Off, off.n), append(e.Key, v.text), append(e.Val, val)
		}
		if len(e.Off) == 0 {
			continue
		}
		if err := j.jumps(p, tp, shaken[tp], polled, e, line); err != nil {
			return err
		}
		lines++
	}
	if lines == 0 {
		j.put(line, Event{Src: SrcClient, Proc: p.name, Type: OK, Op: OpPoll, ID: m.id, Txn: o.txn})
	}
	return nil
}

// jumps queues one poll of one key, with the assignments that excuse jumps as
// Jepsen excuses them: of a key that was rebalanced during the operation between
// any two records; of every key between operations, if the process subscribed,
// since then rebalances go untold.
func (j *jepsen) jumps(p *jepsenProc, tp TopicPartition, shaken bool, polled map[TopicPartition]int64, e Event, line int64) error {
	if _, again := polled[tp]; !again {
		if err := j.remember(); err != nil {
			return err
		}
		if p.subscribe && !shaken {
			j.put(line, j.assignment(p, OpAssigned, tp))
		}
	}
	polled[tp] = e.Off[len(e.Off)-1] + 1
	if !shaken {
		j.put(line, e)
		return nil
	}
	for i := range e.Off {
		j.put(line, j.assignment(p, OpAssigned, tp))
		one := e
		one.Off, one.Key, one.Val = e.Off[i:i+1], e.Key[i:i+1], e.Val[i:i+1]
		j.put(line, one)
	}
	return nil
}

// settle moves the positions of p: on behind an operation that was ok, back to
// where they were before one that was not.
func (j *jepsen) settle(p *jepsenProc, typ Type, polled map[TopicPartition]int64, line int64) {
	for _, tp := range sorted(polled) {
		if typ == OK {
			p.read[tp] = polled[tp]
			continue
		}
		e := j.assignment(p, OpSeek, tp)
		if at, known := p.read[tp]; known {
			e.Off = []int64{at}
		}
		j.put(line, e)
	}
}

func (j *jepsen) assignment(p *jepsenProc, op Op, tp TopicPartition) Event {
	p.id++
	return Event{Src: SrcClient, Proc: p.name, Type: Info, Op: op, ID: p.id, TP: tp}
}

// assign takes over the keys of an :assign or :subscribe. A key that stays keeps
// its position.
func (j *jepsen) assign(p *jepsenProc, op *form, f string, line int64) error {
	value := op.get("value")
	if value.kind != ednList && value.kind != ednSet && value.kind != ednNil {
		return fmt.Errorf(":value %.60s of :%s; want keys, such as [1 2]", value, f)
	}
	now := map[TopicPartition]bool{}
	for i := range value.list {
		tp, err := value.list[i].key()
		if err != nil {
			return err
		}
		now[tp] = true
	}
	for _, tp := range sorted(p.keys) {
		if !now[tp] {
			j.put(line, j.assignment(p, OpRevoked, tp))
		}
	}
	for tp := range p.read {
		if !now[tp] {
			delete(p.read, tp)
		}
	}
	for _, tp := range sorted(now) {
		if !p.keys[tp] {
			if err := j.remember(); err != nil {
				return err
			}
			j.put(line, j.assignment(p, OpAssigned, tp))
		}
		if op.get("seek-to-beginning?").n == 1 {
			e := j.assignment(p, OpSeek, tp)
			e.Off, e.Note = []int64{0}, "beginning"
			j.put(line, e)
		}
	}
	p.keys, p.subscribe = now, f == "subscribe"
	return nil
}

// rebalance tells the rebalances that an operation saw:
// [{:type :revoked, :keys [1 2]} …].
func (j *jepsen) rebalance(p *jepsenProc, log *form, line int64) {
	for i := range log.list {
		var op Op
		switch log.list[i].get("type").word() {
		case "revoked":
			op = OpRevoked
		case "lost":
			op = OpLost
		default:
			op = OpAssigned
		}
		keys := log.list[i].get("keys")
		for k := range keys.list {
			if tp, err := keys.list[k].key(); err == nil {
				j.put(line, j.assignment(p, op, tp))
			}
		}
	}
}

func rebalanced(log *form) map[TopicPartition]bool {
	shaken := map[TopicPartition]bool{}
	for i := range log.list {
		keys := log.list[i].get("keys")
		for k := range keys.list {
			if tp, err := keys.list[k].key(); err == nil {
				shaken[tp] = true
			}
		}
	}
	return shaken
}

func sorted[V any](m map[TopicPartition]V) []TopicPartition {
	tps := make([]TopicPartition, 0, len(m))
	for tp := range m {
		tps = append(tps, tp)
	}
	slices.SortFunc(tps, func(a, b TopicPartition) int {
		if a.Topic != b.Topic {
			if a.Topic < b.Topic {
				return -1
			}
			return 1
		}
		return int(a.Part) - int(b.Part)
	})
	return tps
}
