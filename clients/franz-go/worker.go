package franzgo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

// job is one run of one spec.
type job struct {
	spec  worker.Spec
	set   *settings
	print *roles.Printer
	stop  context.Context // done: end gracefully
	ctx   context.Context // done: end at once
	cl    *kgo.Client
	sess  *kgo.GroupTransactSession // nil unless the commit pattern is transaction

	commits committer
	writes  writes
	seq     atomic.Int64 // the last value's number
	txn     atomic.Int64 // the last transaction's number
	inTxn   atomic.Int64 // the open transaction; 0 = none
	done    done
	thread  roles.HandOff // of the application's own
	resume  kgo.Opt       // where to go on; nil: at the committed offsets

	mu    sync.Mutex
	fatal error // reported by a callback
}

func (w *job) run() error {
	w.commits.w = w
	if err := w.open(); err != nil {
		return err
	}
	if err := w.hello(w.set.effective(w.cl)); err != nil {
		w.cl.CloseAllowingRebalance()
		return err
	}
	err := w.initProducer()
	if err == nil && w.spec.Role == guarantee.Producer {
		err = w.produce()
	} else if err == nil {
		err = w.consume()
	}
	if err != nil {
		w.abandon()
		return err
	}
	return w.close(w.cl.CloseAllowingRebalance)
}

// open makes the client.
func (w *job) open() error {
	opts := append(w.set.options(), kgo.WithHooks(&w.writes))
	if in := network.From(w.ctx); in != network.TCP {
		opts = append(opts, kgo.Dialer(in.DialContext))
	}
	if w.spec.Role != guarantee.Producer {
		opts = append(opts, w.groupOptions()...)
	}
	if w.has(guarantee.HabitNoGroupMetadata) {
		opts = append(opts, beforeKIP447())
	}
	if w.resume != nil {
		opts = append(opts, w.resume)
	}
	var err error
	if w.bySession() {
		if w.sess, err = kgo.NewGroupTransactSession(opts...); err == nil {
			w.cl = w.sess.Client()
		}
	} else {
		w.cl, err = kgo.NewClient(opts...)
	}
	if err != nil {
		return fmt.Errorf("%w: franz-go: %w", errConfig, err)
	}
	return nil
}

// abandon closes the client of a worker that ends without grace: closing would
// wait for the group and for buffered records, which may take for ever.
func (w *job) abandon() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.cl.CloseAllowingRebalance()
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// initProducer fences older instances of the transactional id, before anything
// else is done; without one there is nothing to do.
func (w *job) initProducer() error {
	if w.set.txnID == "" {
		return nil
	}
	e := &history.Event{Op: history.OpInitProducer}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return err
	}
	pid, epoch, err := w.cl.ProducerID(w.ctx)
	if err != nil {
		e.Type, e.Err = history.Info, errorOf(err)
		w.print.End(e)
		return fatalError{fmt.Errorf("init producer: %w", err)}
	}
	e.Type, e.PID, e.Epoch, e.HasPID = history.OK, pid, epoch, true
	w.print.End(e)
	return nil
}

// next is a value id that was never used.
func (w *job) next() history.Value {
	return history.Value{Proc: w.spec.Proc, N: w.seq.Add(1)}
}

// fail notes a fatal error that a callback saw; the loops look at it.
func (w *job) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fatal == nil {
		w.fatal = fatalError{err}
	}
}

// ended returns why the loop must end: a fatal error, or the end of ctx.
func (w *job) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.fatal, w.ctx.Err())
}

// wait waits for d, or returns false if ctx ends first.
func (w *job) wait(d time.Duration) bool {
	if d <= 0 {
		return w.ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// record makes the record that carries v. from is zero for a producer's own.
func (w *job) record(topic string, v history.Value, key []byte, from history.Input) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: key, Value: w.value(v)}
	if from != (history.Input{}) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: worker.HeaderFrom, Value: []byte(from.String())})
	}
	if txn := w.inTxn.Load(); txn > 0 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: worker.HeaderTxn, Value: strconv.AppendInt(nil, txn, 10)})
	}
	return r
}

// defaultSize is the length of a record's value where the spec says nothing.
const defaultSize = 128

func (w *job) value(v history.Value) []byte {
	size := w.spec.Size
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
