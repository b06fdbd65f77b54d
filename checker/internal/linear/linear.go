// Package linear judges the small stateful objects of a history by search: it
// asks porcupine whether some order of the operations, each somewhere between
// its invocation and its end, explains what was returned.
//
//	checker ──> linear: operations of one object ──> porcupine ──> ok, illegal, unknown
//
// The search is exponential in the worst case, so that every window of
// operations is capped, and so is the work on it; what exceeds a cap is Unknown.
package linear

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"
)

// Verdict of a search.
type Verdict string

const (
	OK      Verdict = "ok"      // an order was found
	Illegal Verdict = "illegal" // there is none
	Unknown Verdict = "unknown" // not decided; Result.Reason says why
)

// Forever is the end of an operation that may still take effect.
const Forever = int64(1<<63 - 1)

// Caps bound a search. They were measured: porcupine needs about n²/8 bytes, and
// each operation of unknown outcome in an illegal history doubles its work. Work is
// counted in steps of the model rather than in seconds: the same history gets the
// same verdict on a busy machine as on an idle one.
type Caps struct {
	Ops     int // operations in a window
	Clients int
	Unknown int   // operations that end never
	Steps   int64 // of the model, in a window; a few million take a second
}

// DefaultCaps are used for zero fields.
var DefaultCaps = Caps{Ops: 10_000, Clients: 15, Unknown: 4, Steps: 1_000_000}

func (c Caps) filled() Caps {
	return Caps{
		Ops: cmp.Or(c.Ops, DefaultCaps.Ops), Clients: cmp.Or(c.Clients, DefaultCaps.Clients),
		Unknown: cmp.Or(c.Unknown, DefaultCaps.Unknown), Steps: cmp.Or(c.Steps, DefaultCaps.Steps),
	}
}

// Result of a search.
type Result struct {
	Verdict Verdict
	Reason  string // of Unknown
	Ops     int    // operations searched

	model porcupine.Model
	info  porcupine.LinearizationInfo
}

// HTML writes porcupine's interactive view of the operations and the longest
// orders that were found.
func (r *Result) HTML(w io.Writer) error {
	if r.Ops == 0 {
		return fmt.Errorf("draw the linearization: nothing was searched: %s", r.Reason)
	}
	if err := porcupine.Visualize(r.model, r.info, w); err != nil {
		return fmt.Errorf("draw the linearization: %w", err)
	}
	return nil
}

// search runs porcupine within the caps.
func search(model porcupine.Model, ops []porcupine.Operation, caps Caps) Result {
	caps = caps.filled()
	clients := map[int]bool{}
	unknown := 0
	for _, o := range ops {
		clients[o.ClientId] = true
		if o.Return == Forever {
			unknown++
		}
	}
	over := func(what string, n, most int) Result {
		return Result{Verdict: Unknown, Reason: fmt.Sprintf("%d %s, of which at most %d can be searched", n, what, most)}
	}
	switch {
	case len(ops) > caps.Ops:
		return over("operations at once", len(ops), caps.Ops)
	case len(clients) > caps.Clients:
		return over("clients at once", len(clients), caps.Clients)
	case unknown > caps.Unknown:
		return over("operations of unknown outcome", unknown, caps.Unknown)
	}
	left := caps.Steps
	step := model.Step
	model.Step = func(state, in, out any) (bool, any) {
		if left--; left < 0 {
			return false, state // nothing fits any more: the search unwinds
		}
		return step(state, in, out)
	}
	verdict, info := porcupine.CheckOperationsVerbose(model, ops, 0)
	r := Result{Ops: len(ops), model: model, info: info}
	switch {
	case verdict == porcupine.Ok:
		r.Verdict = OK
	case left < 0:
		r.Verdict, r.Reason = Unknown, fmt.Sprintf("no answer within %d steps for %d operations", caps.Steps, len(ops))
	default:
		r.Verdict = Illegal
	}
	return r
}

// windows cuts operations where none is in flight. An operation that never ends
// does not keep a window open; it stands in the window that it began in, and
// callers decide where else it may matter.
func windows[T any](ops []T, call, ret func(T) int64) [][]T {
	slices.SortStableFunc(ops, func(a, b T) int { return cmp.Compare(call(a), call(b)) })
	var out [][]T
	start := 0
	busy := int64(-1)
	for i, o := range ops {
		if i > start && call(o) > busy {
			out = append(out, ops[start:i])
			start = i
		}
		if r := ret(o); r != Forever {
			busy = max(busy, r)
		} else {
			busy = max(busy, call(o))
		}
	}
	if start < len(ops) {
		out = append(out, ops[start:])
	}
	return out
}
