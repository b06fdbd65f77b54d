package roles

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

const (
	defaultSize  = 128                    // of a record's value
	asideBackoff = 100 * time.Millisecond // before a record that could not be put aside is tried again
)

// send is one attempt to write one record.
type send struct {
	e     history.Event
	topic string
	key   []byte
	tries int
	due   int64
}

// outbox writes records and answers for each: it tries again what the library
// gave up, as often as the spec's retry says, and then puts it aside, until that
// is acknowledged. Within a transaction it only remembers the first error.
type outbox struct {
	w      *job
	queued []*send

	mu    sync.Mutex
	again []*send
	err   error
}

func (o *outbox) add(op history.Op, topic string, v history.Value, key []byte, from history.Input) {
	s := &send{topic: topic, key: key, e: history.Event{Op: op, Val: []history.Value{v}, Txn: o.w.inTxn}}
	if from != (history.Input{}) {
		s.e.From = []history.Input{from}
	}
	o.queue(s)
}

func (o *outbox) queue(s *send) {
	s.e.TP, s.e.Off, s.e.Err = history.TopicPartition{Topic: s.topic, Part: -1}, nil, nil
	o.w.print.Invoke(&s.e)
	o.queued = append(o.queued, s)
}

// release writes the invokes of what is queued and hands it to the library.
func (o *outbox) release() error {
	if len(o.queued) == 0 {
		return nil
	}
	if err := o.w.print.Flush(); err != nil {
		return err
	}
	for _, s := range o.queued {
		o.w.lib.Send(o.message(s), func(part int32, off int64, err error) { o.ended(s, part, off, err) })
	}
	o.queued = o.queued[:0]
	return nil
}

func (o *outbox) message(s *send) *Message {
	size := o.w.spec.Size
	if size == 0 {
		size = defaultSize
	}
	value := append([]byte(s.e.Val[0].String()), '\n')
	value = append(value, bytes.Repeat([]byte{'.'}, max(0, size-len(value)))...)
	m := &Message{Topic: s.topic, Key: s.key, Value: value}
	if len(s.e.From) > 0 {
		m.Headers = append(m.Headers, Header{worker.HeaderFrom, []byte(s.e.From[0].String())})
	}
	if s.e.Txn > 0 {
		m.Headers = append(m.Headers, Header{worker.HeaderTxn, strconv.AppendInt(nil, s.e.Txn, 10)})
	}
	return m
}

func (o *outbox) ended(s *send, part int32, off int64, err error) {
	if err == nil {
		s.e.Type, s.e.TP.Part = history.OK, part
		if off >= 0 {
			s.e.Off = []int64{off}
		}
		o.w.print.End(&s.e)
		return
	}
	s.e.Type, s.e.Err = history.Info, o.w.lib.Explain(err)
	if o.w.lib.Certain(err) {
		s.e.Type = history.Fail
	}
	o.w.print.End(&s.e)
	o.failed(s, err)
}

func (o *outbox) failed(s *send, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	retry := o.w.spec.Retry
	pause := time.Duration(retry.BackoffNS)
	switch {
	case s.e.Txn > 0:
		if o.err == nil {
			o.err = err
		}
		return
	case o.w.finished(err):
		o.w.fail(err)
		return
	case s.e.Op == history.OpSetAside:
		pause = max(pause, asideBackoff)
	case s.tries < retry.Attempts:
	case retry.Topic != "":
		s.e.Op, s.topic = history.OpSetAside, retry.Topic
	default:
		return // given up
	}
	s.tries++
	s.due = history.Now() + int64(pause)
	o.again = append(o.again, s)
}

// retry queues again what failed and is due, and tells when the rest is.
func (o *outbox) retry() (due int64, more bool) {
	now := history.Now()
	o.mu.Lock()
	again := o.again
	o.again = nil
	for _, s := range again {
		if s.due > now {
			o.again = append(o.again, s)
			due, more = max(due, s.due), true
		}
	}
	o.mu.Unlock()
	for _, s := range again {
		if s.due <= now {
			o.queue(s)
		}
	}
	return due, more
}

// settle returns when everything is acknowledged, put aside or given up.
func (o *outbox) settle() error {
	for {
		if err := o.release(); err != nil {
			return err
		}
		if err := o.w.lib.Flush(); err != nil {
			return err
		}
		if err := o.w.ended(); err != nil {
			return err
		}
		due, more := o.retry()
		if !more && len(o.queued) == 0 {
			return nil
		}
		if len(o.queued) == 0 && !o.w.wait(time.Duration(due-history.Now())) {
			return o.w.ctx.Err()
		}
	}
}

// broken returns why the transaction must be aborted, if it must; asked once.
func (o *outbox) broken() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}
