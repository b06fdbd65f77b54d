package suite

import "errors"

// Exit codes. They never change meaning.
const (
	ExitExpected    = 0   // every guarantee is as expected
	ExitDiffers     = 1   // a guarantee differs from what was expected
	ExitUsage       = 2   // the command line or a file is wrong
	ExitUnjudged    = 3   // could not be judged
	ExitInterrupted = 130 // everything that was started has been removed
)

// Exit is an error that carries its exit code.
type Exit struct {
	Code int
	Err  error
}

// WithExit is err with the exit code that it ends the program with.
func WithExit(code int, err error) error { return &Exit{code, err} }

func (e *Exit) Error() string { return e.Err.Error() }
func (e *Exit) Unwrap() error { return e.Err }

// ErrInterrupted is the cause with which a context is cancelled by SIGINT or SIGTERM.
var ErrInterrupted = errors.New("interrupted; everything that was started has been stopped and removed")
