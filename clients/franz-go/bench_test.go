package franzgo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
	"github.com/onceproof/onceproof/worker/roles"
)

const benchSize = 1024

// BenchmarkPlain is the library alone: what BenchmarkWorker is measured against.
func BenchmarkPlain(b *testing.B) {
	addrs := benchCluster(b)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	b.ResetTimer()
	for i := range b.N {
		v := history.Value{Proc: "shop/0/1", N: int64(i)}
		cl.Produce(context.Background(), &kgo.Record{Topic: "orders", Key: []byte(v.String()), Value: roles.Value(v, benchSize)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWorker is the worker at full speed, its events parsed at the other end
// of a pipe.
func BenchmarkWorker(b *testing.B) {
	addrs := benchCluster(b)
	outR, outW, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	inR, inW := io.Pipe()
	spec, err := json.Marshal(worker.Spec{
		Protocol: worker.ProtocolVersion, Proc: "shop/0/1", Role: guarantee.Producer,
		Bootstrap: addrs, Topic: "orders", Max: int64(b.N), Size: benchSize,
	})
	if err != nil {
		b.Fatal(err)
	}
	go fmt.Fprintf(inW, "%s\n", spec)
	b.ResetTimer()
	code := make(chan int, 1)
	go func() {
		code <- Main(context.Background(), inR, outW, os.Stderr)
		outW.Close()
	}()
	acked := 0
	for in := bufio.NewScanner(outR); in.Scan(); {
		var e history.Event
		if history.ParseLine(in.Bytes(), &e) == nil && e.Op == history.OpSend && e.Type == history.OK {
			acked++
		}
	}
	if c := <-code; c != 0 || acked != b.N {
		b.Fatalf("exit code %d, %d of %d acknowledged", c, acked, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func benchCluster(b *testing.B) []string {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c.ListenAddrs()
}
