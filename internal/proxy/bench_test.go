package proxy

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

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
