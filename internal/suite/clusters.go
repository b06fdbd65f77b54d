package suite

import (
	"errors"

	"github.com/onceproof/onceproof/internal/cluster"
)

// Clusters is where the runs of one command get their brokers. The zero value gives
// each run its own.
type Clusters struct {
	Fresh bool
	Pool  *cluster.Pool
}

// Share lets the runs from now on share clusters, if there are several. The returned
// function removes them all, and adds what went wrong to err.
func (c *Clusters) Share(several bool) func(err *error) {
	if c.Fresh || !several {
		return func(*error) {}
	}
	c.Pool = cluster.NewPool()
	return func(err *error) {
		if closed := c.Pool.Close(); closed != nil {
			*err = errors.Join(*err, WithExit(ExitUnjudged, closed))
		}
		c.Pool = nil
	}
}
