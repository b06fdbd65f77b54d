package proxy

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// portsOf takes n free ports, for a cluster that will come back to them.
func portsOf(t *testing.T, n int) (ports []int) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// TestDoorsOutliveBrokers: the cluster stops and starts again with its data; the
// client's addresses stay, and the client never learns another.
func TestDoorsOutliveBrokers(t *testing.T) {
	opts := []kfake.Opt{
		kfake.NumBrokers(3),
		kfake.SeedTopics(3, "orders"),
		kfake.Ports(portsOf(t, 3)...),
		kfake.DataDir(t.TempDir()),
	}
	cl, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	p := proxyTo(t, cl, Config{})
	shop := plain(t, p, "shop/0")
	d, _ := p.Open("shop/0")
	before := d.Bootstrap()
	if err := produce(t, shop, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	// The reset comes while the client dials, or when it reads.
	if nc, err := net.Dial("tcp", before[0]); err == nil {
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := nc.Read(make([]byte, 1)); err == nil || err.(net.Error).Timeout() {
			t.Errorf("a connection to a broker that is down: %v", err)
		}
		nc.Close()
	}
	waitFor(t, func() bool { return p.Stats().Undialled > 0 })
	if cl, err = kfake.NewCluster(opts...); err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := produce(t, shop, "orders", 1, "b"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 2)); got != "[a b]" {
		t.Errorf("log %s", got)
	}
	if again, _ := p.Open("shop/0"); again != d || !slices.Equal(d.Bootstrap(), before) {
		t.Errorf("the door moved from %v to %v", before, d.Bootstrap())
	}
}

// TestABrokerThatComesLater gets a port in doors that are open already, and is
// reached though Config.Brokers does not know it.
func TestABrokerThatComesLater(t *testing.T) {
	cl, p := start(t)
	shop := plain(t, p, "shop/0")
	if err := produce(t, shop, "orders", 1, "a"); err != nil {
		t.Fatal(err)
	}
	id, _, err := cl.AddNode(-1, 0)
	if err != nil {
		t.Fatal(err)
	}
	heal, _, err := p.Refuse(Link{Broker: id})
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.MoveTopicPartition("orders", 1, id); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	shop.Produce(
		within(t), &kgo.Record{Topic: "orders", Partition: 1, Value: []byte("b")},
		func(_ *kgo.Record, err error) { sent <- err },
	)
	d, _ := p.Open("shop/0")
	waitFor(t, func() bool { return d.Address(id) != "" })
	if dials(d.Address(id)) == nil {
		t.Error("the new broker's door ignores that it is refused")
	}
	heal()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 1, 2)); got != "[a b]" {
		t.Errorf("log %s", got)
	}
}

// TestLeadersInProduceResponses: KIP-951 tells the new leader in the refusal.
func TestLeadersInProduceResponses(t *testing.T) {
	cl, p := start(t)
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	leader := cl.LeaderFor("orders", 0)
	stale := (leader + 1) % 3
	for _, a := range d.Bootstrap() {
		r := dialRaw(t, a)
		meta := kmsg.NewPtrMetadataRequest()
		meta.Version = 10
		r.send(meta)
		if _, err := r.receive(); err != nil {
			t.Fatal(err)
		}
	}
	r := dialRaw(t, d.Address(stale))
	req := produceOf("a")
	req.Version = 12
	r.send(req)
	resp, err := r.receive()
	if err != nil {
		t.Fatal(err)
	}
	told := resp.(*kmsg.ProduceResponse).Brokers
	if len(told) == 0 {
		t.Fatalf("no leader told: %+v", resp)
	}
	for _, b := range told {
		if got := fmt.Sprintf("%s:%d", b.Host, b.Port); got != d.Address(b.NodeID) {
			t.Errorf("broker %d is told at %s, the door is %s", b.NodeID, got, d.Address(b.NodeID))
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	_, p := start(t)
	shop := plain(t, p, "shop/0")
	r := onPart(1, Hold, OnRequest)
	r.Nth, r.Delay = 2, time.Hour
	held := add(t, p, r)
	if err := produce(t, shop, "orders", 1, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := held.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Shape(Link{Broker: -1}, Shape{BlackholeUp: true}); err != nil {
		t.Fatal(err)
	}
	shop.Produce(within(t), &kgo.Record{Topic: "orders", Partition: 1}, nil)
	waitFor(t, func() bool { return p.InFlight(Link{Client: "shop/0", Broker: -1})[0] > 0 })
	d, _ := p.Open("shop/0")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		for _, ours := range []string{"proxy.(*conn)", "proxy.(*lane)", "proxy.(*Door)"} {
			if strings.Contains(g, ours) && strings.Contains(g, "/internal/proxy") {
				t.Errorf("left behind:\n%s", g)
			}
		}
	}
	if dials(d.Bootstrap()[0]) == nil {
		t.Error("the door still accepts")
	}
	if _, err := p.Open("till/0"); !errors.Is(err, ErrClosed) {
		t.Errorf("open after close: %v", err)
	}
	if _, err := p.Add(Rule{}); !errors.Is(err, ErrClosed) {
		t.Errorf("add after close: %v", err)
	}
	if _, _, err := p.Refuse(Link{}); !errors.Is(err, ErrClosed) {
		t.Errorf("refuse after close: %v", err)
	}
}

func TestDoorsOpenOnceAndConcurrently(t *testing.T) {
	_, p := start(t)
	var doors [20]*Door
	var wg sync.WaitGroup
	for i := range doors {
		wg.Go(func() { doors[i], _ = p.Open("shop/0") })
	}
	wg.Wait()
	for _, d := range doors {
		if d == nil || d != doors[0] || len(d.Bootstrap()) != 3 {
			t.Errorf("door %v, want the same of three brokers", d)
		}
	}
	if _, err := p.Open(""); err == nil {
		t.Error("a client without a name got a door")
	}
}

func TestConfigNeedsItsFunctions(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a proxy to nowhere")
	}
	p, err := New(Config{Brokers: func() map[int32]string { return nil }, Now: monotonic})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open("shop/0"); err == nil || !strings.Contains(err.Error(), "no brokers") {
		t.Errorf("a door to no brokers: %v", err)
	}
}
