package roles

import (
	"strconv"
	"strings"
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
	op    history.Op
	id    int64
	txn   int64
	val   history.Value
	from  history.Input
	topic string
	key   []byte
	tries int   // attempts before this one
	due   int64 // when the next attempt may start
}

// event makes e an event of s; it reuses e's slices.
func (s *send) event(e *history.Event) {
	off, val, from := e.Off[:0], e.Val[:0], e.From[:0]
	*e = history.Event{
		Op: s.op, ID: s.id, Txn: s.txn, TP: history.TopicPartition{Topic: s.topic, Part: -1},
		Off: off, Val: append(val, s.val), From: from,
	}
	if s.from != (history.Input{}) {
		e.From = append(e.From, s.from)
	}
}

// ends are events that the printer is done with when it returns.
var ends = sync.Pool{New: func() any { return new(history.Event) }}

// outbox writes records and answers for each: it tries again what the library
// gave up, as often as the spec's retry says, and then puts it aside, until that
// is acknowledged. Within a transaction it only remembers the first error, since
// the transaction must be aborted.
type outbox struct {
	w       *job
	queued  []*send       // invoked, not yet handed to the library
	invoked history.Event // made anew for each

	mu    sync.Mutex
	again []*send // failed, to be tried again
	err   error   // within a transaction: why it must be aborted
}

// add queues the record that carries v.
func (o *outbox) add(op history.Op, topic string, v history.Value, key []byte, from history.Input) {
	o.queue(&send{op: op, topic: topic, val: v, key: key, from: from, txn: o.w.inTxn.Load()})
}

func (o *outbox) queue(s *send) {
	s.event(&o.invoked)
	s.id = o.w.print.Invoke(&o.invoked)
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
	m := &Message{Topic: s.topic, Key: s.key, Value: Value(s.val, o.w.spec.Size)}
	if s.from != (history.Input{}) {
		m.Headers = append(m.Headers, Header{worker.HeaderFrom, []byte(s.from.String())})
	}
	if s.txn > 0 {
		m.Headers = append(m.Headers, Header{worker.HeaderTxn, strconv.AppendInt(nil, s.txn, 10)})
	}
	return m
}

// Value is the record's value that carries v, padded to size bytes; 0 is the
// protocol's default.
func Value(v history.Value, size int) []byte {
	if size == 0 {
		size = defaultSize
	}
	b := append(v.Append(make([]byte, 0, max(size, len(v.Proc)+24))), '\n')
	for len(b) < size {
		b = append(b, padding[:min(size-len(b), len(padding))]...)
	}
	return b
}

var padding = strings.Repeat(".", 1024)

// ended reports how an attempt ended. The library calls it.
func (o *outbox) ended(s *send, part int32, off int64, err error) {
	e := ends.Get().(*history.Event)
	defer ends.Put(e)
	s.event(e)
	if err == nil {
		e.Type, e.TP.Part = history.OK, part
		if off >= 0 {
			e.Off = append(e.Off, off)
		}
		o.w.print.End(e)
		return
	}
	e.Type, e.Err = history.Info, o.w.lib.Explain(err)
	if o.w.lib.Certain(err) {
		e.Type = history.Fail
	}
	o.w.print.End(e)
	o.failed(s, err)
}

func (o *outbox) failed(s *send, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	retry := o.w.spec.Retry
	pause := time.Duration(retry.BackoffNS)
	switch {
	case s.txn > 0:
		if o.err == nil {
			o.err = err
		}
		return
	case o.w.finished(err):
		o.w.fail(err)
		return
	case s.op == history.OpSetAside:
		pause = max(pause, asideBackoff)
	case s.tries < retry.Attempts:
	case retry.Topic != "":
		s.op, s.topic = history.OpSetAside, retry.Topic
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
