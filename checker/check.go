package checker

import (
	"context"
	"errors"

	"github.com/onceproof/onceproof/history"
)

// Options of Check.
type Options struct {
	Memory   int64       // bytes; 0 = 512 MiB
	Only     []Guarantee // nil = all
	Examples int         // witnesses a kind; 0 = 3
	Progress func(events int64)
}

// Check judges the history that r reads. Expectations come from its header.
func Check(ctx context.Context, r *history.Reader, opt Options) (*Report, error) {
	return nil, errors.New("checker: not built yet")
}
