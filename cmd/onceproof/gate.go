package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/reports"
)

// gate decides by a baseline what a run's verdict means, and tells the CI that
// the command runs under. A nil gate leaves everything to the expectations.
type gate struct {
	file   string
	update bool
	ratio  float64

	baseline *reports.Baseline // nil without --baseline
	trials   []reports.Trial
	worse    []string
}

func newGate(f *pflag.FlagSet) *gate {
	g := new(gate)
	f.StringVar(&g.file, "baseline", "", "fail only on what is worse than this file")
	f.BoolVar(&g.update, "update-baseline", false, "write --baseline's file anew: what these runs show is known from now on")
	f.Float64Var(&g.ratio, "recovery-ratio", 2, "with --baseline: how many times longer than known a fault may be felt; 0 = not looked at")
	return g
}

// open reads the baseline, before anything starts.
func (g *gate) open() error {
	if g.file == "" {
		if g.update {
			return errors.New("--update-baseline wants --baseline FILE, the file to write")
		}
		return nil
	}
	f, err := os.Open(g.file)
	if g.update && errors.Is(err, fs.ErrNotExist) {
		g.baseline = reports.NewBaseline(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the baseline: %w; --update-baseline makes one", err)
	}
	defer f.Close()
	if g.baseline, err = reports.ReadBaseline(f); err != nil {
		return fmt.Errorf("%s: %w", g.file, err)
	}
	return nil
}

// weigh sets o's code and reason by the baseline.
func (g *gate) weigh(o *outcome) error {
	if g == nil || g.baseline == nil {
		return nil
	}
	t, err := reports.TrialOf(o.in)
	if err != nil {
		return err
	}
	if g.update {
		g.trials = append(g.trials, t)
		if o.report.Infra == "" {
			o.code, o.why = exitExpected, "taken into the baseline"
		}
		return nil
	}
	o.in.Baseline = g.baseline
	worse := g.baseline.Worse(t, g.ratio)
	var texts []string
	for _, w := range worse {
		if w.About == reports.Recovery {
			o.in.Slower = w.Text
		}
		texts = append(texts, w.Text)
		g.worse = append(g.worse, o.job.name()+": "+w.Text)
	}
	o.code, o.why = exitExpected, "no worse than the baseline"
	if len(worse) > 0 {
		o.code, o.why = exitUnjudged, strings.Join(texts, "; ")
	}
	for _, w := range worse {
		if !w.Undecided {
			o.code, o.why = exitDiffers, "worse than the baseline: "+o.why
			break
		}
	}
	return nil
}

// close writes what is about all runs together: junit.xml and summary.md below
// out, the baseline, and what GitHub shows.
func (g *gate) close(out string, s suite) error {
	if g.update && g.baseline != nil {
		if err := g.save(s); err != nil {
			return &exit{exitUnjudged, err}
		}
	}
	runs := s.inputs()
	if len(runs) == 0 {
		return nil
	}
	err := reports.WriteSuite(out, runs, g.worse)
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		err = errors.Join(err, g.tellGitHub(runs))
	}
	if err != nil {
		return &exit{exitUnjudged, err}
	}
	return nil
}

// save takes the judged runs into the baseline's file.
func (g *gate) save(s suite) error {
	for _, o := range s {
		if o.code == exitInterrupted {
			return fmt.Errorf("%s is as it was: the runs were interrupted", g.file)
		}
	}
	g.baseline.Merge(reports.NewBaseline(g.trials))
	f, err := os.Create(g.file)
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return errors.Join(g.baseline.Write(f), f.Close())
}

// tellGitHub writes annotations, which any output of a step may hold, and the
// step's summary.
func (g *gate) tellGitHub(runs []reports.Input) (err error) {
	for _, in := range runs {
		if err := reports.Annotations(os.Stderr, in); err != nil {
			return err
		}
	}
	name := os.Getenv("GITHUB_STEP_SUMMARY")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the step summary: %w", err)
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	return reports.SuiteSummary(f, runs, g.worse)
}
