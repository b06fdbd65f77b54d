package checker

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Options of Check.
type Options struct {
	Memory   int64                 // bytes; 0 = 512 MiB
	Only     []guarantee.Guarantee // nil = all
	Examples int                   // witnesses a kind; 0 = 3
	Progress func(events int64)
	Tool     string // the program that judges, for Report.Tool; "" = the one that recorded
	// View opens a file beside the report for porcupine's picture of a violation;
	// it is closed if it can be. nil = no pictures.
	View func(name string) (io.Writer, error)
}

// Check judges the history that r reads. Expectations come from its header.
// An error means that there is no verdict: the history could not be read, or ctx
// ended. Whatever the history shows is in the report, never an error.
func Check(ctx context.Context, r *history.Reader, opt Options) (rep *Report, err error) {
	j := newJudge(r.Header(), opt)
	defer func() { err = errors.Join(err, j.close()) }()
	var e history.Event
	for {
		switch err := r.Next(&e); {
		case err == io.EOF:
			j.cutOff = r.Truncated()
			j.finish()
			if j.pool.err != nil {
				return nil, fmt.Errorf("judge the history: %w", j.pool.err)
			}
			return j.verdicts(), nil
		case err != nil:
			return nil, fmt.Errorf("read the history: %w", err)
		}
		if err := j.observe(&e, r.Line()); err != nil {
			return nil, fmt.Errorf("judge the history: line %d: %w", r.Line(), err)
		}
		if j.events%progressStep == 0 {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("judge the history: %w", err)
			}
			if opt.Progress != nil {
				opt.Progress(j.events)
			}
		}
	}
}

const progressStep = 1 << 16
