package cluster

import (
	"testing"
	"time"
)

// BenchmarkDockerReady measures what a run waits for: three brokers registered
// and the first transaction committed (at most 12 s on two idle cores), and
// everything removed (at most 2 s).
func BenchmarkDockerReady(b *testing.B) {
	needDocker(b)
	var ready, closed time.Duration
	for b.Loop() {
		begin := time.Now()
		c, _, err := Start(b.Context(), Spec{Name: "bench", Backend: "docker", Brokers: 3, Topics: []Topic{{Name: "orders", Partitions: 3, Replicas: 3}}})
		if err != nil {
			b.Fatal(err)
		}
		err = transact(b.Context(), addrs(c))
		ready += time.Since(begin)
		begin = time.Now()
		if closeErr := c.Close(); closeErr != nil || err != nil {
			b.Fatal(err, closeErr)
		}
		closed += time.Since(begin)
	}
	b.ReportMetric(ready.Seconds()/float64(b.N), "s/ready")
	b.ReportMetric(closed.Seconds()/float64(b.N), "s/closed")
}

func BenchmarkEmbeddedReady(b *testing.B) {
	for b.Loop() {
		c, err := startEmbedded(b.Context(), embeddedSpec())
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
