package checker

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// oracle is the slow, obvious checker: each anomaly by nested loops over plain
// lists of facts, straight from its definition in docs/anomalies.md. It shares
// no code with the judge but the table of errors that prove nothing.
type oracle struct {
	sends  []osend
	log    []orec
	marks  []orec
	polls  []opoll
	txns   []otxn
	staged []ostaged
	offs   []ooff // commits and fetches outside transactions
	procd  map[history.Input]map[string]int
	final  map[string]map[history.TopicPartition]int64
	lso    map[history.TopicPartition]int64
	rc     map[string]bool
	group  map[string]string // client -> group
	output map[string]bool   // client has an output topic
	resent map[history.Value]bool
	dead   map[string]bool
	inits  []history.Event
	seeks  []history.Event
	events []history.Event // all of them, for what concerns whole runs
	auditT int64
}

type osend struct {
	val      history.Value
	tp       history.TopicPartition
	off      int64 // -1 unless acknowledged with an offset
	inv, end int64
	ok, fail bool
	txn      int64
	from     history.Input
}

type orec struct {
	tp     history.TopicPartition
	off    int64
	val    history.Value
	from   history.Input
	pid    int64
	epoch  int16
	inTxn  bool
	marker string
	fate   string
}

type opoll struct {
	proc  string
	tp    history.TopicPartition
	off   int64
	val   history.Value
	t     int64
	prev  int64 // offset before it in an unbroken row of polls, -1 if none
	first bool
	base  int64 // committed offset told before the first poll, -1 if none
}

type otxn struct {
	proc              string
	num               int64
	begin, ask, abort int64
	end               int64
	committed         bool // as told
	aborted           bool // as told, with no commit ever asked
	sends             int
}

type ostaged struct {
	proc string
	txn  int64
	tp   history.TopicPartition
	off  int64
	t    int64
}

type ooff struct {
	proc     string
	tp       history.TopicPartition
	off      int64
	inv, end int64
	kind     string // "ok", "maybe", "fetch"
}

func newOracle(h history.Header, events []history.Event) *oracle {
	o := &oracle{procd: map[history.Input]map[string]int{}, final: map[string]map[history.TopicPartition]int64{}, lso: map[history.TopicPartition]int64{},
		rc: map[string]bool{}, group: map[string]string{}, output: map[string]bool{}, resent: map[history.Value]bool{}, dead: map[string]bool{}, events: events}
	for _, c := range h.Clients {
		o.rc[c.Name] = c.Config["isolation.level"] == "read_committed"
		o.group[c.Name] = c.Config["group.id"]
		o.output[c.Name] = c.Output != ""
	}
	open := map[string]map[int64]history.Event{}
	pos := map[string]map[history.TopicPartition]int64{}
	base := map[string]map[history.TopicPartition]int64{}
	txn := func(proc string, n int64) *otxn {
		for i := range o.txns {
			if o.txns[i].proc == proc && o.txns[i].num == n {
				return &o.txns[i]
			}
		}
		o.txns = append(o.txns, otxn{proc: proc, num: n})
		return &o.txns[len(o.txns)-1]
	}
	for _, e := range events {
		if open[e.Proc] == nil {
			open[e.Proc], pos[e.Proc], base[e.Proc] = map[int64]history.Event{}, map[history.TopicPartition]int64{}, map[history.TopicPartition]int64{}
		}
		if e.Src == history.SrcAudit && o.auditT == 0 {
			o.auditT = e.T
		}
		if e.Type == history.Invoke {
			open[e.Proc][e.ID] = e
		}
		inv, invoked := open[e.Proc][e.ID]
		sure := e.Type == history.OK || e.Type == history.Fail && certain(&e)
		switch e.Op {
		case history.OpSend:
			if e.Type == history.Invoke {
				o.resent[e.Val[0]] = slices.ContainsFunc(o.sends, func(s osend) bool { return s.val == e.Val[0] })
				s := osend{val: e.Val[0], off: -1, inv: e.T, txn: e.Txn}
				if len(e.From) > 0 {
					s.from = e.From[0]
				}
				if e.Txn != 0 {
					txn(e.Proc, e.Txn).sends++
				}
				o.sends = append(o.sends, s)
				break
			}
			for i := range o.sends {
				if s := &o.sends[i]; s.val == e.Val[0] {
					s.end, s.ok, s.fail = e.T, e.Type == history.OK, e.Type == history.Fail && sure
					if s.ok {
						s.tp, s.off = e.TP, e.Off[0]
					}
				}
			}
		case history.OpPoll:
			for i, off := range e.Off {
				p := opoll{proc: e.Proc, tp: e.TP, off: off, val: e.Val[i], t: e.T, prev: -1, base: -1}
				if last, ok := pos[e.Proc][e.TP]; ok {
					p.prev = last
				} else if b, ok := base[e.Proc][e.TP]; ok {
					p.first, p.base = true, b
				}
				delete(base[e.Proc], e.TP)
				pos[e.Proc][e.TP] = off
				o.polls = append(o.polls, p)
			}
		case history.OpProcess:
			g := o.group[first(splitProc(e.Proc))]
			if o.procd[e.From[0]] == nil {
				o.procd[e.From[0]] = map[string]int{}
			}
			o.procd[e.From[0]][g]++
		case history.OpBegin:
			txn(e.Proc, e.Txn).begin = e.T
		case history.OpCommit, history.OpAbort:
			x := txn(e.Proc, e.Txn)
			switch {
			case e.Type == history.Invoke && e.Op == history.OpCommit:
				x.ask = e.T
			case e.Type == history.Invoke:
				x.abort = e.T
			default:
				x.end = e.T
				x.committed = e.Type == history.OK && e.Op == history.OpCommit
				x.aborted = e.Type == history.OK && e.Op == history.OpAbort && x.ask == 0
				if !x.committed {
					clear(pos[e.Proc])
					clear(base[e.Proc])
				}
			}
		case history.OpSendOffsets:
			if e.Type == history.Invoke {
				o.staged = append(o.staged, ostaged{e.Proc, e.Txn, e.TP, e.Off[0], e.T})
			}
		case history.OpCommitOffsets, history.OpFetchOffsets:
			if e.Type == history.Invoke {
				break
			}
			f := ooff{proc: e.Proc, tp: e.TP, off: int64(-1), end: e.T, kind: "maybe"}
			if len(e.Off) > 0 {
				f.off = e.Off[0]
			}
			if invoked {
				f.inv = inv.T
				if f.off < 0 && len(inv.Off) > 0 {
					f.off = inv.Off[0]
				}
			}
			switch {
			case e.Op == history.OpFetchOffsets:
				f.kind = "fetch"
				if f.inv == 0 {
					f.inv = f.end
				}
				if _, ok := pos[e.Proc][e.TP]; !ok {
					base[e.Proc][e.TP] = f.off
				}
			case e.Type == history.OK:
				f.kind = "ok"
			}
			o.offs = append(o.offs, f)
		case history.OpAssigned, history.OpRevoked, history.OpLost, history.OpSeek:
			delete(pos[e.Proc], e.TP)
			if e.Op != history.OpAssigned {
				delete(base[e.Proc], e.TP)
			}
			if e.Op == history.OpSeek {
				o.seeks = append(o.seeks, e)
			}
		case history.OpInitProducer:
			if e.Type == history.OK {
				o.inits = append(o.inits, e)
			}
		case history.OpExit:
			o.dead[e.Proc] = true
		case history.OpLog:
			r := orec{tp: e.TP, off: e.Off[0], val: e.Val[0], pid: e.PID, epoch: e.Epoch, inTxn: e.InTxn}
			if len(e.From) > 0 {
				r.from = e.From[0]
			}
			o.log = append(o.log, r)
		case history.OpMarker:
			o.marks = append(o.marks, orec{tp: e.TP, off: e.Off[0], pid: e.PID, epoch: e.Epoch, marker: e.Marker})
		case history.OpWatermarks:
			o.lso[e.TP] = e.Off[1]
		case history.OpOffset:
			if o.final[e.Group] == nil {
				o.final[e.Group] = map[history.TopicPartition]int64{}
			}
			o.final[e.Group][e.TP] = e.Off[0]
		}
	}
	for i := range o.log {
		r := &o.log[i]
		if m := o.deciding(r); m != nil {
			r.fate = m.marker
		}
	}
	return o
}

func first(a, _ string) string { return a }

// deciding is the marker that decides a record.
func (o *oracle) deciding(r *orec) *orec {
	var best *orec
	for i := range o.marks {
		m := &o.marks[i]
		if r.inTxn && m.tp == r.tp && m.pid == r.pid && m.off > r.off && (best == nil || m.off < best.off) {
			best = m
		}
	}
	return best
}

func (o *oracle) there(r *orec) bool { return !r.inTxn || r.fate == "commit" }

func (o *oracle) sendOf(v history.Value) *osend {
	for i := range o.sends {
		if o.sends[i].val == v {
			return &o.sends[i]
		}
	}
	return nil
}

func (o *oracle) txnOf(r *orec) *otxn {
	s := o.sendOf(r.val)
	if s == nil || s.txn == 0 {
		return nil
	}
	for i := range o.txns {
		if o.txns[i].proc == r.val.Proc && o.txns[i].num == s.txn {
			return &o.txns[i]
		}
	}
	return nil
}

func (o *oracle) at(tp history.TopicPartition, off int64) *orec {
	for i := range o.log {
		if o.log[i].tp == tp && o.log[i].off == off {
			return &o.log[i]
		}
	}
	return nil
}

func (o *oracle) readRC(r *orec) bool {
	return slices.ContainsFunc(o.polls, func(p opoll) bool {
		return p.tp == r.tp && p.off == r.off && p.val == r.val && o.rc[first(splitProc(p.proc))]
	})
}

func (o *oracle) readAny(r *orec) bool {
	return slices.ContainsFunc(o.polls, func(p opoll) bool { return p.tp == r.tp && p.off == r.off && p.val == r.val })
}

// TestOracleAgrees compares the judge with the oracle on generated histories of
// up to 200 operations, legal and planted.
func TestOracleAgrees(t *testing.T) {
	agreed, histories := 0, 0
	kindsSeen := map[guarantee.Anomaly]int{}
	for k, a := range append([]guarantee.Anomaly{""}, Anomalies()...) {
		for seed, cases := uint64(0), 0; cases < max(4, *mutationCases/8) && seed < 2000; seed++ {
			w := newWorld(seeded{rand.New(rand.NewPCG(seed, uint64(1000+k)))})
			w.run(40 + w.d.n(60))
			if a != "" && plants[a](w) == nil {
				continue
			}
			events := w.history()
			if len(events) > 420 { // about 200 operations and their audit
				continue
			}
			cases++
			histories++
			got := kinds(judgeEvents(t, w.h, events, Options{}))
			want := newOracle(w.h, events).count()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("planted %q, seed %d (-oracle +judge):\n%s", a, seed, diff)
				continue
			}
			agreed++
			for b := range got {
				kindsSeen[b]++
			}
		}
	}
	t.Logf("the oracle agrees on %d of %d histories; anomalies in them: %v", agreed, histories, kindsSeen)
	if len(kindsSeen) < len(Anomalies()) {
		t.Errorf("only %d kinds were compared", len(kindsSeen))
	}
}
