//go:build no_cancellation

package franzgo

import "github.com/twmb/franz-go/pkg/kgo"

// cancellation is nothing: this version of the library has no word for it.
func cancellation() []kgo.Opt { return nil }
