package main

import (
	"errors"
	"sync"

	"github.com/IBM/sarama"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

// library is sarama as the worker sees it: an AsyncProducer, and a ConsumerGroup
// whose records are handled in ConsumeClaim.
type library struct {
	spec     *worker.Spec
	cfg      *sarama.Config
	producer sarama.AsyncProducer
	sending  sync.WaitGroup
	readers  sync.WaitGroup
	group    *group
}

var (
	_ roles.Library  = (*library)(nil)
	_ roles.Reopener = (*library)(nil)
)

func (l *library) Name() (library, version string) {
	return "sarama", worker.ModuleVersion("github.com/IBM/sarama")
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

// Open makes the producer. With a transactional id that is where the library
// fences older instances.
func (l *library) Open() error {
	if l.cfg.Producer.Transaction.ID != "" {
		return nil
	}
	return l.open()
}

func (l *library) InitTransactions() error { return l.open() }

func (l *library) open() (err error) {
	if l.producer, err = sarama.NewAsyncProducer(l.spec.Bootstrap, l.cfg); err != nil {
		return err
	}
	l.readers.Go(func() {
		for m := range l.producer.Successes() {
			l.done(m, nil)
		}
	})
	l.readers.Go(func() {
		for e := range l.producer.Errors() {
			l.done(e.Msg, e.Err)
		}
	})
	return nil
}

func (l *library) Close() error {
	l.producer.AsyncClose()
	l.readers.Wait()
	return nil
}

func (l *library) Send(m *roles.Message, done func(part int32, off int64, err error)) {
	pm := &sarama.ProducerMessage{Topic: m.Topic, Value: sarama.ByteEncoder(m.Value), Metadata: done}
	if m.Key != nil {
		pm.Key = sarama.ByteEncoder(m.Key)
	}
	for _, h := range m.Headers {
		pm.Headers = append(pm.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	l.sending.Add(1)
	l.producer.Input() <- pm
}

func (l *library) done(m *sarama.ProducerMessage, err error) {
	off := m.Offset
	if l.cfg.Producer.RequiredAcks == sarama.NoResponse {
		off = -1
	}
	m.Metadata.(func(int32, int64, error))(m.Partition, off, err)
	l.sending.Done()
}

func (l *library) Flush() error {
	l.sending.Wait()
	return nil
}

func (l *library) Begin() error  { return l.producer.BeginTxn() }
func (l *library) Commit() error { return l.until(l.producer.CommitTxn) }
func (l *library) Abort() error  { return l.until(l.producer.AbortTxn) }

// until calls again what left the transaction as it was, as the library's example
// of exactly-once does.
func (l *library) until(call func() error) error {
	for {
		err := call()
		if err == nil || l.producer.TxnStatus()&(sarama.ProducerTxnFlagFatalError|sarama.ProducerTxnFlagAbortableError) != 0 {
			return err
		}
		if errors.Is(err, sarama.ErrTransactionNotReady) || errors.Is(err, sarama.ErrNonTransactedProducer) {
			return err
		}
	}
}

// Reopen closes the producer. InitTransactions makes the next.
func (l *library) Reopen() error { return l.Close() }

func (l *library) Certain(err error) bool {
	return errors.Is(err, sarama.ErrMessageSizeTooLarge)
}

func (l *library) Explain(err error) *history.Error {
	e := &history.Error{Name: "error", Text: err.Error()}
	var code sarama.KError
	if errors.As(err, &code) {
		e.Name, e.Code = kafkaName(code), max(int16(code), 0)
	}
	switch {
	case errors.Is(err, sarama.ErrProducerFenced), errors.Is(err, sarama.ErrInvalidProducerEpoch), errors.Is(err, sarama.ErrFencedInstancedId),
		errors.Is(err, sarama.ErrTransactionCoordinatorFenced):
		e.Class = history.Fenced
	case l.producer != nil && l.producer.TxnStatus()&sarama.ProducerTxnFlagFatalError != 0,
		errors.Is(err, sarama.ErrClosedConsumerGroup), errors.Is(err, sarama.ErrGroupAuthorizationFailed), errors.Is(err, sarama.ErrTopicAuthorizationFailed):
		e.Class = history.Fatal
	case l.producer != nil && l.producer.TxnStatus()&sarama.ProducerTxnFlagAbortableError != 0:
		e.Class = history.Abortable
	}
	return e
}

// kafkaName is the start of the library's text, which has no names for codes.
func kafkaName(code sarama.KError) string {
	text := code.Error()
	for _, prefix := range []string{"kafka server: ", "kafka client: "} {
		if len(text) > len(prefix) && text[:len(prefix)] == prefix {
			text = text[len(prefix):]
		}
	}
	if len(text) > 60 {
		text = text[:60]
	}
	return text
}
