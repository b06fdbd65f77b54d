// Package franzgo is the worker around github.com/twmb/franz-go: the client that
// is built into onceproof. It speaks the worker protocol (docs/worker-protocol.md)
// and uses the library the way its documentation tells users to.
//
//	code := franzgo.Main(ctx, os.Stdin, os.Stdout, os.Stderr)
package franzgo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

// Exit codes of a worker.
const (
	exitDone   = 0 // a graceful end, after close
	exitBroken = 1 // the harness is gone, or the worker is at fault
	exitConfig = 2 // the spec or a property is wrong
	exitFatal  = 3 // the library says that this client is finished; the event says why
)

// errConfig is wrapped by what the user can mend in the spec.
var errConfig = errors.New("configuration")

// fatalError is an error after which the library wants the client closed.
type fatalError struct{ err error }

func (f fatalError) Error() string { return "fatal: " + f.err.Error() }
func (f fatalError) Unwrap() error { return f.err }

// Main runs one worker as a process: it reads a client.Spec and commands from stdin,
// prints its hello and events on stdout, and returns the exit code. It ends
// gracefully on the stop command, on SIGTERM and when ctx ends, and at once when
// stdin ends.
func Main(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	return Inside(ctx, stdin, stdout, stderr)
}

// Inside is Main within a process whose signals are not the worker's. It meets the
// brokers in the network of ctx.
func Inside(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	err := serve(ctx, stdin, stdout)
	var fatal fatalError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &fatal):
		fmt.Fprintln(stderr, err)
		return exitFatal
	case errors.Is(err, errConfig):
		fmt.Fprintln(stderr, err)
		return exitConfig
	}
	fmt.Fprintln(stderr, err)
	return exitBroken
}

func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	in := bufio.NewReader(stdin)
	spec, err := readSpec(in)
	if err != nil {
		return err
	}
	set, err := newSettings(&spec)
	if err != nil {
		return err
	}
	asked := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	defer context.AfterFunc(asked, stopped)()
	go obey(in, stopped, cancel) // ends with stdin, at the latest with the process

	w := &job{spec: spec, set: set, print: roles.NewPrinter(stdout), stop: stop, ctx: ctx}
	err = w.run()
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return errors.Join(err, w.print.Close())
}

func readSpec(in *bufio.Reader) (worker.Spec, error) {
	var spec worker.Spec
	line, err := in.ReadBytes('\n')
	if err != nil {
		return spec, fmt.Errorf("read the spec: %w", err)
	}
	if err := json.Unmarshal(line, &spec); err != nil {
		return spec, fmt.Errorf("%w: the spec is no JSON object: %w", errConfig, err)
	}
	if spec.Protocol != worker.ProtocolVersion {
		return spec, fmt.Errorf("%w: worker protocol %d, this worker speaks %d", errConfig, spec.Protocol, worker.ProtocolVersion)
	}
	return spec, nil
}

// obey waits for the stop command. The end of stdin means that the harness is
// gone, and that nobody reads what this worker would still do.
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

// hello is the worker's first line.
func (w *job) hello(effective map[string]string) error {
	line, err := json.Marshal(map[string]worker.Hello{"hello": {
		Protocol: worker.ProtocolVersion,
		Library:  "franz-go",
		Version:  worker.ModuleVersion("github.com/twmb/franz-go"),
		Roles:    []string{guarantee.Producer, guarantee.Consumer, guarantee.Processor},
		Commits: []string{
			guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch,
			guarantee.CommitTxn, guarantee.CommitTxnOutside,
		},
		Habits:    habits,
		Effective: effective,
		Refused:   w.set.refused,
	}})
	if err != nil {
		return err
	}
	w.print.Hello(line)
	if err := w.print.Flush(); err != nil {
		return err
	}
	if w.spec.Strict && len(w.set.refused) > 0 {
		return fmt.Errorf("%w: franz-go cannot honour %q", errConfig, w.set.refused)
	}
	return nil
}

// close is the graceful end.
func (w *job) close(end func()) error {
	e := &history.Event{Op: history.OpClose}
	w.print.Invoke(e)
	if err := w.print.Flush(); err != nil {
		return err
	}
	end()
	e.Type = history.OK
	w.print.End(e)
	return nil
}
