package harness

import (
	"context"
	"fmt"
	"os"
	ossignal "os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// till is an application that knows nothing of onceproof: it makes receipts from
// orders, in the way that kind says, until it is told to end.
func till(kind, bootstrap string) error {
	ctx, stop := ossignal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if kind == "idle" {
		<-ctx.Done()
		return nil
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("till"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50 * time.Millisecond),
		kgo.DisableAutoCommit(), kgo.MetadataMinAge(20 * time.Millisecond), kgo.ProducerLinger(0),
	}
	if kind == "paid" {
		return tillInTransactions(ctx, append(opts, kgo.TransactionalID("till")))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if kind == "changelog" {
		if _, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 3, nil, "till-changelog"); err != nil && !strings.Contains(err.Error(), "ALREADY_EXISTS") {
			return err
		}
	}
	seen, counts := 0, map[string]int{}
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, r := range fetches.Records() {
			seen++
			if err := cl.ProduceSync(ctx, receipts(kind, seen, counts, r)...).FirstErr(); err != nil {
				return err
			}
		}
		if err := cl.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
}

// receipts are what an application of this kind makes of one order.
func receipts(kind string, seen int, counts map[string]int, r *kgo.Record) []*kgo.Record {
	id, _, _ := strings.Cut(string(r.Value), "\n")
	inJSON := &kgo.Record{Topic: "receipts", Value: fmt.Appendf(nil, `{"receipt":%q}`, id)}
	n, err := strconv.Atoi(id[strings.IndexByte(id, '#')+1:])
	if err != nil {
		panic(err)
	}
	key := "k" + strconv.Itoa(n%3)
	switch kind {
	case "copy":
		return []*kgo.Record{{Topic: "receipts", Key: r.Key, Value: r.Value}}
	case "twice":
		if seen%10 == 0 {
			return []*kgo.Record{inJSON, {Topic: "receipts", Value: inJSON.Value}}
		}
	case "lossy":
		if seen%20 == 0 {
			return nil
		}
	case "split":
		return []*kgo.Record{{Topic: "receipts", Value: fmt.Appendf(nil, `{"a":%q}`, id)}, {Topic: "receipts", Value: fmt.Appendf(nil, `{"b":%q}`, id)}}
	case "changelog":
		return []*kgo.Record{inJSON, {Topic: "till-changelog", Key: []byte(key), Value: []byte("x")}}
	case "declared":
		return []*kgo.Record{{Topic: "receipts", Value: fmt.Appendf(nil, `{"order":"%d of %s"}`, n, r.Key[:1])}}
	case "count", "miscount":
		if kind == "count" || seen%20 > 0 {
			counts[key]++
		}
		return []*kgo.Record{{Topic: "receipts", Key: []byte(key), Value: fmt.Appendf(nil, `{"n":%d}`, counts[key])}}
	}
	return []*kgo.Record{inJSON}
}

// tillInTransactions puts its input's value into another.
func tillInTransactions(ctx context.Context, opts []kgo.Opt) error {
	s, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		fetches := s.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := s.Begin(); err != nil {
			return err
		}
		var out []*kgo.Record
		for _, r := range fetches.Records() {
			out = append(out, &kgo.Record{Topic: "receipts", Key: r.Key, Value: append([]byte("paid:"), r.Value...)})
		}
		err := s.ProduceSync(ctx, out...).FirstErr()
		if _, eerr := s.End(context.Background(), kgo.TransactionEndTry(err == nil)); eerr != nil {
			return eerr
		}
	}
}

const ofApplication = `apiVersion: onceproof/v1
kind: Scenario
metadata: {name: application, description: An application that is no worker.}
cluster:
  backend: embedded
  topics: [{name: orders, partitions: 2}, {name: receipts, partitions: 2}]
clients:
  - {name: shop, role: producer, topic: orders, rate: 100/s, config: {acks: all, enable.idempotence: true, onceproof.key: 3}}
  - name: till
    role: processor
    input: orders
    output: receipts
    program: [%q, application, %s]
    config: {group.id: till, isolation.level: read_committed, auto.offset.reset: earliest}
    ready: {group: till, within: 20s}
%s
run: {duration: 3s, warmup: 0s, drain: 10s, seed: 7}
faults:
  - {name: ack-lost, on: {request: Produce, client: shop, nth: 10, phase: response}, drop: {}}
`

// TestApplications judges applications in small forms of what was met in real ones:
// mirrors, values inside values, JSON, aggregates, topics of their own.
func TestApplications(t *testing.T) {
	const (
		holds   = "holds"
		counted = "    fold: {by: key, with: count, of: value.$.n}"
	)
	for _, tc := range []struct {
		kind, more, trace string
		want              [3]string // no-loss, no-duplicates, progress; the kind of what was found, or a part of the reason
	}{
		{"copy", "", "", [3]string{holds, holds, holds}},
		{"paid", "", "", [3]string{holds, holds, holds}},
		{"json", "", "", [3]string{holds, holds, holds}},
		{"twice", "", "", [3]string{holds, "duplicate-output", holds}},
		{"lossy", "", "", [3]string{"lost-input", holds, holds}},
		{"lossy", "    makes: {receipts: at-most-one}", "", [3]string{holds, holds, holds}},
		{"split", "", "", [3]string{holds, holds, holds}},
		{"changelog", "", "", [3]string{holds, holds, holds}},
		{"count", "", "", [3]string{"fold:", "fold:", holds}},
		{"count", counted, "", [3]string{holds, holds, holds}},
		{"miscount", counted, "", [3]string{"lost-input", holds, holds}},
		{"declared", "", "trace: {orders: {id: 'value ~ #(\\d+)'}, receipts: {of: 'value ~ (\\d+) of'}}", [3]string{holds, holds, holds}},
	} {
		t.Run(tc.kind+tc.more, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf(ofApplication, os.Args[0], tc.kind, tc.more) + tc.trace
			got := judgeApplication(t, text)
			if diff := cmp.Diff(tc.want[:], []string{
				outcome(got, guarantee.NoLoss, tc.want[0]), outcome(got, guarantee.NoDuplicates, tc.want[1]), outcome(got, guarantee.Progress, tc.want[2]),
			}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// outcome is want if that is what became of g, else what became of it.
func outcome(rep *checker.Report, g guarantee.Guarantee, want string) string {
	for _, r := range rep.Guarantees {
		if r.Guarantee != g {
			continue
		}
		if strings.Contains(r.Reason, want) {
			return want
		}
		if len(r.Anomalies) > 0 {
			return string(r.Anomalies[0].Kind)
		}
		if r.Verdict == guarantee.Holds {
			return "holds"
		}
		return string(r.Verdict) + ": " + r.Reason
	}
	return ""
}

func judgeApplication(t *testing.T, text string) *checker.Report {
	t.Helper()
	report, _ := judgeRun(t, text)
	return report
}
