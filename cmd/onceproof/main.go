// Command onceproof proves or refutes that a Kafka configuration delivers exactly once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := interruptible(context.Background())
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// Exit codes; they never change meaning.
const (
	exitExpected    = 0
	exitDiffers     = 1
	exitUsage       = 2
	exitUnjudged    = 3
	exitInterrupted = 130
)

// exit is an error that carries its exit code.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

var errInterrupted = errors.New("interrupted; everything that was started has been stopped and removed")

// interruptible cancels on the first SIGINT or SIGTERM; the second ends the
// process at once, and the next run clears away what it leaves.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		fmt.Fprintln(os.Stderr, "\ninterrupted: stopping and removing everything (once more to give up at once)")
		cancel(errInterrupted)
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// execute runs the command line and returns its exit code, after one line on
// stderr that says why.
func execute(ctx context.Context, args []string) int {
	cmd := root()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitExpected
	}
	fmt.Fprintln(os.Stderr, "onceproof:", err)
	var e *exit
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	default:
		return exitUsage
	}
}
