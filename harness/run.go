// Package harness is one run: start the cluster, load it, strike, heal, drain,
// audit, stop. What it saw becomes a history.
//
//	plan ──> start ─> load + strike ─> heal ─> drain ─> audit ─> stop ──> history
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/onceproof/onceproof/faults"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/deduce"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// ErrInfrastructure is wrapped by everything that keeps a run from being judged
// and is no fault of the configuration: no engine, a worker that never said
// hello, a fault whose effect was never seen. Exit code 3.
var ErrInfrastructure = errors.New("the run could not be judged")

// Config of one run.
type Config struct {
	Scenario *scenario.Scenario
	Plan     *plan.Plan
	Dir      string                                    // the run folder; created
	Control  bool                                      // Scenario is a control: noted in the header
	Progress func(Progress)                            // called about each second and at each change; may be nil
	Observe  func(history.Header) func(*history.Event) // makes what sees every event in order; may be nil
	Stop     <-chan string                             // ends the load early, with the reason; may be nil
	Tool     string                                    // this program's name, version and commit
	Clusters *cluster.Pool                             // lends the cluster; nil: it is the run's own
	World    World
}

// Progress is where a run stands.
type Progress struct {
	Phase   string
	Message string        // something that happened, or ""
	Elapsed time.Duration // of the load
	Total   time.Duration // of the load
	Faults  []string      // that strike now
	Clients []ClientProgress
}

// ClientProgress is one client instance's counts so far.
type ClientProgress struct {
	Name                                            string
	Sent, Acked, Polled, Processed, Commits, Errors int64
}

// Result is what a run leaves.
type Result struct {
	Dir    string
	Header history.Header
	Chosen string // which backend, and why
}

// Run runs cfg.Plan to its end and leaves the run folder. The folder exists, with
// whatever was recorded, even when Run fails. An error wraps ErrInfrastructure,
// or is the context's when the run was interrupted; by then everything that was
// started has been stopped and removed.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	runErr := r.run(cfg.World.withNetwork(ctx))
	closeErr := r.close(runErr)
	if runErr != nil && ctx.Err() != nil {
		return &r.result, context.Cause(ctx)
	}
	if err := errors.Join(runErr, closeErr); err != nil {
		return &r.result, fmt.Errorf("%w: %w", ErrInfrastructure, err)
	}
	return &r.result, nil
}

type run struct {
	cfg      Config
	commands map[string][]string // of each client's worker
	result   Result
	rec      *recorder
	cluster  cluster.Cluster
	proxy    *proxy.Proxy
	admin    *admin
	fleet    *fleet
	env      *faults.Env
	status   *status
	deducer  *deduce.Deducer   // nil where every client is a worker
	outputs  map[string]growth // of programs without a group, while the run drains
	sources  *sources          // of the audit, where there are programs
	taint    taint
}

func newRun(cfg Config) (*run, error) {
	r := &run{outputs: map[string]growth{}, cfg: cfg, result: Result{Dir: cfg.Dir, Header: header(cfg, cfg.Scenario.Cluster.Backend)}}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("create the run folder: %w", err)
	}
	if err := saveInputs(cfg); err != nil {
		return nil, err
	}
	commands, err := workerCommands(cfg.Scenario, cfg.World)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInfrastructure, err)
	}
	r.commands = commands
	rec, err := newRecorder(filepath.Join(cfg.Dir, history.FileName), cfg.Observe)
	if err != nil {
		return nil, err
	}
	r.rec = rec
	r.status = &status{report: cfg.Progress, total: cfg.Plan.Duration}
	return r, nil
}

// run goes through the phases. What it starts is closed by close.
func (r *run) run(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	r.phase("drain")
	if err := r.drain(ctx); err != nil {
		return err
	}
	if err := r.fleet.stop(ctx); err != nil {
		return fmt.Errorf("stop clients: %w", err)
	}
	if err := r.hooks(ctx, "after", func(a scenario.Application) []string { return a.After }); err != nil {
		return err
	}
	r.phase("audit")
	if err := r.audit(ctx); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	r.phase("stop")
	return nil
}

// start brings up the cluster, the proxy and the clients.
func (r *run) start(ctx context.Context) error {
	r.phase("start")
	if r.cfg.World.isReal() {
		r.reap(ctx)
	}
	c, chosen, served, err := r.cfg.Clusters.Acquire(ctx, clusterSpec(r.cfg, r.status.log))
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	r.cluster, r.result.Chosen = c, chosen
	r.status.log(chosen)
	if err := faults.CheckSupport(r.cfg.Scenario, c); err != nil {
		return err
	}
	r.proxy, err = proxy.New(proxy.Config{Brokers: brokerAddrs(c), Record: r.witness, Now: history.Now, Network: network.From(ctx)})
	if err != nil {
		return fmt.Errorf("open the proxy: %w", err)
	}
	r.admin, err = newAdmin(c, r.cfg.World.beside())
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	r.deducer = programs(r)
	r.fleet, err = newFleet(r)
	if err != nil {
		return err
	}
	r.env = &faults.Env{Cluster: c, Proxy: r.proxy, Clients: r.fleet.instances(), Now: history.Now}
	r.result.Header = header(r.cfg, c.Backend())
	r.result.Header.Served = served
	hellos, err := r.startFleet(ctx)
	noteHellos(&r.result.Header, hellos)
	if openErr := r.rec.open(r.result.Header); openErr != nil {
		return openErr
	}
	return err
}

// reap removes what earlier runs left behind.
func (r *run) reap(ctx context.Context) {
	if removed, err := cluster.Reap(ctx); err == nil && len(removed) > 0 {
		r.status.log(fmt.Sprintf("removed what an earlier run left behind: %d containers and networks", len(removed)))
	}
}

// patience is how many times its duration the load may last, while a fault still
// waits for the request that triggers it: a slow machine makes a run longer, not
// unjudgeable.
const patience = 4

// load lets the clients work for the plan's duration while the faults strike,
// then heals everything and stops the producers.
func (r *run) load(ctx context.Context) error {
	r.phase("load")
	began := time.Now()
	load, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer r.watch(ctx, began)()

	s := newStriker(r, began)
	struck := make(chan error, 1)
	go func() { struck <- s.strikeAll(load, ctx) }()
	failed := r.outlast(ctx, s)
	if errors.Is(failed, errStopped) {
		failed = nil
	}
	end(errLoadOver)
	r.phase("heal")
	if err := errors.Join(failed, <-struck); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.fleet.stopProducers(ctx)
}

var (
	errLoadOver = errors.New("the load is over")
	errStopped  = errors.New("stopped early")
)

// outlast returns when the load has lasted long enough, or cannot go on.
func (r *run) outlast(ctx context.Context, s *striker) error {
	if err := r.last(ctx, r.cfg.Plan.Duration, nil); err != nil {
		return err
	}
	select {
	case <-s.settled.done:
		return nil
	default:
	}
	r.status.log("the load goes on: a fault still waits for what triggers it")
	return r.last(ctx, (patience-1)*r.cfg.Plan.Duration, s.settled.done)
}

// last waits for d, or until enough is closed.
func (r *run) last(ctx context.Context, d time.Duration, enough <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-enough:
		return nil
	case why := <-r.cfg.Stop:
		r.status.log("the load ends early: " + why)
		r.rec.record(history.Event{T: history.Now(), Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase,
			Note: history.PhaseStopped, Data: map[string]any{"why": why}})
		return errStopped
	case err := <-r.fleet.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close stops everything, in the order that lets nothing be lost, and gives the cluster
// back.
func (r *run) close(failed error) error {
	var errs []error
	if r.fleet != nil {
		errs = append(errs, r.fleet.close())
	}
	if r.admin != nil {
		r.admin.close()
	}
	if r.proxy != nil {
		errs = append(errs, r.proxy.Close())
	}
	if r.cluster != nil {
		errs = append(errs, r.cfg.Clusters.Release(r.cluster, r.taintReason(errors.Join(append(errs, failed)...))))
	}
	r.rec.open(r.result.Header) // a run that failed early still leaves a history that can be read
	errs = append(errs, r.rec.close())
	return errors.Join(errs...)
}

func (r *run) phase(name string) {
	r.rec.record(history.Event{T: history.Now(), Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase, Note: name})
	r.status.phase(name)
}
