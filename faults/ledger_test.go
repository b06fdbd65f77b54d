package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/internal/cluster"
)

// puppet is a process that refuses what a real one would refuse: to start while
// it runs, to hear SIGTERM while it is frozen.
type puppet struct {
	is     condition
	fails  bool // the next change happens or not, and reports an error
	halves bool // with fails: it happens
}

func (p *puppet) String() string { return "puppet" }

func (p *puppet) to(c condition, from ...condition) error {
	if !slices.Contains(from, p.is) {
		return fmt.Errorf("cannot go from %d to %d", p.is, c)
	}
	if p.fails {
		p.fails = false
		if p.halves {
			p.is = c
		}
		return errors.New("failed")
	}
	p.is = c
	return nil
}

func (p *puppet) ready(context.Context) error  { return nil }
func (p *puppet) kill(context.Context) error   { return p.to(down, running, frozen) }
func (p *puppet) stop(context.Context) error   { return p.to(down, running) }
func (p *puppet) start(context.Context) error  { return p.to(running, down) }
func (p *puppet) pause(context.Context) error  { return p.to(frozen, running) }
func (p *puppet) resume(context.Context) error { return p.to(running, frozen) }
func (p *puppet) revive(context.Context) error { p.is = running; return nil }

// TestClaimsCompose takes and releases claims in any order, with changes that fail
// before or after they happened: the process must be in the worst condition that
// a claim wants whenever the last change reported success.
func TestClaimsCompose(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		p := &puppet{}
		var held []*claim
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			p.fails = rapid.IntRange(0, 4).Draw(t, "fails") == 0
			p.halves = rapid.Bool().Draw(t, "halves")
			var err error
			if len(held) > 0 && rapid.Bool().Draw(t, "release") {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				err = held[i].release(ctx)
				held = slices.Delete(held, i, i+1)
			} else {
				h := &claim{want: rapid.SampledFrom([]condition{frozen, down}).Draw(t, "want"), soft: rapid.Bool().Draw(t, "soft")}
				err = l.acquire(ctx, p, h)
				held = append(held, h)
			}
			failed := !p.fails && err != nil
			if failed {
				continue // the next change makes it certain again
			}
			p.fails = false
			if err != nil {
				t.Fatal(err)
			}
			want := running
			for _, h := range held {
				want = max(want, h.want)
			}
			if p.is != want {
				t.Fatalf("condition %d with %d claims, want %d", p.is, len(held), want)
			}
		}
		for _, h := range held {
			p.fails = false
			if err := h.release(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if len(held) > 0 && p.is != running {
			t.Fatalf("condition %d after all claims were released", p.is)
		}
	})
}

func TestReleaseTwiceLeavesOthersAlone(t *testing.T) {
	ctx := context.Background()
	var l ledger
	p := &puppet{}
	first, second := &claim{want: down, by: "first"}, &claim{want: down, by: "second"}
	for _, h := range []*claim{first, second} {
		if err := l.acquire(ctx, p, h); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := first.release(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if p.is != down {
		t.Errorf("condition %d, want down: the second claim is still there", p.is)
	}
	if got := first.others(); !slices.Equal(got, []string{"second"}) {
		t.Errorf("others of the first claim: %q, want [second]", got)
	}
}

type switchboard struct{ blocked []cluster.Link }

func (s *switchboard) Block(_ context.Context, links []cluster.Link) error {
	s.blocked = slices.Clone(links)
	return nil
}

func (s *switchboard) Blocked(_ context.Context, l cluster.Link) (bool, error) {
	return slices.Contains(s.blocked, l), nil
}

func TestBlockedLinksAreUnited(t *testing.T) {
	ctx := context.Background()
	var l ledger
	var s switchboard
	ab, bc := cluster.Link{From: 1, To: 2}, cluster.Link{From: 2, To: 3}
	steps := []struct {
		do    func(context.Context, cluster.Partitioner, []cluster.Link) error
		links []cluster.Link
		want  []cluster.Link
	}{
		{l.block, []cluster.Link{bc, ab}, []cluster.Link{ab, bc}},
		{l.block, []cluster.Link{ab}, []cluster.Link{ab, bc}},
		{l.unblock, []cluster.Link{bc, ab}, []cluster.Link{ab}},
		{l.unblock, []cluster.Link{ab}, nil},
	}
	for i, step := range steps {
		if err := step.do(ctx, &s, step.links); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.blocked, step.want) {
			t.Errorf("step %d: blocked %v, want %v", i, s.blocked, step.want)
		}
	}
}
