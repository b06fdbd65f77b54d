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
	"github.com/onceproof/onceproof/internal/trials"
	"github.com/onceproof/onceproof/reports"
)

func replayCommand() *cobra.Command {
	o := runOptions{}
	cmd := &cobra.Command{
		Use:   "replay DIR",
		Short: "Run a run folder's plan again and say how alike it was",
		Long: `Run the scenario of a run folder again: the same plan, seed and backend. What is
fixed is the plan, not how a cluster and its clients interleave, so a replay is told
by how alike it was, and --repeat tells how often each finding comes back.`,
		Example: `  onceproof replay runs/guide-recipe-7-20260101T120000
  onceproof replay runs/guide-recipe-7-20260101T120000 --repeat 10`,
		Args: one("run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replay(cmd.Context(), cmd.OutOrStdout(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "runs", "folder in which each run gets its own")
	f.StringVar(&o.backend, "backend", "", "docker, embedded or external, instead of the one that it ran on")
	f.StringVar(&o.image, "image", "", "Kafka image, instead of the scenario's")
	times(f, &o.repeat, "repeat", "how often")
	o.clusters.flag(f)
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	return cmd
}

func replay(ctx context.Context, out io.Writer, o runOptions, dir string) (err error) {
	j, was, err := jobAgain(o, dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	defer o.share(o.repeat > 1)(&err)
	var results suite
	var runs []*checker.Report
	for range max(o.repeat, 1) {
		r := runOne(ctx, out, o, j)
		results = append(results, r)
		if r.code == exitInterrupted {
			break
		}
		if r.report == nil || r.report.Infra != "" {
			continue // r says why
		}
		runs = append(runs, r.report)
		fmt.Fprintf(out, "\nhow alike to %s\n%s", dir, reports.Alike(was, r.report))
	}
	if len(results) > 1 {
		results.print(out)
		printReproduction(out, was, runs)
	}
	return results.err()
}

// jobAgain is the job that dir came from, and what was found then.
func jobAgain(o runOptions, dir string) (job, *checker.Report, error) {
	was, err := reports.ReadVerdict(dir)
	if err != nil {
		return job{}, nil, fmt.Errorf("%w; `onceproof run` makes run folders, `onceproof check` judges one", err)
	}
	p, err := readPlan(dir)
	if err != nil {
		return job{}, nil, err
	}
	s, err := scenario.Load(filepath.Join(dir, harness.ScenarioFile))
	if err != nil {
		return job{}, nil, err
	}
	if o.backend == "" {
		o.backend = was.Backend
	}
	j, err := newJob(s, o, p.Seed)
	if err != nil {
		return job{}, nil, err
	}
	j.plan = p // the saved one: a newer onceproof may draw another
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
			fmt.Fprintf(out, "%s, %s: reproduced in %s\n", g.Guarantee, f.Kind, rate.Words())
		}
	}
}
