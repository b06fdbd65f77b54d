package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// fleet is all client instances of a run, and the supervisor that starts those
// again that end by themselves.
type fleet struct {
	members []*member
	file    string // the scenario's
	status  *status
	failed  chan error // the first client that cannot be kept running

	supervise context.CancelFunc
	wg        sync.WaitGroup
}

type member struct {
	*process.Instance
	spec      scenario.Client
	bootstrap string // its own door's
	log       string

	mu      sync.Mutex
	retired bool // stopped on purpose: not to be started again
	last    *process.Exit
}

func newFleet(r *run) (*fleet, error) {
	f := &fleet{file: r.cfg.Scenario.File, status: r.status, failed: make(chan error, 1)}
	for _, c := range r.cfg.Scenario.Clients {
		for i := range c.Count {
			m, err := newMember(r, c, i)
			if err != nil {
				return nil, err
			}
			f.members = append(f.members, m)
		}
	}
	return f, nil
}

func newMember(r *run, c scenario.Client, instance int) (*member, error) {
	name := fmt.Sprintf("%s/%d", c.Name, instance)
	door, err := r.proxy.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the door of client %s: %w", name, err)
	}
	_, version := process.SplitVersion(c.Library)
	log := filepath.Join(r.cfg.Dir, "logs", strings.ReplaceAll(name, "/", "-")+".log")
	cfg := process.Config{
		Name: c.Name, Instance: instance, Command: r.commands[c.Name], Version: version,
		Spec:    workerSpec(c, door.Bootstrap(), r.cfg.Plan.ClientSeed(c.Name, instance)),
		LogFile: log,
		Program: len(c.Program) > 0,
		Main:    r.cfg.World.Workers[c.Library], Network: r.cfg.World.Network,
		Record: r.recordOf(c, name), Now: history.Now,
	}
	if err := r.application(&cfg, c, name); err != nil {
		return nil, err
	}
	in, err := process.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("client %s: %w", name, err)
	}
	return &member{Instance: in, spec: c, bootstrap: strings.Join(door.Bootstrap(), ","), log: log}, nil
}

func workerSpec(c scenario.Client, bootstrap []string, seed uint64) worker.Spec {
	return worker.Spec{
		Protocol: worker.ProtocolVersion, Role: c.Role, Bootstrap: bootstrap, Config: maps.Clone(c.Config),
		Topic: c.Topic, Input: c.Input, Output: c.Output, Commit: c.Commit, Transaction: c.Transaction, Rate: c.Rate,
		Max: c.Max, Size: c.Size,
		Seed:    seed,
		Process: worker.Process{MinNS: int64(c.Process.Min), MaxNS: int64(c.Process.Max), Fail: c.Process.Fail},
		Retry:   worker.Retry{Attempts: c.Retry.Attempts, BackoffNS: int64(c.Retry.Backoff), Topic: c.Retry.Topic},
		Habits:  c.Habits,
		Strict:  c.Unsupported != "warn",
	}
}

func (f *fleet) instances() []*process.Instance {
	all := make([]*process.Instance, len(f.members))
	for i, m := range f.members {
		all[i] = m.Instance
	}
	return all
}

// start starts the readers before the writers, so that no input is produced
// before its group is there to see it, waits until ready says that both are, and returns each client's hello by name.
func (f *fleet) start(ctx context.Context, ready func(context.Context) error) (map[string]worker.Hello, error) {
	supervise, cancel := context.WithCancel(ctx)
	f.supervise = cancel
	hellos := make(map[string]worker.Hello)
	for _, producers := range []bool{false, true} {
		for _, m := range f.members {
			if (m.spec.Role == guarantee.Producer) != producers {
				continue
			}
			f.wg.Go(func() { f.keep(supervise, m) })
			hello, err := m.Start(ctx)
			if err != nil {
				return hellos, fmt.Errorf("start client %s: %w%s", m.Name(), err, f.elsewhere(m, err, hello))
			}
			hellos[m.spec.Name] = hello
		}
		if err := ready(ctx); err != nil {
			return hellos, err
		}
	}
	return hellos, nil
}

func (f *fleet) fail(err error) {
	select {
	case f.failed <- err:
	default:
	}
}

func (m *member) isRetired() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.retired
}

func (m *member) retire(ctx context.Context) error {
	m.mu.Lock()
	m.retired = true
	m.mu.Unlock()
	return m.Stop(ctx)
}

// stopProducers ends the load: producers flush and end, readers go on.
func (f *fleet) stopProducers(ctx context.Context) error {
	return f.retire(ctx, func(m *member) bool { return m.spec.Role == guarantee.Producer })
}

// stop ends everybody gracefully.
func (f *fleet) stop(ctx context.Context) error {
	return f.retire(ctx, func(*member) bool { return true })
}

// retire stops the chosen members side by side. A client that does not end when
// asked is killed by Stop; what it left unfinished is in the history, so that is
// worth a word but no failure, unless it has done nothing else either.
func (f *fleet) retire(ctx context.Context, chosen func(*member) bool) error {
	var wg sync.WaitGroup
	blame := make([]error, len(f.members))
	for i, m := range f.members {
		if !chosen(m) || m.isRetired() {
			continue
		}
		wg.Go(func() {
			err := m.retire(ctx)
			if err != nil && ctx.Err() == nil {
				f.status.log(fmt.Sprintf("%s: %v", m.Name(), err))
			}
			blame[i] = m.noProgress(err)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(blame...)
}

// close kills whoever still runs.
func (f *fleet) close() error {
	if f.supervise != nil {
		f.supervise()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	for _, m := range f.members {
		m.mu.Lock()
		m.retired = true
		m.mu.Unlock()
		if err := m.Kill(ctx); err != nil {
			errs = append(errs, fmt.Errorf("end client %s: %w", m.Name(), err))
		}
	}
	f.wg.Wait()
	return errors.Join(errs...)
}

func (f *fleet) progress() []ClientProgress {
	all := make([]ClientProgress, len(f.members))
	for i, m := range f.members {
		c := m.Counts()
		all[i] = ClientProgress{Name: m.Name(), Sent: c.Sent, Acked: c.Acked, Polled: c.Polled, Processed: c.Processed, Commits: c.Commits, Errors: c.Errors}
	}
	return all
}

// pause waits for d or the end of ctx, and tells whether it was d.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
