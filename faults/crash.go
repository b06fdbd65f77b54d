package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// crash is SIGKILL for a client process. Recover starts its next incarnation.
type crash struct{ *instanceStrike }

var _ = register(scenario.KindCrash, newCrash)

func newCrash(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	s, err := newInstanceStrike(f, env, seed, down)
	if err != nil {
		return nil, err
	}
	return crash{s}, nil
}

// newStopClient makes a graceful end of client processes: they leave their groups and
// flush what they hold.
func newStopClient(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Broker != "" {
		return nil, errors.New("either broker or client, not both")
	}
	s, err := newInstanceStrike(f, env, seed, down)
	if err != nil {
		return nil, err
	}
	s.soft = true
	return crash{s}, nil
}

// Effect reports what Inject saw: Kill and Stop return when the process has been waited for.
func (c crash) Effect(context.Context) (string, error) {
	how := "by SIGKILL"
	if c.soft {
		how = "when it was asked to"
	}
	return fmt.Sprintf("the process of %s ended %s", strings.Join(c.procs, ", "), how), nil
}

// Gone reports what Recover saw: Start returns when the next incarnation has said
// hello.
func (c crash) Gone(context.Context) (string, error) {
	return sightings(c.struck, c.others, func(i int, w clientProcess) (string, error) {
		now := w.Proc()
		if now == c.procs[i] {
			return "", fmt.Errorf("%s is still in the incarnation that was ended, %s", w, now)
		}
		return now + " said hello", nil
	})
}
