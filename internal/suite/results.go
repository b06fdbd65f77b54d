package suite

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/trials"
	"github.com/onceproof/onceproof/reports"
)

// Outcome is what came of one job.
type Outcome struct {
	Job  Job
	Dir  string
	Code int
	Why  string
	Err  error // what kept the run from being judged

	Report *checker.Report // nil if there is none
	Input  reports.Input   // what its pages were made from; only with a report
}

// Results is the outcomes of one command, in order.
type Results []Outcome

func (s Results) Print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nscenario\tseed\texit\twhy\n")
	for _, o := range s {
		why, _, _ := strings.Cut(o.Why, "\n")
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", o.Job.Name(), o.Job.Plan.Seed, o.Code, why)
	}
	t.Flush()
}

// inputs are what the pages of the judged runs were made from.
func (s Results) inputs() []reports.Input {
	var all []reports.Input
	for _, o := range s {
		if o.Report != nil {
			all = append(all, o.Input)
		}
	}
	return all
}

// printRates says of each scenario that ran more than once how often each
// guarantee that was ever violated was.
func (s Results) printRates(w io.Writer) {
	type row struct {
		scenario  string
		guarantee guarantee.Guarantee
	}
	rates := map[row]*trials.Rate{}
	var rows []row
	for _, o := range s {
		if o.Report == nil || o.Report.Infra != "" {
			continue
		}
		for _, g := range o.Report.Guarantees {
			r := row{o.Job.Name(), g.Guarantee}
			if rates[r] == nil {
				rates[r] = new(trials.Rate)
				rows = append(rows, r)
			}
			rates[r].Add(g.Verdict == guarantee.Violated)
		}
	}
	space := "\n"
	for _, r := range rows {
		if rate := rates[r]; rate.Hits > 0 && rate.Runs > 1 {
			fmt.Fprintf(w, "%s%s: %s violated in %s\n", space, r.scenario, r.guarantee, rate.Describe())
			space = ""
		}
	}
}

// Err is the whole suite's answer: a difference outranks everything but an
// interruption, then what could not be judged.
func (s Results) Err() error {
	for _, code := range []int{ExitInterrupted, ExitDiffers, ExitUnjudged, ExitUsage} {
		for _, o := range s {
			if o.Code != code {
				continue
			}
			why := o.Why
			if len(s) > 1 {
				why = o.Job.Name() + ": " + why
			}
			return WithExit(code, errors.New(why))
		}
	}
	return nil
}
