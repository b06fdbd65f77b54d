package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// txn is one transaction as its client tells it, and what the log says of it.
//
//	begin ──> commit or abort asked ──> ok, fail or unknown
//	                                     log: committed, aborted, open, by partition
type txn struct {
	num       int64
	begin     int64
	commitInv int64 // 0 = commit never invoked
	abortInv  int64
	end       int64
	proc      int32
	beginLine uint32
	invLine   uint32
	endLine   uint32
	sends     int32
	staged    int32 // last staged offset + 1
	committed int32 // records found committed
	aborted   int32
	open      int32
	outcome   txnOutcome
	asked     uint8 // 1 commit, 2 abort: what was asked last
	flags     uint8
	_         uint8
}

const (
	xNoOffset uint8 = 1 << iota // reported as output-without-offset
	xStray                      // reported as stray-marker
	xZombie                     // reported as zombie-commit
)

type txnOutcome uint8

const (
	txnOpen txnOutcome = iota
	txnAsked
	txnCommitOK
	txnAbortOK
	txnUnknown // an end whose outcome nobody knows
	txnFailed  // an end that certainly did not happen
)

// stagedOffset is an offset sent into a transaction.
type stagedOffset struct {
	off   int64
	base  int64 // where its process stood before, -1 if that is not known
	t     int64
	txn   int32
	group int32
	tp    int32
	next  int32 // older one of the same transaction + 1
	line  uint32
	// failed says that the offset certainly did not get into the transaction.
	failed bool
	_      [3]uint8
}

// notApplied says that an offset sent into x certainly never became the group's.
func (x *txn) notApplied(s *stagedOffset) bool {
	return s.failed || x.commitInv == 0 || x.committed == 0 && x.aborted > 0
}

// offsetOp is one commit of offsets outside transactions.
type offsetOp struct {
	off      int64
	inv, end int64
	group    int32
	tp       int32
	proc     int32
	line     uint32
	kind     opKind
	_        [7]uint8
}

type opKind uint8

const (
	opCommitted opKind = iota + 1
	opMaybe            // a commit of unknown outcome
	opFetch
)

// txnOf is the index of p's transaction num.
func (j *judge) txnOf(p *proc, num int64) int32 {
	if num == p.lastTxn && num != 0 {
		return p.lastTxnI
	}
	i, ok := p.txn(num)
	if !ok {
		i = int32(j.nTxns)
		j.nTxns++
		if p.txnIndex == nil {
			p.txnIndex = newTable[int32](j.pool)
		}
		*p.txnIndex.at(num) = i + 1
		*j.txns.at(int64(i)) = txn{num: num, proc: p.id}
	}
	p.lastTxn, p.lastTxnI = num, i
	return i
}

// txn is the index of p's transaction num, if it was seen.
func (p *proc) txn(num int64) (int32, bool) {
	if p.txnIndex == nil {
		return 0, false
	}
	i := p.txnIndex.get(num)
	if i == nil || *i == 0 {
		return 0, false
	}
	return *i - 1, true
}

func (j *judge) observeTxn(p *proc, e *history.Event, line uint32) error {
	if e.Op == history.OpInitProducer {
		if e.Type == history.OK {
			j.counts["init-producer"]++
			if e.HasPID {
				j.initialised(p, e, line)
			}
		}
		return nil
	}
	if e.Txn == 0 {
		return nil
	}
	p.txnal = true
	i := j.txnOf(p, e.Txn)
	x := j.txns.at(int64(i))
	if e.Type == history.Invoke {
		if q, ok := p.pend[e.ID]; ok {
			q.txn = i + 1
			p.pend[e.ID] = q
		}
	}
	switch {
	case e.Op == history.OpBegin:
		if x.begin == 0 {
			x.begin, x.beginLine = e.T, line
			j.counts["transactions"]++
		}
	case e.Type == history.Invoke:
		x.outcome, x.invLine = txnAsked, line
		if e.Op == history.OpCommit {
			x.asked = 1
			if x.commitInv == 0 {
				x.commitInv = e.T
			}
		} else {
			x.asked = 2
			if x.abortInv == 0 {
				x.abortInv = e.T
			}
		}
	case e.Type == history.OK && e.Op == history.OpCommit:
		x.outcome, x.end, x.endLine = txnCommitOK, e.T, line
		j.counts["commits"]++
		j.lastAck = max(j.lastAck, e.T)
	case e.Type == history.OK:
		// An abort that succeeds after a commit of unknown outcome says nothing:
		// the commit may have been decided before.
		if x.commitInv == 0 {
			x.outcome = txnAbortOK
		} else {
			x.outcome = txnUnknown
		}
		x.end, x.endLine = e.T, line
		j.counts["aborts"]++
		j.rewound(p)
	default:
		x.end, x.endLine = e.T, line
		x.outcome = txnUnknown
		if e.Type == history.Fail && certain(e) {
			x.outcome = txnFailed
		}
		j.counts["unknown-ends"]++
		j.rewound(p)
	}
	if j.reads != nil && e.Type != history.Invoke && e.Op == history.OpCommit {
		j.settle(i, x.outcome)
	}
	return nil
}

// rewound forgets where p stood before its transaction ended otherwise than by a
// commit. An import tells itself where its readers go on.
func (j *judge) rewound(p *proc) {
	clear(p.upTo)
	if j.reads == nil {
		p.moved()
	}
}

func (j *judge) observeSendOffsets(p *proc, e *history.Event, line uint32) error {
	if e.Txn == 0 || len(e.Off) == 0 || e.TP.Topic == "" {
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	p.txnal = true
	g := j.groupOf(p)
	g.inTxn = true
	g.input(j, tp).told = true
	i := j.txnOf(p, e.Txn)
	x := j.txns.at(int64(i))
	if e.Type == history.Invoke {
		at := j.staged.add(stagedOffset{off: e.Off[0], base: p.stood(tp), t: e.T, txn: i, group: p.group, tp: tp, next: x.staged, line: line})
		x.staged = int32(at) + 1
		p.upTo[tp] = e.Off[0]
		return nil
	}
	s := j.stagedFor(x, p.group, tp)
	if s == nil || s.off != e.Off[0] {
		at := j.staged.add(stagedOffset{off: e.Off[0], base: -1, t: e.T, txn: i, group: p.group, tp: tp, next: x.staged, line: line})
		x.staged = int32(at) + 1
		s = j.staged.at(at)
	}
	s.failed = e.Type == history.Fail && certain(e)
	if e.Type == history.OK {
		j.hot.committedOffsets++
	}
	return nil
}

// fewStaged is how many offsets of a transaction are looked through one by one.
const fewStaged = 16

// stagedFor is the newest offset that x holds for a group and partition.
func (j *judge) stagedFor(x *txn, group, tp int32) *stagedOffset {
	k := x.staged
	for n := 0; k != 0 && n < fewStaged; n++ {
		s := j.staged.at(int64(k - 1))
		if s.group == group && s.tp == tp {
			return s
		}
		k = s.next
	}
	if k == 0 {
		return nil
	}
	if i := j.stagingOf(x)[registerKey(group, tp)]; i != 0 {
		return j.staged.at(int64(i - 1))
	}
	return nil
}

// staging is an index of the offsets that a transaction holds, by register.
type staging struct {
	head   int32 // the newest one in it + 1
	newest map[int64]int32
}

// mostStagings bounds the entries of all such indexes; those that are dropped are made
// again when they are needed.
const mostStagings = 1 << 16

func (j *judge) stagingOf(x *txn) map[int64]int32 {
	id := j.staged.at(int64(x.staged - 1)).txn
	s := j.stagings[id]
	if s == nil {
		if j.indexed > mostStagings {
			clear(j.stagings)
			j.indexed = 0
		}
		s = &staging{newest: map[int64]int32{}}
		j.stagings[id] = s
	}
	seen := map[int64]bool{}
	for k := x.staged; k != s.head; {
		o := j.staged.at(int64(k - 1))
		if key := registerKey(o.group, o.tp); !seen[key] {
			seen[key] = true
			s.newest[key] = k
		}
		k = o.next
		j.indexed++
	}
	s.head = x.staged
	return s.newest
}

func (j *judge) observeOffsets(p *proc, e *history.Event, line uint32) error {
	if e.TP.Topic == "" || len(e.Off) == 0 {
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	off := e.Off[0]
	if off > maxOff {
		return fmt.Errorf("offset %d out of range", off)
	}
	if j.promised(p, e, promised{off: off, tp: tp, line: line}) {
		return nil
	}
	g := j.groupOf(p)
	in := g.input(j, tp)
	op := offsetOp{off: off, inv: p.invoked(e), end: e.T, group: p.group, tp: tp, proc: p.id, line: line}
	switch {
	case e.Op == history.OpFetchOffsets:
		if e.Type != history.OK {
			return nil
		}
		op.kind = opFetch
		p.upTo[tp] = off
		j.counts["offset-fetches"]++
		if pos := p.position(tp); pos.last < 0 {
			pos.base, pos.baseL, pos.sought = off, line, false
		}
	case e.Type == history.OK:
		op.kind = opCommitted
		j.hot.committedOffsets++
		in.lastT, in.told = e.T, true
	case e.Type == history.Info || !certain(e):
		op.kind, in.told = opMaybe, true
		j.counts["unknown-commits"]++
	default:
		return nil
	}
	j.commits.add(op)
	return nil
}

// promised keeps the offset of a commit from its invocation to its end, and says
// whether e is the invocation.
func (j *judge) promised(p *proc, e *history.Event, o promised) bool {
	q, pending := p.pend[e.ID]
	switch {
	case e.Type == history.Invoke && pending && e.Op == history.OpCommitOffsets:
		q.offs = append(q.offs, o)
	case pending:
		q.offs = slices.DeleteFunc(q.offs, func(was promised) bool { return was.tp == o.tp })
	}
	if pending {
		p.pend[e.ID] = q
	}
	return e.Type == history.Invoke
}

// unknownCommits are the offsets of a commit whose end was never told: each may have
// become the group's.
func (j *judge) unknownCommits(p *proc, q pending, t int64) {
	for _, o := range q.offs {
		j.groupOf(p).input(j, o.tp).told = true
		j.counts["unknown-commits"]++
		j.commits.add(offsetOp{
			off: o.off, inv: q.t, end: t, group: p.group, tp: o.tp, proc: p.id, line: o.line, kind: opMaybe,
		})
	}
}
