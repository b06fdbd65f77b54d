package history

import (
	"fmt"
	"slices"
)

// pollEnded queues what a poll returned: one event a key. polled collects how
// far the operation came in each.
func (j *jepsen) pollEnded(p *jepsenProc, o *jepsenOp, m *jepsenMop, told *form, typ Type, reason *Error,
	r shaken, polled map[TopicPartition]int64, line int64) error {
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
		if err := j.jumps(p, tp, r, polled, e, line); err != nil {
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
// since then rebalances go untold. An operation that tells of none at all may have
// been moved between two of its polls.
func (j *jepsen) jumps(p *jepsenProc, tp TopicPartition, r shaken, polled map[TopicPartition]int64, e Event, line int64) error {
	moved := r.keys[tp]
	_, again := polled[tp]
	if !again {
		if err := j.remember(); err != nil {
			return err
		}
	}
	if p.mode == bySubscribe && !moved && (!again || !r.told) {
		a := j.assignment(p, OpAssigned, tp)
		if again {
			a.Note = NoteUntold
		}
		j.put(line, a)
	}
	polled[tp] = e.Off[len(e.Off)-1] + 1
	if !moved {
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
// where they were before one that failed. Where they are after one of unknown
// outcome nobody knows, nor after a rebalance: the group may have moved the reader
// at any time in the operation, and its offsets with it.
func (j *jepsen) settle(p *jepsenProc, typ Type, r shaken, polled map[TopicPartition]int64, line int64) {
	if typ == Info {
		p.adrift = true
		return
	}
	for _, tp := range sorted(polled) {
		switch at, known := p.read[tp]; {
		case p.mode == bySubscribe: // every operation of it may begin anywhere
		case r.keys[tp]:
			delete(p.read, tp)
			j.put(line, j.assignment(p, OpSeek, tp))
		case typ == OK:
			p.read[tp] = polled[tp]
		default:
			e := j.assignment(p, OpSeek, tp)
			if known {
				e.Off = []int64{at}
			}
			j.put(line, e)
		}
	}
}

// drift forgets where p stands: in Jepsen another process follows an operation of
// unknown outcome, and if this one goes on, its client may be another one.
func (j *jepsen) drift(p *jepsenProc, line int64) {
	p.adrift = false
	clear(p.read)
	clear(p.keys)
	j.put(line, j.assignment(p, OpSeek, TopicPartition{}))
}

func (j *jepsen) assignment(p *jepsenProc, op Op, tp TopicPartition) Event {
	p.id++
	return Event{Src: SrcClient, Proc: p.name, Type: Info, Op: op, ID: p.id, TP: tp}
}

// assign takes over the keys of an :assign or :subscribe. A key that stays keeps
// its position, unless the process goes over from one to the other: then Kafka's
// consumer forgets all of them. Of one with unknown outcome, only what is true
// either way holds afterwards.
func (j *jepsen) assign(p *jepsenProc, op *form, typ Type, f string, line int64) error {
	now, err := j.assigned(op.get("value"), f)
	if err != nil {
		return err
	}
	mode := byItself
	if f == "subscribe" {
		mode = bySubscribe
	}
	stays := func(tp TopicPartition) bool {
		return p.keys[tp] && now[tp] && p.mode == mode && mode == byItself
	}
	for _, tp := range sorted(p.keys) {
		if !now[tp] {
			j.put(line, j.assignment(p, OpRevoked, tp))
		}
	}
	for tp := range p.read {
		if !stays(tp) {
			delete(p.read, tp)
		}
	}
	begins := op.get("seek-to-beginning?").n == 1
	for _, tp := range sorted(now) {
		if !stays(tp) {
			if err := j.remember(); err != nil {
				return err
			}
			j.put(line, j.assignment(p, OpAssigned, tp))
		}
		if begins && mode == byItself {
			delete(p.read, tp)
			e := j.assignment(p, OpSeek, tp)
			if e.Note = "beginning"; typ == OK {
				e.Off = []int64{0}
			}
			j.put(line, e)
		}
	}
	p.keys = now
	if typ == OK || p.mode == unassigned || mode == bySubscribe {
		p.mode = mode
	}
	return nil
}

func (j *jepsen) assigned(value *form, f string) (map[TopicPartition]bool, error) {
	if value.kind != ednList && value.kind != ednSet && value.kind != ednNil {
		return nil, fmt.Errorf(":value %.60s of :%s; want keys, such as [1 2]", value, f)
	}
	now := map[TopicPartition]bool{}
	for i := range value.list {
		tp, err := value.list[i].key()
		if err != nil {
			return nil, err
		}
		now[tp] = true
	}
	return now, nil
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
				e := j.assignment(p, op, tp)
				e.Note = NoteRebalanceLog
				j.put(line, e)
			}
		}
	}
}

// shaken are the rebalances during one operation.
type shaken struct {
	told bool // the operation has a log of them, be it empty
	keys map[TopicPartition]bool
}

func rebalances(log *form) shaken {
	r := shaken{told: log.kind != ednNil}
	for i := range log.list {
		keys := log.list[i].get("keys")
		for k := range keys.list {
			if tp, err := keys.list[k].key(); err == nil {
				if r.keys == nil {
					r.keys = map[TopicPartition]bool{}
				}
				r.keys[tp] = true
			}
		}
	}
	return r
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
