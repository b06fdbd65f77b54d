package franzgo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

// library is franz-go as the worker sees it: one client for everything, and a
// GroupTransactSession around it where the commit pattern is transaction.
type library struct {
	host roles.Host
	spec *worker.Spec
	set  *settings
	cl   *kgo.Client
	sess *kgo.GroupTransactSession // nil unless transactions go by it

	commits committer
	writes  writes
	ended   int64         // requests EndTxn that were written before the last commit
	polled  []*kgo.Record // by the last poll
	resume  kgo.Opt       // where to go on; nil: at the committed offsets
	pid     int64
	epoch   int16
}

var (
	_ roles.Library    = (*library)(nil)
	_ roles.Hosted     = (*library)(nil)
	_ roles.Session    = (*library)(nil)
	_ roles.Abandoner  = (*library)(nil)
	_ roles.Identified = (*library)(nil)
	_ roles.Asker      = (*library)(nil)
	_ roles.Reopener   = (*library)(nil)
	_ roles.Memberless = (*library)(nil)
)

func (l *library) Host(h roles.Host) { l.host, l.commits.l = h, l }

func (l *library) Name() (library, version string) {
	return "franz-go", worker.ModuleVersion("github.com/twmb/franz-go")
}

func (l *library) Commits() []string { return commits }

// commits are the commit patterns of this worker.
var commits = []string{
	guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch,
	guarantee.CommitTxn, guarantee.CommitTxnOutside,
}

// Configure makes the client too: it is asked for what its options came to.
func (l *library) Configure(spec *worker.Spec) (effective map[string]string, refused []string, err error) {
	l.spec = spec
	if l.set, err = newSettings(spec); err != nil {
		return nil, nil, err
	}
	if err := l.open(); err != nil {
		return nil, nil, err
	}
	return l.set.effective(l.cl), l.set.refused, nil
}

// Open does nothing: Configure has made the client.
func (l *library) Open() error { return nil }

func (l *library) open() (err error) {
	opts := append(l.set.options(), kgo.WithHooks(&l.writes))
	if in := network.From(l.host.Context()); in != network.TCP {
		opts = append(opts, kgo.Dialer(in.DialContext))
	}
	if l.spec.Role != guarantee.Producer {
		opts = append(opts, l.groupOptions()...)
	}
	if l.has(guarantee.HabitNoGroupMetadata) {
		opts = append(opts, beforeKIP447())
	}
	if l.resume != nil {
		opts = append(opts, l.resume)
	}
	if l.InSession() {
		if l.sess, err = kgo.NewGroupTransactSession(opts...); err == nil {
			l.cl = l.sess.Client()
		}
	} else {
		l.cl, err = kgo.NewClient(opts...)
	}
	if err != nil {
		return fmt.Errorf("franz-go: %w", err)
	}
	return nil
}

func (l *library) has(habit string) bool { return slices.Contains(l.spec.Habits, habit) }

// beforeKIP447 has offsets sent into transactions as before KIP-447, when the
// request had no place for the group's metadata.
func beforeKIP447() kgo.Opt {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.TxnOffsetCommit.Int16(), 2)
	return kgo.MaxVersions(v)
}

func (l *library) Close() error {
	l.cl.CloseAllowingRebalance()
	return nil
}

// Abandon closes the client of a worker that ends without grace: closing would
// wait for the group and for buffered records, which may take for ever.
func (l *library) Abandon() {
	if l.cl == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		l.cl.CloseAllowingRebalance()
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

func (l *library) Send(m *roles.Message, done func(part int32, off int64, err error)) {
	r := &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	l.cl.Produce(l.host.Context(), r, func(r *kgo.Record, err error) {
		off := r.Offset
		if l.set.acks == "0" {
			off = -1
		}
		done(r.Partition, off, err)
	})
}

func (l *library) Flush() error { return l.cl.Flush(l.host.Context()) }

func (l *library) InitTransactions() (err error) {
	l.pid, l.epoch, err = l.cl.ProducerID(l.host.Context())
	return err
}

func (l *library) Identity() (pid int64, epoch int16) { return l.pid, l.epoch }

func (l *library) Begin() error {
	if l.sess != nil {
		return l.sess.Begin()
	}
	return l.cl.BeginTransaction()
}

func (l *library) Commit() error {
	l.ended = l.writes.endTxn.Load()
	return l.cl.EndTransaction(l.host.Context(), kgo.TryCommit)
}

func (l *library) Asked() bool { return l.writes.endTxn.Load() != l.ended }

// Abort ends the transaction as the library's documentation says.
func (l *library) Abort() error {
	if l.sess != nil {
		_, err := l.sess.End(l.host.Context(), kgo.TryAbort)
		return err
	}
	if err := l.cl.AbortBufferedRecords(l.host.Context()); err != nil {
		return err
	}
	return l.cl.EndTransaction(l.host.Context(), kgo.TryAbort)
}

// Reopen takes a new client in the place of one that is finished, and goes on
// behind what was polled, as if it were done.
func (l *library) Reopen() error {
	stood := map[string]map[int32]kgo.EpochOffset{}
	for topic, parts := range l.cl.UncommittedOffsets() {
		stood[topic] = parts
	}
	for _, r := range l.polled {
		put(stood, r, 1)
	}
	l.cl.CloseAllowingRebalance()
	l.resume = kgo.AdjustFetchOffsetsFn(func(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
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
			l.host.Printer().Tell(lines...)
			l.host.Printer().Nudge()
		}
		return offsets, nil
	})
	return l.open()
}

func (l *library) Explain(err error) *history.Error { return errorOf(err) }

// Certain says whether a failed send can never have been written. The library
// retries by itself, and its last error says nothing about earlier attempts whose
// answers were lost; so only a batch that no broker takes for its size, and a record
// that the library did not take, are certain.
func (l *library) Certain(err error) bool { return neverWritten(err) }

// put notes the offset of r, or so many behind it, as its partition's.
func put(at map[string]map[int32]kgo.EpochOffset, r *kgo.Record, more int64) {
	if at[r.Topic] == nil {
		at[r.Topic] = map[int32]kgo.EpochOffset{}
	}
	at[r.Topic][r.Partition] = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + more}
}
