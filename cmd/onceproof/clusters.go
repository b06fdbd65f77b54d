package main

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/internal/cluster"
)

// clusters is where the runs of one command get their brokers. The zero value gives
// each run its own.
type clusters struct {
	fresh bool
	pool  *cluster.Pool
}

func (c *clusters) flag(f *pflag.FlagSet) {
	f.BoolVar(&c.fresh, "fresh", false, "a new cluster for every run; without it runs that want the same brokers share one, cleaned in between (docker)")
}

// share lets the runs from now on share clusters, if there are several. The returned
// function removes them all, and adds what went wrong to err.
func (c *clusters) share(several bool) func(err *error) {
	if c.fresh || !several {
		return func(*error) {}
	}
	c.pool = cluster.NewPool()
	return func(err *error) {
		if closed := c.pool.Close(); closed != nil {
			*err = errors.Join(*err, &exit{exitUnjudged, closed})
		}
		c.pool = nil
	}
}
