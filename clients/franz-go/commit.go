package franzgo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// committer reports offset commits, those of the library's own background
// commits too: the library calls before just before it issues one. Each carries
// a token of its own in its metadata.
type committer struct {
	w *job

	mu     sync.Mutex
	tokens int64
	open   map[*kmsg.OffsetCommitRequest]*commit
}

type commit struct {
	lines   []*history.Event // one a partition
	written int64            // commit requests written before this one
}

// context is one in which commits are reported.
func (c *committer) context(ctx context.Context) context.Context {
	return kgo.PreCommitFnContext(ctx, c.before)
}

func (c *committer) token() *string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens++
	token := c.w.spec.Proc + ":" + strconv.FormatInt(c.tokens, 10)
	return &token
}

func (c *committer) before(req *kmsg.OffsetCommitRequest) error {
	token := c.token()
	op := &commit{written: c.w.writes.commit.Load()}
	for _, t := range req.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Metadata = token
			op.lines = append(op.lines, c.line(history.OpCommitOffsets, t.Topic, p.Partition, p.Offset, *token))
		}
	}
	c.mu.Lock()
	if c.open == nil {
		c.open = map[*kmsg.OffsetCommitRequest]*commit{}
	}
	c.open[req] = op
	c.mu.Unlock()
	c.w.print.Invoke(op.lines...)
	return c.w.print.Flush()
}

func (c *committer) line(op history.Op, topic string, part int32, off int64, token string) *history.Event {
	return &history.Event{
		Op: op, Group: c.w.set.group, Meta: token,
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
	sure := err == nil && c.w.writes.commit.Load() == op.written+1
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
		c.w.print.End(e)
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

// commit commits the offsets behind inputs and waits for the answer. A commit
// that failed is no reason to end: what was not committed comes again.
func (w *job) commit(inputs []input) error {
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for _, in := range inputs {
		t := offsets[in.r.Topic]
		if t == nil {
			t = map[int32]kgo.EpochOffset{}
			offsets[in.r.Topic] = t
		}
		t[in.r.Partition] = kgo.EpochOffset{Epoch: in.r.LeaderEpoch, Offset: in.r.Offset + 1}
	}
	return w.commitOffsets(offsets)
}

func (w *job) commitOffsets(offsets map[string]map[int32]kgo.EpochOffset) error {
	if len(offsets) == 0 {
		return nil
	}
	var failed error
	w.cl.CommitOffsetsSync(w.commits.context(w.ctx), offsets,
		func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			failed = w.commits.after(req, resp, err)
		})
	if isFatal(failed) {
		return fatalError{fmt.Errorf("commit offsets: %w", failed)}
	}
	return w.ctx.Err()
}
