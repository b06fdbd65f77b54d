package history

import (
	"cmp"
	"fmt"
	"slices"
)

// JepsenFormat names histories of jepsen.tests.kafka: in Header.Format, and
// where a format can be chosen.
const JepsenFormat = "jepsen-edn"

// jepsen turns operations of jepsen.tests.kafka into events. docs/history.md
// describes the mapping. An operation there is a transaction of one process,
// made of micro-operations that are told together when it ends:
//
//	{:type :invoke, :f :txn, :value [[:send 5 7] [:poll]]}
//	{:type :ok,     :f :txn, :value [[:send 5 [41 7]] [:poll {5 [[40 6]]}]]}
type jepsen struct {
	out     func(*batch) *batch // hands on what is full, and returns one that is empty
	batch   *batch
	blk     *block // of the operation that is read
	line    int64  // of it
	op      int64  // operations read: the unit of each event
	t       int64  // of the last one
	procs   map[int64]*jepsenProc
	recent  [64]*jepsenProc // by the last bits of their numbers
	names   []string        // of processes, by index; 0 is nobody
	numbers []*jepsenKey    // keys that are small numbers
	keys    map[int64]*jepsenKey
	named   map[string]*jepsenKey
	all     []*jepsenKey // by id
	values  valueTable
	lost    int64 // values that were polled, but nobody sent them
	idle    []*jepsenOp
	other   jepsenMop    // that ends as another than it began
	polled  []*jepsenKey // by the operation that is read
	nemesis nemesis
	arena   []byte
}

// jepsenProc is one process: a producer and a consumer of its own, one
// operation at a time.
type jepsenProc struct {
	number int64
	index  int64 // of its name in names
	name   string
	lives  int64 // incarnations so far: what follows a crash is another one's
	ended  bool  // it crashed, and nothing of it has followed yet
	adrift bool  // its last operation is of unknown outcome
	id     int64 // last operation number
	txn    int64 // last transaction number
	sends  int64
	open   *jepsenOp
	mode   assignMode
	keys   map[int32]bool
	read   map[int32]int64 // where the next poll goes on: behind the last operation that was ok
}

// assignMode is who decides which keys a process polls.
type assignMode uint8

const (
	unassigned  assignMode = iota // it has not said
	byItself                      // :assign
	bySubscribe                   // :subscribe: its group, which may move it at any time
)

// jepsenKey is one key, by id.
type jepsenKey struct {
	id       int32
	tp       TopicPartition
	values   keyValues
	polledIn int64 // the last operation that polled it,
	next     int64 // and the offset behind what it returned
	shakenIn int64 // the last operation in which it was rebalanced
}

// jepsenOp is an operation that was invoked and has not ended.
type jepsenOp struct {
	f    opKind
	line int64
	t    int64
	txn  int64
	mops []jepsenMop
	end  int64 // id of the commit
}

type jepsenMop struct {
	id   int64
	send bool
	key  *jepsenKey
	kind valueKind
	n    int64 // value, if it is a number
	text string
	val  Value
}

// same says that two are the same poll or send.
func (m *jepsenMop) same(o *jepsenMop) bool {
	return m.send == o.send && m.key == o.key && m.kind == o.kind && m.n == o.n && m.text == o.text
}

func jepsenHeader(name string) Header {
	return Header{
		Format: JepsenFormat, Scenario: name, Backend: "external",
		Clients: []ClientInfo{{Name: "process", Library: "jepsen", Config: map[string]string{
			"isolation.level": "read_committed", "transactional.id": "one for each process"}}},
	}
}

func newJepsen(out func(*batch) *batch, limit int64) *jepsen {
	return &jepsen{out: out, batch: out(nil), procs: map[int64]*jepsenProc{}, names: []string{"nobody/0/0"},
		keys: map[int64]*jepsenKey{}, named: map[string]*jepsenKey{}, values: valueTable{limit: limit}}
}

// take hands on the events of the operations of blk.
func (j *jepsen) take(blk *block) error {
	j.blk = blk
	for i := range blk.ops {
		op := &blk.ops[i]
		j.line = op.line
		if err := j.operation(op); err != nil {
			return &placed{op.line, op.col, err}
		}
	}
	return nil
}

func (j *jepsen) operation(op *kafkaOp) error {
	j.op++
	if j.t = op.t; j.t == 0 {
		j.t = j.op
	}
	if op.f == kindNemesis {
		j.fault(op.rare)
		return nil
	}
	p, err := j.proc(op.process)
	if err != nil {
		return err
	}
	switch {
	case op.f == kindCrash:
	case p.ended:
		err = j.start(p)
	case p.adrift:
		j.drift(p)
	}
	if err != nil {
		return err
	}
	switch op.f {
	case kindAssign, kindSubscribe:
		if op.typ == opOK || op.typ == opInfo {
			return j.assign(p, op)
		}
	case kindCrash:
		if op.typ != opInvoke && !p.ended {
			j.put(Event{Src: SrcHarness, Proc: p.name, Type: Info, Op: OpExit, Note: "crash"})
			p.ended = true
		}
	case kindDebug:
		if op.typ != opInvoke {
			j.put(Event{Src: SrcHarness, Proc: p.name, Type: Info, Op: "debug-topic-partitions", Note: op.rare.text})
		}
	default:
		if op.typ == opInvoke {
			return j.invoke(p, op)
		}
		return j.complete(p, op)
	}
	return nil
}

// put hands on an event.
func (j *jepsen) put(e Event) {
	at := j.event(0)
	if e.T == 0 {
		e.T = at.T
	}
	e.Unit = at.Unit
	*at = e
}

// event is the next event to be filled in, of which records will be added, if
// any. Its slices are those of the batch, empty, if they have room.
func (j *jepsen) event(records int) *Event {
	b := j.batch
	room := min(cap(b.off)-len(b.off), cap(b.key)-len(b.key), cap(b.val)-len(b.val))
	if len(b.events) == cap(b.events) || records > room && room < batchRecords {
		b = j.flush()
	}
	b.events = b.events[:len(b.events)+1]
	b.lines = append(b.lines, j.line)
	e := &b.events[len(b.events)-1]
	*e = Event{T: j.t, Unit: j.op}
	return e
}

// client is an event of a client, with room for records.
func (j *jepsen) client(p *jepsenProc, typ Type, op Op, id, txn int64, records int) *Event {
	e := j.event(records)
	e.Src, e.Proc, e.Type, e.Op, e.ID, e.Txn = SrcClient, p.name, typ, op, id, txn
	return e
}

func (j *jepsen) flush() *batch {
	j.batch = j.out(j.batch)
	return j.batch
}

// unfinished ends what the history leaves open: nobody knows how it went.
func (j *jepsen) unfinished(line int64) {
	var open []*jepsenProc
	for _, p := range j.procs {
		if p.open != nil {
			open = append(open, p)
		}
	}
	slices.SortFunc(open, func(a, b *jepsenProc) int { return cmp.Compare(a.number, b.number) })
	j.line, j.blk = line, &block{}
	for _, p := range open {
		_ = j.complete(p, &kafkaOp{typ: opInfo, f: p.open.f}) // without a value it cannot fail
	}
}

// inUse is what to say of a process that does two things at once.
func inUse(p *jepsenProc, f opKind) error {
	return fmt.Errorf("process %s invokes :%s while its :%s of line %d has not ended; "+
		"one process does one thing at a time", p.name, opKinds[f], opKinds[p.open.f], p.open.line)
}
