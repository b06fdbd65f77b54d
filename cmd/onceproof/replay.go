package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/internal/trials"
	"github.com/onceproof/onceproof/reports"
)

func replayCommand() *cobra.Command {
	o := suite.Options{Tool: tool()}
	cmd := &cobra.Command{
		Use:   "replay DIR",
		Short: "Run the plan of a run folder again and report how similar the result is",
		Long: `Run the scenario of a run folder again with the same plan, seed and backend. The plan is
fixed, but the interleaving of cluster and clients is not, so a replay reports how similar
the two runs were, and --repeat shows how often each finding is reproduced.`,
		Example: `  onceproof replay runs/guide-recipe-7-20260101T120000
  onceproof replay runs/guide-recipe-7-20260101T120000 --repeat 10`,
		Args: exactlyOne("run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replay(cmd.Context(), cmd.OutOrStdout(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "runs", "folder in which each run gets its own")
	f.StringVar(&o.Backend, "backend", "", "docker, embedded or external, instead of the one that it ran on")
	f.StringVar(&o.Image, "image", "", "Kafka image, instead of the scenario's")
	times(f, &o.Repeat, "repeat", "how often")
	clusterFlags(f, &o.Clusters)
	f.BoolVar(&o.Quiet, "quiet", false, "no progress")
	return cmd
}

func replay(ctx context.Context, out io.Writer, o suite.Options, dir string) (err error) {
	j, was, err := jobAgain(o, dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	defer o.Share(o.Repeat > 1)(&err)
	var results suite.Results
	var runs []*checker.Report
	for range max(o.Repeat, 1) {
		r := suite.RunOne(ctx, out, o, j)
		results = append(results, r)
		if r.Code == suite.ExitInterrupted {
			break
		}
		if r.Report == nil || r.Report.Infra != "" {
			continue // r says why
		}
		runs = append(runs, r.Report)
		fmt.Fprintf(out, "\nhow alike to %s\n%s", dir, reports.Alike(was, r.Report))
	}
	if len(results) > 1 {
		results.Print(out)
		printReproduction(out, was, runs)
	}
	return results.Err()
}

// jobAgain is the job that dir came from, and what was found then.
func jobAgain(o suite.Options, dir string) (suite.Job, *checker.Report, error) {
	was, err := reports.ReadVerdict(dir)
	if err != nil {
		return suite.Job{}, nil, fmt.Errorf("%w; `onceproof run` makes run folders, `onceproof check` judges one", err)
	}
	p, err := suite.ReadPlan(dir)
	if err != nil {
		return suite.Job{}, nil, err
	}
	s, err := scenario.Load(filepath.Join(dir, harness.ScenarioFile))
	if err != nil {
		return suite.Job{}, nil, err
	}
	if o.Backend == "" {
		o.Backend = was.Backend
	}
	j, err := suite.NewJob(s, o, p.Seed)
	if err != nil {
		return suite.Job{}, nil, err
	}
	j.Plan = p // the saved one: a newer onceproof may draw another
	return j, was, nil
}

// printReproduction says of each finding how often it came back.
func printReproduction(out io.Writer, was *checker.Report, runs []*checker.Report) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintln(out)
	for _, g := range was.Guarantees {
		for _, f := range g.Anomalies {
			var rate trials.Rate
			for _, r := range runs {
				rate.Add(reports.Reproduced(r, f.Fingerprint))
			}
			fmt.Fprintf(out, "%s, %s: reproduced in %s\n", g.Guarantee, f.Kind, rate.Describe())
		}
	}
}
