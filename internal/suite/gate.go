package suite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/onceproof/onceproof/reports"
)

// Gate decides by a baseline what a run's verdict means, and tells the CI that
// the command runs under. A nil gate leaves everything to the expectations.
type Gate struct {
	File   string
	Update bool
	Ratio  float64

	Baseline *reports.Baseline // nil without --baseline
	trials   []reports.Trial
	worse    []string
}

// Open reads the baseline, before anything starts.
func (g *Gate) Open() error {
	if g.File == "" {
		if g.Update {
			return errors.New("--update-baseline wants --baseline FILE, the file to write")
		}
		return nil
	}
	f, err := os.Open(g.File)
	if g.Update && errors.Is(err, fs.ErrNotExist) {
		g.Baseline = reports.NewBaseline(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the baseline: %w; --update-baseline makes one", err)
	}
	defer f.Close()
	if g.Baseline, err = reports.ReadBaseline(f); err != nil {
		return fmt.Errorf("%s: %w", g.File, err)
	}
	return nil
}

// Weigh sets o's code and reason by the baseline.
func (g *Gate) Weigh(o *Outcome) error {
	if g == nil || g.Baseline == nil {
		return nil
	}
	t, err := reports.TrialOf(o.Input)
	if err != nil {
		return err
	}
	if g.Update {
		g.trials = append(g.trials, t)
		if o.Report.Infra == "" {
			o.Code, o.Why = ExitExpected, "taken into the baseline"
		}
		return nil
	}
	o.Input.Baseline = g.Baseline
	worse := g.Baseline.Worse(t, g.Ratio)
	var texts []string
	for _, w := range worse {
		if w.About == reports.Recovery {
			o.Input.Slower = w.Text
		}
		texts = append(texts, w.Text)
		g.worse = append(g.worse, o.Job.Name()+": "+w.Text)
	}
	o.Code, o.Why = ExitExpected, "no worse than the baseline"
	if len(worse) > 0 {
		o.Code, o.Why = ExitUnjudged, strings.Join(texts, "; ")
	}
	for _, w := range worse {
		if !w.Undecided {
			o.Code, o.Why = ExitDiffers, "worse than the baseline: "+o.Why
			break
		}
	}
	return nil
}

// Close writes what is about all runs together: junit.xml and summary.md below
// out, the baseline, and what GitHub shows.
func (g *Gate) Close(out string, s Results) error {
	if g.Update && g.Baseline != nil {
		if err := g.save(s); err != nil {
			return WithExit(ExitUnjudged, err)
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
		return WithExit(ExitUnjudged, err)
	}
	return nil
}

// save takes the judged runs into the baseline's file.
func (g *Gate) save(s Results) error {
	for _, o := range s {
		if o.Code == ExitInterrupted {
			return fmt.Errorf("%s is as it was: the runs were interrupted", g.File)
		}
	}
	g.Baseline.Merge(reports.NewBaseline(g.trials))
	f, err := os.Create(g.File)
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return errors.Join(g.Baseline.Write(f), f.Close())
}

// tellGitHub writes annotations, which any output of a step may hold, and the
// step's summary.
func (g *Gate) tellGitHub(runs []reports.Input) (err error) {
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
