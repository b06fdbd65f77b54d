package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/reports"
)

// runOptions are the flags of run.
type runOptions struct {
	out     string
	backend string
	image   string
	seed    uint64
	seeded  bool
	control bool
	plan    bool
	repeat  int
	until   bool
	budget  time.Duration
	asJSON  bool
	quiet   bool
	explore bool
	serve   bool
	server  *reports.Server // nil: not served
	clusters
	gate *gate // nil: the expectations decide, and no CI is told
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run SCENARIO…",
		Short: "Run scenarios and judge them",
		Long: `Run each scenario, a shipped one by its name or a file, and judge what happened. A
pattern in quotes, such as 'mistakes/*', stands for all shipped ones that it matches.

The plan is printed before anything starts. Without --seed and without a seed in the
scenario one is drawn and printed; the same seed gives the same plan.

Each run leaves a folder below --out, and all together a junit.xml and a summary.md
there. With --baseline only what is worse than that file fails: a finding with a new
fingerprint, a guarantee that held and is not shown to hold now, a recovery that took
more than --recovery-ratio times as long. Under GitHub Actions the step's summary and
annotations are written too.

A real bug, of 'bugs/*', that is run more than once is judged by how often it is seen: it
fails only if that is less than when it was measured, by more than luck.

With --explore each run's faults are moved to where no run below --out has struck yet:
the kind of fault stays, its moment (a phase of a transaction) and its victim (leader,
coordinator, client…) change. The same seed and the same runs before give the same plan.

On docker, runs that want the same brokers share a cluster, which is cleaned and looked
at in between, and thrown away where anything is left; docs/backends.md says what is
looked at. --fresh gives each run a new one.

With --budget the scenarios are picked by what they are worth: those that failed last
time first, then those that show most for their time. Without names it picks from all
that ship but the real bugs, which want older versions of libraries.`,
		Example: `  onceproof run guide-recipe exactly-once
  onceproof run exactly-once --control      # and the weakened twin that must be found violated
  onceproof run 'mistakes/*' --control      # each documented mistake, and its correction that must hold
  onceproof run ./orders.yaml --seed 7 --backend docker
  onceproof run ./orders.yaml --plan        # only print what would happen
  onceproof run ./orders.yaml --serve       # follow it in a browser
  onceproof run ./orders.yaml --until-fail  # seed after seed, until one is not as expected
  onceproof run 'mistakes/*' --fresh        # a new cluster for each run, however long that takes
  onceproof run 'bugs/*' --repeat 5         # has the harness lost a bug?
  onceproof run exactly-once --explore --repeat 10
  onceproof run --budget 10m --out artefacts --baseline onceproof.json
  onceproof run ./orders.yaml --repeat 5 --baseline onceproof.json --update-baseline`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.budget == 0 {
				return errors.New("name a scenario, or give a --budget to pick from all; `onceproof list` shows them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.seeded = cmd.Flags().Changed("seed")
			if o.until && !cmd.Flags().Changed("repeat") {
				o.repeat = endless
			}
			return run(cmd.Context(), cmd.OutOrStdout(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "runs", "folder in which each run gets its own")
	f.StringVar(&o.backend, "backend", "", "auto, docker, embedded or external, instead of the scenario's")
	f.StringVar(&o.image, "image", "", "Kafka image, instead of the scenario's")
	f.Uint64Var(&o.seed, "seed", 0, "seed of every draw, instead of the scenario's")
	f.BoolVar(&o.control, "control", false, "run each scenario's twin too: weakened, it must be found violated; of a mistake, mended, it must hold")
	f.BoolVar(&o.plan, "plan", false, "print the plan and stop")
	times(f, &o.repeat, "repeat", "run everything so often, with consecutive seeds")
	f.BoolVar(&o.explore, "explore", false, "move the faults of each run to where none has struck yet")
	o.clusters.flag(f)
	f.BoolVar(&o.until, "until-fail", false, "repeat, without --repeat for ever, until a run is not as expected")
	f.DurationVar(&o.budget, "budget", 0, "pick the scenarios that are worth most within this time, such as 10m")
	f.BoolVar(&o.asJSON, "json", false, "print verdicts as JSON on standard output and nothing else there, progress as JSON lines on standard error")
	f.BoolVar(&o.serve, "serve", false, "show the run in a browser too, on a free port of loopback; ends with the run")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	o.gate = newGate(f)
	return cmd
}

// job is one run of a suite.
type job struct {
	scenario *scenario.Scenario
	plan     *plan.Plan
	control  bool
}

func (j job) name() string { return j.scenario.Metadata.Name }

func run(ctx context.Context, out io.Writer, o runOptions, names []string) (err error) {
	if err := o.gate.open(); err != nil {
		return err
	}
	runnables, err := runnablesOf(o, names)
	if err != nil {
		return err
	}
	var x, shown *explorer
	if o.explore {
		x = newExplorer(o.out)
	}
	if o.plan {
		shown = x // else runRounds moves the faults
	}
	first, err := roundOf(o, shown, runnables, 0) // errors end it before anything starts
	if err != nil {
		return err
	}
	if o.plan {
		for _, j := range first {
			fmt.Fprintln(out, j.plan)
		}
		return nil
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if o.serve {
		if o.server, err = reports.NewServer(); err != nil {
			return &exit{exitUnjudged, err}
		}
		defer o.server.Close()
		fmt.Fprintf(os.Stderr, "follow it at %s\n", o.server.URL())
	}
	defer o.share(len(first) > 1 || o.repeat > 1)(&err)
	results, err := runRounds(ctx, out, o, x, runnables)
	if x != nil && !o.asJSON {
		err = errors.Join(err, x.grown(out))
	}
	lost := results.judgeByRate()
	if len(results) > 1 && !o.asJSON {
		results.print(out)
		results.printRates(out)
	}
	return errors.Join(lost, results.err(), err, o.gate.close(o.out, results))
}

// endless is --until-fail without --repeat.
const endless = math.MaxInt

// runRounds runs everything o.repeat times, or until what o says ends it.
func runRounds(ctx context.Context, out io.Writer, o runOptions, x *explorer, all []runnable) (results suite, err error) {
	for n := range o.repeat {
		jobs, err := roundOf(o, x, all, n)
		if err != nil {
			return results, err
		}
		for _, j := range jobs {
			r := runOne(ctx, out, o, j)
			results = append(results, r)
			if r.code == exitInterrupted || o.until && r.code != exitExpected {
				return results, nil
			}
		}
	}
	return results, nil
}

// runnable is a scenario or its twin, with the first of its seeds.
type runnable struct {
	scenario *scenario.Scenario
	seed     uint64
	control  bool
}

// runnablesOf loads and checks everything before anything starts.
func runnablesOf(o runOptions, names []string) ([]runnable, error) {
	loaded, err := load(o, names)
	if err != nil {
		return nil, err
	}
	var all []runnable
	for _, s := range loaded {
		seed := seedOf(s, o)
		all = append(all, runnable{s, seed, false})
		if !o.control {
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
		all = append(all, runnable{c, seed, s.Fixed == nil})
	}
	return all, nil
}

// load reads the named scenarios, or those of all that a budget buys.
func load(o runOptions, names []string) ([]*scenario.Scenario, error) {
	picked := len(names) == 0
	if picked {
		names = scenario.Names()
	}
	var all []*scenario.Scenario
	for _, name := range names {
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
		}
	}
	if o.budget == 0 {
		return all, nil
	}
	return pick(o, all)
}

// roundOf are the jobs of the nth round: each with its seed plus n.
func roundOf(o runOptions, x *explorer, all []runnable, n int) ([]job, error) {
	var jobs []job
	for _, r := range all {
		s, seed := r.scenario, r.seed+uint64(n)
		if x != nil && !r.control { // a control is violated by the faults that it has
			v := *s
			if o.backend != "" {
				v.Cluster.Backend = o.backend
			}
			var err error
			if s, err = x.explore(exploreWords(o.quiet), &v, seed); err != nil {
				return nil, err
			}
		}
		j, err := newJob(s, o, seed)
		if err != nil {
			return nil, err
		}
		j.control = r.control
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func seedOf(s *scenario.Scenario, o runOptions) uint64 {
	switch {
	case o.seeded:
		return o.seed
	case s.Run.HasSeed:
		return s.Run.Seed
	default:
		return uint64(time.Now().UnixNano()) % 1_000_000
	}
}

func newJob(s *scenario.Scenario, o runOptions, seed uint64) (job, error) {
	v := *s
	v.Run.Seed, v.Run.HasSeed = seed, true
	if o.backend != "" {
		v.Cluster.Backend = o.backend
	}
	if o.image != "" {
		v.Cluster.Image = o.image
	}
	if err := scenario.CheckBackend(&v, v.Cluster.Backend); err != nil {
		return job{}, err
	}
	if err := harness.CheckLibraries(&v); err != nil {
		return job{}, err
	}
	p, err := plan.Build(&v, seed)
	if err != nil {
		return job{}, err
	}
	return job{scenario: &v, plan: p}, nil
}

// runOne runs and judges j and prints what came of it.
func runOne(ctx context.Context, out io.Writer, o runOptions, j job) outcome {
	dir, err := freshDir(o.out, j)
	if err != nil {
		return outcome{job: j, code: exitUsage, why: err.Error()}
	}
	stop := make(chan string, 1)
	progress := newProgress(os.Stderr, o, j, stopsAt(j.scenario.Run.StopOn, stop))
	progress.plan(j)
	_, runErr := harness.Run(ctx, harness.Config{
		Scenario: j.scenario, Plan: j.plan, Dir: dir, Control: j.control,
		Progress: progress.show, Observe: progress.observe(), Stop: stop, Tool: tool(), Clusters: o.pool,
	})
	progress.end()
	if errors.Is(runErr, errInterrupted) {
		return outcome{job: j, dir: dir, code: exitInterrupted, why: errInterrupted.Error()}
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

// freshDir names a run folder that does not exist yet.
func freshDir(out string, j job) (string, error) {
	base := filepath.Join(out, harness.FolderName(j.name(), j.plan.Seed, time.Now()))
	for n, dir := 2, base; ; n, dir = n+1, fmt.Sprintf("%s-%d", base, n) {
		err := os.Mkdir(dir, 0o755)
		if !os.IsExist(err) {
			return dir, err
		}
	}
}
