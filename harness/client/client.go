package client

import (
	"context"
	"errors"
	"time"
)

// Config of one instance of a client.
type Config struct {
	Name      string   // "till"
	Instance  int      // from 0
	Command   []string // the worker's program; "" elements are not allowed
	Env       []string
	Spec      Spec   // Proc is set for each incarnation; ${client} ${instance} ${incarnation} ${random} in Config are expanded
	LogFile   string // stderr of every incarnation is appended, and what it printed that was no event
	Record    Recorder
	Now       func() int64  // ns of CLOCK_MONOTONIC
	HelloWait time.Duration // 0 = 15 s
	StopWait  time.Duration // before a graceful end becomes a kill; 0 = 10 s
}

// Instance is one instance of a client over all its incarnations. Its methods
// may be called concurrently.
type Instance struct{}

// New checks cfg.
func New(cfg Config) (*Instance, error) { return nil, errors.New("client: not built yet") }

// Start starts the next incarnation and waits for its hello.
func (i *Instance) Start(ctx context.Context) (Hello, error) {
	return Hello{}, errors.New("client: not built yet")
}

// Name is "till/0"; Proc adds the current incarnation, "till/0/1".
func (i *Instance) Name() string { return "" }
func (i *Instance) Proc() string { return "" }

// Kill sends SIGKILL and waits until the process is gone and everything that it
// had printed is recorded; operations without an end become info.
func (i *Instance) Kill(ctx context.Context) error { return nil }

// Stop asks for a graceful end and waits for it; after StopWait it kills and
// returns an error that says so.
func (i *Instance) Stop(ctx context.Context) error { return nil }

// Pause and Resume send SIGSTOP and SIGCONT to the whole process group, and
// return when the kernel shows the state.
func (i *Instance) Pause(ctx context.Context) error  { return nil }
func (i *Instance) Resume(ctx context.Context) error { return nil }

// Exit is how an incarnation ended.
type Exit struct {
	Proc      string
	Wanted    bool // by Kill or Stop
	Code      int  // exit code, -1 if a signal
	Signal    string
	Err       error    // it broke the protocol; nil otherwise
	LastLines []string // of stderr
}

// Exited delivers the end of each incarnation, wanted or not.
func (i *Instance) Exited() <-chan Exit { return nil }

// Counts of what the current and earlier incarnations reported.
type Counts struct{ Sent, Acked, Polled, Processed, Commits, Errors int64 }

// Counts returns a snapshot.
func (i *Instance) Counts() Counts { return Counts{} }
