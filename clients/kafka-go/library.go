package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

const (
	mostRecords = 500                  // handled at once
	gatherTime  = 2 * time.Millisecond // for the records of one batch
)

// library is kafka-go as the worker sees it: an asynchronous Writer, and a
// ConsumerGroup with a reader for each partition, as its documentation shows.
type library struct {
	spec    *worker.Spec
	cfg     *config
	sending sync.WaitGroup

	mu  sync.Mutex
	gen *kafka.Generation
}

var (
	_ roles.Library  = (*library)(nil)
	_ roles.Metadata = (*library)(nil)
)

func (l *library) Name() (library, version string) {
	return "kafka-go", worker.ModuleVersion("github.com/segmentio/kafka-go")
}

func (l *library) Commits() []string {
	return []string{guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch}
}

func (l *library) Configure(spec *worker.Spec) (effective map[string]string, refused []string, err error) {
	l.spec = spec
	l.cfg, effective, refused, err = configure(spec)
	return effective, refused, err
}

func (l *library) Open() error {
	l.cfg.writer.Completion = func(messages []kafka.Message, err error) {
		for i := range messages {
			l.done(&messages[i], err)
		}
	}
	return nil
}

func (l *library) Close() error { return l.cfg.writer.Close() }

func (l *library) Send(m *roles.Message, done func(part int32, off int64, err error)) {
	km := kafka.Message{Topic: m.Topic, Key: m.Key, Value: m.Value, WriterData: done}
	for _, h := range m.Headers {
		km.Headers = append(km.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	l.sending.Add(1)
	if err := l.cfg.writer.WriteMessages(context.Background(), km); err != nil {
		l.done(&km, err) // not taken
	}
}

func (l *library) done(m *kafka.Message, err error) {
	off := m.Offset
	if l.cfg.writer.RequiredAcks == kafka.RequireNone {
		off = -1
	}
	m.WriterData.(func(int32, int64, error))(int32(m.Partition), off, err)
	l.sending.Done()
}

func (l *library) Flush() error {
	l.sending.Wait()
	return nil
}

func (l *library) Certain(err error) bool {
	var large kafka.MessageTooLargeError
	return errors.As(err, &large)
}

func (l *library) Explain(err error) *history.Error {
	e := &history.Error{Name: fmt.Sprintf("%T", err), Text: err.Error()}
	var code kafka.Error
	if errors.As(err, &code) {
		e.Name, e.Code = code.Title(), max(int16(code), 0)
		switch {
		case code == kafka.FencedInstanceID:
			e.Class = history.Fenced
		case code == kafka.TopicAuthorizationFailed, code == kafka.GroupAuthorizationFailed, code == kafka.ClusterAuthorizationFailed:
			e.Class = history.Fatal
		case code.Temporary():
			e.Class = history.Retriable
		}
	}
	return e
}

// Consume takes part in one generation of the group after the other.
func (l *library) Consume(ctx context.Context, topic string, told roles.Group) error {
	members, err := kafka.NewConsumerGroup(l.cfg.group)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for ctx.Err() == nil {
		gen, err := members.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				told.Failed(err)
			}
			continue
		}
		l.mu.Lock()
		l.gen = gen
		l.mu.Unlock()
		for _, a := range gen.Assignments[topic] {
			tp := history.TopicPartition{Topic: topic, Part: int32(a.ID)}
			told.Told(history.OpAssigned, []history.TopicPartition{tp})
			gen.Start(func(gctx context.Context) {
				defer told.Told(history.OpRevoked, []history.TopicPartition{tp})
				if err := l.read(ctx, gctx, tp, a.Offset, told); err != nil {
					cancel()
				}
			})
		}
	}
	return members.Close() // waits for the readers
}

// read reads one partition until the generation or ctx ends.
func (l *library) read(ctx, gctx context.Context, tp history.TopicPartition, offset int64, told roles.Group) error {
	cfg := l.cfg.reader
	cfg.Partition = int(tp.Part)
	r := kafka.NewReader(cfg)
	defer r.Close()
	if err := r.SetOffset(offset); err != nil {
		return err
	}
	both, cancel := context.WithCancel(gctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	for both.Err() == nil {
		m, err := r.ReadMessage(both)
		if err != nil {
			if both.Err() == nil && !errors.Is(err, kafka.ErrGenerationEnded) {
				told.Failed(err)
			}
			continue
		}
		records := []roles.Record{record(tp, &m)}
		gather, done := context.WithTimeout(both, gatherTime)
		for len(records) < roles.AtOnce(l.spec.Commit, mostRecords) {
			m, err := r.ReadMessage(gather)
			if err != nil {
				break
			}
			records = append(records, record(tp, &m))
		}
		done()
		if err := told.Handle(records); err != nil {
			return err
		}
	}
	return nil
}

func record(tp history.TopicPartition, m *kafka.Message) roles.Record {
	r := roles.Record{TP: tp, Off: m.Offset, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, roles.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

// CommitOffsets commits in the current generation; a commit carries no metadata.
func (l *library) CommitOffsets(offsets []roles.Offset) error {
	l.mu.Lock()
	gen := l.gen
	l.mu.Unlock()
	next := map[string]map[int]int64{}
	for _, o := range offsets {
		if next[o.TP.Topic] == nil {
			next[o.TP.Topic] = map[int]int64{}
		}
		next[o.TP.Topic][int(o.TP.Part)] = o.Off
	}
	return gen.CommitOffsets(next)
}

func (l *library) Metadata(string) string { return "" }

// Mark is for commits in the background, of which there are none here.
func (l *library) Mark([]roles.Record) {}

var errNoTransactions = errors.New("kafka-go has no transactions")

func (l *library) InitTransactions() error              { return errNoTransactions }
func (l *library) Begin() error                         { return errNoTransactions }
func (l *library) Commit() error                        { return errNoTransactions }
func (l *library) Abort() error                         { return errNoTransactions }
func (l *library) SendOffsets([]roles.Offset) error     { return errNoTransactions }
func (l *library) Rewind([]roles.Record) []roles.Offset { return nil }
