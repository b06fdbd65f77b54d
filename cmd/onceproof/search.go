package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/search"
	"github.com/onceproof/onceproof/internal/suite"
)

// searchOptions are the flags of search.
type searchOptions struct {
	out      string
	backend  string
	seed     uint64
	faults   int
	parallel int
	plan     int
	budget   time.Duration
	noShrink bool
	shrink   shrinkOptions
	suite.Clusters
}

func searchCommand() *cobra.Command {
	var o searchOptions
	cmd := &cobra.Command{
		Use:   "search SCENARIO",
		Short: "Search for faults that break a guarantee that should hold, and shrink the result",
		Long: `Run a scenario with random faults instead of its own: requests and responses that are lost,
delayed, repeated or refused; clients that crash, pause or are cut off; brokers that die or
lose their role. Combinations of fault kind, transaction phase and role that earlier plans
have met least come first. The search ends at the first violation that the scenario does
not expect, which is then shrunk to a scenario file, or when the budget is used up. A
violation that the configuration permits, such as a loss with acks=1, is not reported
unless the scenario expects the guarantee to hold.

A plan is determined by the scenario, --seed and its number; coverage so far decides which
number comes next. --plan repeats one plan.`,
		Example: `  onceproof search exactly-once --budget 30m
  onceproof search ./orders.yaml --backend docker --faults 2 --seed 7
  onceproof search exactly-once --seed 7 --plan 41`,
		Args: exactlyOne("scenario; `onceproof list` shows them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return searchRun(cmd.Context(), cmd.OutOrStdout(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "runs", "folder in which the violated run is kept")
	f.StringVar(&o.backend, "backend", "embedded", "docker, embedded or external")
	f.Uint64Var(&o.seed, "seed", 1, "seed of every draw")
	f.IntVar(&o.faults, "faults", 3, "faults of one plan, at most")
	f.IntVar(&o.parallel, "parallel", 0, "plans that run at a time (default 2 on the embedded cluster, else 1)")
	f.IntVar(&o.plan, "plan", 0, "run this plan of the seed alone, as the line of a search names it")
	f.DurationVar(&o.budget, "budget", 10*time.Minute, "begin no new plan after this long")
	f.BoolVar(&o.noShrink, "no-shrink", false, "do not shrink what was found")
	clusterFlags(f, &o.Clusters)
	addShrinkFlags(f, &o.shrink)
	return cmd
}

func searchRun(ctx context.Context, out io.Writer, o searchOptions, name string) (err error) {
	s, err := scenario.Load(name)
	if err != nil {
		return err
	}
	s.Cluster.Backend = o.backend
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if o.parallel == 0 {
		o.parallel = 1
		if o.backend == "embedded" {
			o.parallel = 2 // they wait more than they work
		}
	}
	defer o.Share(true)(&err)
	o.shrink.Clusters = o.Clusters
	var found string // the folder of the violated run
	end := time.Now().Add(o.budget)
	sum, err := search.Run(ctx, search.Config{
		Scenario: s, Seed: o.seed, Plan: o.plan, Faults: o.faults, Parallel: o.parallel,
		Try: func(ctx context.Context, d search.Draw) (search.Result, error) {
			dir, result, err := tryDraw(ctx, o, d)
			if result.Outcome == search.Unexpected {
				found = dir
			}
			return result, err
		},
		Over: func() bool { return time.Now().After(end) },
		Progress: func(p search.Progress) {
			fmt.Fprintf(out, "%4d  %-19s  %s\n", p.Draw.N, p.Outcome, strings.Join(p.Draw.Names, ", "))
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d plans, %d judged; %d of %d faults drawn, which met transactions in %d ways\n", sum.Plans, sum.Judged, sum.Drawn, sum.DrawnOf, sum.Met)
	switch {
	case sum.Found == nil && sum.Judged == 0:
		return suite.WithExit(suite.ExitUnjudged, errors.New("no plan could be judged: the budget is too short, or no fault met its request"))
	case sum.Found == nil:
		return nil
	}
	return reportFound(ctx, out, o, sum, found)
}

// reportFound prints the violated run, shrinks it, and is the error that ends the search.
func reportFound(ctx context.Context, out io.Writer, o searchOptions, sum search.Summary, dir string) error {
	_, in, err := suite.JudgeDir(ctx, dir, checker.Options{})
	if err != nil {
		return err
	}
	if err := suite.Publish(out, in, false); err != nil {
		return err
	}
	if !o.noShrink {
		fmt.Fprintln(out)
		if err := shrinkRun(ctx, out, o.shrink, dir); err != nil {
			return fmt.Errorf("found %s, and could not shrink it: %w", dir, err)
		}
	}
	return suite.WithExit(suite.ExitDiffers, fmt.Errorf("plan %d breaks %s: see %s", sum.Found.N, sum.Found.Scenario.Metadata.Name, dir))
}

// tryDraw runs one plan. Only the folder of an unexpected violation is kept.
func tryDraw(ctx context.Context, opts searchOptions, d search.Draw) (dir string, r search.Result, err error) {
	j, err := suite.NewJob(d.Scenario, suite.Options{}, d.Scenario.Run.Seed)
	if err != nil {
		return "", r, err
	}
	if dir, err = suite.FreshDir(opts.out, j); err != nil {
		return "", r, err
	}
	defer func() {
		if r.Outcome != search.Unexpected {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	_, runErr := harness.Run(ctx, harness.Config{Scenario: j.Scenario, Plan: j.Plan, Dir: dir, Tool: tool(), Clusters: opts.Pool})
	report, _, err := suite.JudgeDir(ctx, dir, checker.Options{})
	if err != nil {
		return dir, search.Result{Outcome: search.Unjudged}, nil // it ended before there was a history
	}
	return dir, search.Judged(d.Scenario, report, runErr), nil
}
