package franzgo

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

// groupOptions have the library tell of the group, and commit in a context in
// which commits are reported.
//
// Outside transactions rebalances wait until the polled records are done with
// (BlockRebalanceOnPoll), as the library's documentation advises those who
// commit; a transaction session aborts instead.
func (l *library) groupOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.WithContext(l.commits.context(l.host.Context())),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			l.told(history.OpAssigned, tps)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			l.commitRevoked(tps)
			l.told(history.OpRevoked, tps)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, tps map[string][]int32) {
			l.told(history.OpLost, tps)
		}),
		kgo.OnOffsetsFetched(func(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
			l.fetchedOffsets(resp)
			return nil
		}),
	}
	if !l.InSession() {
		opts = append(opts, kgo.BlockRebalanceOnPoll())
	}
	if l.set.commitsByItself() {
		opts = append(opts, kgo.AutoCommitCallback(
			func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
				if err := l.commits.after(req, resp, err); isFatal(err) {
					l.host.Fail(err)
				}
			}))
	}
	return opts
}

func (l *library) told(op history.Op, tps map[string][]int32) {
	var all []history.TopicPartition
	for topic, parts := range tps {
		for _, part := range parts {
			all = append(all, history.TopicPartition{Topic: topic, Part: part})
		}
	}
	l.host.Told(op, all)
}

// commitRevoked does what the library does by default when it commits by itself:
// a last commit of what was processed. Rebalances wait for polled records, so
// that all that was polled has been processed.
func (l *library) commitRevoked(tps map[string][]int32) {
	if !l.set.commitsByItself() {
		return
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for topic, parts := range l.cl.UncommittedOffsets() {
		for _, part := range tps[topic] {
			if off, any := parts[part]; any {
				if offsets[topic] == nil {
					offsets[topic] = map[int32]kgo.EpochOffset{}
				}
				offsets[topic][part] = off
			}
		}
	}
	if err := l.commit(offsets); isFatal(err) {
		l.host.Fail(err)
	}
}

// fetchedOffsets tells where the group left off, partition by partition.
func (l *library) fetchedOffsets(resp *kmsg.OffsetFetchResponse) {
	var lines []*history.Event
	add := func(topic string, part int32, off int64, meta *string, code int16) {
		if topic == "" || code != 0 || off < 0 {
			return
		}
		e := l.commits.line(history.OpFetchOffsets, topic, part, off, "")
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
		l.host.Printer().Tell(lines...)
		l.host.Printer().Nudge()
	}
}

const pollPause = 100 * time.Millisecond // after a poll that returned an error and no records

// Consume polls until ctx ends, and hands on what comes. Rebalances wait meanwhile,
// except in a session.
func (l *library) Consume(ctx context.Context, _ string, g roles.Group) error {
	for ctx.Err() == nil {
		if err := l.host.Ended(); err != nil {
			return err
		}
		fetches := l.cl.PollRecords(ctx, l.set.maxPoll)
		l.failed(ctx, g, fetches)
		var err error
		if records := l.records(fetches); len(records) > 0 {
			err = g.Handle(records)
		}
		if l.sess == nil {
			l.cl.AllowRebalance()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failed reports what a poll returned besides records.
func (l *library) failed(ctx context.Context, g roles.Group, fetches kgo.Fetches) {
	failed := false
	fetches.EachError(func(topic string, part int32, err error) {
		if ctx.Err() != nil {
			return
		}
		failed = true
		if topic == "" {
			part = 0
		}
		g.FailedAt(history.TopicPartition{Topic: topic, Part: part}, err)
	})
	if !failed || fetches.NumRecords() > 0 {
		return
	}
	timer := time.NewTimer(pollPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (l *library) records(fetches kgo.Fetches) []roles.Record {
	l.polled = l.polled[:0]
	records := make([]roles.Record, 0, fetches.NumRecords())
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		tp := history.TopicPartition{Topic: p.Topic, Part: p.Partition}
		for _, r := range p.Records {
			l.polled = append(l.polled, r)
			record := roles.Record{TP: tp, Off: r.Offset, Key: r.Key, Value: r.Value, Epoch: r.LeaderEpoch, Own: r}
			for _, h := range r.Headers {
				record.Headers = append(record.Headers, roles.Header{Key: h.Key, Value: h.Value})
			}
			records = append(records, record)
		}
	})
	return records
}

// Mark does nothing: the library commits what the poll before returned.
func (l *library) Mark([]roles.Record) {}
