package jepsenkafka

import (
	"maps"
	"slices"
	"testing"
)

func told(key int, off, value int64) MicroOp {
	return MicroOp{IsSend: true, Key: key, Value: value, Acked: true, Offset: off}
}

func untold(key int, value int64) MicroOp {
	return MicroOp{IsSend: true, Key: key, Value: value, Offset: NoOffset}
}

func polled(key int, pairs ...Pair) MicroOp {
	return MicroOp{Done: true, Polled: []Batch{{key, pairs}}}
}

// done is one operation that nothing overlaps.
func done(process int, typ Type, micro ...MicroOp) []Op {
	return []Op{{Type: Invoke, F: Txn, Process: process, Micro: make([]MicroOp, len(micro))},
		{Type: typ, F: Txn, Process: process, Micro: micro}}
}

// assigned is an assign that is ok.
func assigned(process int, keys ...int) []Op {
	return []Op{{Type: Invoke, F: Assign, Process: process, Keys: keys},
		{Type: OK, F: Assign, Process: process, Keys: keys}}
}

func timeline(mode Mode, parts ...[]Op) *History {
	h := &History{Config: Config{Mode: mode}, Ops: slices.Concat(parts...)}
	open := map[int]int{}
	for i := range h.Ops {
		if o := &h.Ops[i]; o.Type == Invoke {
			open[o.Process] = i
		} else {
			o.Invoked = open[o.Process]
		}
	}
	return h
}

// overlapping are operations that are all invoked before any of them ends.
func overlapping(ops ...[]Op) []Op {
	var all []Op
	for _, o := range ops {
		all = append(all, o[0])
	}
	for _, o := range ops {
		all = append(all, o[1])
	}
	return all
}

// TestRules holds the rules against what Jepsen's own tests expect of its checker.
func TestRules(t *testing.T) {
	three := done(9, OK, told(0, 0, 1), told(0, 1, 2), told(0, 2, 3))
	all := done(8, OK, polled(0, Pair{0, 1}, Pair{1, 2}, Pair{2, 3}))
	for _, c := range []struct {
		name string
		h    *History
		want []string
	}{
		{"read whole", timeline(ByAssign, three, all), nil},
		{"failed write read", timeline(ByAssign, done(0, Fail, untold(0, 2)), done(1, OK, polled(0, Pair{0, 2}))),
			[]string{AbortedRead}},
		{"lost below one that was read", timeline(ByAssign, done(0, OK, told(0, 0, 1)), done(1, Info, untold(0, 2)),
			done(2, OK, polled(0, Pair{2, 2}))), []string{LostWrite, Unseen}},
		{"unknown transaction, nothing of it read", timeline(ByAssign, done(0, Info, untold(0, 1), told(1, 0, 2)),
			done(1, Info, untold(1, 3)), done(2, OK, polled(1, Pair{1, 3}))), nil},
		{"unknown transaction, read in part", timeline(ByAssign, done(0, Info, untold(0, 1), told(1, 0, 2)),
			done(1, Info, untold(1, 3)), done(2, OK, polled(0, Pair{0, 1})), done(3, OK, polled(1, Pair{1, 3}))),
			[]string{LostWrite}},
		{"two values at an offset", timeline(ByAssign, done(0, OK, told(0, 5, 1)), done(1, OK, told(0, 5, 2))),
			[]string{InconsistentOffsets, Unseen}},
		{"one value at two offsets", timeline(ByAssign, done(0, OK, told(0, 1, 1)), done(1, Info, untold(0, 2)),
			done(2, OK, polled(0, Pair{2, 2}, Pair{3, 1}))), []string{Duplicate}},
		{"rewound", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1})), done(1, Fail,
			polled(0, Pair{1, 2})),
			done(1, OK, polled(0, Pair{1, 2}))), nil},
		{"not rewound", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1})), done(1, Fail,
			polled(0, Pair{1, 2})),
			done(1, OK, polled(0, Pair{2, 3}))), []string{PollSkip}},
		{"skip by a subscriber", timeline(BySubscribe, three, all, done(1, OK, polled(0, Pair{0, 1})),
			done(1, OK, polled(0, Pair{2, 3}))), nil},
		{"back", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1}, Pair{1, 2})),
			done(1, OK, polled(0, Pair{1, 2}))), []string{NonmonotonicPoll}},
		{"back after the key went", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1}, Pair{1, 2})),
			assigned(1, 5), done(1, OK, polled(0, Pair{1, 2}))), nil},
		{"back though the key stayed", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1}, Pair{1, 2})),
			assigned(1, 0, 5), done(1, OK, polled(0, Pair{1, 2}))), []string{NonmonotonicPoll}},
		{"skip within", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{0, 1}), polled(0, Pair{2, 3}))),
			[]string{IntPollSkip}},
		{"back within", timeline(ByAssign, three, all, done(1, OK, polled(0, Pair{1, 2}), polled(0, Pair{1, 2}))),
			[]string{IntNonmonotonicPoll}},
		{"sends back", timeline(ByAssign, done(0, OK, told(0, 3, 1)), done(0, OK, told(0, 1, 2)),
			done(1, OK, polled(0, Pair{1, 2}, Pair{3, 1}))), []string{NonmonotonicSend}},
		{"sends back within", timeline(ByAssign, done(0, OK, untold(0, 1), untold(0, 2)),
			done(1, OK, polled(0, Pair{1, 2}, Pair{3, 1}))), []string{IntNonmonotonicSend}},
		{"own send", timeline(ByAssign, done(0, OK, told(0, 0, 1), polled(0, Pair{0, 1}))), []string{PrecommittedRead}},
		{"each other's sends", timeline(ByAssign, overlapping(done(0, OK, told(0, 0, 1), polled(1, Pair{0, 2})),
			done(1, OK, told(1, 0, 2), polled(0, Pair{0, 1})))), []string{CircularFlow}},
		{"read before it was sent", timeline(ByAssign, done(0, OK, polled(0, Pair{0, 1})),
			done(1, OK, told(0, 0, 1))), []string{CircularRealtime}},
		{"writes in conflicting orders", timeline(ByAssign, overlapping(done(0, OK, told(0, 0, 1), told(1, 1, 1)),
			done(1, OK, told(0, 1, 2), told(1, 0, 2))), done(2, OK, polled(0, Pair{0, 1}, Pair{1, 2}),
			polled(1, Pair{0, 2}, Pair{1, 1}))), nil},
	} {
		if got := slices.Sorted(maps.Keys(Violations(c.h))); !slices.Equal(got, slices.Sorted(slices.Values(c.want))) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
