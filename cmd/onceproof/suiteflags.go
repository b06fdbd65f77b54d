package main

import (
	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/internal/suite"
)

// gateFlags are the flags of a gate.
func gateFlags(f *pflag.FlagSet) *suite.Gate {
	g := new(suite.Gate)
	f.StringVar(&g.File, "baseline", "", "fail only on what is worse than this file")
	f.BoolVar(&g.Update, "update-baseline", false, "write --baseline's file anew: what these runs show is known from now on")
	f.Float64Var(&g.Ratio, "recovery-ratio", 2, "with --baseline: how many times longer than known a fault may be felt; 0 = not looked at")
	return g
}

// clusterFlags are the flags of c.
func clusterFlags(f *pflag.FlagSet, c *suite.Clusters) {
	f.BoolVar(&c.Fresh, "fresh", false, "a new cluster for every run; without it runs that want the same brokers share one, cleaned in between (docker)")
}
