package harness

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/proxy"
)

// BenchmarkThroughput compares records of 1 KiB through the proxy with the same
// straight to the brokers, in pairs, at 1, 10 and 50 connections to each broker,
// without and with the wire witness. Kafka: three real brokers, acks=all, three
// replicas, as in a run. Idle: one broker in this process that throws records
// away, so that as good as all that is measured is the client and the proxy.
func BenchmarkThroughput(b *testing.B) {
	b.Run("brokers=kafka", func(b *testing.B) {
		c, _, err := cluster.Start(b.Context(), cluster.Spec{
			Name: "bench", Backend: "docker", Brokers: 3, LogDir: b.TempDir(),
			Topics: []cluster.Topic{{Name: "orders", Partitions: 3, Replicas: 3, Config: map[string]string{"retention.bytes": "67108864", "segment.bytes": "16777216"}}},
		})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		throughputs(b, brokerAddrs(c)())
	})
	b.Run("brokers=idle", func(b *testing.B) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"), kfake.BlackholeProduce())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		throughputs(b, map[int32]string{0: c.ListenAddrs()[0]})
	})
}

func throughputs(b *testing.B, brokers map[int32]string) {
	for _, conns := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) { throughput(b, brokers, conns, nil) })
		b.Run(fmt.Sprintf("conns=%d/witness", conns), func(b *testing.B) {
			var events atomic.Int64
			throughput(b, brokers, conns, func(history.Event) { events.Add(1) })
			if events.Load() == 0 {
				b.Error("nothing was witnessed")
			}
		})
	}
}

func throughput(b *testing.B, brokers map[int32]string, conns int, record func(history.Event)) {
	p, err := proxy.New(proxy.Config{Brokers: func() map[int32]string { return brokers }, Record: record, Now: history.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	door, err := p.Open("shop/0")
	if err != nil {
		b.Fatal(err)
	}
	var direct []string
	for _, addr := range brokers {
		direct = append(direct, addr)
	}
	const share = 30_000 // records
	pair := [2][]*kgo.Client{benchProducers(b, conns, direct), benchProducers(b, conns, door.Bootstrap())}
	for _, clients := range pair {
		sendAll(b, clients, share)
	}
	var rates [2][]float64
	var cpu [2]time.Duration
	var ratios []float64
	for i := 0; b.Loop(); i++ {
		for _, which := range []int{i % 2, 1 - i%2} {
			before := cpuTime()
			rates[which] = append(rates[which], share/1024/sendAll(b, pair[which], share).Seconds())
			cpu[which] += cpuTime() - before
		}
		ratios = append(ratios, rates[1][i]/rates[0][i])
	}
	b.ReportMetric(median(rates[0]), "direct-MiB/s")
	b.ReportMetric(median(rates[1]), "proxied-MiB/s")
	b.ReportMetric(median(ratios), "ratio") // of many: other load comes in bursts
	b.ReportMetric(cpu[0].Seconds()/cpu[1].Seconds(), "cpu-ratio")
}

// cpuTime is what this process has used, the brokers' containers not included:
// on a busy machine it compares better than the clock.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchProducers(b *testing.B, n int, seeds []string) []*kgo.Client {
	clients := make([]*kgo.Client, n)
	for i := range clients {
		cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic("orders"), kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(cl.Close)
		clients[i] = cl
	}
	return clients
}

// sendAll sends n records of 1 KiB, spread over the clients, and waits for the
// last acknowledgement.
func sendAll(b *testing.B, clients []*kgo.Client, n int) time.Duration {
	value := bytes.Repeat([]byte("x"), 1<<10)
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	began := time.Now()
	for _, cl := range clients {
		wg.Go(func() {
			for range n / len(clients) {
				cl.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
					if err != nil {
						failed.Store(&err)
					}
				})
			}
			if err := cl.Flush(context.Background()); err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return time.Since(began)
}
