//go:build !no_cancellation

package franzgo

import "github.com/twmb/franz-go/pkg/kgo"

// cancellation has the library give up an idempotent send that a broker may have.
func cancellation() []kgo.Opt { return []kgo.Opt{kgo.AllowIdempotentProduceCancellation()} }
