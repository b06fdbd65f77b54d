package franzgo

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/harness/client"
	"github.com/onceproof/onceproof/history"
)

// habits that this worker can have: all of the protocol's.
var habits = []string{
	client.HabitNoRewind, client.HabitIgnoreSendErrors, client.HabitSwallowFatal,
	client.HabitNoGroupMetadata, client.HabitDedupInMemory,
}

func (w *worker) has(habit string) bool { return slices.Contains(w.spec.Habits, habit) }

// goOn moves the position behind inputs, after a session that did not commit has
// moved it back to what is committed. Most libraries leave it there by themselves.
func (w *worker) goOn(inputs []input) {
	ours := w.cl.CommittedOffsets()
	behind := map[string]map[int32]kgo.EpochOffset{}
	for _, in := range inputs {
		if _, still := ours[in.r.Topic][in.r.Partition]; !still {
			continue
		}
		if behind[in.r.Topic] == nil {
			behind[in.r.Topic] = map[int32]kgo.EpochOffset{}
		}
		behind[in.r.Topic][in.r.Partition] = kgo.EpochOffset{Epoch: in.r.LeaderEpoch, Offset: in.r.Offset + 1}
	}
	if len(behind) > 0 {
		w.cl.SetOffsets(behind)
	}
}

// withoutMember makes a commit one of nobody in particular, as it was before
// KIP-447: the coordinator cannot tell whether its sender still owns the
// partitions.
func withoutMember(req *kmsg.TxnOffsetCommitRequest) {
	req.Generation, req.MemberID, req.InstanceID = -1, "", nil
}

// swallows says whether the application takes err for one more failure, and not
// for the end of its client.
func (w *worker) swallows(err error) bool {
	return err != nil && w.ctx.Err() == nil && isFatal(err) && w.has(client.HabitSwallowFatal)
}

// reopen takes a new client in the place of one that was fenced, and goes on
// where it stood, as if what was fenced were done.
func (w *worker) reopen() error {
	stood := w.cl.UncommittedOffsets()
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
				lines = append(lines, &history.Event{
					Type: history.Info, Op: history.OpSeek, TP: history.TopicPartition{Topic: topic, Part: part}, Off: []int64{at.Offset},
				})
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
func (w *worker) again(in *input) bool {
	if !w.has(client.HabitDedupInMemory) {
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
