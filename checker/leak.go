package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// A broker gives a consumer under read_committed nothing at or above the first
// record of a transaction that is open ("the last stable offset", KIP-98). The wire
// shows both: where a transaction's first record was put, and what was fetched
// before anybody asked to commit it. That a transaction was aborted meanwhile, as
// its time-out does, the wire does not show; so only one that is committed after
// all bears witness.

// low is where a transaction's first record of a partition was put.
type low struct {
	off  int64
	t    int64
	line int64
	proc string
}

// earlyFetch is a fetch that reached into an open transaction.
type earlyFetch struct {
	tp           history.TopicPartition
	client       string
	from, to     int64 // offsets that were fetched
	t, line      int64
	low          low
	asked, askAt int64 // when the commit was asked for, and where that stands
}

// maxEarly bounds what one transaction remembers: one is enough to show it.
const maxEarly = 3

// placed takes in where the broker put a batch of the open transaction.
func (t *wireTxn) placed(e *history.Event) {
	if len(e.Off) == 0 || t.phase() == PhaseNone || t.phase() == PhaseEnded {
		return
	}
	if t.lows == nil {
		t.lows = map[history.TopicPartition]low{}
	}
	if l, known := t.lows[e.TP]; !known || e.Off[0] < l.off {
		t.lows[e.TP] = low{off: e.Off[0], t: e.T, line: t.line, proc: e.Proc}
	}
}

// fetched takes in what a client was given.
func (w *wireView) fetched(e *history.Event, line int64) {
	if !facts.Committed.Get(e) || len(e.Off) != 2 {
		return
	}
	for _, t := range w.txns {
		p := t.phase()
		l, known := t.lows[e.TP]
		if !known || e.Off[1] < l.off || p == PhaseNone || p == PhaseEnding || p == PhaseEnded || len(t.early) == maxEarly {
			continue
		}
		t.early = append(t.early, earlyFetch{tp: e.TP, client: e.Proc, from: e.Off[0], to: e.Off[1], t: e.T, line: line, low: l})
	}
}

// ending notes when the commit of what was fetched early was asked for.
func (t *wireTxn) ending(e *history.Event) {
	for i := range t.early {
		if t.early[i].asked == 0 {
			t.early[i].asked, t.early[i].askAt = e.T, t.line
		}
	}
}

// leaksDone reports what brokers gave away too early.
func (j *judge) leaksDone() {
	for _, f := range j.wire.leaks {
		tp, known := j.names.tps[f.tp]
		if !known {
			continue // neither a client nor the audit speaks of it
		}
		at, first := makePlace(tp, max(f.from, f.low.off)), makePlace(tp, f.low.off)
		j.finds.report(guarantee.ReadAboveLSO, func() draft {
			client, _ := splitProc(f.client + "/0")
			return draft{
				focus: []place{first, at}, client: client,
				events: []WitnessEvent{
					j.event(f.low.t, f.low.proc, uint32(f.low.line), first, history.OK, history.OpResponse, fmt.Sprintf("the broker put the first record of %s's transaction at %s", f.low.proc, j.placeName(first))),
					j.event(f.t, f.client, uint32(f.line), at, history.OK, history.OpFetched, fmt.Sprintf("%s (read_committed) was given %s to %d", f.client, j.placeName(makePlace(tp, f.from)), f.to)),
					j.event(f.asked, f.low.proc, uint32(f.askAt), 0, history.Invoke, history.OpRequest, "its commit was asked for"),
				},
				text: fmt.Sprintf("A broker gave %s (read_committed) offsets %d to %d of %s at %s, while the transaction of %s, open since offset %d, was not ended before %s.",
					f.client, f.from, f.to, tpName(f.tp), j.clock(f.t), f.low.proc, f.low.off, j.clock(f.asked)),
				legal: fmt.Sprintf("offsets below %d only", f.low.off),
			}
		})
	}
}
