// Package conformance proves that a program speaks the worker protocol, against
// Kafka's protocol embedded in this process: the suite behind
// `onceproof worker-test PROGRAM`.
//
//	err := conformance.Run(ctx, []string{"./worker"}, func(name string, err error) {
//		fmt.Println(name, err)
//	})
package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/worker"
)

const (
	caseTime = 2 * time.Minute // one case, at most, on a machine that has other work too
	atOnce   = 3               // cases that run at the same time
)

// test is one case of the suite. ask is called with the program's hello, and says
// whether the case concerns it.
type test struct {
	name string
	ask  func(h *worker.Hello) bool
	run  func(b *bench) error
	long bool // it waits for timeouts: begun first, the others pass meanwhile
}

// Run runs the suite on the program. report is called once for each case, from
// one goroutine at a time, with nil if the case passed. A case about what the
// program's hello does not claim is left out. The error says how many failed.
func Run(ctx context.Context, command []string, report func(name string, err error)) error {
	dir, err := os.MkdirTemp("", "onceproof-worker-test-")
	if err != nil {
		return fmt.Errorf("worker-test: %w", err)
	}
	defer os.RemoveAll(dir)
	s := &suite{command: command, dir: dir}

	hello, err := s.greet(ctx)
	report("hello", err)
	if err != nil {
		return fmt.Errorf("worker-test: without a sound hello nothing else can be tried: %w", err)
	}
	tests := slices.DeleteFunc(slices.Concat(producerTests, processTests(hello), groupTests(hello)), func(t test) bool {
		return t.ask != nil && !t.ask(hello) || !strings.Contains(t.name, only)
	})
	slices.SortStableFunc(tests, func(a, b test) int {
		switch {
		case a.long && !b.long:
			return -1
		case b.long && !a.long:
			return 1
		}
		return 0
	})
	failed := s.all(ctx, tests, report)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("worker-test: %w", ctx.Err())
	case failed > 0:
		return fmt.Errorf("worker-test: %d of %d cases failed", failed, len(tests)+1)
	}
	return nil
}

// only limits a run to the cases whose names contain it, for whoever debugs a worker.
var only = os.Getenv("ONCEPROOF_WORKER_TEST_ONLY")

type suite struct {
	command []string
	dir     string
}

// all runs tests, some at a time, and returns how many failed.
func (s *suite) all(ctx context.Context, tests []test, report func(string, error)) (failed int) {
	var mu sync.Mutex
	var running sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for _, t := range tests {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			err := s.one(ctx, t)
			mu.Lock()
			defer mu.Unlock()
			if report(t.name, err); err != nil {
				failed++
			}
		})
	}
	running.Wait()
	return failed
}

func (s *suite) one(ctx context.Context, t test) error {
	ctx, cancel := context.WithTimeoutCause(ctx, caseTime, fmt.Errorf("not done within %v", caseTime))
	defer cancel()
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	err = t.run(b)
	return errors.Join(err, b.close())
}

// greet starts the program once, as a producer, and judges its hello.
func (s *suite) greet(ctx context.Context) (*worker.Hello, error) {
	var hello worker.Hello
	err := s.one(ctx, test{run: func(b *bench) error {
		w, err := b.start("hello", worker.Spec{Role: guarantee.Producer, Topic: "in", Rate: 1})
		hello = w.hello
		if errors.Is(err, process.ErrUnsupported) {
			return sound(&hello) // it need not be a producer
		}
		if err != nil {
			return err
		}
		return errors.Join(sound(&hello), w.inst.Stop(b.ctx))
	}})
	return &hello, err
}

// anyRole is a spec for a role that the program has.
func anyRole(h *worker.Hello) worker.Spec {
	spec := worker.Spec{Role: h.Roles[0], Topic: "in", Input: "in", Output: "out", Rate: 10, Config: properties()}
	if spec.Role != guarantee.Producer {
		spec.Commit, spec.Config = h.Commits[0], group()
	}
	if spec.Commit == guarantee.CommitTxn || spec.Commit == guarantee.CommitTxnOutside {
		spec.Config["transactional.id"] = "till"
	}
	return spec
}

func sound(h *worker.Hello) error {
	roles := []string{guarantee.Producer, guarantee.Consumer, guarantee.Processor}
	commits := []string{
		guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitTxn, guarantee.CommitTxnOutside,
	}
	habits := []string{
		guarantee.HabitNoRewind, guarantee.HabitIgnoreSendErrors, guarantee.HabitSwallowFatal, guarantee.HabitNoGroupMetadata, guarantee.HabitDedupInMemory,
		guarantee.HabitHandOff,
	}
	switch {
	case h.Library == "" || h.Version == "":
		return fmt.Errorf("hello names library %q, version %q; both are needed", h.Library, h.Version)
	case !subset(h.Roles, roles):
		return fmt.Errorf("hello has roles %q; there are %q", h.Roles, roles)
	case !subset(h.Habits, habits):
		return fmt.Errorf("hello has habits %q; there are %q", h.Habits, habits)
	case !subset(h.Commits, commits):
		return fmt.Errorf("hello has commits %q; there are %q", h.Commits, commits)
	case len(h.Roles) == 0:
		return errors.New("hello has no role")
	case len(h.Effective) == 0:
		return errors.New("hello has no effective configuration")
	case slices.Contains(h.Roles, guarantee.Processor) && len(h.Commits) == 0:
		return errors.New("hello has the role processor and no commit pattern")
	}
	return nil
}

func subset(some, all []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}
