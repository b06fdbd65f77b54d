package linear

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// OffsetKind is what an operation does to a group's offset for one partition.
type OffsetKind uint8

const (
	CommitOffset OffsetKind = iota + 1 // OffsetCommit
	StageOffset                        // TxnOffsetCommit: waits for its transaction
	EndCommit                          // the transaction commits
	EndAbort                           // the transaction aborts
	FetchOffset                        // OffsetFetch; Off is what it returned
)

// OffsetOp is one operation on a group's offset for one partition. Return is
// Forever if its outcome is unknown.
type OffsetOp struct {
	Kind         OffsetKind
	Off          int64
	Txn          int32 // of StageOffset, EndCommit and EndAbort
	Client       int
	Call, Return int64
}

// most staged transactions at once; more is Unknown.
const maxStaged = 6

// offsetState is the register.
//
// A commit appends a record to the offsets log. A staged offset is appended too,
// but counts only from its transaction's COMMIT marker, and only if no commit
// was appended behind it: the group coordinator compares the positions of the
// two records, not the time of the marker.
type offsetState struct {
	known  bool // false before the first operation of a window
	off    int64
	at     int // position of its record
	next   int
	staged [maxStaged]stagedAt
	n      int
}

type stagedAt struct {
	txn int32
	off int64
	at  int
}

var offsetRegister = porcupine.Model{
	Init: func() any { return offsetState{} },
	Step: func(state, input, _ any) (bool, any) {
		s, op := state.(offsetState), input.(OffsetOp)
		switch op.Kind {
		case CommitOffset:
			s.next++
			s.known, s.off, s.at = true, op.Off, s.next
		case StageOffset:
			if s.n == maxStaged {
				return false, s
			}
			s.next++
			s.staged[s.n] = stagedAt{op.Txn, op.Off, s.next}
			s.n++
		case EndCommit, EndAbort:
			var best stagedAt // the newest of this transaction
			kept := 0
			for _, x := range s.staged[:s.n] {
				if x.txn != op.Txn {
					s.staged[kept] = x
					kept++
				} else if x.at > best.at {
					best = x
				}
			}
			clear(s.staged[kept:])
			s.n = kept
			if op.Kind == EndCommit && best.at > s.at {
				s.known, s.off, s.at = true, best.off, best.at
			}
		case FetchOffset:
			if !s.known {
				s.known, s.off = true, op.Off // a window begins anywhere
			}
			return s.off == op.Off, s
		}
		return true, s
	},
	DescribeOperation: func(input, _ any) string {
		op := input.(OffsetOp)
		switch op.Kind {
		case CommitOffset:
			return fmt.Sprintf("commit %d", op.Off)
		case StageOffset:
			return fmt.Sprintf("txn %d: offset %d", op.Txn, op.Off)
		case EndCommit:
			return fmt.Sprintf("txn %d: commit", op.Txn)
		case EndAbort:
			return fmt.Sprintf("txn %d: abort", op.Txn)
		}
		return fmt.Sprintf("fetch -> %d", op.Off)
	},
	DescribeState: func(state any) string {
		s := state.(offsetState)
		if !s.known {
			return "?"
		}
		return fmt.Sprint(s.off)
	},
}

// Offsets searches for an order of commits and fetches of one register. It cuts
// them at quiescence, and judges each window that holds a fetch together with
// the last commits before it, from an unknown state: so a window that is Illegal
// is so wherever the register stood before.
func Offsets(ops []OffsetOp, caps Caps) Result {
	cut := windows(ops, func(o OffsetOp) int64 { return o.Call }, func(o OffsetOp) int64 { return o.Return })
	past := newLingering(ops)
	out := Result{Verdict: OK}
	for i, w := range cut {
		if !fetches(w) {
			continue
		}
		r := search(offsetRegister, operations(past.relevant(cut, i)), caps)
		switch {
		case r.Verdict == Illegal:
			return r
		case r.Verdict == Unknown:
			out = r
		case out.Verdict == OK:
			r.Ops += out.Ops
			out = r
		}
	}
	return out
}

func fetches(w []OffsetOp) bool {
	for _, o := range w {
		if o.Kind == FetchOffset {
			return true
		}
	}
	return false
}

// lingering finds operations that may take effect long after they began.
type lingering struct {
	maybe  map[int64][]OffsetOp // commits of unknown outcome, by offset
	stages map[int64][]OffsetOp // staged offsets, by offset
	txns   map[int32][]OffsetOp // stages and ends of each transaction
}

func newLingering(ops []OffsetOp) lingering {
	l := lingering{map[int64][]OffsetOp{}, map[int64][]OffsetOp{}, map[int32][]OffsetOp{}}
	for _, o := range ops {
		switch {
		case o.Kind == CommitOffset && o.Return == Forever:
			l.maybe[o.Off] = append(l.maybe[o.Off], o)
		case o.Kind == StageOffset:
			l.stages[o.Off] = append(l.stages[o.Off], o)
			fallthrough
		case o.Kind == EndCommit, o.Kind == EndAbort:
			l.txns[o.Txn] = append(l.txns[o.Txn], o)
		}
	}
	return l
}

// relevant is window i with what may explain its fetches: the windows before it,
// back to one with a commit that certainly happened, and earlier operations of
// unknown outcome that would write what a fetch here returned.
func (l *lingering) relevant(cut [][]OffsetOp, i int) []OffsetOp {
	first := i
	for first > 0 && (first == i || !anchored(cut[first])) {
		first--
	}
	var out []OffsetOp
	for _, w := range cut[first : i+1] {
		out = append(out, w...)
	}
	begin := out[0].Call
	wanted := map[int64]bool{}
	staged := map[int32]bool{}
	for _, o := range out {
		switch o.Kind {
		case FetchOffset:
			wanted[o.Off] = true
		case StageOffset:
			staged[o.Txn] = true
		}
	}
	// A transaction's stage and end belong together.
	late := map[int32]bool{}
	for _, o := range out {
		if (o.Kind == EndCommit || o.Kind == EndAbort) && !staged[o.Txn] {
			late[o.Txn] = true
		}
	}
	for off := range wanted {
		for _, o := range l.stages[off] {
			if o.Call < begin {
				late[o.Txn] = true
			}
		}
	}
	earlier := func(ops []OffsetOp) {
		for _, o := range ops {
			if o.Call < begin {
				out = append(out, o)
			}
		}
	}
	for off := range wanted {
		earlier(l.maybe[off])
	}
	for txn := range late {
		earlier(l.txns[txn])
	}
	return out
}

func anchored(w []OffsetOp) bool {
	for _, o := range w {
		if o.Kind == CommitOffset && o.Return != Forever {
			return true
		}
	}
	return false
}

func operations(ops []OffsetOp) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		out[i] = porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: o.Return}
	}
	return out
}
