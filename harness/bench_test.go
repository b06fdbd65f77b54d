package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	franzgo "github.com/onceproof/onceproof/clients/franz-go"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/worker"
)

// The test binary is also the built-in worker, and the two producers that the
// benchmark compares, so that all are processes of their own.
const benchAs = "ONCEPROOF_BENCH_AS"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(franzgo.Main(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 2 && os.Args[1] == "application" {
		if err := till(os.Args[2], os.Getenv("BOOTSTRAP_SERVERS")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "program" {
		if err := someProgram(os.Args[2], os.Getenv("BOOTSTRAP_SERVERS")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	switch os.Getenv(benchAs) {
	case "worker":
		os.Exit(franzgo.Main(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	case "plain":
		if err := plainProducer(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const benchRecords = 200_000

// BenchmarkOverhead compares the franz-go worker, through the proxy and with its
// history written, with the same client straight to the brokers without, in
// pairs: records a second of each, and their ratio, as medians.
func BenchmarkOverhead(b *testing.B) {
	c, _, err := cluster.Start(b.Context(), cluster.Spec{
		Name: "bench", Backend: "embedded", Brokers: 3, LogDir: b.TempDir(),
		Topics: []cluster.Topic{{Name: "plain", Partitions: 1, Replicas: 1}, {Name: "worker", Partitions: 1, Replicas: 1}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var plain, worker, ratio []float64
	for b.Loop() {
		plain, worker = append(plain, benchPlain(b, c)), append(worker, benchWorker(b, c))
		ratio = append(ratio, worker[len(worker)-1]/plain[len(plain)-1])
	}
	b.ReportMetric(median(plain), "plain-records/s")
	b.ReportMetric(median(worker), "worker-records/s")
	b.ReportMetric(median(ratio), "ratio")
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func benchPlain(b *testing.B, c cluster.Cluster) float64 {
	var addrs []string
	for _, broker := range c.Brokers() {
		addrs = append(addrs, broker.Addr)
	}
	b.Setenv(benchAs, "plain")
	took, err := runPlain(b.Context(), addrs)
	if err != nil {
		b.Fatal(err)
	}
	return benchRecords / took.Seconds()
}

func benchWorker(b *testing.B, c cluster.Cluster) float64 {
	b.Setenv(benchAs, "worker")
	dir := b.TempDir()
	rec, err := newRecorder(filepath.Join(dir, history.FileName), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := rec.open(history.Header{Scenario: "bench"}); err != nil {
		b.Fatal(err)
	}
	p, err := proxy.New(proxy.Config{Brokers: brokerAddrs(c), Record: rec.record, Now: history.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	door, err := p.Open("shop/0")
	if err != nil {
		b.Fatal(err)
	}
	var first, last int64
	acked := make(chan struct{})
	n := 0
	record := func(e history.Event) {
		if e.Op == history.OpSend && e.Type == history.OK {
			if n == 0 {
				first = e.T
			}
			if n += len(e.Val); n == benchRecords {
				last = e.T
				close(acked)
			}
		}
		rec.record(e)
	}
	in, err := process.New(process.Config{
		Name: "shop", Command: []string{os.Args[0]}, LogFile: filepath.Join(dir, "shop.log"), Record: record, Now: history.Now,
		Spec: worker.Spec{Protocol: worker.ProtocolVersion, Role: "producer", Bootstrap: door.Bootstrap(), Topic: "worker",
			Config: map[string]string{"acks": "all"}, Max: benchRecords},
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := in.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	select {
	case <-acked:
	case <-time.After(time.Minute):
		b.Fatal("the worker is not done after a minute")
	}
	if err := in.Kill(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := rec.close(); err != nil {
		b.Fatal(err)
	}
	return benchRecords / time.Duration(last-first).Seconds()
}
