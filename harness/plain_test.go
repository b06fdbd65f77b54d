package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// runPlain runs plainProducer as a process and returns the time between its first
// and its last acknowledgement.
func runPlain(ctx context.Context, addrs []string) (time.Duration, error) {
	out, err := exec.CommandContext(ctx, os.Args[0], addrs...).Output()
	if err != nil {
		return 0, fmt.Errorf("plain producer: %w", err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}

// plainProducer sends what the worker sends, with the same client and options,
// and nothing around it.
func plainProducer(addrs []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic("plain"), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return err
	}
	defer cl.Close()
	padding := strings.Repeat(".", 128)
	var (
		mu          sync.Mutex
		first, last time.Time
		failed      error
	)
	for n := range benchRecords {
		value := fmt.Sprintf("shop/0/1#%d\n", n)
		r := &kgo.Record{Key: []byte(fmt.Sprintf("shop/0/1#%d", n)), Value: []byte(value + padding[len(value):])}
		cl.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if first.IsZero() {
				first = time.Now()
			}
			last = time.Now()
			if err != nil {
				failed = err
			}
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	fmt.Println(last.Sub(first))
	return nil
}
