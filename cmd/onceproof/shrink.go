package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/shrink"
	"github.com/onceproof/onceproof/internal/suite"
)

// shrinkOptions are the flags of shrink.
type shrinkOptions struct {
	guarantee string
	budget    time.Duration
	tries     int
	need      int
	confirm   int
	file      string
	suite.Clusters
}

func shrinkCommand() *cobra.Command {
	var o shrinkOptions
	cmd := &cobra.Command{
		Use:   "shrink DIR",
		Short: "Find the smallest scenario that still shows a run's violation",
		Long: `Take a run folder with a violated guarantee and remove faults, clients, partitions,
properties and time as long as the guarantee is still violated. The embedded cluster is
tried first. The result is a scenario file that expects the violation: a regression test.

A candidate is kept if it violates in --need of at most --tries runs, so that a violation
that does not occur in every run can be shrunk too.`,
		Example: `  onceproof shrink runs/guide-recipe-7-20260101T120000
  onceproof shrink runs/orders-7-… --guarantee no-loss --budget 30m -o lost-order.yaml`,
		Args: exactlyOne("run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return shrinkAlone(cmd.Context(), cmd.OutOrStdout(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.guarantee, "guarantee", "", "the violation to keep; without it, the first that was not expected, else the first")
	f.DurationVar(&o.budget, "budget", shrinkBudget, "begin no new candidate after this long")
	clusterFlags(f, &o.Clusters)
	addShrinkFlags(f, &o)
	return cmd
}

const shrinkBudget = 15 * time.Minute

// addShrinkFlags adds the flags that shrink and search share.
func addShrinkFlags(f *pflag.FlagSet, o *shrinkOptions) {
	o.budget = shrinkBudget
	f.IntVar(&o.tries, "tries", 3, "runs of one candidate of the shrinking, at most")
	f.IntVar(&o.need, "need", 2, "violations among them that keep it")
	f.IntVar(&o.confirm, "confirm", 5, "runs that measure the rate of the result of the shrinking")
	f.StringVarP(&o.file, "output", "o", "", "file that the result of the shrinking is written to (default NAME-shrunk.yaml)")
}

func shrinkAlone(ctx context.Context, out io.Writer, o shrinkOptions, dir string) (err error) {
	defer o.Share(true)(&err)
	return shrinkRun(ctx, out, o, dir)
}

// shrinkRun is shrink with the clusters that o has.
func shrinkRun(ctx context.Context, out io.Writer, o shrinkOptions, dir string) error {
	if o.need < 1 || o.need > o.tries || o.confirm < 1 {
		return fmt.Errorf("--need %d of --tries %d, --confirm %d: at least one violation must be needed, no more than there are tries, and at least one run confirms", o.need, o.tries, o.confirm)
	}
	j, was, err := jobAgain(suite.Options{}, dir)
	if err != nil {
		return err
	}
	g, err := guaranteeToKeep(was, o.guarantee)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	file := o.file
	if file == "" {
		file = j.Name() + "-shrunk.yaml"
	}
	scratch, err := os.MkdirTemp("", "onceproof-shrink-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	fmt.Fprintf(out, "shrinking %s for as long as %s is violated, for %v at most\n", j.Name(), g, o.budget)
	end := time.Now().Add(o.budget)
	r, err := shrink.Shrink(ctx, j.Scenario, shrink.Config{
		Guarantee: string(g), Seed: j.Plan.Seed, Tries: o.tries, Need: o.need, Confirm: o.confirm,
		Run: func(ctx context.Context, s *scenario.Scenario) (shrink.Verdicts, error) {
			return verdictsOf(ctx, o.Clusters, scratch, s)
		},
		Over: func() bool { return time.Now().After(end) },
		Progress: func(p shrink.Progress) {
			mark := "  ✗"
			if p.Kept {
				mark = "  ✓"
			}
			fmt.Fprintf(out, "%s %s (violated in %v)\n", mark, p.What, p.Rate)
		},
	})
	switch {
	case errors.Is(err, shrink.ErrNotShown):
		return suite.WithExit(suite.ExitUnjudged, fmt.Errorf("%w; --tries and --need decide what is often enough", err))
	case err != nil:
		return err
	}
	return writeShrunk(out, r, g, file)
}

// guaranteeToKeep is the violation that shrink keeps.
func guaranteeToKeep(r *checker.Report, wanted string) (guarantee.Guarantee, error) {
	var first guarantee.Guarantee
	for _, g := range r.Guarantees {
		switch {
		case wanted != "" && string(g.Guarantee) == wanted && g.Verdict != guarantee.Violated:
			return "", fmt.Errorf("--guarantee %s: it is %s there, not violated", wanted, g.Verdict)
		case g.Verdict != guarantee.Violated || wanted != "" && string(g.Guarantee) != wanted:
		case wanted != "" || g.Expected != guarantee.Violated:
			return g.Guarantee, nil
		case first == "":
			first = g.Guarantee
		}
	}
	switch {
	case wanted != "":
		return "", fmt.Errorf("--guarantee %s: there is no such guarantee; there are %s", wanted, joined(guarantee.All))
	case first == "":
		return "", errors.New("no guarantee was violated: there is nothing to shrink")
	}
	return first, nil
}

// verdictsOf runs s in a folder that is removed afterwards.
func verdictsOf(ctx context.Context, c suite.Clusters, scratch string, s *scenario.Scenario) (shrink.Verdicts, error) {
	j, err := suite.NewJob(s, suite.Options{}, s.Run.Seed)
	if err != nil {
		return nil, err
	}
	dir, err := suite.FreshDir(scratch, j)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := harness.Run(ctx, harness.Config{Scenario: j.Scenario, Plan: j.Plan, Dir: dir, Tool: tool(), Clusters: c.Pool}); err != nil {
		return nil, err
	}
	report, _, err := suite.JudgeDir(ctx, dir, checker.Options{})
	if err != nil {
		return nil, err
	}
	v := shrink.Verdicts{}
	for _, g := range report.Guarantees {
		if g.Applies {
			v[string(g.Guarantee)] = string(g.Verdict)
		}
	}
	return v, nil
}

func writeShrunk(out io.Writer, r *shrink.Result, g guarantee.Guarantee, file string) error {
	yaml, err := scenario.Marshal(r.Scenario)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, yaml, 0o644); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	why := ""
	if r.Over {
		why = "; the budget ended before everything was tried"
	}
	_, err = fmt.Fprintf(out, "\n%s\n%s written after %d runs: %s violated in %s%s\ntry: onceproof run %s\n", yaml, file, r.Runs, g, r.Rate.Describe(), why, file)
	return err
}
