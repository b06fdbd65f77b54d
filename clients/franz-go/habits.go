package franzgo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// habits that this worker can have: all of the protocol's.
var habits = []string{
	guarantee.HabitNoRewind, guarantee.HabitIgnoreSendErrors, guarantee.HabitSwallowFatal,
	guarantee.HabitNoGroupMetadata, guarantee.HabitDedupInMemory, guarantee.HabitHandOff,
}

func (w *job) has(habit string) bool { return slices.Contains(w.spec.Habits, habit) }

// handOff has inputs processed by another thread, and goes on as if they were done.
func (w *job) handOff(out *outbox, inputs []input) error {
	w.thread.Go(func() {
		for i := range inputs {
			if w.ended() != nil {
				return
			}
			if err := w.work(out, inputs[i:i+1]); err != nil {
				w.fail(err)
			}
		}
	})
	if w.spec.Commit == guarantee.CommitBatch {
		return w.commit(inputs)
	}
	return nil
}

// goOn moves the position behind inputs, after a session that did not commit has
// moved it back to what is committed. Most libraries leave it there by themselves.
func (w *job) goOn(inputs []input) {
	ours := w.cl.CommittedOffsets()
	behind := map[string]map[int32]kgo.EpochOffset{}
	for i := range inputs {
		if _, still := ours[inputs[i].r.Topic][inputs[i].r.Partition]; still {
			put(behind, inputs[i].r, 1)
		}
	}
	if len(behind) > 0 {
		w.cl.SetOffsets(behind)
	}
}

// bySession says whether transactions with offsets go by the library's session,
// which always sends the group's metadata and looks after its membership by itself.
func (w *job) bySession() bool {
	return w.spec.Commit == guarantee.CommitTxn && !w.has(guarantee.HabitNoGroupMetadata)
}

// beforeKIP447 has offsets sent into transactions as before KIP-447, when the
// request had no place for the group's metadata.
func beforeKIP447() kgo.Opt {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.TxnOffsetCommit.Int16(), 2)
	return kgo.MaxVersions(v)
}

// byHand processes one poll in one transaction whose offsets are sent by group id
// alone, as before KIP-447: the coordinator cannot tell whether their sender
// still owns the partitions.
func (w *job) byHand(out *outbox, inputs []input) error {
	if err := w.begin(w.cl.BeginTransaction); err != nil {
		return err
	}
	if err := w.work(out, inputs); err != nil {
		return err
	}
	outcome, err := w.endTransaction(out, func() error { return w.sendOffsets(inputs) })
	if err == nil && outcome != history.OK {
		w.goBack(inputs)
	}
	return err
}

// sendOffsets adds the offsets behind inputs to the transaction.
func (w *job) sendOffsets(inputs []input) error {
	pid, epoch, err := w.cl.ProducerID(w.ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = w.set.txnID, pid, epoch, w.set.group
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = w.set.txnID, pid, epoch, w.set.group
	behind := map[string]map[int32]kgo.EpochOffset{}
	for i := range inputs {
		put(behind, inputs[i].r, 1)
	}
	for topic, parts := range behind {
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic = topic
		for part, at := range parts {
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = part, at.Offset, at.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	}
	lines := w.stageOffsets(req)
	if err = w.print.Flush(); err != nil {
		return err
	}
	if err = w.stage(add, req); isFatal(err) {
		w.fail(fmt.Errorf("send offsets: %w", err))
	}
	for _, line := range lines {
		if line.Type, line.Err = history.OK, errorOf(err); err != nil {
			line.Type = history.Info
		}
		w.print.End(line)
	}
	return err
}

func (w *job) stage(add *kmsg.AddOffsetsToTxnRequest, req *kmsg.TxnOffsetCommitRequest) error {
	added, err := add.RequestWith(w.ctx, w.cl)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		return err
	}
	staged, err := req.RequestWith(w.ctx, w.cl)
	if err != nil {
		return err
	}
	for _, t := range staged.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// goBack moves the position to the first of inputs in each partition.
func (w *job) goBack(inputs []input) {
	if w.has(guarantee.HabitNoRewind) {
		return
	}
	first := map[string]map[int32]kgo.EpochOffset{}
	for i := len(inputs) - 1; i >= 0; i-- {
		put(first, inputs[i].r, 0)
	}
	w.cl.SetOffsets(first)
	var lines []*history.Event
	for topic, parts := range first {
		for part, at := range parts {
			lines = append(lines, sought(topic, part, at.Offset))
		}
	}
	w.print.Tell(lines...)
	w.print.Nudge()
}

func sought(topic string, part int32, off int64) *history.Event {
	return &history.Event{Type: history.Info, Op: history.OpSeek, TP: history.TopicPartition{Topic: topic, Part: part}, Off: []int64{off}}
}

// put notes the offset of r, or so many behind it, as its partition's.
func put(at map[string]map[int32]kgo.EpochOffset, r *kgo.Record, more int64) {
	if at[r.Topic] == nil {
		at[r.Topic] = map[int32]kgo.EpochOffset{}
	}
	at[r.Topic][r.Partition] = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + more}
}

// swallows says whether the application takes err for one more failure, and not
// for the end of its client.
func (w *job) swallows(err error) bool {
	return err != nil && w.ctx.Err() == nil && isFatal(err) && w.has(guarantee.HabitSwallowFatal)
}

// reopen takes a new client in the place of one that is finished, and goes on
// behind inputs, as if they were done.
func (w *job) reopen(inputs []input) error {
	stood := map[string]map[int32]kgo.EpochOffset{}
	maps.Copy(stood, w.cl.UncommittedOffsets())
	for i := range inputs {
		put(stood, inputs[i].r, 1)
	}
	w.cl.CloseAllowingRebalance()
	w.mu.Lock()
	w.fatal = nil
	w.mu.Unlock()
	w.resume = kgo.AdjustFetchOffsetsFn(func(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		var lines []*history.Event
		for topic, parts := range offsets {
			for part := range parts {
				at, known := stood[topic][part]
				if !known || at.Offset <= parts[part].EpochOffset().Offset {
					continue
				}
				parts[part] = kgo.NewOffset().At(at.Offset)
				lines = append(lines, sought(topic, part, at.Offset))
			}
		}
		if len(lines) > 0 {
			w.print.Tell(lines...)
			w.print.Nudge()
		}
		return offsets, nil
	})
	return w.first(w.open(), w.initProducer)
}

// done remembers what this process has processed, for an application that takes
// that for a protection from duplicates.
type done map[history.Input]bool

// again says whether the application has processed in before, and remembers it.
func (w *job) again(in *input) bool {
	if !w.has(guarantee.HabitDedupInMemory) {
		return false
	}
	if w.done[in.input()] {
		return true
	}
	if w.done == nil {
		w.done = done{}
	}
	w.done[in.input()] = true
	return false
}
