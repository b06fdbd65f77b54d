package faults

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/internal/scenario"
)

// clientProcess is a client process that can be struck. It may also end by itself, and
// the harness then starts it again without asking anybody here.
type clientProcess struct{ instance }

func (w clientProcess) String() string { return "client " + w.Name() }

// ready waits until the process runs, so that what strikes it strikes something.
func (w clientProcess) ready(ctx context.Context) error {
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) { return "", w.runs(ctx) })
	if err != nil {
		return fmt.Errorf("%w: %s does not run: %w", errNoTarget, w, err)
	}
	return nil
}

// runs returns an error if there is no process, or none that has said hello: a
// worker that is struck while it starts looks like one that cannot start. Where
// the instance does not say, SIGCONT tells: it does nothing to a process that runs.
func (w clientProcess) runs(ctx context.Context) error {
	if i, says := w.instance.(interface{ Running() bool }); says && !i.Running() {
		return fmt.Errorf("%s has not said hello, or has ended", w.Proc())
	}
	return w.instance.Resume(ctx)
}

func (w clientProcess) kill(ctx context.Context) error  { return w.instance.Kill(ctx) }
func (w clientProcess) stop(ctx context.Context) error  { return w.instance.Stop(ctx) }
func (w clientProcess) pause(ctx context.Context) error { return w.instance.Pause(ctx) }

// start starts the next incarnation, unless the harness did.
func (w clientProcess) start(ctx context.Context) error {
	_, err := w.instance.Start(ctx)
	if err != nil && w.runs(ctx) == nil {
		return nil
	}
	return err
}

// resume wakes the process. One that ended in its sleep is the harness's to start.
func (w clientProcess) resume(ctx context.Context) error {
	if err := w.runs(ctx); ctx.Err() != nil {
		return err
	}
	return nil
}

// revive ends what may run and starts afresh: SIGKILL reaches a stopped process too.
func (w clientProcess) revive(ctx context.Context) error {
	if err := w.instance.Kill(ctx); err != nil {
		return err
	}
	return w.start(ctx)
}

// instanceStrike keeps the client processes that a name means in a condition.
type instanceStrike struct {
	env    *Env
	name   string
	seed   uint64
	want   condition
	soft   bool // asked to end rather than killed
	by     string
	struck []clientProcess
	procs  []string // the incarnation that each struck process had
	claims []*claim
}

func newInstanceStrike(f scenario.Fault, env *Env, seed uint64, want condition) (*instanceStrike, error) {
	if f.Args.Client == "" {
		return nil, fmt.Errorf("whom? Want client: a client's name, name/instance, or name/*")
	}
	by := label(f)
	return &instanceStrike{env: env, name: f.Args.Client, seed: seed, want: want, by: by}, nil
}

func (s *instanceStrike) Inject(ctx context.Context) (string, error) {
	found, resolved, err := s.env.resolveInstances(s.name, s.seed)
	if err != nil {
		return "", err
	}
	for _, i := range found {
		s.struck = append(s.struck, clientProcess{i})
		s.procs = append(s.procs, i.Proc())
		s.claims = append(s.claims, &claim{want: s.want, soft: s.soft, by: s.by})
	}
	return resolved, each(s.struck, func(i int, w clientProcess) error {
		return s.env.ledger.acquire(ctx, w, s.claims[i])
	})
}

func (s *instanceStrike) victims() (brokers []int32, clients []string) {
	for _, w := range s.struck {
		clients = append(clients, w.Name())
	}
	return nil, clients
}

// others names the strikes besides s that keep a struck client from running.
func (s *instanceStrike) others(i int, _ clientProcess) []string { return s.claims[i].others() }

func (s *instanceStrike) Recover(ctx context.Context) error {
	return each(s.claims, func(_ int, h *claim) error { return h.release(ctx) })
}
