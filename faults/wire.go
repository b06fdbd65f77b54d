package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// wireRule is a rule on the requests that a fault's trigger matches. The wire
// faults differ in what it does with them.
type wireRule struct {
	env     *Env
	match   scenario.Match
	seed    uint64
	action  proxy.Action
	delay   time.Duration
	redial  bool
	label   string
	code    int16
	armed   hits
	removed bool
}

func newWireRule(f scenario.Fault, env *Env, seed uint64, action proxy.Action) (*wireRule, error) {
	if f.When.On == nil {
		return nil, errors.New("on what? This fault strikes a request: it needs on: {request: …}")
	}
	if _, err := checkMatch(*f.When.On); err != nil {
		return nil, fmt.Errorf("on: %w", err)
	}
	return &wireRule{env: env, match: *f.When.On, seed: seed, action: action}, nil
}

// Inject arms the rule.
func (w *wireRule) Inject(ctx context.Context) (string, error) {
	r, resolved, err := w.env.matchRule(ctx, w.match, w.seed)
	if err != nil {
		return "", err
	}
	r.Action, r.Delay, r.Redial, r.Code = w.action, w.delay, w.redial, w.code
	r.Label = w.label
	w.armed, err = w.env.door().add(r)
	return resolved, err
}

func (w *wireRule) setLabel(l string) { w.label = l }

// Effect waits for the first request that the rule strikes, for as long as the
// caller waits.
func (w *wireRule) Effect(ctx context.Context) (string, error) {
	hit, err := w.armed.Wait(ctx)
	if err != nil {
		return "", fmt.Errorf("no request was struck: %w", err)
	}
	return hit.Text, nil
}

// waitLast waits until the rule has struck as often as its match says, or ctx ends.
func (w *wireRule) waitLast(ctx context.Context) {
	if w.match.Times > 1 {
		select {
		case <-w.armed.Spent():
		case <-ctx.Done():
		}
	}
}

// Recover disarms the rule.
func (w *wireRule) Recover(context.Context) error {
	if w.armed != nil && !w.removed {
		w.removed = true
		w.armed.Remove()
	}
	return nil
}

// release lets go what the rule holds or delays, now and from now on.
func (w *wireRule) release() {
	if w.armed != nil {
		w.armed.Release()
	}
}

// Gone tells how many requests the rule struck. It strikes no more: Remove returns
// when the rule is out of the proxy's way.
func (w *wireRule) Gone(context.Context) (string, error) {
	if w.armed == nil {
		return "no rule was armed", nil
	}
	n := len(w.armed.Hits())
	if n == 1 {
		return "the rule is gone; it struck 1 request", nil
	}
	return fmt.Sprintf("the rule is gone; it struck %d requests", n), nil
}

// patience: the request comes when it comes.
func (w *wireRule) patience() (effect, gone time.Duration) { return -1, 0 }
