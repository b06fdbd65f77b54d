package main

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

// outcome is what came of one job.
type outcome struct {
	job  job
	dir  string
	code int
	why  string
	err  error // what kept the run from being judged

	report *checker.Report // nil if there is none
	in     reports.Input   // what its pages were made from; only with a report
}

// suite is the outcomes of one command, in order.
type suite []outcome

func (s suite) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nscenario\tseed\texit\twhy\n")
	for _, o := range s {
		why, _, _ := strings.Cut(o.why, "\n")
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", o.job.name(), o.job.plan.Seed, o.code, why)
	}
	t.Flush()
}

// inputs are what the pages of the judged runs were made from.
func (s suite) inputs() []reports.Input {
	var all []reports.Input
	for _, o := range s {
		if o.report != nil {
			all = append(all, o.in)
		}
	}
	return all
}

// printRates says of each scenario that ran more than once how often each
// guarantee that was ever violated was.
func (s suite) printRates(w io.Writer) {
	type row struct {
		scenario  string
		guarantee guarantee.Guarantee
	}
	rates := map[row]*trials.Rate{}
	var rows []row
	for _, o := range s {
		if o.report == nil || o.report.Infra != "" {
			continue
		}
		for _, g := range o.report.Guarantees {
			r := row{o.job.name(), g.Guarantee}
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
			fmt.Fprintf(w, "%s%s: %s violated in %s\n", space, r.scenario, r.guarantee, rate.Words())
			space = ""
		}
	}
}

// err is the whole suite's answer: a difference outranks everything but an
// interruption, then what could not be judged.
func (s suite) err() error {
	for _, code := range []int{exitInterrupted, exitDiffers, exitUnjudged, exitUsage} {
		for _, o := range s {
			if o.code != code {
				continue
			}
			why := o.why
			if len(s) > 1 {
				why = o.job.name() + ": " + why
			}
			return &exit{code, errors.New(why)}
		}
	}
	return nil
}
