package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindPause, newPause)

// newPause makes a pause of brokers or of client processes: SIGSTOP, then
// SIGCONT at Recover. A frozen process keeps its connections and believes, when
// it wakes, that no time has passed.
func newPause(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Client != "" {
		if f.Args.Broker != "" {
			return nil, errors.New("either broker or client, not both")
		}
		s, err := newInstanceStrike(f, env, seed, frozen)
		if err != nil {
			return nil, err
		}
		return pauseClient{s}, nil
	}
	s, err := newBrokerStrike(f, env, seed, frozen, false)
	if err != nil {
		return nil, err
	}
	return pauseBroker{s}, nil
}

type pauseBroker struct{ *brokerStrike }

// Effect waits until every struck broker leaves a request unanswered for a
// second. Its kernel may still accept connections.
func (p pauseBroker) Effect(ctx context.Context) (string, error) {
	var seen []string
	for i, b := range p.struck {
		text, err := await(ctx, func(ctx context.Context) (string, error) {
			return b.isSilent(ctx, p.claims[i])
		})
		if err != nil {
			return "", err
		}
		seen = append(seen, text)
	}
	return strings.Join(seen, "; "), nil
}

// isSilent sees that the broker does not answer. A broker that another strike
// keeps down refuses instead.
func (b broker) isSilent(ctx context.Context, h *claim) (string, error) {
	if b.isolated() {
		return b.isDeposed(ctx)
	}
	now, err := b.now()
	if err != nil {
		return "", finalError{err}
	}
	err = answers(ctx, now.Addr)
	switch {
	case err == nil:
		return "", fmt.Errorf("%s still answers at %s", b, now.Addr)
	case ctx.Err() != nil:
		return "", err
	case isSilent(err):
		return fmt.Sprintf("%s: %s did not answer ApiVersions for %s", b, now.Addr, askWait), nil
	case isRefused(err) && len(h.others()) > 0:
		return fmt.Sprintf(
			"%s: %s refused a connection; it is also struck by %s", b, now.Addr, strings.Join(h.others(), ", "),
		), nil
	}
	return "", fmt.Errorf("%s: %w", b, err)
}

type pauseClient struct{ *instanceStrike }

// Effect reports what Inject saw: Pause returns when the kernel shows the process stopped.
func (p pauseClient) Effect(context.Context) (string, error) {
	return fmt.Sprintf("the kernel shows %s stopped", strings.Join(p.procs, ", ")), nil
}

// Gone waits until the kernel shows every process running.
func (p pauseClient) Gone(ctx context.Context) (string, error) {
	return sightings(p.struck, p.others, func(_ int, w clientProcess) (string, error) {
		return fmt.Sprintf("the kernel shows %s running", w.Proc()), w.ready(ctx)
	})
}
