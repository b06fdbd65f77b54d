package franzgo

import (
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

// produce is the producer role.
func (w *job) produce() error {
	if w.spec.Transaction > 0 {
		return w.produceTransactions()
	}
	out := &outbox{w: w}
	pace := roles.NewPacer(w.spec.Rate)
	for w.ended() == nil {
		n := pace.Take(w.stop, w.left())
		if n == roles.NoRecord {
			break
		}
		out.retry()
		for range n {
			w.send(out, w.next())
		}
		if err := out.release(); err != nil {
			return err
		}
	}
	return w.first(w.ended(), out.settle)
}

// first returns err, or what then returns.
func (w *job) first(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// left is how many records may still be sent.
func (w *job) left() int {
	if w.spec.Max == 0 {
		return math.MaxInt
	}
	return int(w.spec.Max - w.seq.Load())
}

func (w *job) send(out *outbox, v history.Value) {
	out.add(history.OpSend, w.spec.Topic, v, w.key(v), history.Input{})
}

// key is unique for each message, unless the spec wants it otherwise.
func (w *job) key(v history.Value) []byte {
	switch w.set.key {
	case "", "unique":
		return v.Append(nil)
	case "none":
		return nil
	}
	keys, _ := strconv.ParseInt(w.set.key, 10, 64) // checked when it was set
	return strconv.AppendInt([]byte("k"), v.N%keys, 10)
}

// produceTransactions sends spec.Transaction records a transaction. A transaction
// that certainly did not commit is tried again with the same values, as often as
// the spec's retry says; one of which nobody knows is left alone.
func (w *job) produceTransactions() error {
	out := &outbox{w: w}
	pace := roles.NewPacer(w.spec.Rate)
	for w.ended() == nil && w.stop.Err() == nil && w.left() > 0 {
		values, outcome, err := w.produceTransaction(out, pace, nil)
		for try := 0; err == nil && outcome == history.Fail && try < w.spec.Retry.Attempts; try++ {
			if !w.wait(time.Duration(w.spec.Retry.BackoffNS)) {
				break
			}
			_, outcome, err = w.produceTransaction(out, pace, values)
		}
		if err != nil {
			return err
		}
	}
	return w.ended()
}

// produceTransaction sends again, or as many new values as there are before the
// stop, in one transaction, and ends it.
func (w *job) produceTransaction(out *outbox, pace *roles.Pacer, again []history.Value) (values []history.Value, outcome history.Type, err error) {
	n := len(again)
	if n == 0 {
		// Nothing is begun before the first record is due.
		if n = pace.Take(w.stop, min(w.left(), w.spec.Transaction)); n == roles.NoRecord {
			return nil, history.OK, nil
		}
	}
	if err := w.begin(w.cl.BeginTransaction); err != nil {
		return nil, "", err
	}
	values = again
	for n > 0 {
		for range n {
			if again == nil {
				values = append(values, w.next())
			}
		}
		for _, v := range values[len(values)-n:] {
			w.send(out, v)
		}
		if err := out.release(); err != nil {
			return nil, "", err
		}
		if n = min(w.left(), w.spec.Transaction-len(values)); again != nil || n <= 0 {
			break
		}
		n = pace.Take(w.stop, n)
	}
	outcome, err = w.endTransaction(out, nil)
	return values, outcome, err
}

// begin starts a transaction.
func (w *job) begin(call func() error) error {
	e := &history.Event{Type: history.OK, Op: history.OpBegin, Txn: w.txn.Add(1)}
	if err := call(); err != nil {
		e.Type, e.Err = history.Fail, errorOf(err)
		w.print.Tell(e)
		return fatalError{err}
	}
	w.inTxn.Store(e.Txn)
	w.print.Tell(e)
	return nil
}

// endTransaction commits if every record was acknowledged and stage, which sends
// the offsets if there are any, succeeds; else it aborts. It returns fail if the
// transaction certainly did not commit.
func (w *job) endTransaction(out *outbox, stage func() error) (history.Type, error) {
	defer w.inTxn.Store(0)
	if err := out.settle(); err != nil {
		return "", err
	}
	if err := out.broken(); err != nil && !w.has(guarantee.HabitIgnoreSendErrors) {
		return history.Fail, w.abort(err)
	}
	if stage != nil {
		if err := stage(); err != nil {
			return history.Fail, w.abort(err)
		}
	}
	e := &history.Event{Op: history.OpCommit, Txn: w.inTxn.Load()}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return "", err
	}
	written := w.writes.endTxn.Load()
	err := w.cl.EndTransaction(w.ctx, kgo.TryCommit)
	e.Type, e.Err = history.OK, errorOf(err)
	if err != nil {
		e.Type = history.Info
		if w.writes.endTxn.Load() == written {
			e.Type = history.Fail // nothing was asked of the coordinator
		}
	}
	w.print.End(e)
	if err != nil {
		return e.Type, w.abort(err)
	}
	return history.OK, nil
}

// abort ends the transaction as the library's documentation says after cause.
func (w *job) abort(cause error) error {
	e := &history.Event{Op: history.OpAbort, Txn: w.inTxn.Load(), Note: cause.Error()}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return err
	}
	err := w.cl.AbortBufferedRecords(w.ctx)
	if err == nil {
		err = w.cl.EndTransaction(w.ctx, kgo.TryAbort)
	}
	if err != nil {
		e.Type, e.Err = history.Info, errorOf(err)
		w.print.End(e)
		return fatalError{err}
	}
	e.Type = history.OK
	w.print.End(e)
	return nil
}
