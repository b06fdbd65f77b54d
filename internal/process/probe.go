package process

import (
	"context"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// Probe starts a worker that has no cluster, and returns its hello: what the
// library is, and what of spec it cannot honour. The error is as Start's.
func Probe(ctx context.Context, command []string, spec worker.Spec) (worker.Hello, error) {
	spec.Protocol, spec.Bootstrap = worker.ProtocolVersion, []string{"127.0.0.1:9"} // discard: nobody answers
	in, err := New(Config{Name: "probe", Command: command, Spec: spec, Record: func(history.Event) {}, Now: history.Now})
	if err != nil {
		return worker.Hello{}, err
	}
	hello, err := in.Start(ctx)
	if err != nil {
		return hello, err
	}
	return hello, in.Kill(context.WithoutCancel(ctx))
}
