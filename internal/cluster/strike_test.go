package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answers waits until the broker answers, by the cluster's own rule.
func answers(t *testing.T, c Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := waitRegistered(ctx, c.Brokers(), nil); err != nil {
		t.Fatal(err)
	}
}

func stateOf(c Cluster, id BrokerID) State {
	for _, b := range c.Brokers() {
		if b.ID == id {
			return b.State
		}
	}
	return "no such broker"
}

// Each strike: inject, effect seen, recover, gone, twice in a row, on one cluster.
func TestDockerStrikes(t *testing.T) {
	needDocker(t)
	spec := dockerSpec(t)
	c := startTest(t, spec)
	k, p, n := c.(Killer), c.(Pauser), c.(Partitioner)
	addr := func(id BrokerID) string { return c.Brokers()[id-1].Addr }
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for round := 1; round <= rounds; round++ {
		t.Run(fmt.Sprint("kill ", round), func(t *testing.T) {
			must(t, transact(t.Context(), addrs(c)))
			before := addr(2)
			begin := time.Now()
			must(t, k.Kill(t.Context(), 2))
			t.Logf("killed in %s", time.Since(begin).Round(time.Millisecond))
			if _, err := net.Dial("tcp", before); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a killed broker does not refuse: %v", err)
			}
			if s := stateOf(c, 2); s != Stopped {
				t.Errorf("a killed broker is %s", s)
			}
			if err := k.Kill(t.Context(), 2); err == nil {
				t.Error("a killed broker can be killed")
			}
			if err := p.Pause(t.Context(), 2); err == nil {
				t.Error("a killed broker can be paused")
			}
			must(t, k.Start(t.Context(), 2))
			answers(t, c)
			t.Logf("answers again after %s", time.Since(begin).Round(time.Millisecond))
			if addr(2) != before {
				t.Errorf("the address changed from %s to %s", before, addr(2))
			}
		})
		t.Run(fmt.Sprint("stop ", round), func(t *testing.T) {
			must(t, k.Stop(t.Context(), 3))
			if _, err := net.Dial("tcp", addr(3)); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a stopped broker does not refuse: %v", err)
			}
			must(t, k.Start(t.Context(), 3))
			answers(t, c)
		})
		t.Run(fmt.Sprint("pause ", round), func(t *testing.T) {
			must(t, p.Pause(t.Context(), 1))
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if _, err := metadata(ctx, addr(1), nil); err == nil {
				t.Error("a paused broker answers")
			}
			if s := stateOf(c, 1); s != Paused {
				t.Errorf("a paused broker is %s", s)
			}
			must(t, p.Resume(t.Context(), 1))
			answers(t, c)
		})
		t.Run(fmt.Sprint("partition ", round), func(t *testing.T) {
			begin := time.Now()
			both := []Link{{From: 1, To: 2}, {From: 2, To: 1}}
			must(t, n.Block(t.Context(), both))
			t.Logf("blocked in %s", time.Since(begin).Round(time.Millisecond))
			blocked := func(l Link, want bool) {
				t.Helper()
				got, err := n.Blocked(t.Context(), l)
				if err != nil || got != want {
					t.Errorf("%v blocked: %v (%v), want %v", l, got, err, want)
				}
			}
			blocked(Link{From: 1, To: 2}, true)
			blocked(Link{From: 2, To: 1}, true)
			blocked(Link{From: 1, To: 3}, false)
			blocked(Link{From: 3, To: 2}, false)
			if _, err := metadata(t.Context(), addr(2), nil); err != nil {
				t.Errorf("a client cannot reach a partitioned broker: %v", err)
			}
			must(t, n.Block(t.Context(), []Link{{From: 3, To: 1}})) // replaces
			blocked(Link{From: 1, To: 2}, false)
			blocked(Link{From: 3, To: 1}, true)
			blocked(Link{From: 2, To: 1}, false)
			must(t, n.Block(t.Context(), nil))
			blocked(Link{From: 3, To: 1}, false)
			for _, m := range c.(*docker).members {
				d := c.(*docker)
				d.net.Lock()
				out, err := d.inNamespace(t.Context(), m, "dropping")
				d.net.Unlock()
				if err != nil || out != "false" {
					t.Errorf("rules left beside %s: %q, %v", m.host(), out, err)
				}
			}
		})
	}
	t.Run("kill while paused", func(t *testing.T) {
		must(t, p.Pause(t.Context(), 1))
		must(t, k.Kill(t.Context(), 1))
		must(t, k.Start(t.Context(), 1))
		answers(t, c)
	})
	t.Run("a partition outlives a restart", func(t *testing.T) {
		must(t, n.Block(t.Context(), []Link{{From: 1, To: 2}, {From: 2, To: 1}}))
		must(t, k.Kill(t.Context(), 2))
		for _, l := range []Link{{From: 1, To: 2}, {From: 2, To: 1}} {
			if _, err := n.Blocked(t.Context(), l); err == nil || !strings.Contains(err.Error(), "stopped") {
				t.Errorf("%v with 2 stopped: %v", l, err)
			}
		}
		must(t, k.Start(t.Context(), 2))
		if b, err := n.Blocked(t.Context(), Link{From: 1, To: 2}); err != nil || !b {
			t.Errorf("after a restart of 2: blocked %v, %v", b, err)
		}
		must(t, n.Block(t.Context(), nil))
		answers(t, c)
	})
	t.Run("wipe", func(t *testing.T) {
		w := c.(Wiper)
		if err := w.Wipe(t.Context(), 2); err == nil {
			t.Error("a running broker was wiped")
		}
		must(t, transact(t.Context(), addrs(c)))
		must(t, k.Kill(t.Context(), 2))
		must(t, w.Wipe(t.Context(), 2))
		must(t, k.Start(t.Context(), 2))
		answers(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		must(t, waitTopics(ctx, c.Brokers(), spec.Topics)) // it caught up from the others
		b, err := os.ReadFile(filepath.Join(spec.LogDir, "broker-2.log"))
		must(t, err)
		if !strings.Contains(string(b), "onceproof: wiped") {
			t.Error("broker 2 does not say that it was wiped")
		}
	})
	t.Run("logs go on over restarts", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(spec.LogDir, "broker-2.log"))
		must(t, err)
		if got, want := strings.Count(string(b), "Starting controller"), 2+rounds+1; got != want {
			t.Errorf("broker 2 was started %d times, its log says so %d times", want, got)
		}
	})
	t.Run("no such broker", func(t *testing.T) {
		if err := k.Kill(t.Context(), 9); err == nil || !strings.Contains(err.Error(), "1, 2, 3") {
			t.Errorf("got %v, want the brokers that exist", err)
		}
		if err := n.Block(t.Context(), []Link{{From: 1, To: 9}}); err == nil {
			t.Error("a link to nobody was blocked")
		}
	})
	must(t, transact(t.Context(), addrs(c)))
}
