package proxy

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// A broker that is dead is refused at the door, as it would be without a proxy,
// and the same port serves again once the broker answers.
func TestDeadBrokerIsRefusedAtTheDoor(t *testing.T) {
	brokers := func(port int) *kfake.Cluster {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, "orders"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := brokers(0)
	addr := c.ListenAddrs()[0]
	p, err := New(Config{Brokers: func() map[int32]string { return map[int32]string{0: addr} }, Now: history.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	door := d.Address(0)
	dial := func() error {
		nc, err := net.Dial("tcp", door)
		if err != nil {
			return err
		}
		defer nc.Close()
		nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = nc.Read(make([]byte, 1)) // a served connection is silent
		return err
	}
	until := func(what string, ok func(error) bool) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for !ok(dial()) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s; last: %v", what, dial())
			}
		}
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.Close()
		until("the door refuses", func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) })
		c = brokers(n)
		var timeout net.Error
		until("the door serves", func(err error) bool { return errors.As(err, &timeout) && timeout.Timeout() })
	}
	c.Close()
}

// A port forwarder accepts for a broker that does not listen yet, and hangs up.
func TestAForwarderWithoutBrokerIsRefusedToo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var up atomic.Bool
	var served sync.WaitGroup
	served.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			if nc.Read(make([]byte, 100)); up.Load() {
				nc.Write([]byte{0, 0, 0, 6, 0, 0, 0, 1, 0, 35})
			}
			nc.Close()
		}
	})
	defer served.Wait()
	defer l.Close()
	p, err := New(
		Config{Brokers: func() map[int32]string { return map[int32]string{0: l.Addr().String()} }, Now: history.Now},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	r := dialRaw(t, d.Address(0))
	r.send(kmsg.NewPtrApiVersionsRequest())
	if _, err := r.receive(); err == nil {
		t.Error("nobody answered")
	}
	waitFor(t, func() bool { return errors.Is(dials(d.Address(0)), syscall.ECONNREFUSED) })
	up.Store(true)
	waitFor(t, func() bool { return dials(d.Address(0)) == nil })
}
