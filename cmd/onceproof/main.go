// Command onceproof proves or refutes that a Kafka configuration delivers exactly once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/onceproof/onceproof/internal/suite"
)

func main() {
	ctx, stop := interruptible(context.Background())
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

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
		cancel(suite.ErrInterrupted)
		select {
		case <-signals:
			os.Exit(suite.ExitInterrupted)
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
		return suite.ExitExpected
	}
	fmt.Fprintln(os.Stderr, "onceproof:", err)
	var e *suite.Exit
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, suite.ErrInterrupted):
		return suite.ExitInterrupted
	default:
		return suite.ExitUsage
	}
}
