package franzgo

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

// process is the application's work on one input: a side effect, and for a
// processor an output. An input whose processing fails to the last is put aside,
// or given up if there is nowhere to put it.
//
// The effect is the line that reports it: it has taken place when the line is
// out, which is before any commit that covers it.
func (w *job) process(out *outbox, in *input) error {
	if w.again(in) {
		return nil
	}
	for try := 0; ; try++ {
		took, fails := w.draw(in, try)
		if err := w.rest(out, took); err != nil {
			return err
		}
		e := &history.Event{Type: history.OK, Op: history.OpProcess, Txn: w.inTxn.Load(), From: []history.Input{in.input()}}
		if in.val != (history.Value{}) {
			e.Val = []history.Value{in.val}
		}
		if !fails {
			w.print.Tell(e)
			if w.spec.Output != "" {
				out.add(history.OpSend, w.spec.Output, w.next(), in.r.Key, in.input())
			}
			return w.burst(out)
		}
		e.Type = history.Fail
		e.Err = &history.Error{Name: "ProcessingFailed", Text: "attempt " + strconv.Itoa(try+1)}
		w.print.Tell(e)
		if try >= w.spec.Retry.Attempts {
			if w.spec.Retry.Topic != "" {
				out.add(history.OpSetAside, w.spec.Retry.Topic, w.next(), in.r.Key, in.input())
			}
			return w.burst(out)
		}
		if err := w.rest(out, time.Duration(w.spec.Retry.BackoffNS)); err != nil {
			return err
		}
	}
}

// burst hands outputs over when enough have gathered.
func (w *job) burst(out *outbox) error {
	if len(out.queued) < roles.Burst {
		return nil
	}
	return out.release()
}

// rest waits for d; what was done before it is told, and sent, before.
func (w *job) rest(out *outbox, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if err := out.release(); err != nil {
		return err
	}
	if err := w.print.Flush(); err != nil {
		return err
	}
	if !w.wait(d) {
		return w.ctx.Err()
	}
	return nil
}

// draw says how long an attempt takes and whether it fails. The same attempt at
// the same value draws the same in every incarnation.
func (w *job) draw(in *input, try int) (took time.Duration, fails bool) {
	p := w.spec.Process
	if p.MaxNS <= 0 && p.Fail <= 0 {
		return time.Duration(p.MinNS), false
	}
	name := in.val.String()
	if name == "" {
		name = in.input().String()
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	h.Write([]byte{byte(try)})
	rng := rand.New(rand.NewPCG(w.spec.Seed, h.Sum64()))
	fails = rng.Float64() < p.Fail
	took = time.Duration(p.MinNS)
	if p.MaxNS > p.MinNS {
		took += time.Duration(rng.Int64N(p.MaxNS - p.MinNS + 1))
	}
	return took, fails
}
