package proxy

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

var started = time.Now()

func monotonic() int64 { return int64(time.Since(started)) }

// start runs a kfake cluster with a proxy before it, both until the test's end.
func start(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *Proxy) {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(3, "orders", "receipts")}, opts...)
	cl, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl, proxyTo(t, cl, Config{})
}

func proxyTo(t testing.TB, cl *kfake.Cluster, cfg Config) *Proxy {
	t.Helper()
	cfg.Now = monotonic
	addrs := map[int32]string{}
	for i, a := range cl.ListenAddrs() { // which blocks forever once the cluster is closed
		addrs[int32(i)] = a
	}
	cfg.Brokers = func() map[int32]string { return addrs }
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func client(t testing.TB, p *Proxy, name string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	d, err := p.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(d.Bootstrap()...),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
		// Each address that the client dials must be the door's own.
		kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !d.owns(addr) {
				t.Errorf("%s dials %s, which is not its door", name, addr)
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func (d *Door) owns(addr string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, portText, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(portText)
	for _, pt := range d.ports {
		if pt.addr.Port == number {
			return true
		}
	}
	return false
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func produce(t testing.TB, cl *kgo.Client, topic string, part int32, values ...string) error {
	t.Helper()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Partition: part, Value: []byte(v)}
		if err := cl.ProduceSync(within(t), r).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

// logOf reads the values of a partition straight from the cluster.
func logOf(t testing.TB, cl *kfake.Cluster, topic string, part int32, want int) []string {
	t.Helper()
	l := openLog(t, cl, topic, part)
	defer l.c.Close()
	return l.read(t, want)
}

// logReader reads a partition as it grows.
type logReader struct {
	c      *kgo.Client
	values []string
}

func openLog(t testing.TB, cl *kfake.Cluster, topic string, part int32) *logReader {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(cl.ListenAddrs()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {part: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &logReader{c: c}
}

// read returns all values, once there are at least want.
func (l *logReader) read(t testing.TB, want int) []string {
	t.Helper()
	ctx := within(t)
	for len(l.values) < want {
		fs := l.c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("the log has %d records, want %d", len(l.values), want)
		}
		fs.EachRecord(func(r *kgo.Record) { l.values = append(l.values, string(r.Value)) })
	}
	return l.values
}

func TestProduceAndConsume(t *testing.T) {
	cl, p := start(t)
	shop := client(t, p, "shop/0", kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for part := range int32(3) {
		if err := produce(t, shop, "orders", part, fmt.Sprint("a", part), fmt.Sprint("b", part)); err != nil {
			t.Fatal(err)
		}
	}
	for part := range int32(3) {
		if got := logOf(t, cl, "orders", part, 2); got[0] != fmt.Sprint("a", part) {
			t.Errorf("partition %d begins with %s", part, got[0])
		}
	}
	till := client(
		t, p, "till/0", kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("till"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	ctx, n := within(t), 0
	for n < 6 {
		n += till.PollFetches(ctx).NumRecords()
		if ctx.Err() != nil {
			t.Fatalf("till got %d records, want 6", n)
		}
	}
	if err := till.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Requests[0] < 6 || s.Requests[11] == 0 || s.Unparsed != 0 || s.Connections == 0 {
		t.Errorf("stats %+v", s)
	}
}

// dials returns nil if addr accepts a connection.
func dials(addr string) error {
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err == nil {
		nc.Close()
	}
	return err
}
