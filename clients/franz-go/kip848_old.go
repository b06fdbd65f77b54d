//go:build no_kip848

package franzgo

import "github.com/twmb/franz-go/pkg/kgo"

// serverSide is nothing: this version of the library has the classic protocol alone.
func serverSide() []kgo.Opt { return nil }
