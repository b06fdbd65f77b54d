package roles

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// errConfig is wrapped by what the user can mend in the spec.
var errConfig = errors.New("configuration")

// errFatal is wrapped by an error after which the library wants its client closed.
var errFatal = errors.New("fatal")

// Exit codes of a worker.
const (
	exitDone   = 0 // a graceful end, after close
	exitBroken = 1 // the harness is gone, or the worker is at fault
	exitConfig = 2 // the spec or a property is wrong
	exitFatal  = 3 // the library says that this client is finished; the event says why
)

// Main runs one worker around lib as a process, and returns its exit code. It ends
// gracefully on the stop command, on SIGTERM and when ctx ends, and at once when
// stdin ends.
func Main(ctx context.Context, lib Library, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	return Inside(ctx, lib, stdin, stdout, stderr)
}

// Inside is Main within a process whose signals are not the worker's.
func Inside(ctx context.Context, lib Library, stdin io.Reader, stdout, stderr io.Writer) int {
	err := serve(ctx, lib, stdin, stdout)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, err)
	switch {
	case errors.Is(err, errFatal):
		return exitFatal
	case errors.Is(err, errConfig):
		return exitConfig
	}
	return exitBroken
}

// job is one run of one spec.
type job struct {
	lib   Library
	spec  worker.Spec
	print *Printer
	stop  context.Context // done: end gracefully
	ctx   context.Context // done: end at once
	group string

	seq    atomic.Int64
	txns   int64
	inTxn  atomic.Int64 // the open transaction; 0 = none
	tokens atomic.Int64
	done   map[history.Input]bool // with the habit of remembering it
	thread HandOff                // of the application's own
	out    outbox

	mu    sync.Mutex
	fatal error
}

func serve(ctx context.Context, lib Library, stdin io.Reader, stdout io.Writer) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the spec: %w", err)
	}
	w := &job{lib: lib, print: NewPrinter(stdout)}
	if err := json.Unmarshal(line, &w.spec); err != nil {
		return fmt.Errorf("%w: the spec is no JSON object: %w", errConfig, err)
	}
	if w.spec.Protocol != worker.ProtocolVersion {
		return fmt.Errorf("%w: worker protocol %d, this worker speaks %d", errConfig, w.spec.Protocol, worker.ProtocolVersion)
	}
	asked := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	defer context.AfterFunc(asked, stopped)()
	go obey(in, stopped, cancel) // ends with stdin, at the latest with the process
	w.ctx, w.stop, w.group = ctx, stop, w.spec.Config["group.id"]
	w.out.w = w
	if h, ok := lib.(Hosted); ok {
		h.Host(host{w})
	}
	err = w.run()
	if a, ok := lib.(Abandoner); ok && err != nil {
		a.Abandon()
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return errors.Join(err, w.print.Close())
}

func obey(in *bufio.Reader, stop func(), abandon context.CancelCauseFunc) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			abandon(errors.New("stdin ended without a stop command"))
			return
		}
		var command worker.Command
		if json.Unmarshal(line, &command) == nil && command.Stop {
			stop()
		}
	}
}

func (w *job) run() error {
	if err := w.hello(); err != nil {
		return err
	}
	if err := w.lib.Open(); err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	if w.transactional() {
		if err := w.initProducer(); err != nil {
			return err
		}
	}
	role := w.produce
	switch {
	case w.spec.Role != guarantee.Producer:
		role = w.consume
	case w.spec.Transaction > 0:
		role = w.produceTransactions
	}
	if err := errors.Join(role(), w.ended()); err != nil {
		return err
	}
	return w.guarded(&history.Event{Op: history.OpClose}, w.lib.Close)
}

// initProducer fences older instances of the transactional id, before anything else
// is done.
func (w *job) initProducer() error {
	e := &history.Event{Op: history.OpInitProducer}
	return w.guarded(e, func() error {
		err := w.lib.InitTransactions()
		if id, ok := w.lib.(Identified); ok && err == nil {
			e.PID, e.Epoch = id.Identity()
			e.HasPID = true
		}
		return err
	})
}

func (w *job) transactional() bool {
	return w.spec.Transaction > 0 || w.spec.Commit == guarantee.CommitTxn || w.spec.Commit == guarantee.CommitTxnOutside
}

// hello configures the library and prints the first line.
func (w *job) hello() error {
	effective, refused, err := w.lib.Configure(&w.spec)
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	library, version := w.lib.Name()
	line, err := json.Marshal(map[string]worker.Hello{"hello": {
		Protocol: worker.ProtocolVersion, Library: library, Version: version,
		Roles:   []string{guarantee.Producer, guarantee.Consumer, guarantee.Processor},
		Commits: w.lib.Commits(), Habits: habits(w.lib), Effective: effective, Refused: refused,
	}})
	if err != nil {
		return err
	}
	w.print.Hello(line)
	if err := w.print.Flush(); err != nil {
		return err
	}
	if w.spec.Strict && len(refused) > 0 {
		return fmt.Errorf("%w: %s cannot honour %q", errConfig, library, refused)
	}
	return nil
}

func (w *job) check() error {
	_, id := w.spec.Config["transactional.id"]
	switch {
	case w.transactional() && !id:
		return errors.New("transactions need transactional.id")
	case !w.transactional() && id:
		return errors.New("transactional.id needs transactions: give a producer `transaction: <records>`, a processor `commit: transaction`")
	case w.spec.Role != guarantee.Producer && w.group == "":
		return fmt.Errorf("a %s needs group.id", w.spec.Role)
	}
	return nil
}

// guarded is an operation whose failure is the end of the client.
func (w *job) guarded(e *history.Event, call func() error) error {
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return err
	}
	err := call()
	if e.Type = history.OK; err != nil {
		e.Type, e.Err = history.Info, w.lib.Explain(err)
	}
	w.print.End(e)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errFatal, e.Op, err)
	}
	return nil
}

func (w *job) finished(err error) bool {
	if err == nil {
		return false
	}
	c := w.lib.Explain(err).Class
	return c == history.Fatal || c == history.Fenced
}

// fail notes a fatal error that a callback saw.
func (w *job) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fatal == nil {
		w.fatal = fmt.Errorf("%w: %w", errFatal, err)
	}
}

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

func (w *job) next() history.Value { return history.Value{Proc: w.spec.Proc, N: w.seq.Add(1)} }
