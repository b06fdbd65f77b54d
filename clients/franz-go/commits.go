package franzgo

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

// committer reports offset commits, those of the library's own background
// commits too: the library calls before just before it issues one. Each carries
// a token of its own in its metadata.
type committer struct {
	l *library

	mu   sync.Mutex
	open map[*kmsg.OffsetCommitRequest]*commit
}

type commit struct {
	lines   []*history.Event // one a partition
	written int64            // commit requests written before this one
}

// context is one in which commits are reported.
func (c *committer) context(ctx context.Context) context.Context {
	return kgo.PreCommitFnContext(ctx, c.before)
}

func (c *committer) before(req *kmsg.OffsetCommitRequest) error {
	token := c.l.host.Token()
	op := &commit{written: c.l.writes.commit.Load()}
	for _, t := range req.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Metadata = &token
			op.lines = append(op.lines, c.line(history.OpCommitOffsets, t.Topic, p.Partition, p.Offset, token))
		}
	}
	c.mu.Lock()
	if c.open == nil {
		c.open = map[*kmsg.OffsetCommitRequest]*commit{}
	}
	c.open[req] = op
	c.mu.Unlock()
	c.l.host.Printer().Invoke(op.lines...)
	return c.l.host.Printer().Flush()
}

func (c *committer) line(op history.Op, topic string, part int32, off int64, token string) *history.Event {
	return &history.Event{
		Op: op, Group: c.l.set.group, Meta: token,
		TP: history.TopicPartition{Topic: topic, Part: part}, Off: []int64{off},
	}
}

// after reports the end of a commit and returns the first error in it. The
// library retries commits: only if one request was written is its answer the
// whole truth.
func (c *committer) after(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) error {
	c.mu.Lock()
	op := c.open[req]
	delete(c.open, req)
	c.mu.Unlock()
	if op == nil {
		return err // it never got as far as before
	}
	sure := err == nil && c.l.writes.commit.Load() == op.written+1
	var first error
	for _, e := range op.lines {
		lineErr := err
		if err == nil {
			lineErr = answer(resp, e.TP)
		}
		switch {
		case lineErr == nil:
			e.Type = history.OK
		case sure && !errors.Is(lineErr, kerr.UnknownServerError) && !errors.Is(lineErr, errNoAnswer):
			e.Type = history.Fail
		default:
			e.Type = history.Info
		}
		if e.Err = errorOf(lineErr); lineErr != nil && first == nil {
			first = lineErr
		}
		c.l.host.Printer().End(e)
	}
	return first
}

var errNoAnswer = errors.New("the answer does not speak of this partition")

func answer(resp *kmsg.OffsetCommitResponse, tp history.TopicPartition) error {
	for _, t := range resp.Topics {
		if t.Topic != tp.Topic {
			continue
		}
		for _, p := range t.Partitions {
			if p.Partition == tp.Part {
				return kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return errNoAnswer
}

// CommitOffsets commits and waits for the answer.
func (l *library) CommitOffsets(offsets []roles.Offset) error {
	at := map[string]map[int32]kgo.EpochOffset{}
	for _, o := range offsets {
		if at[o.TP.Topic] == nil {
			at[o.TP.Topic] = map[int32]kgo.EpochOffset{}
		}
		at[o.TP.Topic][o.TP.Part] = kgo.EpochOffset{Epoch: o.Epoch, Offset: o.Off}
	}
	return l.commit(at)
}

func (l *library) commit(offsets map[string]map[int32]kgo.EpochOffset) error {
	if len(offsets) == 0 {
		return nil
	}
	var failed error
	l.cl.CommitOffsetsSync(l.commits.context(l.host.Context()), offsets,
		func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			failed = l.commits.after(req, resp, err)
		})
	return failed
}
