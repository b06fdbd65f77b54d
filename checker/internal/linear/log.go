package linear

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// LogOp is one operation on a partition: an append that got Off, or a read that
// reached Off. Return is Forever for an append whose answer was lost.
type LogOp struct {
	Read         bool
	Off          int64
	Value        string
	Client       int
	Call, Return int64
}

// partitionLog is a log that only grows: an append gets an offset above all
// before it, though not always the next one (markers and others' records lie
// between), and a read returns nothing that was not appended.
var partitionLog = porcupine.Model{
	Init: func() any { return int64(-1) },
	Step: func(state, input, _ any) (bool, any) {
		end, op := state.(int64), input.(LogOp)
		if op.Read {
			return op.Off <= end, end
		}
		return op.Off > end, max(end, op.Off)
	},
	DescribeOperation: func(input, _ any) string {
		op := input.(LogOp)
		if op.Read {
			return fmt.Sprintf("read up to %d", op.Off)
		}
		return fmt.Sprintf("append %s -> %d", op.Value, op.Off)
	},
	DescribeState: func(state any) string { return fmt.Sprint(state) },
}

// Log searches for an order of appends and reads of one partition, window by
// window. A window after the first begins with what certainly was there before;
// appends of unknown outcome above that stay possible in every later window.
func Log(ops []LogOp, caps Caps) Result {
	out := Result{Verdict: OK}
	end := int64(-1)
	var unsure []LogOp
	for _, w := range windows(ops, func(o LogOp) int64 { return o.Call }, func(o LogOp) int64 { return o.Return }) {
		all := make([]porcupine.Operation, 0, len(w)+len(unsure)+1)
		add := func(o LogOp) {
			all = append(all, porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: o.Return})
		}
		if end >= 0 {
			add(LogOp{Off: end, Value: "what was before", Call: w[0].Call - 2, Return: w[0].Call - 1})
		}
		later := unsure[:0:0]
		for _, o := range unsure {
			if o.Off > end {
				o.Call = w[0].Call - 1
				add(o)
				later = append(later, o)
			}
		}
		unsure = later
		for _, o := range w {
			add(o)
			switch {
			case o.Return != Forever:
				end = max(end, o.Off)
			case !o.Read:
				unsure = append(unsure, o)
			}
		}
		r := search(partitionLog, all, caps)
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
