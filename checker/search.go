package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/checker/internal/linear"
)

// lastFetches are the last most fetches of r, and how many there are in all.
func (r *register) lastFetches(most int) (last []offsetOp, n int) {
	r.fetches.sorted().each(func(f offsetOp) {
		if n++; len(last) == most {
			last = slices.Delete(last, 0, 1)
		}
		last = append(last, f)
	})
	return last, n
}

// registerOps are the operations of a register that a search needs; why says what
// forbids it.
func (j *judge) registerOps(r *register, fetches int) (ops []linear.OffsetOp, why string) {
	n := int(r.n) + fetches
	switch {
	case n <= j.searchMost && n > j.searchBudget:
		return nil, fmt.Sprintf("there are more than %d operations on committed offsets", searchTotal)
	case n <= j.searchMost:
		j.eachOp(r, func(o linear.OffsetOp) { ops = append(ops, o) })
		return ops, ""
	case r.txns > 0 || fetches > j.searchMost:
		return nil, fmt.Sprintf("there are %d operations on it, of which at most %d can be searched", n, j.searchMost)
	}
	ops = j.nearFetches(r)
	if len(ops) > min(j.searchMost, j.searchBudget) {
		return nil, fmt.Sprintf("there are %d operations around its %d fetches, of which at most %d can be searched", len(ops), fetches, j.searchMost)
	}
	return ops, ""
}

// eachOp calls f for every operation of r, in no order.
func (j *judge) eachOp(r *register, f func(linear.OffsetOp)) {
	clients := map[int32]int{}
	client := func(proc int32) int {
		if _, ok := clients[proc]; !ok {
			clients[proc] = len(clients)
		}
		return clients[proc]
	}
	r.byInv.sorted().each(func(w write) {
		switch {
		case w.txn != 0:
			s := j.stagedFor(j.txns.at(int64(w.txn-1)), r.group, r.tp)
			f(linear.OffsetOp{Kind: linear.StageOffset, Off: w.off, Txn: w.txn, Client: client(w.op.proc), Call: s.t, Return: max(s.t+1, w.inv)})
			f(linear.OffsetOp{Kind: linear.EndCommit, Txn: w.txn, Client: client(w.op.proc), Call: max(s.t+1, w.inv) + 1, Return: w.end})
		case w.inv != 0:
			f(linear.OffsetOp{Kind: linear.CommitOffset, Off: w.off, Client: client(w.op.proc), Call: w.inv, Return: w.end})
		}
	})
	r.fetches.sorted().each(func(o offsetOp) {
		f(linear.OffsetOp{Kind: linear.FetchOffset, Off: o.off, Client: client(o.proc), Call: o.began(), Return: o.end})
	})
}

// nearFetches is the part of a long register of plain commits that its search looks
// at: each window with a fetch, the windows before it back to a commit that
// certainly happened, and commits of unknown outcome of a value that was fetched. One
// of another value explains nothing: it may always come last.
func (j *judge) nearFetches(r *register) (ops []linear.OffsetOp) {
	byCall := newSorter(j.pool, func(a, b linear.OffsetOp) int { return cmp.Compare(a.Call, b.Call) })
	defer byCall.close()
	wanted := map[int64]bool{}
	j.eachOp(r, func(o linear.OffsetOp) {
		if o.Kind == linear.FetchOffset {
			wanted[o.Off] = true
		}
		byCall.add(o)
	})
	maybe := func(o linear.OffsetOp) bool { return o.Return == linear.Forever }
	var before, window []linear.OffsetOp // not taken so far
	drop := func(dropped []linear.OffsetOp) {
		for _, o := range dropped {
			if maybe(o) {
				ops = append(ops, o)
			}
		}
	}
	fetch, anchor, busy := false, false, int64(-1)
	over := func() {
		switch {
		case fetch:
			ops = append(append(ops, before...), window...)
			before = before[:0]
		case anchor:
			drop(before)
			before = append(before[:0], window...)
		default:
			before = append(before, window...)
		}
		window, fetch, anchor = window[:0], false, false
	}
	byCall.sorted().each(func(o linear.OffsetOp) {
		if maybe(o) && !wanted[o.Off] {
			return
		}
		if o.Call > busy {
			over()
		}
		busy = max(busy, o.Call)
		if !maybe(o) {
			busy = max(busy, o.Return)
		}
		window = append(window, o)
		fetch = fetch || o.Kind == linear.FetchOffset
		anchor = anchor || o.Kind == linear.CommitOffset && !maybe(o)
	})
	over()
	drop(before)
	return ops
}
