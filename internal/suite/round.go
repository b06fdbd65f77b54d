// Package suite runs several scenarios and judges them: what to run, in which order and
// on which clusters, what each outcome means for the exit code, and the pages about all
// of them together.
//
//	cmd ──> suite ──> harness ──> history ──> checker ──> reports
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/reports"
)

// Options are the flags of run.
type Options struct {
	Tool      string // name and version of this program, for verdict and history
	Out       string
	Backend   string
	Image     string
	Seed      uint64
	Seeded    bool
	Control   bool
	PlanOnly  bool
	Repeat    int
	UntilFail bool
	Budget    time.Duration
	JSON      bool
	Quiet     bool
	Explore   bool
	Serve     bool
	Server    *reports.Server // nil: not served
	// BuildWorkers builds the workers of libraries that are not built yet, before the
	// first run; nil = a run without its worker cannot be judged.
	BuildWorkers func(ctx context.Context, libraries []string) error
	Clusters
	Gate *Gate // nil: the expectations decide, and no CI is told
}

// Job is one run of a suite.
type Job struct {
	Scenario *scenario.Scenario
	Plan     *plan.Plan
	Control  bool
}

func (j Job) Name() string { return j.Scenario.Metadata.Name }

func Run(ctx context.Context, out io.Writer, o Options, names []string) (err error) {
	if err := o.Gate.Open(); err != nil {
		return err
	}
	runnables, err := runnablesOf(o, names)
	if err != nil {
		return err
	}
	var x, shown *explorer
	if o.Explore {
		x = newExplorer(o.Out)
	}
	if o.PlanOnly {
		shown = x // else runRounds moves the faults
	}
	first, err := roundOf(o, shown, runnables, 0) // errors end it before anything starts
	if err != nil {
		return err
	}
	if o.PlanOnly {
		for _, j := range first {
			fmt.Fprintln(out, j.Plan)
		}
		return nil
	}
	if err := o.buildWorkers(ctx, first); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	if o.Serve {
		if o.Server, err = reports.NewServer(); err != nil {
			return WithExit(ExitUnjudged, err)
		}
		defer o.Server.Close()
		fmt.Fprintf(os.Stderr, "follow it at %s\n", o.Server.URL())
	}
	defer o.Share(len(first) > 1 || o.Repeat > 1)(&err)
	results, err := runRounds(ctx, out, o, x, runnables)
	if x != nil && !o.JSON {
		err = errors.Join(err, x.grown(out))
	}
	lost := results.judgeByRate()
	if len(results) > 1 && !o.JSON {
		results.Print(out)
		results.printRates(out)
	}
	return errors.Join(lost, results.Err(), err, o.Gate.Close(o.Out, results))
}

// Endless is --until-fail without --repeat.
const Endless = math.MaxInt

// runRounds runs everything o.repeat times, or until what o says ends it.
func runRounds(ctx context.Context, out io.Writer, o Options, x *explorer, all []Runnable) (results Results, err error) {
	for n := range o.Repeat {
		jobs, err := roundOf(o, x, all, n)
		if err != nil {
			return results, err
		}
		for _, j := range jobs {
			r := RunOne(ctx, out, o, j)
			results = append(results, r)
			if r.Code == ExitInterrupted || o.UntilFail && r.Code != ExitExpected {
				return results, nil
			}
		}
	}
	return results, nil
}

// Runnable is a scenario or its twin, with the first of its seeds.
type Runnable struct {
	Scenario *scenario.Scenario
	Seed     uint64
	Control  bool
}

// runnablesOf loads and checks everything before anything starts.
func runnablesOf(o Options, names []string) ([]Runnable, error) {
	loaded, err := load(o, names)
	if err != nil {
		return nil, err
	}
	var all []Runnable
	for _, s := range loaded {
		seed := SeedOf(s, o)
		all = append(all, Runnable{s, seed, false})
		if !o.Control {
			continue
		}
		twin := s.WithControl
		if s.Fixed != nil {
			twin = s.WithFixed
		}
		c, err := twin()
		if err != nil {
			return nil, err
		}
		all = append(all, Runnable{c, seed, s.Fixed == nil})
	}
	return all, nil
}

// load reads the named scenarios, or those of all that a budget buys.
func load(o Options, names []string) ([]*scenario.Scenario, error) {
	picked := len(names) == 0
	if picked {
		names = scenario.Names()
	}
	var all []*scenario.Scenario
	named := map[*scenario.Scenario]bool{}
	for _, name := range names {
		alone := !picked && !strings.Contains(name, "*")
		matching, err := scenario.Matching(name)
		if err != nil {
			return nil, err
		}
		for _, name := range matching {
			s, err := scenario.Load(name)
			if err != nil {
				return nil, err
			}
			if picked && isBug(s) {
				continue // it wants versions of libraries that few have built
			}
			all = append(all, s)
			named[s] = alone
		}
	}
	if o.Budget == 0 {
		return all, nil
	}
	return pick(o, all, named)
}

// roundOf are the jobs of the nth round: each with its seed plus n.
func roundOf(o Options, x *explorer, all []Runnable, n int) ([]Job, error) {
	var jobs []Job
	for _, r := range all {
		s, seed := r.Scenario, r.Seed+uint64(n)
		if x != nil && !r.Control { // a control is violated by the faults that it has
			v := *s
			if o.Backend != "" {
				v.Cluster.Backend = o.Backend
			}
			var err error
			if s, err = x.explore(exploreWords(o.Quiet), &v, seed); err != nil {
				return nil, err
			}
		}
		j, err := NewJob(s, o, seed)
		if err != nil {
			return nil, err
		}
		j.Control = r.Control
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func SeedOf(s *scenario.Scenario, o Options) uint64 {
	switch {
	case o.Seeded:
		return o.Seed
	case s.Run.HasSeed:
		return s.Run.Seed
	default:
		return uint64(time.Now().UnixNano()) % 1_000_000
	}
}

func NewJob(s *scenario.Scenario, o Options, seed uint64) (Job, error) {
	v := *s
	v.Run.Seed, v.Run.HasSeed = seed, true
	if o.Backend != "" {
		v.Cluster.Backend = o.Backend
	}
	if o.Image != "" {
		v.Cluster.Image = o.Image
	}
	if err := scenario.CheckBackend(&v, v.Cluster.Backend); err != nil {
		return Job{}, err
	}
	if err := harness.CheckLibraries(&v); err != nil {
		return Job{}, err
	}
	p, err := plan.Build(&v, seed)
	if err != nil {
		return Job{}, err
	}
	return Job{Scenario: &v, Plan: p}, nil
}

// RunOne runs and judges j and prints what came of it.
func RunOne(ctx context.Context, out io.Writer, o Options, j Job) Outcome {
	dir, err := FreshDir(o.Out, j)
	if err != nil {
		return Outcome{Job: j, Code: ExitUsage, Why: err.Error()}
	}
	stop := make(chan string, 1)
	progress := newProgress(os.Stderr, o, j, stopsAt(j.Scenario.Run.StopOn, stop))
	progress.plan(j)
	_, runErr := harness.Run(ctx, harness.Config{
		Scenario: j.Scenario, Plan: j.Plan, Dir: dir, Control: j.Control,
		Progress: progress.show, Observe: progress.observe(), Stop: stop, Tool: o.Tool, Clusters: o.Pool,
	})
	progress.end()
	if errors.Is(runErr, ErrInterrupted) {
		return Outcome{Job: j, Dir: dir, Code: ExitInterrupted, Why: ErrInterrupted.Error()}
	}
	return judge(ctx, out, o, j, dir, runErr)
}

// stopsAt ends the load at the first violation that needs no final log to be
// seen, if the scenario says so. The verdict is the whole check's.
func stopsAt(on string, stop chan<- string) func(checker.Alarm) {
	if on == "" {
		return nil
	}
	return func(a checker.Alarm) {
		select {
		case stop <- fmt.Sprintf("%s was seen: %s", a.Kind, a.Text):
		default:
		}
	}
}

// FreshDir names a run folder that does not exist yet.
func FreshDir(out string, j Job) (string, error) {
	base := filepath.Join(out, harness.FolderName(j.Name(), j.Plan.Seed, time.Now()))
	for n, dir := 2, base; ; n, dir = n+1, fmt.Sprintf("%s-%d", base, n) {
		err := os.Mkdir(dir, 0o755)
		if !os.IsExist(err) {
			return dir, err
		}
	}
}
