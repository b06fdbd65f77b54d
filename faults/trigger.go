package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Trigger waits for a request on the wire and keeps it while a fault that is no
// wire fault strikes (crash, kill, pause, …):
//
//	trigger armed ──> Wait returns the hit ──> Inject, Effect ──> Release
//
// From the hit on, the request (phase request) or its response (phase response)
// is swallowed: the broker never sees the request, or the client never hears of
// what the broker did. So what the fault hits is certain. Release cuts the
// connections that carried what was swallowed, so that no client waits for it.
type Trigger struct {
	env      *Env
	armed    hits
	mu       sync.Mutex
	removed  bool
	released bool
}

// armWait bounds the look for the broker that a match names.
const armWait = 15 * time.Second

// NewTrigger arms a trigger for m; seed draws what its probability and targets
// leave open. Without nth, the first match triggers.
func NewTrigger(m scenario.Match, env *Env, seed uint64) (*Trigger, error) {
	ctx, cancel := context.WithTimeout(context.Background(), armWait)
	defer cancel()
	r, _, err := env.matchRule(ctx, m, seed)
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", matchText(m), err)
	}
	r.Action = proxy.Blackhole
	if r.Nth == 0 && r.Prob == 0 {
		r.Nth = 1 // those behind the first are none of ours
	}
	armed, err := env.door().add(r)
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", matchText(m), err)
	}
	return &Trigger{env: env, armed: armed}, nil
}

// Wait returns the first match.
func (t *Trigger) Wait(ctx context.Context) (proxy.Hit, error) {
	hit, err := t.armed.Wait(ctx)
	if err != nil {
		return proxy.Hit{}, fmt.Errorf("no request matched: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.disarm()
	return hit, nil
}

func (t *Trigger) disarm() {
	if !t.removed {
		t.removed = true
		t.armed.Remove()
	}
}

// Release disarms the trigger and cuts the connections that carried what it swallowed.
// Always safe to call, at any time, also twice.
func (t *Trigger) Release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.released {
		return
	}
	t.released = true
	t.disarm()
	cutCarriers(t.env, t.armed)
}

// cutCarriers cuts the connections that carried what a rule swallowed.
func cutCarriers(env *Env, swallowed hits) {
	cut := map[proxy.Link]bool{}
	for _, hit := range swallowed.Hits() {
		link := proxy.Link{Client: hit.Client, Broker: hit.Broker}
		if cut[link] {
			continue
		}
		cut[link] = true
		if heal, _, err := env.door().refuse(link); err == nil {
			heal()
		}
	}
}

// Aim narrows f to the client instance that triggered it, when f strikes that client by
// its bare name: "crash till on its 25th commit" means the instance that sent it. proc is
// an instance, "till/0", or an incarnation, "till/0/2".
func Aim(f scenario.Fault, proc string) scenario.Fault {
	name, rest, _ := strings.Cut(proc, "/")
	instance, _, _ := strings.Cut(rest, "/")
	if f.Args.Client != "" && f.Args.Client == name && instance != "" {
		f.Args.Client = name + "/" + instance
	}
	return f
}
