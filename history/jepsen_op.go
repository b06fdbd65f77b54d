package history

import "fmt"

// kafkaOp is one operation of jepsen.tests.kafka as the file tells it, in numbers.
// Its lists lie in the block that it came with.
type kafkaOp struct {
	line, col int64
	process   int64
	t         int64 // :time, else :index, one later; 0: it has neither
	typ       opType
	f         opKind
	seek      bool // :seek-to-beginning?
	mops      span
	keys      span // of :assign and :subscribe
	log       span // :rebalance-log,
	logged    bool // which it has, be it empty
	rare      *rareParts
}

// rareParts are what few operations have.
type rareParts struct {
	err  *Error
	f    string // of the nemesis
	text string // :value, of the nemesis and of :debug-topic-partitions
}

type opType uint8

const (
	noType opType = iota
	opInvoke
	opOK
	opFail
	opInfo
)

var opTypes = [...]Type{opInvoke: Invoke, opOK: OK, opFail: Fail, opInfo: Info}

type opKind uint8

const (
	noKind opKind = iota
	kindNemesis
	kindSend
	kindPoll
	kindTxn
	kindAssign
	kindSubscribe
	kindCrash
	kindDebug
)

var opKinds = [...]string{kindNemesis: "nemesis", kindSend: "send", kindPoll: "poll", kindTxn: "txn",
	kindAssign: "assign", kindSubscribe: "subscribe", kindCrash: "crash", kindDebug: "debug-topic-partitions"}

// span is a part of one of a block's lists.
type span struct{ from, to int32 }

// microOp is a :send or :poll within an operation.
type microOp struct {
	kind   mopKind
	key    int64 // of a send; as in block
	rec    record
	polled span // keys that a poll returned records of
}

type mopKind uint8

const (
	mopPoll mopKind = iota // it returned nothing, or nobody told what
	mopPolled
	mopSend
)

// polledKey is what a poll returned of one key.
type polledKey struct {
	key  int64
	recs span
}

// record is a value, and its offset where that is told.
type record struct {
	off, n int64 // n: the value; the index of its text
	hasOff bool
	kind   valueKind
}

type valueKind uint8

const (
	valueNil valueKind = iota
	valueInt
	valueText // anything else, as EDN
)

// rebalance is one entry of a :rebalance-log.
type rebalance struct {
	op   Op
	keys span
}

// block is some operations, and all that they refer to. A key is its number, or
// the index of its name in texts, as -1-index.
type block struct {
	ops    []kafkaOp
	mops   []microOp
	polled []polledKey
	recs   []record
	keys   []int64
	logs   []rebalance
	texts  []string
}

func (b *block) reset() {
	clear(b.ops) // let go of what is rare
	clear(b.texts)
	b.ops = b.ops[:0]
	b.back(lengths{})
}

// lengths are how long a block's lists are, to take back what an operation added
// that turned out to be another than it looked.
type lengths struct{ mops, polled, recs, keys, logs, texts int }

func (b *block) lengths() lengths {
	return lengths{len(b.mops), len(b.polled), len(b.recs), len(b.keys), len(b.logs), len(b.texts)}
}

func (b *block) back(to lengths) {
	b.mops, b.polled, b.recs = b.mops[:to.mops], b.polled[:to.polled], b.recs[:to.recs]
	b.keys, b.logs, b.texts = b.keys[:to.keys], b.logs[:to.logs], b.texts[:to.texts]
}

// text keeps a text and returns its index.
func (b *block) text(s string) int {
	b.texts = append(b.texts, s)
	return len(b.texts) - 1
}

// at is a span from n to the end of a list that has now this many elements.
func at(n, now int) span { return span{int32(n), int32(now)} }

func (s span) of(n int) bool { return int(s.to-s.from) == n }

// placed is an error with the column that it is about.
type placed struct {
	line, col int64
	err       error
}

func (p *placed) Error() string { return fmt.Sprintf("%d:%d: %v", p.line, p.col, p.err) }
func (p *placed) Unwrap() error { return p.err }
