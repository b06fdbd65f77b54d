package main

import (
	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/internal/suite"
)

// gateFlags are the flags of a gate.
func gateFlags(f *pflag.FlagSet) *suite.Gate {
	g := new(suite.Gate)
	f.StringVar(&g.File, "baseline", "", "baseline file: fail only on results that are worse")
	f.BoolVar(&g.Update, "update-baseline", false, "rewrite the --baseline file with the results of these runs")
	f.Float64Var(&g.Ratio, "recovery-ratio", 2, "with --baseline: maximum ratio of a fault's recovery time to the baseline's; 0 = not checked")
	return g
}

// clusterFlags are the flags of c.
func clusterFlags(f *pflag.FlagSet, c *suite.Clusters) {
	f.BoolVar(&c.Fresh, "fresh", false, "start a new cluster for every run instead of cleaning and reusing one (docker)")
}
