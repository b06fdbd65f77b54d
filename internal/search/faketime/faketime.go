// Package faketime runs scenarios in testing/synctest bubbles, where waiting takes no
// time: thousands of plans a minute, with the harness's own plan, proxy, faults,
// recorder, audit and checker around the built-in worker and the embedded cluster.
//
//	plan ──> bubble: harness.Run, its network in memory, its workers inside ──> history ──> checker
//
// franz-go waits on locks that a bubble does not know of, unless it is built with
// `-tags synctests`; without the tag a bubble hangs. Tests of this package see to it
// (TestMain), and take flags:
//
//	go test ./search/faketime -args -plans 5000 -seed 7 -scenario ./orders.yaml
package faketime

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onceproof/onceproof/checker"
	franzgo "github.com/onceproof/onceproof/clients/franz-go"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
)

// afterlife is how long a bubble goes on after its run: what was killed ends by itself.
const afterlife = time.Minute

// Run runs s, whose backend is embedded, in a bubble, with its seed, and judges it. dir
// becomes the run's folder. runErr is why the run could not be judged, as harness.Run
// says it.
func Run(t *testing.T, s *scenario.Scenario, dir string) (report *checker.Report, runErr error, err error) {
	p, err := plan.Build(s, s.Run.Seed)
	if err != nil {
		return nil, nil, err
	}
	synctest.Test(t, func(t *testing.T) {
		_, runErr = harness.Run(t.Context(), harness.Config{
			Scenario: s, Plan: p, Dir: dir, Tool: "fake time",
			World: harness.World{
				Network: network.NewMemory(s.Run.Seed),
				Workers: map[string]process.Main{process.Builtin: franzgo.Inside},
			},
		})
		<-time.After(afterlife)
	})
	r, err := history.Open(dir)
	if err != nil {
		return nil, runErr, fmt.Errorf("%w (%w)", err, runErr)
	}
	defer r.Close()
	report, err = checker.Check(context.WithoutCancel(t.Context()), r, checker.Options{})
	return report, runErr, err
}

// Can is an error for a fault that has no place in a bubble: nobody stops goroutines.
func Can(f scenario.Fault) error {
	if f.Kind == scenario.KindPause && f.Args.Client != "" {
		return process.ErrInside
	}
	return nil
}

// Brief makes a load of s of a second and a half: what decides is the faults' moment,
// and a longer load costs more plans. Of offsets it says that they hold, also those of
// clients that commit by themselves: the search draws no commit that comes late.
func Brief(s *scenario.Scenario) {
	if s.Expect["offsets"] == "" {
		s.Expect = maps.Clone(s.Expect)
		if s.Expect == nil {
			s.Expect = map[string]string{}
		}
		s.Expect["offsets"] = string(guarantee.Holds)
	}
	s.Cluster.Backend = "embedded"
	s.Run.Duration, s.Run.Warmup = 1500*time.Millisecond, 200*time.Millisecond
	for i := range s.Cluster.Topics {
		s.Cluster.Topics[i].Partitions = 1
	}
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Rate = min(c.Rate, rate)
		if ms, err := strconv.Atoi(c.Config["session.timeout.ms"]); err == nil && ms > session {
			c.Config = maps.Clone(c.Config)
			c.Config["session.timeout.ms"] = strconv.Itoa(session)
		}
	}
}

const (
	rate    = 20   // records a second
	session = 6000 // ms: longer than what strikes a group's members lasts, and no longer
)
