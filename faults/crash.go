package faults

import (
	"context"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/scenarios"
)

// crash is SIGKILL for a client process. Recover starts its next incarnation.
type crash struct{ *instanceStrike }

func newCrash(f scenarios.Fault, env *Env, seed uint64) (Fault, error) {
	s, err := newInstanceStrike(f, env, seed, down)
	if err != nil {
		return nil, err
	}
	return crash{s}, nil
}

// Effect reports what Inject saw: Kill returns when the process has been waited for.
func (c crash) Effect(context.Context) (string, error) {
	return fmt.Sprintf("the process of %s ended by SIGKILL", strings.Join(c.procs, ", ")), nil
}

// Gone reports what Recover saw: Start returns when the next incarnation has said
// hello.
func (c crash) Gone(context.Context) (string, error) {
	var seen []string
	for i, w := range c.struck {
		if others := c.holds[i].others(); len(others) > 0 {
			seen = append(seen, fmt.Sprintf("%s is left to %s", w, strings.Join(others, ", ")))
			continue
		}
		now := w.Proc()
		if now == c.procs[i] {
			return "", fmt.Errorf("%s is still in the incarnation that was crashed, %s", w, now)
		}
		seen = append(seen, now+" said hello")
	}
	if len(seen) == 0 {
		return "nothing was struck", nil
	}
	return strings.Join(seen, "; "), nil
}
