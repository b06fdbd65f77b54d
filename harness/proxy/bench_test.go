package proxy

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
)

// BenchmarkThroughput compares 1 KiB records through the proxy with the same
// records straight to the broker, in turns, at 1, 10 and 50 connections, without
// and with the wire witness.
func BenchmarkThroughput(b *testing.B) {
	for _, conns := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) { throughput(b, conns, nil) })
		b.Run(fmt.Sprintf("conns=%d/witness", conns), func(b *testing.B) {
			var events atomic.Int64
			throughput(b, conns, func(history.Event) { events.Add(1) })
			if events.Load() == 0 {
				b.Error("nothing was witnessed")
			}
		})
	}
}

func throughput(b *testing.B, conns int, record func(history.Event)) {
	cl, _ := start(b, kfake.NumBrokers(1), kfake.BlackholeProduce())
	d, err := proxyTo(b, cl, Config{Record: record}).Open("shop/0")
	if err != nil {
		b.Fatal(err)
	}
	const record1k, share = 1 << 10, 20000
	clients := [2][]*kgo.Client{producers(b, conns, cl.ListenAddrs()), producers(b, conns, d.Bootstrap())}
	var took, cpu [2]time.Duration
	var ratios []float64
	send(b, clients[0], share)
	send(b, clients[1], share)
	b.ResetTimer()
	for i := range b.N {
		var pair [2]time.Duration
		for _, which := range []int{i % 2, 1 - i%2} {
			before := cpuTime()
			pair[which] = send(b, clients[which], share)
			cpu[which] += cpuTime() - before
			took[which] += pair[which]
		}
		ratios = append(ratios, pair[0].Seconds()/pair[1].Seconds())
	}
	slices.Sort(ratios) // the median: other load comes in bursts
	total := float64(b.N) * share * record1k / (1 << 20)
	b.ReportMetric(total/took[0].Seconds(), "direct-MiB/s")
	b.ReportMetric(total/took[1].Seconds(), "proxied-MiB/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(cpu[0].Seconds()/cpu[1].Seconds(), "cpu-ratio")
}

// cpuTime is what this process, client, proxy and broker together, has used: on a
// busy machine it compares better than the clock.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func producers(b *testing.B, n int, seeds []string) []*kgo.Client {
	clients := make([]*kgo.Client, n)
	for i := range clients {
		cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic("orders"), kgo.ProducerBatchCompression(kgo.NoCompression()),
			kgo.ProducerLinger(2*time.Millisecond))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(cl.Close)
		clients[i] = cl
	}
	return clients
}

// send sends n records of 1 KiB, spread over the clients, and waits for the last
// acknowledgement.
func send(b *testing.B, clients []*kgo.Client, n int) time.Duration {
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
			cl.Flush(context.Background())
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return time.Since(began)
}

// BenchmarkLatency compares the time of one small request and its response
// (ApiVersions, which a broker answers at once) at 1, 10 and 50 connections that
// are all busy.
func BenchmarkLatency(b *testing.B) {
	for _, conns := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			cl, p := start(b, kfake.NumBrokers(1))
			d, err := p.Open("shop/0")
			if err != nil {
				b.Fatal(err)
			}
			var all [2][]time.Duration
			pingers := [2]*pingers{dialPingers(b, conns, cl.ListenAddrs()[0]), dialPingers(b, conns, d.Bootstrap()[0])}
			b.ResetTimer()
			for i := range b.N {
				for _, which := range []int{i % 2, 1 - i%2} {
					all[which] = append(all[which], pingers[which].ping(b, 200)...)
				}
			}
			for i := range all {
				slices.Sort(all[i])
			}
			us := func(which int, q float64) float64 {
				return float64(all[which][int(q*float64(len(all[which])-1))]) / 1e3
			}
			b.ReportMetric(us(0, .5), "direct-p50-us")
			b.ReportMetric(us(1, .5)-us(0, .5), "added-p50-us")
			b.ReportMetric(us(0, .99), "direct-p99-us")
			b.ReportMetric(us(1, .99)-us(0, .99), "added-p99-us")
		})
	}
}

type pingers struct{ conns []net.Conn }

func dialPingers(b *testing.B, n int, addr string) *pingers {
	p := &pingers{}
	for range n {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { nc.Close() })
		p.conns = append(p.conns, nc)
	}
	return p
}

// ping sends n requests over each connection, one after the other.
func (p *pingers) ping(b *testing.B, n int) []time.Duration {
	per := make([][]time.Duration, len(p.conns))
	var wg sync.WaitGroup
	for i, nc := range p.conns {
		wg.Go(func() {
			in := newFrameReader(nc)
			for range n / len(p.conns) {
				began := time.Now()
				if _, err := nc.Write(apiVersionsRequest); err != nil {
					b.Error(err)
					return
				}
				size, err := in.size(4)
				if err == nil {
					_, err = in.fill(size)
				}
				if err != nil {
					b.Error(err)
					return
				}
				in.discard(size)
				per[i] = append(per[i], time.Since(began))
			}
		})
	}
	wg.Wait()
	return slices.Concat(per...)
}

// apiVersionsRequest is version 0, correlation id 7, client id "x".
var apiVersionsRequest = []byte{0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 7, 0, 1, 'x'}
