package history

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// JepsenFormat names histories of jepsen.tests.kafka: in Header.Format, and
// where a format can be chosen.
const JepsenFormat = "jepsen-edn"

// maxKnown bounds what an import remembers: processes, keys, values. Jepsen
// itself holds a whole history in memory.
const maxKnown = 1 << 24

// jepsen turns operations of jepsen.tests.kafka into events. docs/history.md
// describes the mapping. An operation there is a transaction of one process,
// made of micro-operations that are told together when it ends:
//
//	{:type :invoke, :f :txn, :value [[:send 5 7] [:poll]]}
//	{:type :ok,     :f :txn, :value [[:send 5 [41 7]] [:poll {5 [[40 6]]}]]}
type jepsen struct {
	edn     *ednReader
	stop    func()
	queue   []jepsenEvent
	head    int
	procs   map[int64]*jepsenProc
	sent    map[jepsenValue]Value
	lost    map[jepsenValue]Value // polled, but nobody sent them
	known   int
	nemesis nemesis
	op      int64 // operations read: the unit of each event
	t       int64 // of the last one
	cut     bool
	ends    bool // the unfinished operations are queued
}

type nemesis struct {
	id     int64
	open   bool // it told a beginning
	killed bool // :start means a restart
}

type jepsenEvent struct {
	line int64
	e    Event
}

// jepsenValue is unique in a history: a value of one key.
type jepsenValue struct {
	tp   TopicPartition
	text string
}

// jepsenProc is one process: a producer and a consumer of its own, one
// operation at a time.
type jepsenProc struct {
	number int64
	name   string
	lives  int64 // incarnations so far: what follows a crash is another one's
	ended  bool  // it crashed, and nothing of it has followed yet
	adrift bool  // its last operation is of unknown outcome
	id     int64 // last operation number
	txn    int64 // last transaction number
	sends  int64
	open   *jepsenOp
	mode   assignMode
	keys   map[TopicPartition]bool
	read   map[TopicPartition]int64 // where the next poll goes on: behind the last operation that was ok
}

// assignMode is who decides which keys a process polls.
type assignMode uint8

const (
	unassigned  assignMode = iota // it has not said
	byItself                      // :assign
	bySubscribe                   // :subscribe: its group, which may move it at any time
)

// jepsenOp is an operation that was invoked and has not ended.
type jepsenOp struct {
	f    string
	line int64
	t    int64
	txn  int64
	mops []jepsenMop
	end  int64 // id of the commit
}

type jepsenMop struct {
	id   int64
	send bool
	v    jepsenValue
	val  Value
}

func jepsenHeader(name string) Header {
	return Header{
		Format: JepsenFormat, Scenario: name, Backend: "external",
		Clients: []ClientInfo{{Name: "process", Library: "jepsen", Config: map[string]string{
			"isolation.level": "read_committed", "transactional.id": "one for each process"}}},
	}
}

func newJepsen(r io.Reader, stop func()) *jepsen {
	return &jepsen{edn: newEDN(r), stop: stop, procs: map[int64]*jepsenProc{},
		sent: map[jepsenValue]Value{}, lost: map[jepsenValue]Value{}}
}

func (j *jepsen) truncated() bool { return j.cut }

func (j *jepsen) close(bool) { j.stop() }

func (j *jepsen) next(e *Event) (int64, error) {
	for j.head == len(j.queue) {
		clear(j.queue) // let go of their slices
		j.queue, j.head = j.queue[:0], 0
		if j.ends {
			return 0, io.EOF
		}
		op, line, err := j.edn.next()
		switch {
		case err == io.EOF || errors.Is(err, errCut):
			j.cut, j.ends = err != io.EOF, true
			j.unfinished(line)
			continue
		case err != nil:
			return line, err
		}
		if err := j.take(&op, line); err != nil {
			return line, err
		}
	}
	ev := &j.queue[j.head]
	j.head++
	*e = ev.e
	return ev.line, nil
}

// take queues the events of one operation.
func (j *jepsen) take(op *form, line int64) error {
	if op.kind != ednMap {
		return fmt.Errorf("found %.60s; want an operation, such as {:type :invoke, :f :poll, :value [[:poll]], :process 0}", op)
	}
	typ, f := Type(op.get("type").word()), op.get("f").word()
	switch typ {
	case Invoke, OK, Fail, Info:
	default:
		return fmt.Errorf(":type %.60s; want :invoke, :ok, :fail or :info", op.get("type"))
	}
	j.clock(op)
	process := op.get("process")
	if process.kind != ednInt {
		j.fault(op, f, line)
		return nil
	}
	p, err := j.proc(process.n)
	if err != nil {
		return err
	}
	switch {
	case f == "crash":
	case p.ended:
		p.start()
	case p.adrift:
		j.drift(p, line)
	}
	switch f {
	case "send", "poll", "txn":
		if typ == Invoke {
			return j.invoke(p, op, f, line)
		}
		return j.complete(p, op, typ, f, line)
	case "assign", "subscribe":
		if typ == OK || typ == Info {
			return j.assign(p, op, typ, f, line)
		}
		return nil
	case "crash":
		if typ != Invoke && !p.ended {
			j.put(line, Event{Src: SrcHarness, Proc: p.name, Type: Info, Op: OpExit, Note: "crash"})
			p.ended = true
		}
		return nil
	case "debug-topic-partitions":
		if typ != Invoke {
			j.put(line, Event{Src: SrcHarness, Proc: p.name, Type: Info, Op: "debug-topic-partitions", Note: op.get("value").String()})
		}
		return nil
	}
	return fmt.Errorf(":f %.60s is no operation of jepsen.tests.kafka: want :send, :poll, :txn, :assign, :subscribe, :crash or :debug-topic-partitions", op.get("f"))
}

// clock takes the operation's time; its index, or its place, where it has none.
// Jepsen's time begins at 0, which here means that there is none: it is one later.
func (j *jepsen) clock(op *form) {
	switch t, index := op.get("time"), op.get("index"); {
	case t.kind == ednInt && t.n >= 0 && t.n < math.MaxInt64:
		j.t = t.n + 1
	case index.kind == ednInt && index.n >= 0 && index.n < math.MaxInt64:
		j.t = index.n + 1
	default:
		j.t = j.op + 1
	}
	j.op++
}

func (j *jepsen) put(line int64, e Event) {
	if e.T == 0 {
		e.T = j.t
	}
	e.Unit = j.op
	j.queue = append(j.queue, jepsenEvent{line, e})
}

// fault tells what the nemesis did. It says each thing twice, before and after.
func (j *jepsen) fault(op *form, f string, line int64) {
	n := &j.nemesis
	e := Event{Src: SrcFault, Proc: "fault/nemesis", Type: Info, Op: OpInject,
		Data: map[string]any{"kind": f, "value": op.get("value").String()}}
	switch healing := n.heals(f); {
	case n.open && healing:
		e.Op = OpGone
	case n.open:
		e.Op = OpEffect
	case healing:
		e.Op = OpRecover
	}
	if !n.open {
		n.id++
	}
	n.open = !n.open
	n.killed = n.killed || f == "kill"
	e.ID = n.id
	j.put(line, e)
}

// heals says whether f ends a fault, by the names that Jepsen's own nemeses use:
// :start restarts what :kill ended, but begins what :stop ends.
func (n *nemesis) heals(f string) bool {
	switch f {
	case "stop", "resume", "heal", "recover", "reset":
		return true
	case "start":
		return n.killed
	}
	return strings.HasPrefix(f, "stop-") || strings.HasPrefix(f, "heal-")
}

func (j *jepsen) remember() error {
	if j.known++; j.known > maxKnown {
		return fmt.Errorf("more than %d processes, keys and values", maxKnown)
	}
	return nil
}

func (j *jepsen) proc(n int64) (*jepsenProc, error) {
	p := j.procs[n]
	if p == nil {
		if err := j.remember(); err != nil {
			return nil, err
		}
		p = &jepsenProc{number: n}
		p.start()
		j.procs[n] = p
	}
	return p, nil
}

// start begins an incarnation of p: its client is a new one.
func (p *jepsenProc) start() {
	p.lives++
	p.ended, p.adrift = false, false
	p.name = "process/" + strconv.FormatInt(p.number, 10) + "/" + strconv.FormatInt(p.lives, 10)
	p.mode, p.keys, p.read = unassigned, map[TopicPartition]bool{}, map[TopicPartition]int64{}
}

// key is the partition of a Jepsen key: 11 is key/11, :x is x/0.
func (f *form) key() (TopicPartition, error) {
	switch {
	case f.kind == ednInt && f.n >= 0 && f.n <= math.MaxInt32:
		return TopicPartition{Topic: "key", Part: int32(f.n)}, nil
	case f.word() != "":
		return TopicPartition{Topic: f.word(), Part: 0}, nil
	}
	return TopicPartition{}, fmt.Errorf("found %.60s; want a key, such as 11", f)
}

// value is a value as it is shown, "" for nil.
func (f *form) value() string {
	if f.kind == ednNil {
		return ""
	}
	return f.String()
}

// unfinished ends what the history leaves open: nobody knows how it went.
func (j *jepsen) unfinished(line int64) {
	var open []int64
	for n, p := range j.procs {
		if p.open != nil {
			open = append(open, n)
		}
	}
	slices.Sort(open)
	for _, n := range open {
		p := j.procs[n]
		_ = j.complete(p, &form{kind: ednMap}, Info, p.open.f, line) // without a value it cannot fail
	}
}
