package proxy

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func shape(t *testing.T, p *Proxy, s Shape) (heal func()) {
	t.Helper()
	heal, err := p.Shape(Link{Client: "shop", Broker: -1}, s)
	if err != nil {
		t.Fatal(err)
	}
	return heal
}

// shopOf opens a raw connection of shop/0, and one of another client.
func shopOf(t *testing.T) (cl *kfake.Cluster, p *Proxy, shop, other *raw) {
	cl, p = start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	var conns []*raw
	for _, name := range []string{"shop/0", "other/0"} {
		d, err := p.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, dialRaw(t, d.Bootstrap()[0]))
	}
	return cl, p, conns[0], conns[1]
}

func (r *raw) ping() time.Duration {
	r.t.Helper()
	began := time.Now()
	r.send(kmsg.NewPtrApiVersionsRequest())
	if _, err := r.receive(); err != nil {
		r.t.Fatal(err)
	}
	return time.Since(began)
}

func TestLatencyIsAddedInEachDirectionAndPipelined(t *testing.T) {
	const latency, pings = 50 * time.Millisecond, 20
	_, p, shop, other := shopOf(t)
	shop.ping()
	heal := shape(t, p, Shape{Latency: latency, Jitter: 5 * time.Millisecond})
	if d := shop.ping(); d < 2*latency {
		t.Errorf("round trip %v, want at least %v", d, 2*latency)
	}
	began := time.Now()
	for range pings {
		shop.send(kmsg.NewPtrApiVersionsRequest())
	}
	for range pings {
		if _, err := shop.receive(); err != nil {
			t.Fatal(err) // jitter must not reorder
		}
	}
	if d := time.Since(began); d >= pings*2*latency/2 {
		t.Errorf("%d pipelined requests took %v: they wait for each other", pings, d)
	}
	if d := other.ping(); d >= 2*latency {
		t.Errorf("another client's round trip takes %v", d)
	}
	long := shape(t, p, Shape{Latency: time.Hour})
	shop.send(kmsg.NewPtrApiVersionsRequest())
	long() // what was under way no longer takes an hour
	if _, err := shop.receive(); err != nil {
		t.Fatal(err)
	}
	heal()
	heal()
	fastest := shop.ping()
	for range 5 {
		fastest = min(fastest, shop.ping())
	}
	if fastest >= 2*latency {
		t.Errorf("round trip %v after heal", fastest)
	}
}

func TestRate(t *testing.T) {
	_, p, shop, _ := shopOf(t)
	heal := shape(t, p, Shape{Rate: 100 << 10})
	began := time.Now()
	shop.send(produceOf(strings.Repeat("x", 50<<10)))
	resp, err := shop.receive()
	if err != nil || codeOf(resp) != 0 {
		t.Fatalf("%v, %v", resp, err)
	}
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("50 KiB at 100 KiB/s took %v", d)
	}
	// A slow drip is let go at heal.
	drip := shape(t, p, Shape{Rate: 1})
	shop.send(produceOf("y"))
	drip()
	heal()
	if _, err := shop.receive(); err != nil {
		t.Fatal(err)
	}
}

func TestBlackholeByDirection(t *testing.T) {
	for _, up := range []bool{true, false} {
		cl, p, shop, other := shopOf(t)
		arrived := make(chan struct{}, 1)
		cl.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			arrived <- struct{}{}
			return nil, nil, false
		})
		heal := shape(t, p, Shape{BlackholeUp: up, BlackholeDown: !up})
		shop.send(produceOf("a"))
		if !up {
			<-arrived
		}
		other.ping()
		shop.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := shop.nc.Read(make([]byte, 1)); err == nil {
			t.Fatalf("up %v: a byte came through", up)
		}
		shop.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		if len(arrived) > 0 {
			t.Errorf("the request came through")
		}
		if n := p.InFlight(Link{Client: "shop", Broker: -1}); up && n[0] != 1 {
			t.Errorf("in flight %v", n)
		}
		heal()
		if resp, err := shop.receive(); err != nil || codeOf(resp) != 0 {
			t.Errorf("up %v: after heal %v, %v", up, resp, err)
		}
	}
}

// TestBlackholedRequestOutlivesItsClient: TCP would still deliver it.
func TestBlackholedRequestOutlivesItsClient(t *testing.T) {
	cl, p, shop, _ := shopOf(t)
	shop.ping()
	heal := shape(t, p, Shape{BlackholeUp: true})
	shop.send(produceOf("a"))
	waitFor(t, func() bool { return p.InFlight(Link{Client: "shop", Broker: -1})[0] == 1 })
	shop.nc.Close()
	heal()
	if got := logOf(t, cl, "orders", 0, 1); got[0] != "a" {
		t.Errorf("log %v", got)
	}
}

func TestHalfOpen(t *testing.T) {
	_, p, shop, other := shopOf(t)
	shop.ping()
	heal := shape(t, p, Shape{HalfOpen: true})
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	later := dialRaw(t, d.Bootstrap()[0])
	other.ping()
	for _, r := range []*raw{shop, later} {
		r.send(produceOf("a"))
		r.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := r.nc.Read(make([]byte, 1)); err == nil || !err.(net.Error).Timeout() {
			t.Errorf("%v, want silence", err)
		}
		r.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	}
	heal()
	for _, r := range []*raw{shop, later} {
		if _, err := r.nc.Read(make([]byte, 1)); err == nil || err.(net.Error).Timeout() {
			t.Errorf("%v, want the end at heal", err)
		}
	}
	dialRaw(t, d.Bootstrap()[0]).ping()
}

func TestShapesThatMakeNoSense(t *testing.T) {
	_, p := start(t)
	for want, s := range map[string]Shape{"changes nothing": {Seed: 3}, "negative": {Latency: -1}} {
		if _, err := p.Shape(Link{Broker: -1}, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
