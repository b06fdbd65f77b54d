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
	mu     sync.Mutex
	bodies map[string]*body

	doors map[*linkStrike][]doorLink // which strike changes which links of the proxy

	limits burdens[cluster.BrokerID, cluster.Limits]
	fills  burdens[cluster.BrokerID, struct{}]
	skews  burdens[cluster.BrokerID, time.Duration]
	drags  burdens[cluster.BrokerID, time.Duration]

	badMu sync.Mutex // held through Impairer.Impair, so that sets arrive in order
	bad   burdens[cluster.Link, cluster.Impairment]

	linkMu sync.Mutex // held through Partitioner.Block, so that sets arrive in order
	links  map[cluster.Link]int
}

// condition is what a hold keeps a process in; a higher one prevails.
type condition int

const (
	running condition = iota
	frozen
	down
)

// targetProcess is a broker or a client process that can be struck.
type targetProcess interface {
	String() string              // "broker 2", "client till/0"
	ready(context.Context) error // waits until it runs, if nothing holds it
	kill(context.Context) error
	stop(context.Context) error // asks for a graceful end and waits for it
	start(context.Context) error
	pause(context.Context) error
	resume(context.Context) error
	revive(context.Context) error // makes it run, whatever condition it is in
}

// body is one process over the run and what holds it.
type body struct {
	targetProcess
	turn  chan struct{} // held by the change that is under way
	is    condition
	doubt bool // the last change failed half-way: is may be wrong

	mu    sync.Mutex
	holds []*hold
}

// hold is one strike's claim on a process.
type hold struct {
	want condition
	soft bool   // reach down by a graceful end
	by   string // the strike, for others to name
	body *body
}

func (l *ledger) body(p targetProcess) *body {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bodies[p.String()]
	if b == nil {
		b = &body{targetProcess: p, turn: make(chan struct{}, 1)}
		if l.bodies == nil {
			l.bodies = map[string]*body{}
		}
		l.bodies[p.String()] = b
	}
	return b
}

// take puts p in the condition that h wants, or leaves it in a worse one. The
// hold counts even when that fails: release it.
func (l *ledger) take(ctx context.Context, p targetProcess, h *hold) error {
	h.body = l.body(p)
	h.body.mu.Lock()
	h.body.holds = append(h.body.holds, h)
	h.body.mu.Unlock()
	return h.body.settle(ctx, h.soft)
}

// release lets go of h: the process goes to the condition that the remaining
// holds want. It may be repeated.
func (h *hold) release(ctx context.Context) error {
	if h.body == nil {
		return nil
	}
	h.body.mu.Lock()
	h.body.holds = slices.DeleteFunc(h.body.holds, func(o *hold) bool { return o == h })
	h.body.mu.Unlock()
	return h.body.settle(ctx, false)
}

// heldBy names the strikes that hold p.
func (l *ledger) heldBy(p targetProcess) []string {
	b := l.body(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, h := range b.holds {
		names = append(names, h.by)
	}
	return names
}

// claim notes that s changes links; disclaim, that it no longer does.
func (l *ledger) claim(s *linkStrike, links []doorLink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doors == nil {
		l.doors = map[*linkStrike][]doorLink{}
	}
	l.doors[s] = links
}

func (l *ledger) disclaim(s *linkStrike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.doors, s)
}

// claims names the strikes that change link.
func (l *ledger) claims(link doorLink) []string {
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
func (h *hold) others() []string {
	if h.body == nil {
		return nil
	}
	h.body.mu.Lock()
	defer h.body.mu.Unlock()
	var names []string
	for _, o := range h.body.holds {
		if o != h {
			names = append(names, o.by)
		}
	}
	return names
}

// wanted is the worst condition that a hold wants.
func (b *body) wanted() condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	want := running
	for _, h := range b.holds {
		want = max(want, h.want)
	}
	return want
}

// settle brings the process to the condition wanted at its turn.
func (b *body) settle(ctx context.Context, soft bool) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.turn }()
	if b.doubt {
		if err := b.revive(ctx); err != nil {
			return fmt.Errorf("revive %s: %w", b, err)
		}
		b.is, b.doubt = running, false
	}
	want := b.wanted()
	if b.is == running && want != running {
		if err := b.ready(ctx); err != nil {
			return err
		}
	}
	for b.is != want {
		next, step, do := b.next(want, soft)
		if err := do(ctx); err != nil {
			b.doubt = true
			return fmt.Errorf("%s %s: %w", step, b, err)
		}
		b.is = next
	}
	return nil
}

// next is the first step on the way from the present condition to want.
func (b *body) next(want condition, soft bool) (condition, string, func(context.Context) error) {
	switch {
	case b.is == down:
		return running, "start", b.start
	case want == down && !soft:
		return down, "kill", b.kill
	case b.is == frozen: // to run, or to hear SIGTERM
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

// spoil makes links bad, mend takes that away. Of several on one link, the latest delay,
// the largest loss and the least rate count.
func (l *ledger) spoil(ctx context.Context, c cluster.Impairer, links []cluster.Link, one *burden[cluster.Impairment]) error {
	return l.changeBad(ctx, c, links, func(link cluster.Link) error {
		return l.bad.lay(link, one, func([]cluster.Impairment) error { return nil })
	})
}

func (l *ledger) mend(ctx context.Context, c cluster.Impairer, links []cluster.Link, one *burden[cluster.Impairment]) error {
	return l.changeBad(ctx, c, links, func(link cluster.Link) error {
		return l.bad.lift(link, one, func([]cluster.Impairment) error { return nil })
	})
}

func (l *ledger) changeBad(ctx context.Context, c cluster.Impairer, links []cluster.Link, change func(cluster.Link) error) error {
	l.badMu.Lock()
	defer l.badMu.Unlock()
	for _, link := range links {
		if err := change(link); err != nil {
			return err
		}
	}
	set := map[cluster.Link]cluster.Impairment{}
	for link, all := range l.bad.everything() {
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

// busy names the strikes that hold any broker or link between brokers now: while
// there are any, a broker need not be able to catch up.
func (l *ledger) busy() []string {
	l.mu.Lock()
	var names []string
	for _, b := range l.bodies {
		if _, isBroker := b.targetProcess.(broker); isBroker {
			b.mu.Lock()
			for _, h := range b.holds {
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
