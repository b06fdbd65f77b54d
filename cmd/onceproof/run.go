package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/suite"
)

func runCommand() *cobra.Command {
	o := suite.Options{Tool: tool()}
	build := false
	cmd := &cobra.Command{
		Use:   "run SCENARIO…",
		Short: "Run scenarios and judge them",
		Long: `Run scenarios and judge what happened. A scenario is a file, or the name of a shipped
scenario. A quoted pattern such as 'mistakes/*' selects all shipped scenarios that match.

The plan is printed before anything starts. If neither --seed nor the scenario gives a
seed, a random one is used and printed; the same seed gives the same plan.

Each run writes a folder below --out; junit.xml and summary.md there cover all runs. With
--baseline, only results that are worse than the baseline fail: a finding with a new
fingerprint, a guarantee that held before and is not shown to hold now, or a recovery that
took more than --recovery-ratio times as long. Under GitHub Actions, the job summary and
annotations are written too.

A real bug ('bugs/*') that runs more than once is judged by its rate: the command fails
only if the bug is seen significantly less often than when its rate was measured.

With --explore, the faults of each run are moved to where no earlier run below --out has
struck: the kind of fault stays, its moment (a phase of a transaction) and its target
(leader, coordinator, client…) change. The same seed and the same earlier runs give the
same plan. What a line of the configuration permits is shown as permitted and is no
failure, unless expect says that the guarantee holds.

On docker, runs that need the same brokers share a cluster. It is cleaned and checked
between runs, and discarded if anything is left; docs/backends.md lists the checks.
--fresh starts a new cluster for every run.

With --budget, scenarios are selected to fill the given time: first those that failed last
time, then those that show most for their time. Without names, all shipped scenarios are
candidates except the real bugs, which need older library versions.`,
		Example: `  onceproof run guide-recipe exactly-once
  onceproof run exactly-once --control      # and the weakened twin that must be found violated
  onceproof run 'mistakes/*' --control      # each documented mistake, and its correction that must hold
  onceproof run ./orders.yaml --seed 7 --backend docker
  onceproof run ./orders.yaml --plan        # only print what would happen
  onceproof run ./orders.yaml --serve       # watch it in a browser
  onceproof run ./orders.yaml --until-fail  # increase the seed until a run is not as expected
  onceproof run 'mistakes/*' --fresh        # a new cluster for each run; takes longer
  onceproof run 'bugs/*' --build            # builds the versions that have them first
  onceproof run 'bugs/*' --repeat 5         # is each bug still found?
  onceproof run exactly-once --explore --repeat 10
  onceproof run --budget 10m --out artefacts --baseline onceproof.json
  onceproof run ./orders.yaml --repeat 5 --baseline onceproof.json --update-baseline`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Budget == 0 {
				return errors.New("no scenario named: name one (`onceproof list` shows all), or give a --budget to select from all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Seeded = cmd.Flags().Changed("seed")
			if o.UntilFail && !cmd.Flags().Changed("repeat") {
				o.Repeat = suite.Endless
			}
			if build {
				o.BuildWorkers = func(ctx context.Context, libraries []string) error {
					return buildMissing(ctx, libraries, o.JSON)
				}
			}
			return suite.Run(cmd.Context(), cmd.OutOrStdout(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "runs", "folder for the run folders")
	f.StringVar(&o.Backend, "backend", "", "backend to use instead of the scenario's: auto, docker, embedded or external")
	f.StringVar(&o.Image, "image", "", "Kafka image to use instead of the scenario's")
	f.Uint64Var(&o.Seed, "seed", 0, "seed to use instead of the scenario's")
	f.BoolVar(&o.Control, "control", false, "also run each scenario's twin: a weakened control that must be violated or, for a mistake, the correction that must hold")
	f.BoolVar(&o.PlanOnly, "plan", false, "print the plan and stop")
	times(f, &o.Repeat, "repeat", "number of times to run everything; each round uses the next seed")
	f.BoolVar(&o.Explore, "explore", false, "move the faults of each run to where no earlier run has struck")
	clusterFlags(f, &o.Clusters)
	buildFlag(f, &build)
	f.BoolVar(&o.UntilFail, "until-fail", false, "repeat until a run is not as expected; without --repeat there is no limit")
	f.DurationVar(&o.Budget, "budget", 0, "time to fill with the most valuable scenarios, such as 10m")
	f.BoolVar(&o.JSON, "json", false, "print only verdicts, as JSON, on standard output, and progress as JSON lines on standard error")
	f.BoolVar(&o.Serve, "serve", false, "also show the run in a browser, on a free loopback port, until the run ends")
	f.BoolVar(&o.Quiet, "quiet", false, "do not show progress")
	o.Gate = gateFlags(f)
	return cmd
}
