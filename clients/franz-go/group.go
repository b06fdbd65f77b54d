package franzgo

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// groupOptions have the library tell of the group, and commit in a context in
// which commits are reported.
//
// Outside transactions rebalances wait until the polled records are done with
// (BlockRebalanceOnPoll), as the library's documentation advises those who
// commit; a transaction session aborts instead.
func (w *job) groupOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.WithContext(w.commits.context(w.ctx)),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			w.partitions(history.OpAssigned, tps)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			w.commitRevoked(tps)
			w.partitions(history.OpRevoked, tps)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			w.partitions(history.OpLost, tps)
		}),
		kgo.OnOffsetsFetched(func(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
			w.fetchedOffsets(resp)
			return nil
		}),
	}
	if !w.bySession() {
		opts = append(opts, kgo.BlockRebalanceOnPoll())
	}
	if w.set.commitsByItself() {
		opts = append(opts, kgo.AutoCommitCallback(
			func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
				if err := w.commits.after(req, resp, err); isFatal(err) {
					w.fail(err)
				}
			}))
	}
	return opts
}

func (w *job) partitions(op history.Op, tps map[string][]int32) {
	var lines []*history.Event
	for topic, parts := range tps {
		for _, part := range parts {
			lines = append(lines, &history.Event{
				Type: history.Info, Op: op, Group: w.set.group, TP: history.TopicPartition{Topic: topic, Part: part},
			})
		}
	}
	if len(lines) > 0 {
		w.print.Tell(lines...)
		w.print.Nudge()
	}
}

// commitRevoked does what the library does by default when it commits by itself:
// a last commit of what was processed. Rebalances wait for polled records, so
// that all that was polled has been processed.
func (w *job) commitRevoked(tps map[string][]int32) {
	if !w.set.commitsByItself() {
		return
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for topic, parts := range w.cl.UncommittedOffsets() {
		for _, part := range tps[topic] {
			if off, any := parts[part]; any {
				if offsets[topic] == nil {
					offsets[topic] = map[int32]kgo.EpochOffset{}
				}
				offsets[topic][part] = off
			}
		}
	}
	if err := w.commitOffsets(offsets); isFatal(err) {
		w.fail(err)
	}
}

// fetchedOffsets tells where the group left off, partition by partition.
func (w *job) fetchedOffsets(resp *kmsg.OffsetFetchResponse) {
	var lines []*history.Event
	add := func(topic string, part int32, off int64, meta *string, code int16) {
		if topic == "" || code != 0 || off < 0 {
			return
		}
		e := w.commits.line(history.OpFetchOffsets, topic, part, off, "")
		if e.Type = history.OK; meta != nil {
			e.Meta = *meta
		}
		lines = append(lines, e)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			add(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode)
		}
	}
	if len(lines) == 0 { // from version 8 on, by group
		for _, g := range resp.Groups {
			for _, t := range g.Topics {
				for _, p := range t.Partitions {
					add(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode)
				}
			}
		}
	}
	if len(lines) > 0 {
		w.print.Tell(lines...)
		w.print.Nudge()
	}
}
