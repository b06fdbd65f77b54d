package harness

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

const long = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: long, description: Ten minutes that nobody waits for.}
cluster:
  backend: embedded
  brokers: 3
  topics:
    - {name: orders, partitions: 2, replicas: 3}
    - {name: receipts, partitions: 2, replicas: 3}
clients:
  - {name: shop, role: producer, library: franz-go, rate: 200/s, topic: orders, config: {acks: all}}
  - name: till
    role: processor
    library: franz-go
    input: orders
    output: receipts
    commit: transaction
    config: {group.id: till, transactional.id: "till-${instance}", auto.offset.reset: earliest}
run: {duration: 10m, warmup: 1s, drain: 20s, seed: 7}
`

func config(t *testing.T) Config {
	t.Helper()
	s, err := scenario.Parse("long.yaml", []byte(long))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Scenario: s, Plan: p, Dir: filepath.Join(t.TempDir(), "run")}
}

// once acknowledged calls f when the first records are acknowledged under load.
func onceAcknowledged(f func()) func(Progress) {
	f = sync.OnceFunc(f)
	return func(p Progress) {
		for _, c := range p.Clients {
			if p.Phase == "load" && c.Acked > 0 {
				f()
			}
		}
	}
}

// events reads back what a run has recorded.
func events(t *testing.T, dir string) []history.Event {
	t.Helper()
	r, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []history.Event
	for {
		var e history.Event
		err := r.Next(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

func phases(all []history.Event) []string {
	var names []string
	for _, e := range all {
		if e.Op == history.OpPhase {
			names = append(names, e.Note)
		}
	}
	return names
}

func TestStopEndsTheLoadAndTheRunGoesOn(t *testing.T) {
	cfg := config(t)
	stop := make(chan string, 1)
	cfg.Stop = stop
	cfg.Progress = onceAcknowledged(func() { stop <- "enough" })
	observed := 0
	cfg.Observe = func(history.Header) func(*history.Event) {
		return func(*history.Event) { observed++ }
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	all := events(t, cfg.Dir)
	if got, want := phases(all), []string{"start", "load", "stopped-early", "heal", "drain", "drained", "audit", "stop"}; !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", got, want)
	}
	if observed != len(all) {
		t.Errorf("%d events observed, %d recorded", observed, len(all))
	}
	audited := 0
	for _, e := range all {
		if e.Src == history.SrcAudit && e.Op == history.OpLog {
			audited += len(e.Off)
		}
	}
	if audited == 0 {
		t.Error("the audit has read no record")
	}
}

func TestInterruptionEndsTheRunWithItsCause(t *testing.T) {
	cfg := config(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user has had enough")
	cfg.Progress = onceAcknowledged(func() { cancel(cause) })
	_, err := Run(ctx, cfg)
	if !errors.Is(err, cause) || errors.Is(err, ErrInfrastructure) {
		t.Errorf("%v, want the interruption's cause alone", err)
	}
	if all := events(t, cfg.Dir); !slices.Contains(phases(all), "load") {
		t.Errorf("the history of an interrupted run has the phases %v", phases(all))
	}
}
