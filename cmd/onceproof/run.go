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
  onceproof run 'bugs/*' --build            # builds the versions that have them first
  onceproof run 'bugs/*' --repeat 5         # has the harness lost a bug?
  onceproof run exactly-once --explore --repeat 10
  onceproof run --budget 10m --out artefacts --baseline onceproof.json
  onceproof run ./orders.yaml --repeat 5 --baseline onceproof.json --update-baseline`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Budget == 0 {
				return errors.New("name a scenario, or give a --budget to pick from all; `onceproof list` shows them")
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
	f.StringVar(&o.Out, "out", "runs", "folder in which each run gets its own")
	f.StringVar(&o.Backend, "backend", "", "auto, docker, embedded or external, instead of the scenario's")
	f.StringVar(&o.Image, "image", "", "Kafka image, instead of the scenario's")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of every draw, instead of the scenario's")
	f.BoolVar(&o.Control, "control", false, "run each scenario's twin too: weakened, it must be found violated; of a mistake, mended, it must hold")
	f.BoolVar(&o.PlanOnly, "plan", false, "print the plan and stop")
	times(f, &o.Repeat, "repeat", "run everything so often, with consecutive seeds")
	f.BoolVar(&o.Explore, "explore", false, "move the faults of each run to where none has struck yet")
	clusterFlags(f, &o.Clusters)
	buildFlag(f, &build)
	f.BoolVar(&o.UntilFail, "until-fail", false, "repeat, without --repeat for ever, until a run is not as expected")
	f.DurationVar(&o.Budget, "budget", 0, "pick the scenarios that are worth most within this time, such as 10m")
	f.BoolVar(&o.JSON, "json", false, "print verdicts as JSON on standard output and nothing else there, progress as JSON lines on standard error")
	f.BoolVar(&o.Serve, "serve", false, "show the run in a browser too, on a free port of loopback; ends with the run")
	f.BoolVar(&o.Quiet, "quiet", false, "no progress")
	o.Gate = gateFlags(f)
	return cmd
}
