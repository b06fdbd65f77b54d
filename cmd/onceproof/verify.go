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
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/internal/verify"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	suite.Options
	files lint.Files
	suite verify.Options
	fix   bool
	build bool
}

func verifyCommand() *cobra.Command {
	o := verifyOptions{Options: suite.Options{Tool: tool()}}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Run your own configuration files under faults and give a verdict",
		Long: `Run your configuration as it is in production: the properties files that your
application reads, with the library that it uses. Addresses, credentials, serializers
and whatever else a run cannot use are replaced, and each such line is named.

The suite is chosen for what the configuration claims: an idempotent producer loses
acknowledgements, a transactional application crashes around its commits, and so on, as
much as --budget buys. The answer is one page: what the configuration promises at best,
what broke and its witness, and the smallest change that mends it. --fix makes that
change, in the runs and not in your files, and runs what broke again; then it does
without each line of the change in turn, so that what remains is proved the smallest.

Exit code 0 if nothing broke, 1 if something did, whether or not --fix mended it, 3 if
nothing broke but what lint says is not promised met no fault. --allow names guarantees
that need not hold, such as no-duplicates of an application that is at-least-once on
purpose. While --budget lasts the suite runs again with other seeds, three times at most.`,
		Example: `  onceproof verify --producer producer.properties --consumer consumer.properties
  onceproof verify --library franz-go --producer p.properties --budget 3m --backend embedded
  onceproof verify --library java --build --producer p.properties --consumer c.properties
  onceproof verify --producer p.properties --consumer c.properties --pattern transaction --fix
  onceproof verify --producer p.properties --consumer c.properties --allow no-duplicates`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if err := sideless(args[0]); err != nil {
				return err
			}
			return fmt.Errorf("verify chooses its scenarios by itself: %q is not asked for; onceproof run runs one", args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Seeded = cmd.Flags().Changed("seed")
			if o.Budget <= 0 {
				return fmt.Errorf("--budget %v: runs take time; 3m is little, 10m is the default", o.Budget)
			}
			o.Gate = new(suite.Gate)
			if o.Out == "" {
				o.Out = filepath.Join("runs", "verify-"+time.Now().UTC().Format("20060102T150405"))
			}
			return verifyFiles(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	propertyFlags(cmd, &o.files)
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "", "folder of the answer and its runs (default runs/verify-<time>)")
	f.StringVar(&o.suite.Backend, "backend", "auto", "auto, docker, embedded or external")
	f.StringVar(&o.Image, "image", "", "Kafka image, for backend docker")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of every draw; without it one is drawn")
	f.DurationVar(&o.Budget, "budget", 10*time.Minute, "time for all runs; with --fix a third each is for them, for running again, and for doing with less")
	clusterFlags(f, &o.Clusters)
	buildFlag(f, &o.build)
	f.BoolVar(&o.fix, "fix", false, "run what broke again with the smallest change that should mend it")
	f.IntVar(&o.suite.Instances, "instances", 0, "instances of the application (default 2; 1 if its transactional.id is one instance's)")
	f.StringSliceVar(&o.suite.Allow, "allow", nil, "guarantees that need not hold")
	f.BoolVar(&o.suite.AsIs, "as-is", false, "session and transaction timeouts as in your files; runs take as long as they take")
	f.BoolVar(&o.Quiet, "quiet", false, "no progress")
	f.BoolVar(&o.JSON, "json", false, "print the answer as JSON")
	return cmd
}

func verifyFiles(ctx context.Context, out io.Writer, o verifyOptions) (err error) {
	app, err := theApplication(o.files)
	if err != nil {
		return err
	}
	defer o.Share(true)(&err)
	v := verification{o: o, ctx: ctx}
	answer, err := v.round(app, nil)
	if err != nil {
		return err
	}
	for attempt := 0; o.fix && attempt < 2 && v.interrupted() == nil && len(answer.Broken()) > 0 && len(answer.Change) > 0; attempt++ {
		if attempt > 0 { // what broke with the first change shows what is missing in it
			answer.Change = append(answer.Change, answer.Mended.Change...)
			if len(answer.Mended.Broken()) == 0 || len(answer.Mended.Change) == 0 {
				break
			}
		}
		fmt.Fprintf(os.Stderr, "\nonce more, with: %s\n", changes(answer.Change))
		if answer.Mended, err = v.round(answer.Mend(), answer); err != nil {
			return err
		}
	}
	if o.fix && v.interrupted() == nil {
		v.reduce(answer)
	}
	if err := v.publish(out, answer); err != nil {
		return suite.WithExit(suite.ExitUnjudged, err)
	}
	return v.err(answer)
}

// theApplication is the one that the files speak of: a run is about one.
func theApplication(files lint.Files) (*lint.Application, error) {
	opened, err := files.Open()
	if opened != nil {
		for _, n := range opened.Notes {
			fmt.Fprintln(os.Stderr, "note:", n)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(opened.Apps) == 1 {
		return opened.Apps[0], nil
	}
	var names []string
	for _, a := range opened.Apps {
		names = append(names, strconv.Quote(a.Client))
	}
	return nil, fmt.Errorf("the files speak of %d clients and a run is about one: --client is one of %s", len(names), strings.Join(names, ", "))
}

// verification is one call of verify: the runs of the files as they are, and those
// with the change.
type verification struct {
	o           verifyOptions
	ctx         context.Context
	asIs, again suite.Results
}

// suiteOf is the suite of an application, without what its library cannot honour.
func (v *verification) suiteOf(app *lint.Application) (*verify.Suite, error) {
	set, err := verify.New(app, v.o.suite)
	if err != nil {
		return nil, err
	}
	refused, err := v.probe(set)
	if err != nil {
		return nil, err
	}
	if err := set.Drop(refused); err != nil {
		return nil, suite.WithExit(suite.ExitUnjudged, err)
	}
	return set, nil
}

// round runs the suite of an application, or of what broke in was.
func (v *verification) round(app *lint.Application, was *verify.Answer) (*verify.Answer, error) {
	set, err := v.suiteOf(app)
	if err != nil {
		return nil, err
	}
	chosen := set.Scenarios
	if was != nil {
		chosen = set.Again(was)
	} else {
		v.log(set)
	}
	jobs, err := v.jobs(set, chosen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(v.o.Out, 0o755); err != nil {
		return nil, err
	}
	return v.runAll(set, jobs, was != nil, func(verify.Outcome) bool { return false }), nil
}

// reduce does without each line of the change that mends, until the time is up: a
// third of the budget.
func (v *verification) reduce(a *verify.Answer) {
	began := time.Now()
	tried := map[string]bool{}
	if a.Mended != nil {
		for _, r := range a.Mended.Runs {
			tried[r.Scenario] = true
		}
	}
	a.Reduce(func(change []lint.Change) verify.Trial {
		left := v.o.Budget/3 - time.Since(began)
		set, err := v.suiteOf(a.With(change))
		if err != nil {
			return verify.Trial{Refused: err}
		}
		whole := 0 // of what the whole change was tried on
		all := slices.DeleteFunc(set.Scenarios, func(s *scenario.Scenario) bool {
			if tried[s.Metadata.Name] {
				whole++
			}
			return !tried[s.Metadata.Name] && !a.BrokeIn(s)
		})
		c := scenario.Pick(all, left, (*scenario.Scenario).Cost, a.BrokeIn)
		if len(c.Picked) == 0 || v.interrupted() != nil {
			return verify.Trial{}
		}
		jobs, err := v.jobsOf(c.Picked)
		if err != nil {
			return verify.Trial{Refused: err}
		}
		fmt.Fprintf(os.Stderr, "\nand with no more than: %s\n", changes(change))
		answer := v.runAll(set, jobs, true, a.Broke)
		return verify.Trial{Answer: answer, Complete: whole == len(tried) && len(answer.Runs) == len(all)}
	})
}

// runAll runs and judges jobs until enough says so of one, and answers. With again
// they are not the configuration as it is.
func (v *verification) runAll(set *verify.Suite, jobs []suite.Job, again bool, enough func(verify.Outcome) bool) *verify.Answer {
	var runs []verify.Outcome
	for _, j := range jobs {
		r := suite.RunOne(v.ctx, io.Discard, v.runOptions(again), j)
		if again {
			v.again = append(v.again, r)
		} else {
			v.asIs = append(v.asIs, r)
		}
		o := verify.Outcome{Scenario: j.Name(), Seed: j.Plan.Seed, Dir: r.Dir, Exit: r.Code, Why: r.Why, Report: r.Report}
		runs = append(runs, o)
		if !v.o.Quiet {
			fmt.Fprintf(os.Stderr, "%s: %s\n", j.Name(), suite.FirstLine(r.Why))
		}
		if r.Code == suite.ExitInterrupted || enough(o) {
			break
		}
	}
	return set.Answer(v.o.suite, runs)
}

func (v *verification) runOptions(again bool) suite.Options {
	o := v.o.Options
	o.JSON, o.Backend = false, ""
	if again {
		o.Gate = nil
	}
	return o
}

// jobs are what the budget buys of the chosen scenarios.
func (v *verification) jobs(s *verify.Suite, chosen []*scenario.Scenario) ([]suite.Job, error) {
	budget := v.o.Budget
	if v.o.fix {
		budget /= 3
	}
	c := scenario.Pick(chosen, budget, (*scenario.Scenario).Cost, s.Urgent)
	if len(c.Picked) == 0 {
		return nil, fmt.Errorf("--budget %v: no scenario fits into %v; the shortest takes about %v", v.o.Budget, budget, suite.Shortest(chosen, (*scenario.Scenario).Cost).Round(time.Second))
	}
	if len(c.Left) > 0 {
		s.Notes = append(s.Notes, "left out for want of time (--budget): "+suite.Listed(c.Left))
	}
	if !v.o.Quiet {
		fmt.Fprintf(os.Stderr, "%d scenarios, about %v: %s\n", len(c.Picked), c.Cost.Round(time.Second), suite.Listed(c.Picked))
	}
	jobs, err := v.jobsOf(c.Picked)
	if err != nil || v.o.fix {
		return jobs, err
	}
	return v.repeated(jobs, c.Picked, budget-c.Cost), nil
}

// mostRounds is how often a suite runs with other seeds while the budget lasts: what a
// coincidence takes is rarely seen at once.
const mostRounds = 3

// repeated adds runs with the next seeds for the time that is left.
func (v *verification) repeated(jobs []suite.Job, picked []*scenario.Scenario, left time.Duration) []suite.Job {
	first := jobs
	for n := uint64(1); n < mostRounds; n++ {
		for i, sc := range picked {
			if left -= sc.Cost(); left < 0 {
				return jobs
			}
			j, err := suite.NewJob(sc, suite.Options{Image: v.o.Image}, first[i].Plan.Seed+n)
			if err != nil {
				return jobs // it was one with the seed before
			}
			jobs = append(jobs, j)
		}
	}
	return jobs
}

func (v *verification) jobsOf(picked []*scenario.Scenario) (jobs []suite.Job, err error) {
	for _, sc := range picked {
		j, err := suite.NewJob(sc, suite.Options{Image: v.o.Image}, suite.SeedOf(sc, v.o.Options))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// probe asks the library, before anything starts, what of the configuration it
// cannot honour.
func (v *verification) probe(s *verify.Suite) (refused []string, err error) {
	if v.o.build {
		if err := buildMissing(v.ctx, []string{s.App.Library}, v.o.JSON); err != nil {
			return nil, err
		}
	}
	command, err := harness.Worker(s.App.Library)
	if err != nil {
		return nil, withoutWorker(err)
	}
	for _, spec := range s.Specs() {
		hello, err := process.Probe(v.ctx, command, spec)
		if err != nil {
			return nil, suite.WithExit(suite.ExitUnjudged, err)
		}
		refused = append(refused, hello.Refused...)
	}
	return refused, nil
}

// log names what a run cannot use as it is.
func (v *verification) log(s *verify.Suite) {
	if v.o.Quiet {
		return
	}
	if len(s.Replaced) > 0 {
		fmt.Fprintln(os.Stderr, "What a run cannot use as it is:")
	}
	for _, r := range s.Replaced {
		fmt.Fprintln(os.Stderr, " ", r)
	}
	for _, n := range s.Notes {
		fmt.Fprintln(os.Stderr, "note:", n)
	}
}

// publish writes the answer beside its runs and prints it.
func (v *verification) publish(out io.Writer, a *verify.Answer) error {
	for _, page := range []struct {
		name  string
		write func(io.Writer) error
	}{{"answer.json", a.JSON}, {"answer.md", func(w io.Writer) error { return a.Markdown(w, v.o.Out) }}} {
		var b bytes.Buffer
		if err := page.write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(v.o.Out, page.name), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
	}
	if err := v.o.Gate.Close(v.o.Out, v.asIs); err != nil {
		return err
	}
	if v.o.JSON {
		return a.JSON(out)
	}
	if err := a.Text(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", filepath.Join(v.o.Out, "answer.md"))
	return err
}

func (v *verification) interrupted() error {
	for _, r := range append(v.asIs[:len(v.asIs):len(v.asIs)], v.again...) {
		if r.Code == suite.ExitInterrupted {
			return suite.WithExit(suite.ExitInterrupted, suite.ErrInterrupted)
		}
	}
	return nil
}

// err is the answer as an exit code: that of the configuration as it is.
func (v *verification) err(a *verify.Answer) error {
	if err := v.interrupted(); err != nil {
		return err
	}
	if len(a.Broken()) > 0 {
		return suite.WithExit(suite.ExitDiffers, errors.New(a.Sentence()))
	}
	if why := a.Unproved(); why != "" && a.Judged() > 0 {
		return suite.WithExit(suite.ExitUnjudged, errors.New(why))
	}
	return v.asIs.Err()
}

func changes(all []lint.Change) string {
	var parts []string
	for _, c := range all {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, "; ")
}
