package harness

import (
	"context"
	"fmt"
	"os"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

// someProgram is a program that knows nothing of onceproof. All that it sends
// looks the same; it ends when it is told to.
func someProgram(kind, bootstrap string) error {
	ctx, stop := ossignal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.DefaultProduceTopic("orders"), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	}
	switch kind {
	case "plain":
		opts = append(opts, kgo.DisableIdempotentWrite())
	case "transactional":
		opts = append(opts, kgo.TransactionalID("programs"))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ctx.Err() == nil; n++ {
		<-tick.C
		if kind != "transactional" {
			cl.Produce(context.Background(), &kgo.Record{Value: []byte("the same")}, nil)
			continue
		}
		if err := cl.BeginTransaction(); err != nil {
			return err
		}
		for range 3 {
			if err := cl.ProduceSync(context.Background(), &kgo.Record{Value: []byte("the same")}).FirstErr(); err != nil {
				return err
			}
		}
		if err := cl.EndTransaction(context.Background(), kgo.TransactionEndTry(n%4 > 0)); err != nil {
			return err
		}
	}
	return cl.Flush(context.Background())
}

const ofProgram = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: program, description: A program that is no worker.}
cluster:
  backend: embedded
  topics: [{name: orders, partitions: 2}]
clients:
  - {name: app, role: producer, topic: orders, program: [%q, program, %s]}
run: {duration: 4s, warmup: 0s, drain: 10s, seed: 7}
faults:
  - {name: ack-lost, on: {request: Produce, client: app, nth: 10, phase: response}, drop: {}}
  - {name: refused, on: {request: Produce, client: app, nth: 30}, error: {code: NOT_LEADER_OR_FOLLOWER}}
  - {name: crash, on: {request: Produce, client: app, nth: 50, phase: response}, crash: {client: app}, for: 200ms}
`

// TestPrograms runs programs that tell nothing, and judges them by what the proxy
// and the audit saw.
func TestPrograms(t *testing.T) {
	for _, tc := range []struct {
		kind string
		want map[guarantee.Guarantee]guarantee.Verdict
	}{
		{"idempotent", map[guarantee.Guarantee]guarantee.Verdict{
			guarantee.NoLoss: guarantee.Holds, guarantee.NoDuplicates: guarantee.Holds, guarantee.Order: guarantee.Holds, guarantee.Agreement: guarantee.Holds}},
		{"plain", map[guarantee.Guarantee]guarantee.Verdict{
			guarantee.NoLoss: guarantee.Holds, guarantee.NoDuplicates: guarantee.Violated, guarantee.Agreement: guarantee.Holds}},
		{"transactional", map[guarantee.Guarantee]guarantee.Verdict{
			guarantee.NoLoss: guarantee.Holds, guarantee.NoDuplicates: guarantee.Holds, guarantee.Order: guarantee.Holds, guarantee.Isolation: guarantee.Holds, guarantee.Atomicity: guarantee.Holds}},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			report, all := runProgram(t, tc.kind)
			got := map[guarantee.Guarantee]guarantee.Verdict{}
			for _, g := range report.Guarantees {
				if _, asked := tc.want[g.Guarantee]; asked {
					got[g.Guarantee] = g.Verdict
				}
				for _, f := range g.Anomalies {
					t.Logf("%s: %s", f.Kind, f.Witnesses[0].Text)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("verdicts: %s", diff)
			}
			sent, acked, logged := 0, 0, 0
			for _, e := range all {
				switch {
				case e.Src == history.SrcClient && e.Op == history.OpSend && e.Type == history.Invoke:
					sent += len(e.Val)
				case e.Src == history.SrcClient && e.Op == history.OpSend && e.Type == history.OK:
					acked += len(e.Val)
				case e.Op == history.OpLog:
					for _, v := range e.Val {
						if v == (history.Value{}) {
							t.Fatalf("a record of %v has no send", e.Off)
						}
					}
					logged += len(e.Val)
				}
			}
			if sent < 50 || acked < sent-20 || logged < acked {
				t.Errorf("%d sends, %d acknowledged, %d in the log", sent, acked, logged)
			}
			if tc.kind == "transactional" && report.Evidence.Counts["aborts"] == 0 {
				t.Errorf("no aborts among %v", report.Evidence.Counts)
			}
		})
	}
}

func runProgram(t *testing.T, kind string) (*checker.Report, []history.Event) {
	t.Helper()
	report, dir := judgeRun(t, fmt.Sprintf(ofProgram, os.Args[0], kind))
	return report, events(t, dir)
}

// judgeRun runs the scenario of text, and returns the verdict and the run's folder.
func judgeRun(t *testing.T, text string) (report *checker.Report, dir string) {
	t.Helper()
	s, err := scenario.Parse("program.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := Run(ctx, Config{Scenario: s, Plan: p, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	r, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if report, err = checker.Check(t.Context(), r, checker.Options{}); err != nil {
		t.Fatal(err)
	}
	return report, dir
}
