package franzgo

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
)

// asideBackoff is the pause before a record that could not be put aside is tried
// again, where the spec gives none.
const asideBackoff = 100 * time.Millisecond

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
	*e = history.Event{Op: s.op, ID: s.id, Txn: s.txn, TP: history.TopicPartition{Topic: s.topic, Part: -1}, Off: off, Val: append(val, s.val), From: from}
	if s.from != (history.Input{}) {
		e.From = append(e.From, s.from)
	}
}

// outbox writes records and answers for each: it tries again what failed, as
// often as the spec's retry says, and then puts it aside, until that is
// acknowledged. Within a transaction it only remembers the first error, since
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
		r := o.w.record(s.topic, s.val, s.key, s.from)
		o.w.cl.Produce(o.w.ctx, r, func(r *kgo.Record, err error) { o.ended(s, r, err) })
	}
	o.queued = o.queued[:0]
	return nil
}

// ended reports how an attempt ended. The library calls it.
func (o *outbox) ended(s *send, r *kgo.Record, err error) {
	e := ends.Get().(*history.Event)
	defer ends.Put(e)
	s.event(e)
	if err == nil {
		e.Type, e.TP.Part = history.OK, r.Partition
		if r.Offset >= 0 && o.w.set.acks != "0" {
			e.Off = append(e.Off, r.Offset)
		}
		o.w.print.End(e)
		return
	}
	e.Type, e.Err = sendOutcome(err), errorOf(err)
	o.w.print.End(e)
	o.failed(s, err)
}

// ends are events that the printer is done with when it returns.
var ends = sync.Pool{New: func() any { return new(history.Event) }}

func (o *outbox) failed(s *send, err error) {
	if isFatal(err) {
		o.w.fail(err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	retry := o.w.spec.Retry
	pause := time.Duration(retry.BackoffNS)
	switch aside := s.op == history.OpSetAside; {
	case s.txn > 0:
		if o.err == nil {
			o.err = err
		}
		return
	case aside:
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

// retry queues again what failed and is due.
func (o *outbox) retry() {
	now := history.Now()
	o.mu.Lock()
	again := o.again
	o.again = nil
	o.mu.Unlock()
	for _, s := range again {
		if s.due <= now {
			o.queue(s) // a new operation: the end of the last one is printed
			continue
		}
		o.mu.Lock()
		o.again = append(o.again, s)
		o.mu.Unlock()
	}
}

// settle returns when everything has been acknowledged, put aside or given up.
func (o *outbox) settle() error {
	for {
		if err := o.release(); err != nil {
			return err
		}
		if err := o.w.cl.Flush(o.w.ctx); err != nil {
			return err
		}
		if err := o.w.ended(); err != nil {
			return err
		}
		due, more := o.nextDue()
		if !more {
			return nil
		}
		if !o.w.wait(time.Duration(due - history.Now())) {
			return o.w.ctx.Err()
		}
		o.retry()
	}
}

// nextDue is when everything that failed so far may be tried again.
func (o *outbox) nextDue() (due int64, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.again {
		due = max(due, s.due)
	}
	return due, len(o.again) > 0
}

// broken returns why the transaction must be aborted, and forgets it.
func (o *outbox) broken() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}
