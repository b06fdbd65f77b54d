package checker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// judge holds the state of one history while it is read, and finds what is
// wrong with it. It is used by one goroutine: observe for each event in the
// history's order, then finish, then close.
//
//	observe ──> rows by partition and offset ─┐
//	        ──> sends by process and number ──┼──> finish: one pass a partition in
//	        ──> transactions, polls, commits ─┘    offset order, then joins
//
// Everything that grows with the history lies in tables of fixed-size rows that
// move to disk past the memory limit.
type judge struct {
	header history.Header
	opt    Options
	pool   *pool
	names

	procs   []*proc
	parts   []*part
	groups  []*group
	clients map[string]*history.ClientInfo
	pids    map[pidEpoch]int32
	pidList []pidEpoch
	libs    []string // audit readers under read_committed

	txns     *table[txn]
	nTxns    int64
	staged   *spool[stagedOffset]
	stagings map[int32]*staging // of transactions with many of them
	indexed  int                // entries of all of these

	errNames  []string // that attempts ended with
	displaced *spool[displaced]
	away      *sorter[displaced] // of them, those that the log does not bear out
	polls     *spool[pollLine]
	gaps      *spool[pollGap]
	early     *spool[earlyRead]
	commits   *spool[offsetOp]
	opens     *spool[firstOpen]
	lineages  *spool[lineage]
	programs  map[string]programVerdict // by client
	folds     map[string]foldVerdict    // by client
	foreign   map[string]bool           // topics that programs write

	faults   []*fault
	byStep   map[string]*fault
	begun    map[history.Op]int64 // operations that have started
	inflight map[history.Op]int64
	wire     wireView
	leaders  []landmark
	owners   map[int64]*ownership // by group and partition
	seeks    map[int64]*seeks     // by group and partition
	inits    []producerInit
	zombies  map[int64]bool  // producer ids that a process used after losing them
	line     int64           // of the event being observed
	asides   map[string]bool // retry and dead-letter topics

	work   int64 // steps that no table counts, for tests
	events int64
	firstT int64
	lastT  int64
	counts map[string]int64

	searchMost   int      // operations of one register that are searched at once
	searchBudget int      // operations that may still be searched
	unsearched   []string // registers that should have been searched and could not be, and why
	disputed     map[guarantee.Guarantee][]string
	idle         []string // groups that did nothing, and may have had no time to
	stretches    int      // of logs that get a second opinion
	views        int

	hot       hotCounts
	auditDone bool // the audit is whole
	auditErr  string
	cutOff    bool  // the history's last frame is missing
	auditT    int64 // when the audit began
	lastAck   int64
	phases    map[string]int64 // when each phase of the run began
	lastGone  int64            // when the last fault was over
	after     recovery
	reads     *byReads // nil where an audit tells the log
	finds     findings
}

// hotCounts are counted once an event or more; counts holds the rest.
type hotCounts struct {
	sends, acked, failed, unknown, polled, processed, logged, committedOffsets, wire int64
}

// proc is one incarnation of a worker.
type proc struct {
	id       int32
	name     string
	client   string
	instance string
	info     *history.ClientInfo // nil if the header does not name the client
	group    int32               // -1 until known
	rc       bool                // reads committed
	txnal    bool                // uses transactions
	unacked  bool                // acks=0: no broker acknowledges anything
	values   *table[uint16]      // flags by send number
	sent     *table[sentValue]   // by send number; nil but in an imported history
	maxSent  int64
	pend     map[int64]pending
	lastTxn  int64
	lastTxnI int32
	txnIndex *table[int32]   // + 1, by transaction number; nil before the first one
	attempts *table[attempt] // by send number; nil before the first one
	pos      map[int32]*position
	upTo     map[int32]int64 // by partition, the offset that its last transaction or fetch reached
	moves    int64           // how often it was moved in all partitions at once
	ended    bool
	crashed  bool
	diedAt   int64
	anySend  bool
	endedID  int64 // the operation that ended last, and its invocation
	endedInv int64
	told     *toldLines // nil before the first line without an invocation, and in an imported history
}

// part is one partition: what was acknowledged, read and finally found at each offset.
type part struct {
	id      int32
	tp      history.TopicPartition
	rows    *table[record]
	again   *table[[2]uint32] // how often another reader came to a row by the jump that it names, between operations and within; nil before one did
	end     int64             // largest offset seen + 1
	logEnd  int64             // largest offset in the audit's log + 1
	readEnd int64             // largest offset returned to a client + 1
	logged  int64
	marks   [3]int64 // log start, last stable offset, high watermark
	hasWM   bool
	wmLine  uint32
	open    []openTxn

	undecided []undecided
	vis       uint16       // readers of the audit that returned something
	pairs     []outOfOrder // what the pass found out of order
	mixed     bool         // programs write here: the bytes of a record do not say whose it is
	txnal     bool         // its log holds records of transactions
	compacted bool         // records may be gone from its log
}

// record is what is known of one offset of one partition.
type record struct {
	val     value
	from    place // the input that it was made from
	inv     int64 // its send's invocation and acknowledgement; 0 = unknown
	ack     int64
	invLine uint32
	ackLine uint32
	logLine uint32
	pid     int32 // index of producer id and epoch + 1
	txn     int32 // index of the sending client's transaction + 1
	flags   uint16
	jump    uint16 // the first jump by which a reader of committed records came here: its length, and which kinds of it are kept
}

const (
	fAcked uint16 = 1 << iota
	fLogged
	fInTxn
	fCommitted
	fAborted
	fMarker
	fMarkerCommit
	fReadRC // returned to a client under read_committed
	fReadRU
	fClash // two values were seen here
	fVis0  // returned to the audit's first reader under read_committed, and so on
)

const maxLibs = 4

// fReaders are the flags of all who were given an offset.
const fReaders = fReadRC | fReadRU | (1<<maxLibs-1)*fVis0

// fForeign says that a client was given something here that is no worker's record:
// another program's, or none at all. val says nothing of it.
const fForeign uint16 = fVis0 << maxLibs

// differs says that another value than v was seen at a row of pt. Where programs write,
// a reader that was given something of unknown origin was given what stands there.
func (pt *part) differs(r *record, v value) bool {
	return r.val != 0 && r.val != v || r.flags&fForeign != 0 && v != 0 && !pt.mixed
}

// programTopics are those that a program writes, as far as the scenario says.
func programTopics(c *history.ClientInfo) []string {
	if !c.Program {
		return nil
	}
	topics := slices.Collect(maps.Keys(c.Makes))
	for _, t := range []string{c.Topic, c.Output} {
		if t != "" {
			topics = append(topics, t)
		}
	}
	return topics
}

// Flags of a send by its number.
const (
	vInvoked uint16 = 1 << iota
	vAcked
	vFailed // certainly did not happen, says the library
	vUnknown
	vLogged // in the log, not aborted
	vTwice
	vAborted // in the log, aborted
	vResent
	vAside // in the log of a retry or dead-letter topic
	vRead  // returned to a client; kept only where reads stand in for the log
)

type pidEpoch struct {
	pid   int64
	epoch int16
}

type openTxn struct {
	pid   int64
	epoch int16
	first int64
	line  uint32
}

// pending is an operation that has not ended.
type pending struct {
	op   history.Op
	t    int64
	line uint32
	txn  int32
	tp   int32
	val  value
	from place
	more []batched  // sends of several records in one operation
	offs []promised // offsets of a commit that have no end yet
}

// promised is an offset that a commit was invoked with.
type promised struct {
	off  int64
	tp   int32
	line uint32
}

type batched struct {
	val  value
	from place
}

// displaced is an acknowledgement for an offset where the log holds another value.
type displaced struct {
	off int64
	rec record
	tp  int32
	_   int32
}

// landmark is a leader change or a broker's end, for a witness's context.
type landmark struct {
	t    int64
	line int64
	proc string
	text string
}

func newJudge(h history.Header, opt Options) *judge {
	if opt.Memory <= 0 {
		opt.Memory = 512 << 20
	}
	if opt.Examples <= 0 {
		opt.Examples = 3
	}
	// A part of the limit is for what is not in tables: the reader's buffers,
	// page lists, operations in flight.
	tables := opt.Memory - max(opt.Memory/4, min(opt.Memory/4*3, 152<<20))
	p := newPool(tables / 9 * 8) // a pool keeps idle memory, an eighth of its limit, beside what is resident
	j := &judge{
		header:    h,
		opt:       opt,
		pool:      p,
		names:     newNames(),
		clients:   map[string]*history.ClientInfo{},
		pids:      map[pidEpoch]int32{},
		txns:      newTable[txn](p),
		staged:    newSpool[stagedOffset](p),
		polls:     newSpool[pollLine](p),
		gaps:      newSpool[pollGap](p),
		early:     newSpool[earlyRead](p),
		displaced: newSpool[displaced](p),
		commits:   newSpool[offsetOp](p),
		opens:     newSpool[firstOpen](p),
		lineages:  newSpool[lineage](p),
		programs:  map[string]programVerdict{},
		folds:     map[string]foldVerdict{},
		foreign:   map[string]bool{},
		byStep:    map[string]*fault{},
		inflight:  map[history.Op]int64{},
		begun:     map[history.Op]int64{},
		asides:    map[string]bool{},
		owners:    map[int64]*ownership{},
		seeks:     map[int64]*seeks{},
		stagings:  map[int32]*staging{},
		phases:    map[string]int64{},
		counts:    map[string]int64{},
		wire:      newWireView(h),

		searchMost:   searchRegister,
		searchBudget: searchTotal,
		stretches:    opinionStretches,
		disputed:     map[guarantee.Guarantee][]string{},
		zombies:      map[int64]bool{},
	}
	j.finds = newFindings(j)
	if h.Format == history.JepsenFormat {
		j.reads = newByReads(p)
	}
	for i := range h.Clients {
		c := &h.Clients[i]
		j.clients[c.Name] = c
		for _, t := range programTopics(c) {
			j.foreign[t] = true
		}
		if c.Aside != "" && c.Aside != c.Output && c.Aside != c.Topic {
			j.asides[c.Aside] = true
		}
	}
	return j
}

func (j *judge) newProc(name string) *proc {
	client, instance := splitProc(name)
	p := &proc{
		id:       int32(len(j.procs)),
		name:     name,
		client:   client,
		instance: instance,
		info:     j.clients[client],
		group:    -1,
		values:   newTable[uint16](j.pool),
		maxSent:  -1,
		pend:     map[int64]pending{},
		pos:      map[int32]*position{},
		upTo:     map[int32]int64{},
	}
	if p.info != nil {
		p.rc = p.info.Config["isolation.level"] == "read_committed"
		p.txnal = p.info.Config["transactional.id"] != ""
		p.unacked = p.info.Config["acks"] == "0"
	}
	return p
}

func (j *judge) newPart(tp history.TopicPartition) *part {
	pt := &part{id: int32(len(j.parts)), tp: tp, rows: newTable[record](j.pool), mixed: j.foreign[tp.Topic]}
	for _, t := range j.header.Topics {
		pt.compacted = pt.compacted || t.Name == tp.Topic && strings.Contains(t.Config["cleanup.policy"], "compact")
	}
	return pt
}

func (j *judge) close() error { return j.pool.close() }

// observe takes one event in. line is its line in the history. An error means
// that the event cannot be part of any history.
func (j *judge) observe(e *history.Event, line int64) error {
	j.events++
	j.line = line
	if e.T != 0 {
		if j.firstT == 0 || e.T < j.firstT {
			j.firstT = e.T
		}
		if e.T > j.lastT {
			j.lastT = e.T
		}
	}
	j.pool.depth++
	err := j.dispatch(e, line)
	j.pool.depth--
	if err != nil {
		return err
	}
	if j.reads != nil && j.reads.cycles.over {
		j.components()
	}
	if j.pool.over() {
		j.pool.trim()
	}
	return j.pool.err
}

func (j *judge) dispatch(e *history.Event, line int64) error {
	var err error
	switch e.Src {
	case history.SrcClient:
		err = j.observeClient(e, uint32(line))
	case history.SrcAudit:
		err = j.observeAudit(e, uint32(line))
	case history.SrcFault:
		j.observeFault(e, line)
	case history.SrcHarness:
		err = j.observeHarness(e, line)
	case history.SrcWire:
		j.observeWire(e)
	default:
		err = fmt.Errorf("source %q is not known", e.Src)
	}
	return err
}

func (j *judge) observeClient(e *history.Event, line uint32) error {
	id, err := j.proc(e.Proc)
	if err != nil {
		return err
	}
	p := j.procs[id]
	if e.Group != "" && p.group < 0 {
		p.group = j.group(e.Group)
	}
	if e.Type == history.Invoke {
		if _, more := p.pend[e.ID]; !more { // an operation on several partitions has several lines
			p.pend[e.ID] = pending{op: e.Op, t: e.T, line: line}
			j.started(e.Op)
		}
	}
	switch e.Op {
	case history.OpSend:
		err = j.observeSend(p, e, line)
	case history.OpPoll:
		if !j.toldBefore(p, e) {
			err = j.observePoll(p, e, line)
		}
	case history.OpSetAside:
		if err = j.observeAside(p, e, line); err == nil && len(e.Val) > 0 {
			err = j.observeSend(p, e, line)
		}
	case history.OpProcess:
		if !j.toldBefore(p, e) {
			err = j.observeProcess(p, e, line)
		}
	case history.OpInitProducer, history.OpBegin, history.OpCommit, history.OpAbort:
		err = j.observeTxn(p, e, line)
	case history.OpSendOffsets:
		err = j.observeSendOffsets(p, e, line)
	case history.OpCommitOffsets, history.OpFetchOffsets:
		err = j.observeOffsets(p, e, line)
	case history.OpAssigned, history.OpRevoked, history.OpLost, history.OpSeek:
		err = j.observeAssignment(p, e, line)
	case history.OpClose:
		if e.Type == history.OK {
			p.ended, p.diedAt = true, e.T
		}
	}
	if err != nil {
		return err
	}
	if e.Err != nil && isFenced(e.Err) {
		j.counts["fences"]++
	}
	if e.Type != history.Invoke {
		if q, ok := p.pend[e.ID]; ok {
			p.endedID, p.endedInv = e.ID, q.t
			if len(q.offs) > 0 { // of other partitions of the same commit
				return nil
			}
			j.ended(q.op)
			delete(p.pend, e.ID)
		}
	}
	return nil
}

// invoked is when the operation that e ends was invoked, 0 if that is unknown.
func (p *proc) invoked(e *history.Event) int64 {
	if q, ok := p.pend[e.ID]; ok {
		return q.t
	}
	if p.endedID == e.ID {
		return p.endedInv
	}
	return 0
}

func (j *judge) observeHarness(e *history.Event, line int64) error {
	switch e.Op {
	case history.OpSpawn, history.OpExit:
		name := e.Proc
		if name == "harness" || name == "" {
			if s, ok := facts.OfProc.Of(e); ok {
				name = s
			}
		}
		if name == "harness" || name == "" {
			return nil
		}
		id, err := j.proc(name)
		if err != nil {
			return err
		}
		p := j.procs[id]
		if e.Op == history.OpSpawn {
			j.counts["spawns"]++
			return nil
		}
		if !p.ended && !gracefulExit(e.Note) {
			p.crashed = true
			j.counts["crashes"]++
		}
		p.ended, p.diedAt = true, e.T
		for _, q := range p.pend {
			j.ended(q.op)
		}
		j.unfinished(p, e.T, uint32(line))
	case history.OpPhase:
		if j.phases[e.Note] == 0 {
			j.phases[e.Note] = e.T
		}
	case history.OpBroker:
		j.counts["broker-changes"]++
		j.landmark(e, line, fmt.Sprintf("broker %v: %v", e.Data["broker"], e.Data["state"]))
	case history.OpController:
		if id, ok := number(e.Data["controller"]); ok {
			j.wire.controller = int32(id)
		}
	case history.OpLeader:
		j.counts["leader-changes"]++
		if id, ok := number(e.Data["leader"]); ok {
			j.wire.leads[e.TP] = int32(id)
		}
		j.landmark(e, line, fmt.Sprintf("%s is led by broker %v from epoch %v", tpName(e.TP), e.Data["leader"], e.Data["epoch"]))
	}
	return nil
}

func (j *judge) landmark(e *history.Event, line int64, text string) {
	const most = 10_000
	if len(j.leaders) < most {
		j.leaders = append(j.leaders, landmark{t: e.T, line: line, proc: e.Proc, text: text})
	}
}
