package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// outcome is what came of one job.
type outcome struct {
	job  job
	dir  string
	code int
	why  string
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
