// Package franzgo is the worker around github.com/twmb/franz-go: the client that
// is built into onceproof. It speaks the worker protocol (docs/worker-protocol.md)
// and uses the library the way its documentation tells users to. What a worker does
// whatever its library is package roles'.
//
//	code := franzgo.Main(ctx, os.Stdin, os.Stdout, os.Stderr)
package franzgo

import (
	"context"
	"io"

	"github.com/onceproof/onceproof/worker/roles"
)

// Main runs one worker as a process: it reads a worker.Spec and commands from stdin,
// prints its hello and events on stdout, and returns the exit code. It ends
// gracefully on the stop command, on SIGTERM and when ctx ends, and at once when
// stdin ends.
func Main(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	return roles.Main(ctx, &library{}, stdin, stdout, stderr)
}

// Inside is Main within a process whose signals are not the worker's. It meets the
// brokers in the network of ctx.
func Inside(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	return roles.Inside(ctx, &library{}, stdin, stdout, stderr)
}
