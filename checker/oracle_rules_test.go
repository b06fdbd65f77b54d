package checker

import (
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// count goes through the definitions of docs/anomalies.md.
func (o *oracle) count() map[guarantee.Anomaly]int64 {
	n := map[guarantee.Anomaly]int64{}
	o.countSends(n)
	o.countReads(n)
	o.countTxns(n)
	o.countInputs(n)
	o.countOffsets(n)
	o.countFencing(n)
	o.countProgress(n)
	for k, c := range n {
		if c == 0 {
			delete(n, k)
		}
	}
	return n
}

func (o *oracle) countSends(n map[guarantee.Anomaly]int64) {
	for i := range o.sends {
		s := &o.sends[i]
		stands := slices.ContainsFunc(o.log, func(r orec) bool { return r.val == s.val && o.there(&r) || r.val == s.val && r.fate == "" })
		must := s.ok
		if s.txn != 0 {
			x := o.txnOf(&orec{val: s.val})
			must = must && (x.committed || slices.ContainsFunc(o.log, func(r orec) bool { return r.fate == "commit" && o.txnOf(&r) == x }))
		}
		gone := o.at(s.tp, s.off) == nil || o.at(s.tp, s.off).val != s.val
		if must && gone && !stands {
			n[guarantee.LostWrite]++
		}
	}
	for i := range o.log {
		r := &o.log[i]
		if s := o.sendOf(r.val); s == nil && r.val.Proc != "" {
			if !(o.dead[r.val.Proc] && r.val.N > o.lastOf(r.val.Proc)) {
				n[guarantee.PhantomRead]++
			}
		}
		if r.fate == "abort" {
			continue
		}
		for k := range o.log { // an earlier copy in the walk's order
			q := &o.log[k]
			if q.val == r.val && r.val.Proc != "" && q.fate != "abort" && k < i {
				n[guarantee.DuplicateWrite]++
				break
			}
		}
	}
	for i := range o.log {
		r := &o.log[i]
		a := o.sendOf(r.val)
		if a == nil || !a.ok || o.resent[r.val] {
			continue
		}
		reordered, realtime := false, false
		for k := range o.log {
			q := &o.log[k]
			b := o.sendOf(q.val)
			if q.tp != r.tp || q.off >= r.off || b == nil || o.resent[q.val] {
				continue
			}
			if q.val.Proc == r.val.Proc && b.ok && q.val.N > r.val.N && r.fate != "abort" && q.fate != "abort" && a.off == r.off && b.off == q.off {
				reordered = true
			}
			if q.val.Proc != r.val.Proc && b.inv > a.end && a.off == r.off && (b.off == q.off || !b.ok) {
				realtime = true
			}
		}
		if reordered {
			n[guarantee.ReorderedWrite]++
		}
		if realtime {
			n[guarantee.RealtimeReorder]++
		}
	}
	for i := range o.sends {
		for k := range o.sends {
			a, b := &o.sends[i], &o.sends[k]
			if a.ok && b.ok && a.val.Proc == b.val.Proc && a.tp == b.tp && a.val.N < b.val.N && a.off > b.off {
				ra, rb := o.at(a.tp, a.off), o.at(b.tp, b.off)
				if ra == nil || rb == nil || ra.val != a.val || rb.val != b.val {
					n[guarantee.NonmonotonicSend]++
					break
				}
			}
		}
	}
	// Epochs never go back within a partition.
	all := append(slices.Clone(o.log), o.marks...)
	for i := range all {
		if r := &all[i]; r.marker == "" && r.pid != 0 && slices.ContainsFunc(all, func(q orec) bool {
			return q.tp == r.tp && q.pid == r.pid && q.off < r.off && q.epoch > r.epoch
		}) {
			n[guarantee.ZombieWrite]++
		}
	}
}

func (o *oracle) lastOf(proc string) int64 {
	last := int64(-1)
	for _, s := range o.sends {
		if s.val.Proc == proc {
			last = max(last, s.val.N)
		}
	}
	return last
}

func (o *oracle) countReads(n map[guarantee.Anomaly]int64) {
	type place struct {
		tp  history.TopicPartition
		off int64
	}
	seen := map[place]map[history.Value]bool{}
	see := func(tp history.TopicPartition, off int64, v history.Value) {
		p := place{tp, off}
		if seen[p] == nil {
			seen[p] = map[history.Value]bool{}
		}
		seen[p][v] = true
	}
	for i := range o.log {
		see(o.log[i].tp, o.log[i].off, o.log[i].val)
	}
	for i := range o.sends {
		if s := &o.sends[i]; s.ok {
			see(s.tp, s.off, s.val)
		}
	}
	for _, p := range o.polls {
		see(p.tp, p.off, p.val)
	}
	for _, vals := range seen {
		if len(vals) > 1 {
			n[guarantee.InconsistentOffset]++
		}
	}
	for i := range o.log {
		r := &o.log[i]
		s := o.sendOf(r.val)
		if r.fate == "abort" && o.readAny(r) || s != nil && s.fail && o.there(r) {
			n[guarantee.AbortedRead]++
		}
		if r.off >= o.lso[r.tp] && o.readRC(r) {
			n[guarantee.ReadAboveLSO]++
		}
	}
	truncated, exposed := map[place]bool{}, map[place]bool{}
	for _, p := range o.polls {
		r := o.at(p.tp, p.off)
		s := o.sendOf(p.val)
		foreign := p.val.Proc == ""
		control := slices.ContainsFunc(o.marks, func(m orec) bool { return m.tp == p.tp && m.off == p.off })
		if r == nil && !control && (foreign || s != nil && !s.ok) {
			truncated[place{p.tp, p.off}] = true
		}
		if control && foreign {
			exposed[place{p.tp, p.off}] = true
		}
		rc := o.rc[first(splitProc(p.proc))]
		if rc && r != nil && r.val == p.val {
			if x := o.txnOf(r); x != nil && r.fate != "abort" && p.off < o.lso[p.tp] && x.ask > p.t {
				n[guarantee.DirtyRead]++
			}
			for k := range o.log {
				q := &o.log[k]
				if x := o.txnOf(q); x != nil && q.tp == p.tp && q.off < p.off && x.committed && x.ask > p.t && x != o.txnOf(r) {
					n[guarantee.ReadAboveLSO]++
					break
				}
			}
		}
		from := p.prev
		if p.first {
			from = p.base - 1
		}
		switch {
		case p.first && p.off < p.base:
			n[guarantee.PositionMismatch]++
		case p.prev >= 0 && p.off <= p.prev:
			n[guarantee.NonmonotonicPoll]++
		case p.prev >= 0 || p.first:
			for off := from + 1; off < p.off; off++ {
				q := o.at(p.tp, off)
				if q == nil || rc && !o.there(q) {
					continue
				}
				x := o.txnOf(q)
				before := o.at(p.tp, from)
				switch {
				case p.first:
					n[guarantee.PositionMismatch]++
				case x != nil && rc && (r != nil && o.txnOf(r) == x || before != nil && o.txnOf(before) == x):
					n[guarantee.IntermediateRead]++
				default:
					n[guarantee.SkippedPoll]++
				}
				break
			}
		}
	}
	n[guarantee.TruncatedLog] = int64(len(truncated))
	n[guarantee.PhantomRead] += int64(len(exposed))
}

func (o *oracle) countTxns(n map[guarantee.Anomaly]int64) {
	for i := range o.txns {
		x := &o.txns[i]
		var committed, aborted, open int
		stray := false
		for k := range o.log {
			r := &o.log[k]
			if o.txnOf(r) != x {
				continue
			}
			switch r.fate {
			case "commit":
				committed++
			case "abort":
				aborted++
			default:
				open++
			}
			for m := range o.log {
				q := &o.log[m]
				if o.txnOf(q) == x && q.tp == r.tp && o.deciding(q) != o.deciding(r) && q.off < r.off {
					stray = true
				}
			}
		}
		switch {
		case stray:
			n[guarantee.StrayMarker]++
		case committed > 0 && aborted+open > 0:
			n[guarantee.TornTransaction]++
		case committed > 0 && x.ask == 0:
			n[guarantee.GhostCommit]++
		case committed == 0 && aborted > 0 && x.committed:
			n[guarantee.LostCommit]++
		}
		without := false
		for k := range o.log {
			r := &o.log[k]
			if o.txnOf(r) != x || r.fate == "abort" || r.from.TP.Topic == "" || r.fate == "" {
				continue
			}
			inside := slices.ContainsFunc(o.staged, func(s ostaged) bool {
				return s.proc == x.proc && s.txn == x.num && s.tp == r.from.TP && s.off > r.from.Off
			})
			f, known := o.final[o.group[first(splitProc(x.proc))]][r.from.TP]
			without = without || !inside || known && f <= r.from.Off
		}
		if without {
			n[guarantee.OutputWithoutOffset]++
		}
		hung := map[history.TopicPartition]bool{}
		for k := range o.log {
			r := &o.log[k]
			if r.inTxn && r.fate == "" && o.txnOf(r) == x {
				last := max(x.begin, x.ask, x.abort)
				if s := o.sendOf(r.val); s != nil {
					last = max(last, s.inv, s.end)
				}
				if x.committed || x.aborted || o.auditT-last > defaultTimeout+abortCheck {
					hung[r.tp] = true
				}
			}
		}
		n[guarantee.HangingTransaction] += int64(len(hung))
	}
	for i, s := range o.staged { // each covering transaction once
		x := o.stagedTxn(s)
		if !x.committed || x.sends == 0 {
			continue
		}
		for k, q := range o.staged {
			y := o.stagedTxn(q)
			if k != i && y.committed && y.sends > 0 && q.tp == s.tp && o.group[first(splitProc(q.proc))] == o.group[first(splitProc(s.proc))] &&
				y.end < x.begin && q.off >= s.off && !o.anyAborted(x) && !o.anyAborted(y) {
				n[guarantee.OverlappingInput]++
				break
			}
		}
	}
}

func (o *oracle) anyAborted(x *otxn) bool {
	return slices.ContainsFunc(o.log, func(r orec) bool { return r.fate == "abort" && o.txnOf(&r) == x })
}

func (o *oracle) stagedTxn(s ostaged) *otxn {
	for i := range o.txns {
		if o.txns[i].proc == s.proc && o.txns[i].num == s.txn {
			return &o.txns[i]
		}
	}
	return nil
}

func (o *oracle) countInputs(n map[guarantee.Anomaly]int64) {
	inputs := map[history.Input]bool{}
	for i := range o.log {
		inputs[history.Input{TP: o.log[i].tp, Off: o.log[i].off}] = true
	}
	for client, group := range o.group {
		if group == "" || !o.output[client] {
			continue
		}
		for in := range inputs {
			if in.TP.Topic != "orders" || !o.there(o.at(in.TP, in.Off)) {
				continue
			}
			outs := 0
			for k := range o.log {
				r := &o.log[k]
				dup := slices.ContainsFunc(o.log[:k], func(q orec) bool { return q.val == r.val })
				if r.from == in && first(splitProc(r.val.Proc)) == client && o.there(r) && !dup {
					outs++
				}
			}
			plain := !slices.ContainsFunc(o.txns, func(x otxn) bool { return first(splitProc(x.proc)) == client })
			if outs > 1 || plain && o.procd[in][group] > 1 {
				n[guarantee.DuplicateOutput]++
			}
			if f, ok := o.final[group][in.TP]; ok && in.Off < f && outs == 0 {
				n[guarantee.LostInput]++
				if !plain {
					n[guarantee.OffsetWithoutOutput]++
				}
			}
		}
	}
}

// countOffsets is for the plain group's register, whose commits are not in transactions.
func (o *oracle) countOffsets(n map[guarantee.Anomaly]int64) {
	for p := range int32(2) {
		tp := tpOf("orders", p)
		var ws, fs []ooff
		for _, f := range o.offs {
			if f.tp != tp || o.group[first(splitProc(f.proc))] != "till" {
				continue
			}
			if f.kind == "fetch" {
				fs = append(fs, f)
			} else {
				ws = append(ws, f)
			}
		}
		overwritten := func(end, by int64) bool {
			return slices.ContainsFunc(ws, func(w ooff) bool { return w.kind == "ok" && w.inv > end && w.end < by })
		}
		for _, f := range fs {
			legal := !overwritten(0, f.inv) && !slices.ContainsFunc(ws, func(w ooff) bool { return w.off == f.off })
			for _, w := range ws {
				if w.off == f.off && w.inv <= f.end && (w.kind == "maybe" || !overwritten(w.end, f.inv)) {
					legal = true
				}
			}
			if !legal {
				n[guarantee.NonlinearizableOffset]++
			}
		}
		for i, b := range ws { // a commit below the last position, with no seek since
			for _, a := range ws[:i] {
				if a.kind == "ok" && b.kind == "ok" && a.end < b.inv && b.off < a.off {
					n[guarantee.OffsetRegression]++
					break
				}
			}
		}
		top := int64(-1)
		for _, w := range ws {
			if w.kind == "ok" {
				top = max(top, w.off)
			}
		}
		f, ok := o.final["till"][tp]
		explained := slices.ContainsFunc(ws, func(w ooff) bool {
			return w.off == f && (w.kind == "maybe" || !slices.ContainsFunc(ws, func(v ooff) bool { return v.kind == "ok" && v.inv > w.end && v.off != w.off }))
		})
		if top >= 0 && (!ok || f < top && !explained) {
			n[guarantee.OffsetLost]++
		}
	}
}
