package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// findings counts every anomaly and keeps a few drafts of witnesses of each
// kind. Drafts become witnesses when the whole history is known, because their
// context (the log to either side, faults) comes later.
type findings struct {
	j      *judge
	byKind map[guarantee.Anomaly]*found
	open   map[guarantee.Anomaly]*found // that may be anomalies, and the history cannot show it
}

type found struct {
	count  int64
	names  []string // Jepsen's, of which at least one applies to each
	drafts []draft
}

// draft is a witness without its context.
type draft struct {
	events []WitnessEvent
	focus  []place // whose neighbours in the log are shown
	client string  // whose configuration promises or forfeits
	txn    int32   // whose other facts are shown, index + 1
	text   string
	legal  string
	view   string // porcupine's picture
}

func newFindings(j *judge) findings {
	return findings{j: j, byKind: map[guarantee.Anomaly]*found{}, open: map[guarantee.Anomaly]*found{}}
}

// report counts one anomaly; build is called only if its witness is kept.
func (f *findings) report(kind guarantee.Anomaly, build func() draft) {
	f.named(kind, jepsenName(kind), build)
}

// named is report of an anomaly that Jepsen gives other names than its usual one.
func (f *findings) named(kind guarantee.Anomaly, names []string, build func() draft) {
	f.into(f.byKind, kind, 1, names, build)
}

// undecided counts what may be an anomaly, and the history cannot show it.
func (f *findings) undecided(kind guarantee.Anomaly, names []string, build func() draft) {
	f.into(f.open, kind, 1, names, build)
}

// into counts n of the same.
func (f *findings) into(m map[guarantee.Anomaly]*found, kind guarantee.Anomaly, n int64, names []string, build func() draft) {
	k := m[kind]
	if k == nil {
		k = &found{}
		m[kind] = k
	}
	k.count += n
	for _, n := range names {
		if !slices.Contains(k.names, n) {
			k.names = append(k.names, n)
		}
	}
	if len(k.drafts) < f.j.opt.Examples {
		k.drafts = append(k.drafts, build())
	}
}

func (f *findings) count(kind guarantee.Anomaly) int64 {
	if k := f.byKind[kind]; k != nil {
		return k.count
	}
	return 0
}

// since is t as witnesses show it: since the history's start.
func (j *judge) since(t int64) int64 {
	start := j.header.StartT
	if start == 0 || start > t {
		start = j.firstT
	}
	if t == 0 {
		return 0
	}
	return max(1, t-start) // 0 is no time
}

// clock writes t as seconds since the start.
func (j *judge) clock(t int64) string {
	if t == 0 {
		return "an unknown time"
	}
	return fmt.Sprintf("%.3f s", float64(j.since(t))/1e9)
}

func (j *judge) procName(id int32) string {
	if id < 0 {
		return "audit"
	}
	return j.procs[id].name
}

func (j *judge) event(t int64, proc string, line uint32, at place, typ history.Type, op history.Op, text string) WitnessEvent {
	w := WitnessEvent{T: j.since(t), Proc: proc, Line: int64(line), Text: text, Type: string(typ), Op: string(op)}
	if at != 0 {
		w.TP, w.Off = tpName(j.parts[at.tp()].tp), at.off()
	}
	return w
}

// sendEvents are the two ends of the send behind a row.
func (j *judge) sendEvents(at place, r *record) []WitnessEvent {
	var out []WitnessEvent
	if r.val == 0 {
		return nil
	}
	proc := j.procs[r.val.proc()].name
	name := j.valName(r.val)
	if r.invLine != 0 && r.inv != 0 {
		what := "send of " + name
		if r.from != 0 {
			what += ", made from " + j.placeName(r.from)
		}
		if r.txn != 0 {
			what += fmt.Sprintf(", in transaction %d", j.txns.at(int64(r.txn-1)).num)
		}
		out = append(out, j.event(r.inv, proc, r.invLine, 0, history.Invoke, history.OpSend, what))
	}
	if r.flags&fAcked != 0 {
		out = append(out, j.event(r.ack, proc, r.ackLine, at, history.OK, history.OpSend, fmt.Sprintf("send of %s acknowledged at %s", name, j.placeName(at))))
	} else if a, ok := j.attempt(r.val); ok && a.endLine != 0 {
		text := "outcome of the send of " + name + " unknown"
		typ := history.Info
		if a.outcome == attemptFailed {
			text, typ = "send of "+name+" failed", history.Fail
		}
		if a.outcome == attemptAcked {
			text, typ = "send of "+name+" acknowledged, no offset told", history.OK
		}
		if a.err != 0 {
			text += ": " + j.errNames[a.err-1]
		}
		out = append(out, j.event(a.end, proc, a.endLine, 0, typ, history.OpSend, text))
	}
	return out
}

// logEvent is the row as the audit found it.
func (j *judge) logEvent(at place, r *record) WitnessEvent {
	return j.event(0, "audit", r.logLine, at, history.OK, history.OpLog, fmt.Sprintf("%s holds %s", j.placeName(at), j.rowWords(r)))
}

// rowWords describes one offset of the log.
func (j *judge) rowWords(r *record) string {
	switch {
	case r.flags&fMarker != 0 && r.flags&fMarkerCommit != 0:
		return "a commit marker of " + j.pidName(r.pid)
	case r.flags&fMarker != 0:
		return "an abort marker of " + j.pidName(r.pid)
	case r.flags&fLogged == 0:
		return "nothing in the log"
	}
	s := j.valName(r.val)
	if r.from != 0 {
		s += " made from " + j.placeName(r.from)
	}
	switch {
	case r.flags&fAborted != 0:
		s += " (aborted, " + j.pidName(r.pid) + ")"
	case r.flags&fInTxn != 0 && r.flags&fCommitted != 0:
		s += " (committed, " + j.pidName(r.pid) + ")"
	case r.flags&fInTxn != 0:
		s += " (transaction open, " + j.pidName(r.pid) + ")"
	}
	return s
}

func (j *judge) pidName(pid int32) string {
	if pid <= 0 {
		return "no producer id"
	}
	k := j.pidList[pid-1]
	return fmt.Sprintf("producer %d epoch %d", k.pid, k.epoch)
}

// reader finds the first poll that returned an offset to a client.
func (j *judge) reader(at place, rcOnly bool) (WitnessEvent, bool) {
	var best pollLine
	j.polls.scan(func(_ int64, p *pollLine) bool {
		if p.tp == at.tp() && p.lo <= at.off() && at.off() <= p.hi && (!rcOnly || j.procs[p.proc].rc) && (best.line == 0 || p.t < best.t) {
			best = *p
		}
		return true
	})
	if best.line == 0 {
		return WitnessEvent{}, false
	}
	return j.event(best.t, j.procName(best.proc), best.line, at, history.OK, history.OpPoll, fmt.Sprintf("poll by %s returned %s", j.procName(best.proc), j.placeName(at))), true
}

// context is what surrounds a draft: the log to either side, the transaction's
// other facts, faults and leader changes at the time.
func (j *judge) context(d *draft) []WitnessEvent {
	var out []WitnessEvent
	shown := map[place]bool{}
	for _, e := range d.events {
		if e.Op == string(history.OpLog) {
			if tp, ok := j.tpByName(e.TP); ok {
				shown[makePlace(tp, e.Off)] = true
			}
		}
	}
	for _, at := range d.focus {
		if at == 0 {
			continue
		}
		pt := j.parts[at.tp()]
		for off := max(0, at.off()-3); off <= at.off()+3; off++ {
			here := makePlace(at.tp(), off)
			r := pt.rows.get(off)
			if r == nil || r.flags&fLogged == 0 || shown[here] {
				continue
			}
			shown[here] = true
			out = append(out, j.logEvent(here, r))
		}
	}
	if d.txn != 0 {
		out = append(out, j.txnFacts(d.txn-1)...)
	}
	lo, hi := span(d.events)
	for _, f := range j.faults {
		if e, ok := f.overlap(j, lo, hi); ok {
			out = append(out, e)
		}
	}
	near := 0
	for _, l := range j.leaders {
		if t := j.since(l.t); t >= lo-2e9 && t <= hi+2e9 && near < 4 {
			near++
			out = append(out, WitnessEvent{T: t, Proc: l.proc, Line: l.line, Text: l.text, Type: string(history.Info), Op: string(history.OpLeader)})
		}
	}
	return out
}

func (j *judge) tpByName(name string) (int32, bool) {
	for _, p := range j.parts {
		if tpName(p.tp) == name {
			return p.id, true
		}
	}
	return 0, false
}

// span is the time that events cover, those without a time aside.
func span(events []WitnessEvent) (lo, hi int64) {
	for _, e := range events {
		if e.T == 0 {
			continue
		}
		if lo == 0 || e.T < lo {
			lo = e.T
		}
		hi = max(hi, e.T)
	}
	return lo, hi
}

func (j *judge) txnFacts(i int32) []WitnessEvent {
	x := j.txns.at(int64(i))
	proc := j.procName(x.proc)
	var out []WitnessEvent
	if x.begin != 0 {
		out = append(out, j.event(x.begin, proc, x.beginLine, 0, history.Info, history.OpBegin, fmt.Sprintf("transaction %d begins", x.num)))
	}
	for k, n := x.staged, 0; k != 0 && n < 4; n++ {
		s := j.staged.at(int64(k - 1))
		out = append(out, j.event(s.t, proc, s.line, makePlace(s.tp, s.off), history.Info, history.OpSendOffsets,
			fmt.Sprintf("offset %d of %s for group %s sent into transaction %d", s.off, tpName(j.parts[s.tp].tp), j.groups[s.group].name, x.num)))
		k = s.next
	}
	if x.asked != 0 {
		op, t := history.OpCommit, x.commitInv
		if x.asked == 2 {
			op, t = history.OpAbort, x.abortInv
		}
		out = append(out, j.event(t, proc, x.invLine, 0, history.Invoke, op, fmt.Sprintf("%s of transaction %d asked", op, x.num)))
	}
	if x.end != 0 {
		out = append(out, j.event(x.end, proc, x.endLine, 0, history.Info, history.OpCommit, fmt.Sprintf("transaction %d: %s, as its client was told", x.num, x.outcome)))
	}
	out = append(out, WitnessEvent{Proc: "audit", Op: string(history.OpMarker), Type: string(history.Info),
		Text: fmt.Sprintf("in the log, transaction %d of %s has %d records committed, %d aborted, %d undecided", x.num, proc, x.committed, x.aborted, x.open)})
	return out
}

func (o txnOutcome) String() string {
	return [...]string{"no end asked", "end asked, not answered", "committed", "aborted", "outcome unknown", "end failed"}[o]
}

// byTime orders a witness's events; those without a time (the audit) come last.
func byTime(events []WitnessEvent) []WitnessEvent {
	slices.SortStableFunc(events, func(a, b WitnessEvent) int {
		switch {
		case a.T == 0 && b.T == 0:
			return 0
		case a.T == 0:
			return 1
		case b.T == 0:
			return -1
		}
		return int(min(1, max(-1, a.T-b.T)))
	})
	return events
}
