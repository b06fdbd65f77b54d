package faults

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
)

// ledger lets strikes on one target overlap: a broker that two faults keep down
// starts when the second lets go, and the links that partitions block are the
// union of theirs. The zero value is ready.
type ledger struct {
	mu      sync.Mutex
	targets map[string]*targetState

	doors map[*linkStrike][]doorLink // which strike changes which links of the proxy

	limits     activeEffects[cluster.BrokerID, cluster.Limits]
	fullDisks  activeEffects[cluster.BrokerID, struct{}]
	skews      activeEffects[cluster.BrokerID, time.Duration]
	diskDelays activeEffects[cluster.BrokerID, time.Duration]

	badMu    sync.Mutex // held through Impairer.Impair, so that sets arrive in order
	impaired activeEffects[cluster.Link, cluster.Impairment]

	linkMu sync.Mutex // held through Partitioner.Block, so that sets arrive in order
	links  map[cluster.Link]int
}

// condition is what a claim keeps a process in; a higher one prevails.
type condition int

const (
	running condition = iota
	frozen
	down
)

// targetProcess is a broker or a client process that can be struck.
type targetProcess interface {
	String() string              // "broker 2", "client till/0"
	ready(context.Context) error // waits until it runs, if no strike claims it
	kill(context.Context) error
	stop(context.Context) error // asks for a graceful end and waits for it
	start(context.Context) error
	pause(context.Context) error
	resume(context.Context) error
	revive(context.Context) error // makes it run, whatever condition it is in
}

// targetState is one process over the run, and the claims on it.
type targetState struct {
	targetProcess
	turn      chan struct{} // held by the change that is under way
	now       condition
	uncertain bool // the last change failed half-way: is may be wrong

	mu     sync.Mutex
	claims []*claim
}

// claim is one strike's wish for the condition of a process.
type claim struct {
	want   condition
	soft   bool   // reach down by a graceful end
	by     string // the strike, for others to name
	target *targetState
}

func (l *ledger) target(p targetProcess) *targetState {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.targets[p.String()]
	if b == nil {
		b = &targetState{targetProcess: p, turn: make(chan struct{}, 1)}
		if l.targets == nil {
			l.targets = map[string]*targetState{}
		}
		l.targets[p.String()] = b
	}
	return b
}

// acquire puts p in the condition that h wants, or leaves it in a worse one. The
// claim counts even when that fails: release it.
func (l *ledger) acquire(ctx context.Context, p targetProcess, h *claim) error {
	h.target = l.target(p)
	h.target.mu.Lock()
	h.target.claims = append(h.target.claims, h)
	h.target.mu.Unlock()
	return h.target.settle(ctx, h.soft)
}

// release lets go of h: the process goes to the condition that the remaining
// claims want. It may be repeated.
func (h *claim) release(ctx context.Context) error {
	if h.target == nil {
		return nil
	}
	h.target.mu.Lock()
	h.target.claims = slices.DeleteFunc(h.target.claims, func(o *claim) bool { return o == h })
	h.target.mu.Unlock()
	return h.target.settle(ctx, false)
}

// claimantsOf names the strikes that claim p.
func (l *ledger) claimantsOf(p targetProcess) []string {
	b := l.target(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, h := range b.claims {
		names = append(names, h.by)
	}
	return names
}

// addLinks notes that s changes links; removeLinks, that it no longer does.
func (l *ledger) addLinks(s *linkStrike, links []doorLink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doors == nil {
		l.doors = map[*linkStrike][]doorLink{}
	}
	l.doors[s] = links
}

func (l *ledger) removeLinks(s *linkStrike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.doors, s)
}

// changersOf names the strikes that change link.
func (l *ledger) changersOf(link doorLink) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for s, links := range l.doors {
		if slices.Contains(links, link) {
			names = append(names, s.by)
		}
	}
	slices.Sort(names)
	return names
}

// others names the strikes besides h that keep the process from running.
func (h *claim) others() []string {
	if h.target == nil {
		return nil
	}
	h.target.mu.Lock()
	defer h.target.mu.Unlock()
	var names []string
	for _, o := range h.target.claims {
		if o != h {
			names = append(names, o.by)
		}
	}
	return names
}

// wanted is the worst condition that a claim wants.
func (b *targetState) wanted() condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	want := running
	for _, h := range b.claims {
		want = max(want, h.want)
	}
	return want
}

// settle brings the process to the condition wanted at its turn.
func (b *targetState) settle(ctx context.Context, soft bool) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.turn }()
	if b.uncertain {
		if err := b.revive(ctx); err != nil {
			return fmt.Errorf("revive %s: %w", b, err)
		}
		b.now, b.uncertain = running, false
	}
	want := b.wanted()
	if b.now == running && want != running {
		if err := b.ready(ctx); err != nil {
			return err
		}
	}
	for b.now != want {
		next, step, do := b.next(want, soft)
		if err := do(ctx); err != nil {
			b.uncertain = true
			return fmt.Errorf("%s %s: %w", step, b, err)
		}
		b.now = next
	}
	return nil
}

// next is the first step on the way from the present condition to want.
func (b *targetState) next(want condition, soft bool) (condition, string, func(context.Context) error) {
	switch {
	case b.now == down:
		return running, "start", b.start
	case want == down && !soft:
		return down, "kill", b.kill
	case b.now == frozen: // to run, or to hear SIGTERM
		return running, "resume", b.resume
	case want == down:
		return down, "stop", b.stop
	default:
		return frozen, "pause", b.pause
	}
}

// block adds links to those that are blocked between brokers, unblock takes them
// away; a link that two partitions block stays until both are healed.
func (l *ledger) block(ctx context.Context, p cluster.Partitioner, links []cluster.Link) error {
	return l.changeLinks(ctx, p, links, 1)
}

func (l *ledger) unblock(ctx context.Context, p cluster.Partitioner, links []cluster.Link) error {
	return l.changeLinks(ctx, p, links, -1)
}

func (l *ledger) changeLinks(ctx context.Context, p cluster.Partitioner, links []cluster.Link, by int) error {
	l.linkMu.Lock()
	defer l.linkMu.Unlock()
	next := maps.Clone(l.links)
	if next == nil {
		next = map[cluster.Link]int{}
	}
	for _, link := range links {
		next[link] += by
		if next[link] <= 0 {
			delete(next, link)
		}
	}
	set := slices.SortedFunc(maps.Keys(next), func(a, b cluster.Link) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Listener, b.Listener))
	})
	if err := p.Block(ctx, set); err != nil {
		return err
	}
	l.links = next
	return nil
}

// addImpairment makes links bad. Of several impairments of one link, the latest delay, the
// largest loss and the least rate count. removeImpairment takes one away.
func (l *ledger) addImpairment(
	ctx context.Context, c cluster.Impairer, links []cluster.Link, one *activeEffect[cluster.Impairment],
) error {
	return l.changeBad(ctx, c, links, func(link cluster.Link) error {
		return l.impaired.add(link, one, func([]cluster.Impairment) error { return nil })
	})
}

func (l *ledger) removeImpairment(
	ctx context.Context, c cluster.Impairer, links []cluster.Link, one *activeEffect[cluster.Impairment],
) error {
	return l.changeBad(ctx, c, links, func(link cluster.Link) error {
		return l.impaired.remove(link, one, func([]cluster.Impairment) error { return nil })
	})
}

func (l *ledger) changeBad(
	ctx context.Context, c cluster.Impairer, links []cluster.Link, change func(cluster.Link) error,
) error {
	l.badMu.Lock()
	defer l.badMu.Unlock()
	for _, link := range links {
		if err := change(link); err != nil {
			return err
		}
	}
	set := map[cluster.Link]cluster.Impairment{}
	for link, all := range l.impaired.byAll() {
		set[link] = worst(all)
	}
	return c.Impair(ctx, set)
}

func worst(all []cluster.Impairment) (out cluster.Impairment) {
	for _, one := range all {
		out.By, out.Most, out.Loss = max(out.By, one.By), max(out.Most, one.Most), max(out.Loss, one.Loss)
		if one.Rate > 0 && (out.Rate == 0 || one.Rate < out.Rate) {
			out.Rate = one.Rate
		}
	}
	return out
}

// isBlocked says whether a strike wants the link blocked.
func (l *ledger) isBlocked(link cluster.Link) bool {
	l.linkMu.Lock()
	defer l.linkMu.Unlock()
	all := link
	all.Listener = ""
	return l.links[link] > 0 || l.links[all] > 0
}

// busy names the strikes that claim any broker or link between brokers now: while
// there are any, a broker need not be able to catch up.
func (l *ledger) busy() []string {
	l.mu.Lock()
	var names []string
	for _, b := range l.targets {
		if _, isBroker := b.targetProcess.(broker); isBroker {
			b.mu.Lock()
			for _, h := range b.claims {
				names = append(names, h.by)
			}
			b.mu.Unlock()
		}
	}
	l.mu.Unlock()
	l.linkMu.Lock()
	defer l.linkMu.Unlock()
	if len(l.links) > 0 {
		names = append(names, "a partition")
	}
	slices.Sort(names)
	return slices.Compact(names)
}
