package checker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/history"
)

// dice draws the choices of a model run: from rapid, which can shrink them, or
// from a seeded generator, which is fast.
type dice interface{ n(max int) int } // 0..max-1

type seeded struct{ *rand.Rand }

func (s seeded) n(max int) int { return s.IntN(max) }

type drawn struct{ t *rapid.T }

func (d drawn) n(max int) int { return rapid.IntRange(0, max-1).Draw(d.t, "n") }

// world is an executable model of Kafka and of clients that use it well:
// idempotent producers with several requests in flight, plain groups that commit
// after each record, transactional processors with fencing, consumers under
// read_committed; with crashes, rebalances, unknown outcomes and faults. It tells
// what its clients would tell, and can show its logs to an audit. Nothing in it
// is an anomaly.
type world struct {
	d      dice
	h      history.Header
	now    int64
	told   []history.Event
	logs   map[history.TopicPartition]*mlog
	groups map[string]map[history.TopicPartition]int64 // committed offsets
	ids    map[string]int64
	seqs   map[string]int64

	producers []*mproducer
	tills     []*mtill
	exacts    []*mexact
	readers   []*mreader
	nextPID   int64
	pids      map[string]int64 // transactional id -> producer id
	epochs    map[int64]int16
	faults    int
}

type mentry struct {
	off    int64
	val    history.Value
	from   history.Input
	pid    int64
	epoch  int16
	inTxn  bool
	marker string
	fate   string // "commit", "abort", "" while open
}

type mlog struct {
	tp      history.TopicPartition
	entries []mentry
}

func (l *mlog) end() int64 { return int64(len(l.entries)) }

func (l *mlog) lso() int64 {
	for i := range l.entries {
		if l.entries[i].inTxn && l.entries[i].fate == "" {
			return int64(i)
		}
	}
	return l.end()
}

func (l *mlog) append(e mentry) int64 {
	e.off = l.end()
	l.entries = append(l.entries, e)
	return e.off
}

func (l *mlog) mark(pid int64, epoch int16, kind string) {
	for i := range l.entries {
		if e := &l.entries[i]; e.inTxn && e.fate == "" && e.pid == pid {
			e.fate = kind
		}
	}
	l.append(mentry{pid: pid, epoch: epoch, marker: kind})
}

// visible says whether a reader gets an entry.
func (e *mentry) visible(rc bool) bool {
	return e.marker == "" && (!rc || !e.inTxn || e.fate == "commit")
}

func newWorld(d dice) *world {
	t := newTape()
	w := &world{d: d, h: t.h, now: 1, logs: map[history.TopicPartition]*mlog{}, groups: map[string]map[history.TopicPartition]int64{},
		ids: map[string]int64{}, seqs: map[string]int64{}, pids: map[string]int64{}, epochs: map[int64]int16{}, nextPID: 100}
	w.h.Clients = append(w.h.Clients,
		history.ClientInfo{Name: "bank", Role: "producer", Library: "franz-go", Topic: "ledger", Config: map[string]string{"acks": "all", "transactional.id": "bank"}},
		history.ClientInfo{Name: "gallery", Role: "consumer", Library: "franz-go", Input: "orders", Config: map[string]string{"isolation.level": "read_uncommitted"}})
	for topic, n := range map[string]int32{"orders": 2, "receipts": 1, "paid": 2, "ledger": 2} {
		for p := range n {
			w.logs[tpOf(topic, p)] = &mlog{tp: tpOf(topic, p)}
		}
	}
	for i := range 2 {
		w.producers = append(w.producers, &mproducer{instance: fmt.Sprintf("shop/%d", i)})
	}
	for i := range 2 {
		w.tills = append(w.tills, &mtill{mmember: mmember{instance: fmt.Sprintf("till/%d", i), group: "till"}})
		w.exacts = append(w.exacts, &mexact{mmember: mmember{instance: fmt.Sprintf("exact/%d", i), group: "exact"}})
	}
	w.readers = []*mreader{{proc: "audience/0/1", topic: "paid", rc: true}, {proc: "gallery/0/1", topic: "orders"}}
	w.groups["till"] = map[history.TopicPartition]int64{}
	w.groups["exact"] = map[history.TopicPartition]int64{}
	return w
}

func (w *world) tick() int64 {
	w.now += int64(1+w.d.n(3)) * 1e5
	return w.now
}

func (w *world) tell(e history.Event) int64 {
	e.T = w.tick()
	if e.Src == "" {
		e.Src = history.SrcClient
	}
	if e.Src == history.SrcClient && e.ID == 0 {
		w.ids[e.Proc]++
		e.ID = w.ids[e.Proc]
	}
	w.told = append(w.told, e)
	return e.ID
}

func (w *world) next(proc string) history.Value {
	n := w.seqs[proc]
	w.seqs[proc]++
	return v(proc, n)
}

// die ends a process: what it left open is of unknown outcome.
func (w *world) die(proc string) {
	open := map[int64]history.Event{}
	for _, e := range w.told {
		if e.Proc == proc && e.Type == history.Invoke {
			open[e.ID] = e
		} else if e.Proc == proc {
			delete(open, e.ID)
		}
	}
	ids := make([]int64, 0, len(open))
	for id := range open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		e := open[id]
		e.Type, e.Off = history.Info, nil
		w.tell(e)
	}
	w.tell(history.Event{Src: history.SrcHarness, Proc: proc, Type: history.Info, Op: history.OpExit, Note: "SIGKILL"})
}

// mproducer is an idempotent producer with up to five sends in flight.
type mproducer struct {
	instance string
	life     int
	flight   []mflight
}

type mflight struct {
	id       int64
	val      history.Value
	tp       history.TopicPartition
	appended bool
	off      int64
}

func (p *mproducer) proc() string { return fmt.Sprintf("%s/%d", p.instance, p.life+1) }

func (w *world) produce(p *mproducer) {
	switch k := w.d.n(10); {
	case k < 4 && len(p.flight) < 5:
		tp := tpOf("orders", int32(w.d.n(2)))
		val := w.next(p.proc())
		id := w.tell(history.Event{Proc: p.proc(), Type: history.Invoke, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Val: []history.Value{val}})
		p.flight = append(p.flight, mflight{id: id, val: val, tp: tp})
	case k < 7:
		for i := range p.flight {
			if f := &p.flight[i]; !f.appended {
				f.appended, f.off = true, w.logs[f.tp].append(mentry{val: f.val, pid: 0})
				break
			}
		}
	case k < 9:
		for i := range p.flight {
			if p.flight[i].appended {
				w.answer(p, i)
				break
			}
		}
	case len(p.flight) > 0 && w.d.n(3) == 0: // given up on: it may land or not
		f := p.flight[0]
		e := history.Event{Proc: p.proc(), ID: f.id, Type: history.Info, Op: history.OpSend, TP: tpOf(f.tp.Topic, -1), Val: []history.Value{f.val}}
		switch {
		case !f.appended && w.d.n(2) == 0:
			e.Type, e.Err = history.Fail, &history.Error{Name: "MESSAGE_TOO_LARGE", Code: 10}
		case w.d.n(2) == 0:
			e.Type, e.Err = history.Fail, &history.Error{Name: "NOT_LEADER_OR_FOLLOWER", Code: 6} // no proof
		}
		w.tell(e)
		p.flight = p.flight[1:]
	case w.d.n(8) == 0:
		w.die(p.proc())
		for _, f := range p.flight {
			if !f.appended && w.d.n(2) == 0 {
				w.logs[f.tp].append(mentry{val: f.val})
			}
		}
		p.flight = nil
		p.life++
	}
}

func (w *world) answer(p *mproducer, i int) {
	f := p.flight[i]
	w.tell(history.Event{Proc: p.proc(), ID: f.id, Type: history.OK, Op: history.OpSend, TP: f.tp, Val: []history.Value{f.val}, Off: []int64{f.off}})
	p.flight = slices.Delete(p.flight, i, i+1)
}

// mmember is a member of a group.
type mmember struct {
	instance string
	group    string
	life     int
	owned    map[history.TopicPartition]int64 // position
}

func (m *mmember) proc() string { return fmt.Sprintf("%s/%d", m.instance, m.life+1) }

func (w *world) assign(m *mmember, tp history.TopicPartition) {
	w.tell(history.Event{Proc: m.proc(), Type: history.Info, Op: history.OpAssigned, Group: m.group, TP: tp})
	off, ok := w.groups[m.group][tp]
	if ok {
		w.tell(history.Event{Proc: m.proc(), Type: history.OK, Op: history.OpFetchOffsets, Group: m.group, TP: tp, Off: []int64{off}})
	}
	if m.owned == nil {
		m.owned = map[history.TopicPartition]int64{}
	}
	m.owned[tp] = off
}

func (w *world) revoke(m *mmember, tp history.TopicPartition) {
	if _, ok := m.owned[tp]; !ok {
		return
	}
	op := history.OpRevoked
	if w.d.n(4) == 0 {
		op = history.OpLost
	}
	w.tell(history.Event{Proc: m.proc(), Type: history.Info, Op: op, Group: m.group, TP: tp})
	delete(m.owned, tp)
}

func (m *mmember) tps() []history.TopicPartition {
	var all []history.TopicPartition
	for tp := range m.owned {
		all = append(all, tp)
	}
	slices.SortFunc(all, func(a, b history.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Part, b.Part))
	})
	return all
}

// poll returns up to max records from a position, and the position behind them.
func (w *world) poll(proc string, tp history.TopicPartition, from int64, rc bool, most int) ([]mentry, int64) {
	l := w.logs[tp]
	end := l.end()
	if rc {
		end = l.lso()
	}
	e := history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll, TP: tp}
	var got []mentry
	for from < end && len(got) < most {
		if x := l.entries[from]; x.visible(rc) {
			got = append(got, x)
			e.Off, e.Val = append(e.Off, x.off), append(e.Val, x.val)
		}
		from++
	}
	if len(got) > 0 {
		w.tell(e)
	}
	return got, from
}

// mtill is a plain processor that commits after each record. It crashes only
// between records, since elsewhere a crash duplicates: that is an anomaly.
type mtill struct {
	mmember
	queue []mwork
}

type mwork struct {
	tp history.TopicPartition
	e  mentry
}

func (w *world) till(t *mtill) {
	if len(t.queue) == 0 {
		tps := t.tps()
		if len(tps) == 0 {
			return
		}
		if w.d.n(12) == 0 {
			w.die(t.proc())
			t.owned = nil
			t.life++
			return
		}
		tp := tps[w.d.n(len(tps))]
		got, pos := w.poll(t.proc(), tp, t.owned[tp], false, 1+w.d.n(3))
		t.owned[tp] = pos
		for _, e := range got {
			t.queue = append(t.queue, mwork{tp, e})
		}
		return
	}
	x := t.queue[0]
	t.queue = t.queue[1:]
	from := history.Input{TP: x.tp, Off: x.e.off}
	w.tell(history.Event{Proc: t.proc(), Type: history.OK, Op: history.OpProcess, From: []history.Input{from}})
	topic, op := receipts, history.OpSend
	val := w.next(t.proc())
	id := w.tell(history.Event{Proc: t.proc(), Type: history.Invoke, Op: op, TP: tpOf(topic.Topic, -1), Val: []history.Value{val}, From: []history.Input{from}})
	off := w.logs[topic].append(mentry{val: val, from: from})
	w.tell(history.Event{Proc: t.proc(), ID: id, Type: history.OK, Op: op, TP: topic, Val: []history.Value{val}, Off: []int64{off}})
	c := history.Event{Proc: t.proc(), Type: history.Invoke, Op: history.OpCommitOffsets, Group: "till", TP: x.tp, Off: []int64{x.e.off + 1}}
	c.ID = w.tell(c)
	w.groups["till"][x.tp] = x.e.off + 1
	c.Type = history.OK
	if w.d.n(10) == 0 {
		c.Type = history.Info
	}
	w.tell(c)
}

// rebalance moves the partitions of a group when none of its members is in the
// middle of something that a move would break.
func (w *world) rebalance(group string) {
	var members []*mmember
	switch group {
	case "till":
		for _, t := range w.tills {
			if len(t.queue) > 0 {
				return
			}
			members = append(members, &t.mmember)
		}
	case "exact":
		for _, x := range w.exacts {
			if !x.inited || !x.idle() {
				return // offsets are stable only then
			}
			members = append(members, &x.mmember)
		}
	}
	for p := range int32(2) {
		tp := tpOf("orders", p)
		to := members[w.d.n(len(members))]
		if _, ok := to.owned[tp]; ok {
			continue
		}
		for _, m := range members {
			w.revoke(m, tp)
		}
		w.assign(to, tp)
	}
}

// mreader is a consumer outside any group.
type mreader struct {
	proc  string
	topic string
	rc    bool
	pos   map[int32]int64
}

func (w *world) read(r *mreader) {
	if r.pos == nil {
		r.pos = map[int32]int64{}
	}
	p := int32(w.d.n(2))
	_, r.pos[p] = w.poll(r.proc, tpOf(r.topic, p), r.pos[p], r.rc, 1+w.d.n(5))
}

func (w *world) fault() {
	w.faults++
	proc := fmt.Sprintf("fault/%d", w.faults)
	data := map[string]any{"kind": "kill", "target": "leader(orders/0)", "resolved": "broker 1", "by": "refused"}
	for _, op := range []history.Op{history.OpInject, history.OpEffect} {
		w.tell(history.Event{Src: history.SrcFault, Proc: proc, Type: history.OK, Op: op, Data: data})
	}
	for range 3 + w.d.n(6) {
		w.step()
	}
	for _, op := range []history.Op{history.OpRecover, history.OpGone} {
		w.tell(history.Event{Src: history.SrcFault, Proc: proc, Type: history.OK, Op: op, Data: data})
	}
}

func (w *world) step() {
	switch k := w.d.n(20); {
	case k < 7:
		w.produce(w.producers[w.d.n(len(w.producers))])
	case k < 10:
		w.till(w.tills[w.d.n(len(w.tills))])
	case k < 16:
		w.exact(w.exacts[w.d.n(len(w.exacts))])
	case k < 18:
		w.read(w.readers[w.d.n(len(w.readers))])
	case k < 19:
		w.rebalance("till")
	case w.d.n(3) == 0: // another program's record, which no worker tells of
		w.logs[tpOf("orders", int32(w.d.n(2)))].append(mentry{})
	default:
		w.rebalance("exact")
	}
}

// run plays steps, then heals and drains: what is open is decided.
func (w *world) run(steps int) {
	w.rebalance("till")
	for _, x := range w.exacts {
		w.exact(x)
	}
	w.rebalance("exact")
	for i := range steps {
		w.step()
		if i == steps/3 {
			w.fault()
		}
	}
	for _, p := range w.producers {
		for i := range p.flight {
			if f := &p.flight[i]; !f.appended {
				f.appended, f.off = true, w.logs[f.tp].append(mentry{val: f.val})
			}
		}
		for len(p.flight) > 0 {
			w.answer(p, 0)
		}
	}
	for _, t := range w.tills {
		for len(t.queue) > 0 {
			w.till(t)
		}
	}
	for _, x := range w.exacts {
		for guard := 0; (!x.inited || !x.idle()) && guard < 200; guard++ {
			w.exact(x)
		}
	}
}
