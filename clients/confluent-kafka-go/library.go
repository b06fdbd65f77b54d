package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

// library is librdkafka as the worker sees it: a Producer whose delivery reports
// come by its events, and a Consumer that is polled.
type library struct {
	spec     *worker.Spec
	cfg      *config
	producer *kafka.Producer
	consumer *kafka.Consumer
	sending  sync.WaitGroup
	reports  sync.WaitGroup

	mu    sync.Mutex
	fatal error // the producer's
}

var _ roles.Library = (*library)(nil)

const module = "github.com/confluentinc/confluent-kafka-go/v2"

func (l *library) Name() (library, version string) {
	_, librdkafka := kafka.LibraryVersion()
	return "confluent-kafka-go", fmt.Sprintf("%s (librdkafka %s)", worker.ModuleVersion(module), librdkafka)
}

func (l *library) Commits() []string {
	return []string{
		guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitTxn, guarantee.CommitTxnOutside,
	}
}

func (l *library) Configure(spec *worker.Spec) (effective map[string]string, refused []string, err error) {
	l.spec = spec
	l.cfg, effective, refused, err = configure(spec)
	return effective, refused, err
}

func (l *library) Open() (err error) {
	if l.producer, err = kafka.NewProducer(&l.cfg.producer); err != nil {
		return err
	}
	l.reports.Go(func() {
		for e := range l.producer.Events() {
			switch e := e.(type) {
			case *kafka.Message:
				l.done(e, e.TopicPartition.Error)
			case kafka.Error:
				if e.IsFatal() {
					l.mu.Lock()
					l.fatal = e
					l.mu.Unlock()
				}
			}
		}
	})
	return nil
}

func (l *library) Close() error {
	l.producer.Close() // which ends its events
	l.reports.Wait()
	return nil
}

func (l *library) Send(m *roles.Message, done func(part int32, off int64, err error)) {
	km := &kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &m.Topic, Partition: kafka.PartitionAny},
		Key:            m.Key, Value: m.Value, Opaque: done,
	}
	for _, h := range m.Headers {
		km.Headers = append(km.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	l.sending.Add(1)
	for {
		err := l.producer.Produce(km, nil)
		if code(err) == kafka.ErrQueueFull {
			time.Sleep(10 * time.Millisecond) // as the library's example does
			continue
		}
		if err != nil {
			l.done(km, err) // not taken
		}
		return
	}
}

func (l *library) done(m *kafka.Message, err error) {
	off := int64(m.TopicPartition.Offset)
	if l.cfg.acks0 {
		off = -1
	}
	m.Opaque.(func(int32, int64, error))(m.TopicPartition.Partition, off, err)
	l.sending.Done()
}

func (l *library) Flush() error {
	l.sending.Wait()
	return nil
}

func (l *library) InitTransactions() error {
	return again(func() error { return l.producer.InitTransactions(context.Background()) })
}

func (l *library) Begin() error { return l.producer.BeginTransaction() }

func (l *library) Commit() error {
	return again(func() error { return l.producer.CommitTransaction(context.Background()) })
}

func (l *library) Abort() error {
	return again(func() error { return l.producer.AbortTransaction(context.Background()) })
}

func (l *library) SendOffsets(offsets []roles.Offset) error {
	metadata, err := l.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return err
	}
	return again(func() error {
		return l.producer.SendOffsetsToTransaction(context.Background(), positions(offsets), metadata)
	})
}

// again calls again what failed with a retriable error, as the library's
// documentation says.
func again(call func() error) error {
	for {
		err := call()
		var e kafka.Error
		if err == nil || !errors.As(err, &e) || !e.IsRetriable() {
			return err
		}
	}
}

func code(err error) kafka.ErrorCode {
	var e kafka.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return kafka.ErrNoError
}

// Certain is so of the library's own limit: the record was not taken.
func (l *library) Certain(err error) bool { return code(err) == kafka.ErrMsgSizeTooLarge }

func (l *library) Explain(err error) *history.Error {
	var e kafka.Error
	if !errors.As(err, &e) {
		return &history.Error{Name: fmt.Sprintf("%T", err), Text: err.Error()}
	}
	told := &history.Error{Name: e.Code().String(), Text: err.Error(), Code: int16(max(e.Code(), 0))}
	l.mu.Lock()
	fatal := l.fatal
	l.mu.Unlock()
	cause := e.Code()
	if cause == kafka.ErrFatal && fatal != nil {
		cause = code(fatal) // what the producer died of
	}
	switch {
	case cause == kafka.ErrFenced, cause == kafka.ErrProducerFenced, cause == kafka.ErrInvalidProducerEpoch, cause == kafka.ErrFencedInstanceID:
		told.Class = history.Fenced
	case e.IsFatal(), cause == kafka.ErrFatal, strings.Contains(told.Name, "uthorization"):
		told.Class = history.Fatal
	case e.TxnRequiresAbort():
		told.Class = history.Abortable
	case e.IsRetriable():
		told.Class = history.Retriable
	}
	return told
}
