// Package process runs the clients of a run as processes: workers that speak the worker
// protocol, and programs that know nothing of it.
//
//	harness ──> process ── worker.Spec on stdin ──> worker ── events on stdout ──> history
//
// Crashes, freezes, restarts, incarnations, and operations that never ended
// (they become info) are this package's work, not the worker's.
package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/worker"
)

// Recorder takes the events of one run. Safe for concurrent use.
type Recorder func(history.Event)

// Defaults of Config.
const (
	DefaultHelloWait = 30 * time.Second
	DefaultStopWait  = 10 * time.Second
)

// What callers of Start branch on. Both are about what was asked for, not about
// a broken worker.
var (
	// ErrUnsupported is wrapped when the library lacks the role or the commit
	// pattern that the scenario asks for.
	ErrUnsupported = errors.New("not supported by the library")
	// ErrRefused is wrapped when Spec.Strict is set and the worker cannot honour
	// a property, the text names each; and when the library itself refuses the
	// configuration, its own words are the last of the worker's log then.
	ErrRefused = errors.New("property cannot be honoured")
)

// CapabilityError is why a library cannot run what is asked of it: the error that wraps
// ErrUnsupported or ErrRefused, without the worker's log around it.
type CapabilityError struct {
	Why string
	of  error
}

func (m *CapabilityError) Error() string { return m.Why }
func (m *CapabilityError) Unwrap() error { return m.of }

func misfit(of error, format string, args ...any) error {
	return &CapabilityError{fmt.Sprintf(format, args...), of}
}

// Config of one instance of a client.
type Config struct {
	Name      string          // "till"
	Instance  int             // from 0
	Command   []string        // the worker's program; "" elements are not allowed
	Version   string          // of the library that its hello must name; "" = any
	Main      Main            // runs inside this process in the place of Command; nil = Command does
	Network   network.Network // of Main; nil = TCP
	Program   bool            // Command is no worker: it is given its bootstrap servers and says nothing to us
	Dir       string          // working directory of Command; "" = ours
	RunDir    string          // ${run} of a program; "" if it has none
	Forgets   bool            // RunDir is emptied when the program was killed
	Env       []string        // added to the harness's own environment
	Spec      worker.Spec     // Proc is set for each incarnation; ${client} ${instance} ${incarnation} ${random} in Config are expanded
	LogFile   string          // stderr of every incarnation is appended, and what it printed that was no event
	Record    Recorder
	Now       func() int64  // ns of CLOCK_MONOTONIC
	HelloWait time.Duration // 0 = 30 s
	StopWait  time.Duration // before a graceful end becomes a kill; 0 = 10 s
}

func (c *Config) check() error {
	switch {
	case c.Name == "" || strings.ContainsAny(c.Name, "/#\n"):
		return fmt.Errorf("client: %q is no name: it must not be empty nor contain / or #", c.Name)
	case c.Instance < 0:
		return fmt.Errorf("client: instance %d of %s is negative", c.Instance, c.Name)
	case c.Main == nil && len(c.Command) == 0 || slices.Contains(c.Command, ""):
		return fmt.Errorf("client: %s has no command, or an empty word in it: %q", c.Name, c.Command)
	case c.Record == nil || c.Now == nil:
		return fmt.Errorf("client: %s needs Record and Now", c.Name)
	case len(c.Spec.Bootstrap) == 0:
		return fmt.Errorf("client: %s has no bootstrap servers", c.Name)
	}
	if c.Program {
		if _, err := c.environment(1); err != nil {
			return err
		}
		_, err := c.arguments(1)
		return err
	}
	_, err := c.spec(1)
	return err
}

// Instance is one instance of a client over all its incarnations. Its methods
// may be called concurrently.
//
//	         Start            hello               Kill, Stop, or by itself
//	(none) ───────> starting ───────> running ──────────────────────────> ended ── Start ─> …
//	                   │ no hello, or a wrong one: killed, Start says why
type Instance struct {
	cfg    Config
	exited chan Exit
	counts counters

	mu      sync.Mutex
	n       int          // incarnations so far
	current *incarnation // the latest; nil before the first Start
}

// New checks cfg.
func New(cfg Config) (*Instance, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.HelloWait == 0 {
		cfg.HelloWait = DefaultHelloWait
	}
	if cfg.Network == nil {
		cfg.Network = network.TCP
	}
	if cfg.StopWait == 0 {
		cfg.StopWait = DefaultStopWait
	}
	return &Instance{cfg: cfg, exited: make(chan Exit, 256)}, nil
}

// Start starts the next incarnation and waits for its hello, which it returns
// too when it does not fit (ErrUnsupported, ErrRefused). An incarnation whose
// Start returns an error is gone already and is not delivered by Exited.
func (i *Instance) Start(ctx context.Context) (worker.Hello, error) {
	inc, err := i.next()
	if err != nil {
		return worker.Hello{}, err
	}
	hello, err := inc.awaitHello(ctx)
	inc.accept <- err == nil
	if err != nil {
		inc.end.wanted.Store(true)
		inc.kill()
		<-inc.done
		return hello, inc.explain(err)
	}
	inc.greeted.Store(true)
	return hello, nil
}

// Running says that the current incarnation has said hello and not ended: what a
// fault may strike without breaking a start that is under way.
func (i *Instance) Running() bool {
	inc := i.running()
	return inc != nil && inc.greeted.Load()
}

func (i *Instance) next() (*incarnation, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.current != nil && !i.current.over() {
		return nil, fmt.Errorf("client: %s runs already", i.current.proc)
	}
	spec, err := i.cfg.spec(i.n + 1)
	if err != nil {
		return nil, err
	}
	args, err := i.cfg.arguments(i.n + 1)
	if err != nil {
		return nil, err
	}
	env, err := i.cfg.environment(i.n + 1)
	if err != nil {
		return nil, err
	}
	if i.cfg.Forgets && i.current != nil && i.current.end.exit.Signal == "SIGKILL" {
		if err := emptied(i.cfg.RunDir); err != nil {
			return nil, fmt.Errorf("client: lose the state of %s: %w", i.cfg.instance(), err)
		}
	}
	i.n++
	inc, err := spawn(&i.cfg, spec, args, env, &i.counts, i.deliver)
	if err != nil {
		return nil, err
	}
	i.current = inc
	return inc, nil
}

// deliver never blocks: when nobody listens, the oldest end is forgotten.
func (i *Instance) deliver(e Exit) {
	for {
		select {
		case i.exited <- e:
			return
		default:
		}
		select {
		case <-i.exited:
		default:
		}
	}
}

// Name is "till/0"; Proc adds the current incarnation, "till/0/1".
func (i *Instance) Name() string { return i.cfg.instance() }

// Proc is the current or latest incarnation; before the first Start it is the
// one that Start will make.
func (i *Instance) Proc() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cfg.proc(max(i.n, 1))
}

func (c *Config) instance() string { return c.Name + "/" + strconv.Itoa(c.Instance) }
func (c *Config) proc(incarnation int) string {
	return c.instance() + "/" + strconv.Itoa(incarnation)
}

// running returns the current incarnation if it has not ended.
func (i *Instance) running() *incarnation {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.current == nil || i.current.over() {
		return nil
	}
	return i.current
}

// Kill sends SIGKILL and waits until the process is gone and everything that it
// had printed is recorded; operations without an end become info. Killing what
// does not run is no error.
func (i *Instance) Kill(ctx context.Context) error {
	inc := i.running()
	if inc == nil {
		return nil
	}
	inc.end.wanted.Store(true)
	inc.kill()
	return inc.awaitEnd(ctx)
}

// Stop asks for a graceful end and waits for it; after StopWait it kills and
// returns an error that says so.
func (i *Instance) Stop(ctx context.Context) error {
	inc := i.running()
	if inc == nil {
		return nil
	}
	inc.end.wanted.Store(true)
	inc.askToStop()
	timer := time.NewTimer(i.cfg.StopWait)
	defer timer.Stop()
	select {
	case <-inc.done:
		return inc.stopError()
	case <-timer.C:
	case <-ctx.Done():
	}
	inc.kill()
	<-inc.done
	if ctx.Err() != nil {
		return fmt.Errorf("client: %s was killed while it was asked to stop: %w", inc.proc, ctx.Err())
	}
	return inc.explain(fmt.Errorf("did not stop within %v of being asked and was killed", i.cfg.StopWait))
}

// Pause and Resume send SIGSTOP and SIGCONT to the whole process group, and
// return when the kernel shows the state.
func (i *Instance) Pause(ctx context.Context) error  { return i.freeze(ctx, true) }
func (i *Instance) Resume(ctx context.Context) error { return i.freeze(ctx, false) }

func (i *Instance) freeze(ctx context.Context, stop bool) error {
	inc := i.running()
	if inc == nil {
		return fmt.Errorf("client: %s does not run", i.Name())
	}
	return inc.freeze(ctx, stop)
}

// Exit is how an incarnation ended.
type Exit struct {
	Proc      string
	Wanted    bool // by Kill or Stop
	Code      int  // exit code, -1 if a signal
	Signal    string
	Err       error    // it broke the protocol; nil otherwise
	LastLines []string // of stderr
	LogFile   string   // "" if none is kept
}

// Explain adds to err whose it is, its last words and where its log is.
func (e *Exit) Explain(err error) error {
	text := ""
	if len(e.LastLines) > 0 {
		text = "\n\tlast lines of its stderr:\n\t  " + strings.Join(e.LastLines[max(0, len(e.LastLines)-5):], "\n\t  ")
	}
	if e.LogFile != "" {
		text += "\n\tits log: " + e.LogFile
	}
	return fmt.Errorf("client: %s: %w%s", e.Proc, err, text)
}

// Exited delivers the end of each incarnation, wanted or not. It keeps the last
// 256 that nobody has taken.
func (i *Instance) Exited() <-chan Exit { return i.exited }

// Counts of what the current and earlier incarnations reported.
type Counts struct{ Sent, Acked, Polled, Processed, Commits, Errors int64 }

// Counts returns a snapshot.
func (i *Instance) Counts() Counts {
	c := &i.counts
	return Counts{
		Sent: c.sent.Load(), Acked: c.acked.Load(), Polled: c.polled.Load(),
		Processed: c.processed.Load(), Commits: c.commits.Load(), Errors: c.errors.Load(),
	}
}

// Witnessed counts an event about a program that somebody else saw.
func (i *Instance) Witnessed(e *history.Event) { i.counts.count(e) }

type counters struct{ sent, acked, polled, processed, commits, errors atomic.Int64 }
