package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

// compareOptions are the flags of compare.
type compareOptions struct {
	suite.Options
	libraries []string
	scenarios []string
	command   string
	resume    bool
	build     bool
}

func compareCommand() *cobra.Command {
	o := compareOptions{Options: suite.Options{Tool: tool()}}
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Run the same scenarios with several client libraries and show one table",
		Long: `Run each scenario with each library, --repeat times, and count the verdicts. All clients of
the scenario use the library; plan, seed, rates and commit patterns are the same for all
libraries. Runs are sequential and libraries alternate, so a machine that becomes slower
affects all of them.

The table shows libraries × guarantees with k of n and its 95 % interval, throughput, the
impact of each fault, and fatal errors. A feature that a library lacks is "unsupported",
with the reason, never a pass. Each cell links to a run's report. compare.html, compare.md,
compare.json and the run folders are written to --out.

With --resume, runs that --out already holds for the same scenario, seed and library are
counted instead of repeated. So a comparison can continue after an interruption, gain a
library or more rounds, or repeat one library after its folder was deleted.`,
		Example: `  onceproof compare --libraries franz-go,sarama --scenarios guide-recipe,exactly-once --repeat 5
  onceproof compare --backend docker        # all built workers, two scenarios
  onceproof compare --scenarios all --libraries java,confluent-kafka --build --out comparison
  onceproof compare --scenarios all --libraries java,confluent-kafka,sarama --out comparison --resume`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Seeded = cmd.Flags().Changed("seed")
			if o.resume && o.Out == "" {
				return errors.New("--resume needs --out, the folder of the comparison that goes on")
			}
			if o.Out == "" {
				o.Out = filepath.Join("runs", "compare-"+time.Now().UTC().Format("20060102T150405"))
			}
			o.command = "onceproof " + strings.Join(os.Args[1:], " ")
			return compare(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.libraries, "libraries", nil, "libraries to compare; without it, all whose worker is built")
	f.StringSliceVar(&o.scenarios, "scenarios", []string{"guide-recipe", "exactly-once"}, "scenarios, shipped or files; all: every shipped one that shows no mistake and no bug, as far as the backend can do it")
	times(f, &o.Repeat, "repeat", "run each so often, with consecutive seeds")
	f.StringVar(&o.Out, "out", "", "folder of the comparison (default runs/compare-<time>)")
	f.StringVar(&o.Backend, "backend", "", "auto, docker, embedded or external, instead of the scenario's")
	f.StringVar(&o.Image, "image", "", "Kafka image, instead of the scenario's")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of every draw, instead of the scenario's")
	clusterFlags(f, &o.Clusters)
	buildFlag(f, &o.build)
	f.BoolVar(&o.resume, "resume", false, "count the judged runs that --out has already, and make the rest")
	f.BoolVar(&o.Quiet, "quiet", false, "no progress")
	return cmd
}

// match is one cell's next run.
type match struct {
	library string
	job     suite.Job
}

func compare(ctx context.Context, out io.Writer, o compareOptions) (err error) {
	if o.build {
		if err := buildMissing(ctx, o.libraries, false); err != nil {
			return err
		}
	}
	matches, err := matchesOf(&o)
	if err != nil {
		return err
	}
	defer o.Share(len(matches) > 1)(&err)
	began := time.Now()
	var results suite.Results
	var all []reports.Trial
	lacking := map[string]bool{} // what a library cannot run, it cannot run again
	for i, m := range matches {
		key := m.library + "\n" + m.job.Name()
		if lacking[key] {
			continue
		}
		trial, made := o.earlier(m)
		r := suite.Outcome{Job: m.job}
		if made {
			r.Code, r.Why, r.Report = trial.Report.Exit, trial.Report.Why, trial.Report
		} else {
			r = o.runMatch(ctx, m)
			if r.Code == suite.ExitInterrupted {
				results = append(results, r)
				break
			}
			trial = trialOf(m, r)
		}
		all = append(all, trial)
		say := glance(trial, r)
		if trial.Unsupported != "" {
			lacking[key] = true
		} else {
			results = append(results, r)
		}
		if !o.Quiet {
			fmt.Fprintf(os.Stderr, "%d of %d  %s, %s, seed %d: %s\n", i+1, len(matches), m.job.Name(), m.library, m.job.Plan.Seed, say)
		}
	}
	if len(all) == 0 {
		return results.Err()
	}
	c := reports.Compare(all)
	c.Setting = reports.ComparisonSetting{Command: o.command, Tool: o.Tool, Began: began, Backend: backendOf(all), Repeat: o.Repeat}
	if err := c.Text(out); err != nil {
		return err
	}
	if err := writeComparison(o.Out, c); err != nil {
		return suite.WithExit(suite.ExitUnjudged, err)
	}
	fmt.Fprintf(out, "\n%s\n", filepath.Join(o.Out, "compare.html"))
	return results.Err()
}

// matchesOf loads and checks everything before anything starts. Libraries take
// turns within a scenario, scenarios within a round.
func matchesOf(o *compareOptions) ([]match, error) {
	if len(o.libraries) == 0 {
		o.libraries = slices.DeleteFunc(process.Libraries(), func(l string) bool { _, err := process.Lookup(l); return err != nil })
	}
	for _, l := range o.libraries {
		if _, err := harness.Worker(l); err != nil {
			return nil, withoutWorker(err)
		}
	}
	loaded, err := loadAll(*o)
	if err != nil {
		return nil, err
	}
	var runnables []suite.Runnable
	for _, s := range loaded {
		runnables = append(runnables, suite.Runnable{Scenario: s, Seed: suite.SeedOf(s, o.Options)})
	}
	var matches []match
	for n := range max(o.Repeat, 1) {
		for _, r := range runnables {
			for _, l := range o.libraries {
				j, err := suite.NewJob(r.Scenario.WithLibrary(l), o.Options, r.Seed+uint64(n))
				if err != nil {
					return nil, err
				}
				matches = append(matches, match{l, j})
			}
		}
	}
	return matches, nil
}

// withoutWorker is an error of harness.Worker with its exit code: a name that there is
// not is the command line's fault, a worker that is not built is this machine's.
func withoutWorker(err error) error {
	if errors.Is(err, process.ErrNoLibrary) {
		return err
	}
	return suite.WithExit(suite.ExitUnjudged, err)
}

func loadAll(o compareOptions) ([]*scenario.Scenario, error) {
	names, every := o.scenarios, slices.Equal(o.scenarios, []string{"all"})
	if every {
		names = scenario.Names()
	}
	var all []*scenario.Scenario
	for _, name := range names {
		s, err := scenario.Load(name)
		if err != nil {
			return nil, err
		}
		if every && (about(s, "mistake", "bug") || o.Backend != "" && scenario.CheckBackend(s, o.Backend) != nil) {
			continue
		}
		all = append(all, s)
	}
	return all, nil
}

// about says whether s has any of the labels.
func about(s *scenario.Scenario, labels ...string) bool {
	return slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(s.Metadata.Labels, l) })
}

// runMatch runs m into the folder of its library.
func (o compareOptions) runMatch(ctx context.Context, m match) suite.Outcome {
	run := o.Options
	run.Out = filepath.Join(o.Out, m.library)
	if err := os.MkdirAll(run.Out, 0o755); err != nil {
		return suite.Outcome{Job: m.job, Code: suite.ExitUsage, Why: err.Error()}
	}
	return suite.RunOne(ctx, io.Discard, run, m.job)
}

// earlier is the run of m that the folder of a comparison which goes on has, if the
// scenario is still the same.
func (o compareOptions) earlier(m match) (reports.Trial, bool) {
	if !o.resume {
		return reports.Trial{}, false
	}
	want, err := scenario.Marshal(m.job.Scenario)
	if err != nil {
		return reports.Trial{}, false
	}
	dirs, _ := filepath.Glob(filepath.Join(o.Out, m.library, fmt.Sprintf("%s-%d-*", m.job.Name(), m.job.Plan.Seed)))
	for _, dir := range dirs {
		got, err := os.ReadFile(filepath.Join(dir, harness.ScenarioFile))
		if err != nil || !bytes.Equal(got, want) {
			continue
		}
		if t, err := reports.LoadTrial(dir); err == nil && t.Report.Infra == "" {
			t.Library = m.library
			return t, true
		} // else it was interrupted, or could not be judged
	}
	return reports.Trial{}, false
}

func trialOf(m match, r suite.Outcome) reports.Trial {
	t := reports.Trial{Scenario: m.job.Name(), Library: m.library, Dir: r.Dir}
	var lacks *process.CapabilityError
	switch {
	case errors.As(r.Err, &lacks):
		t.Unsupported = lacks.Why
		return t
	case r.Report != nil:
		if read, err := reports.TrialOf(r.Input); err == nil {
			read.Library = m.library
			return read
		}
		t.Report = r.Report
		return t
	}
	t.Report = &checker.Report{Scenario: t.Scenario, Exit: r.Code, Why: r.Why, Infra: r.Why}
	return t
}

// glance is what came of one run in a few words.
func glance(t reports.Trial, r suite.Outcome) string {
	if t.Unsupported != "" {
		return "unsupported: " + t.Unsupported
	}
	if t.Report.Infra != "" {
		return "could not be judged: " + suite.FirstLine(t.Report.Infra)
	}
	var broken []string
	for _, g := range t.Report.Guarantees {
		if g.Verdict == guarantee.Violated {
			broken = append(broken, string(g.Guarantee))
		}
	}
	if len(broken) == 0 {
		return "nothing found, " + suite.FirstLine(r.Why)
	}
	return "violated: " + strings.Join(broken, ", ")
}

// backendOf is what the runs were made on: auto says what it chose.
func backendOf(all []reports.Trial) string {
	for _, t := range all {
		if t.Report != nil && t.Report.Backend != "" {
			return t.Report.Backend
		}
	}
	return "none"
}

func writeComparison(dir string, c *reports.Comparison) error {
	for _, page := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"compare.json", c.JSON}, {"compare.md", c.Markdown},
		{"compare.html", func(w io.Writer) error { return c.HTML(w, dir) }},
	} {
		var b bytes.Buffer
		if err := page.write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, page.name), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", page.name, err)
		}
	}
	return nil
}
