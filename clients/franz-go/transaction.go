package franzgo

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// session processes one poll in one transaction that its offsets are part of.
func (w *job) session(out *outbox, inputs []input) error {
	if err := w.begin(w.sess.Begin); err != nil {
		return err
	}
	defer w.inTxn.Store(0)
	if err := w.work(out, inputs); err != nil {
		return err
	}
	if err := out.broken(); err != nil && !w.has(guarantee.HabitIgnoreSendErrors) {
		return w.abortSession(inputs, err)
	}
	return w.commitSession(inputs)
}

// commitSession asks the session to commit. The session aborts instead when the
// group rebalanced or the offsets were not taken, and may then not have asked
// for the commit at all; only if that is certain is the commit failed.
func (w *job) commitSession(inputs []input) error {
	commit := &history.Event{Op: history.OpCommit, Txn: w.inTxn.Load()}
	w.print.Invoke(commit)
	if err := w.print.Flush(); err != nil {
		return err
	}
	var lines []*history.Event
	ctx := kgo.PreTxnCommitFnContext(w.ctx, func(req *kmsg.TxnOffsetCommitRequest) error {
		lines = w.stageOffsets(req)
		return w.print.Flush()
	})
	ends, inits := w.writes.endTxn.Load(), w.writes.initPID.Load()
	committed, err := w.sess.End(ctx, kgo.TryCommit)
	ends, inits = w.writes.endTxn.Load()-ends, w.writes.initPID.Load()-inits

	e := errorOf(err)
	switch {
	case committed:
		commit.Type = history.OK
	case err == nil:
		e = &history.Error{Name: "NotCommitted", Class: history.Abortable, Text: "the session aborted: the group rebalanced, or the offsets were not taken"}
		commit.Type = certain(ends <= 1 && inits == 0)
	default:
		commit.Type = certain(ends == 0)
	}
	commit.Err = e
	for _, line := range lines {
		if line.Type, line.Err = history.OK, e; e != nil {
			line.Type = history.Info
		}
		w.print.End(line)
	}
	w.print.End(commit)
	switch {
	case err != nil:
		return fatalError{fmt.Errorf("end transaction: %w", err)}
	case !committed && w.has(guarantee.HabitNoRewind):
		w.goOn(inputs)
	case !committed:
		w.rewound(inputs)
	}
	return nil
}

// certain is fail if it is, else info.
func certain(yes bool) history.Type {
	if yes {
		return history.Fail
	}
	return history.Info
}

// stageOffsets reports the offsets that are about to become part of the
// transaction, and gives them their token.
func (w *job) stageOffsets(req *kmsg.TxnOffsetCommitRequest) []*history.Event {
	token := w.commits.token()
	var lines []*history.Event
	for _, t := range req.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Metadata = token
			line := w.commits.line(history.OpSendOffsets, t.Topic, p.Partition, p.Offset, *token)
			line.Txn = w.inTxn.Load()
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		w.print.Invoke(lines...)
	}
	return lines
}

func (w *job) abortSession(inputs []input, cause error) error {
	e := &history.Event{Op: history.OpAbort, Txn: w.inTxn.Load(), Note: cause.Error()}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return err
	}
	if _, err := w.sess.End(w.ctx, kgo.TryAbort); err != nil {
		e.Type, e.Err = history.Info, errorOf(err)
		w.print.End(e)
		return fatalError{fmt.Errorf("abort transaction: %w", err)}
	}
	e.Type = history.OK
	w.print.End(e)
	if w.has(guarantee.HabitNoRewind) {
		w.goOn(inputs)
		return nil
	}
	w.rewound(inputs)
	return nil
}

// rewound tells that the session went back to what is committed, where the
// partition is still ours: its records come again.
func (w *job) rewound(inputs []input) {
	committed := w.cl.CommittedOffsets()
	var lines []*history.Event
	seen := map[history.TopicPartition]bool{}
	for i := range inputs {
		tp := inputs[i].tp()
		off, ours := committed[tp.Topic][tp.Part]
		if !ours || seen[tp] {
			continue
		}
		seen[tp] = true
		if off.Offset < 0 {
			off.Offset = inputs[i].r.Offset // nothing was committed yet: from the batch's first
		}
		lines = append(lines, &history.Event{Type: history.Info, Op: history.OpSeek, TP: tp, Off: []int64{off.Offset}})
	}
	if len(lines) > 0 {
		w.print.Tell(lines...)
		w.print.Nudge()
	}
}

// outside writes the outputs of one poll in a transaction and then commits the
// offsets apart from it: between the two a crash makes duplicates. A transaction
// that did not commit is tried again.
func (w *job) outside(out *outbox, inputs []input) error {
	for try := 0; ; try++ {
		if err := w.begin(w.cl.BeginTransaction); err != nil {
			return err
		}
		if err := w.work(out, inputs); err != nil {
			return err
		}
		outcome, err := w.endTransaction(out, nil)
		switch {
		case err != nil:
			return err
		case outcome == history.OK:
			return w.commit(inputs)
		case try >= w.spec.Retry.Attempts:
			return fatalError{errors.New("the transaction did not commit; another start takes its inputs up again")}
		}
		if err := w.rest(out, time.Duration(w.spec.Retry.BackoffNS)); err != nil {
			return err
		}
	}
}
