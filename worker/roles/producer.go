package roles

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

func (w *job) produce() error {
	pace := NewPacer(w.spec.Rate)
	for w.ended() == nil {
		n := pace.Take(w.stop, w.left())
		if n == NoRecord {
			break
		}
		w.out.retry()
		for range n {
			w.send(w.next())
		}
		if err := w.out.release(); err != nil {
			return err
		}
	}
	if err := w.ended(); err != nil {
		return err
	}
	return w.out.settle()
}

func (w *job) left() int {
	if w.spec.Max == 0 {
		return math.MaxInt
	}
	return int(w.spec.Max - w.seq.Load())
}

func (w *job) send(v history.Value) {
	w.out.add(history.OpSend, w.spec.Topic, v, w.keyOf(v), history.Input{})
}

func (w *job) keyOf(v history.Value) []byte {
	switch kind := w.spec.Config["onceproof.key"]; kind {
	case "", "unique":
		return []byte(v.String())
	case "none":
		return nil
	default:
		keys, err := strconv.ParseInt(kind, 10, 64)
		if err != nil || keys < 1 {
			keys = 1
		}
		return strconv.AppendInt([]byte("k"), v.N%keys, 10)
	}
}

// produceTransactions tries a transaction that certainly did not commit again
// with the same values; one of which nobody knows is left alone.
func (w *job) produceTransactions() error {
	pace := NewPacer(w.spec.Rate)
	for w.stop.Err() == nil && w.left() > 0 {
		values, outcome, err := w.transaction(pace, nil)
		for try := 0; err == nil && outcome == history.Fail && try < w.spec.Retry.Attempts; try++ {
			if !w.wait(time.Duration(w.spec.Retry.BackoffNS)) {
				break
			}
			_, outcome, err = w.transaction(pace, values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *job) transaction(pace *Pacer, again []history.Value) (values []history.Value, outcome history.Type, err error) {
	n := len(again)
	if n == 0 {
		if n = pace.Take(w.stop, min(w.left(), w.spec.Transaction)); n == NoRecord {
			return nil, history.OK, nil
		}
	}
	if err := w.begin(); err != nil {
		return nil, "", err
	}
	for values = again; n > 0; {
		if again == nil {
			for range n {
				values = append(values, w.next())
			}
		}
		for _, v := range values[len(values)-n:] {
			w.send(v)
		}
		if err := w.out.release(); err != nil {
			return nil, "", err
		}
		if n = min(w.left(), w.spec.Transaction-len(values)); again != nil || n <= 0 {
			break
		}
		n = pace.Take(w.stop, n)
	}
	outcome, err = w.endTransaction(nil)
	return values, outcome, err
}

func (w *job) begin() error {
	w.txns++
	e := &history.Event{Type: history.OK, Op: history.OpBegin, Txn: w.txns}
	err := w.lib.Begin()
	if err != nil {
		e.Type, e.Err = history.Fail, w.lib.Explain(err)
	}
	w.print.Tell(e)
	if err != nil {
		return fmt.Errorf("%w: begin: %w", errFatal, err)
	}
	w.inTxn.Store(e.Txn)
	return nil
}

// endTransaction adds the offsets behind inputs, if there are any, and commits if
// every record was acknowledged, else aborts. It returns fail if the transaction
// certainly did not commit.
func (w *job) endTransaction(inputs []Record) (history.Type, error) {
	defer w.inTxn.Store(0)
	if err := w.out.settle(); err != nil {
		return "", err
	}
	cause, outcome := w.out.broken(), history.Fail
	if w.has(guarantee.HabitIgnoreSendErrors) {
		cause = nil
	}
	if s := w.session(); cause == nil && s != nil && len(inputs) > 0 {
		return w.commitSession(s)
	}
	if cause == nil && len(inputs) > 0 {
		cause = w.commit(history.OpSendOffsets, inputs, w.sendOffsets())
	}
	if cause == nil {
		e := &history.Event{Op: history.OpCommit, Txn: w.inTxn.Load()}
		w.print.Invoke(e)
		if err := w.print.Flush(); err != nil {
			return "", err
		}
		cause = w.lib.Commit()
		if e.Type = history.OK; cause != nil {
			e.Type, e.Err = history.Info, w.lib.Explain(cause)
			if a, ok := w.lib.(Asker); ok && !a.Asked() {
				e.Type = history.Fail
			}
		}
		w.print.End(e)
		outcome = e.Type
	}
	switch {
	case cause == nil:
		return history.OK, nil
	case w.finished(cause):
		return "", fmt.Errorf("%w: %w", errFatal, cause)
	}
	return outcome, w.guarded(&history.Event{Op: history.OpAbort, Txn: w.inTxn.Load(), Note: cause.Error()}, w.lib.Abort)
}

// session is the library's, if transactions with offsets go that way.
func (w *job) session() Session {
	if s, ok := w.lib.(Session); ok && s.InSession() {
		return s
	}
	return nil
}

// commitSession asks the session to commit. It aborts instead when the group
// rebalanced or the offsets were not taken, and may then not have asked for the
// commit at all; only if that is certain is the commit failed.
func (w *job) commitSession(s Session) (history.Type, error) {
	e := &history.Event{Op: history.OpCommit, Txn: w.inTxn.Load()}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return "", err
	}
	end, err := s.CommitSession()
	switch {
	case end.Committed:
		e.Type = history.OK
	case end.NotAsked:
		e.Type = history.Fail
	default:
		e.Type = history.Info
	}
	if cause := cmp.Or(err, end.Cause); cause != nil {
		e.Err = w.lib.Explain(cause)
	}
	w.print.End(e)
	if err != nil {
		return "", fmt.Errorf("%w: end transaction: %w", errFatal, err)
	}
	return e.Type, nil
}
