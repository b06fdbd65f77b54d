package sidecar

import (
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// TestImpairHoldsPacketsAndLetsThemGo: connections from an address whose packets come
// late take that long, those from another do not, and afterwards none does.
func TestImpairHoldsPacketsAndLetsThemGo(t *testing.T) {
	const late = 80 * time.Millisecond
	ran := false
	inNamespace(t, func(t *testing.T) {
		ran = true
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		took := func(ip string) time.Duration {
			d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
			best := time.Hour
			for range 3 {
				began := time.Now()
				c, err := d.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Errorf("from %s: %v", ip, err)
					return 0
				}
				c.Close()
				best = min(best, time.Since(began))
			}
			return best
		}
		here, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		for range 2 {
			p, err := parseImpaired(Impairment{By: late, Most: late + late/2}.Arg("127.0.0.2"))
			if err != nil {
				t.Error(err)
				return
			}
			lossy, err := parseImpaired(Impairment{Loss: 0.999999}.Arg("127.0.0.3"))
			if err != nil {
				t.Error(err)
				return
			}
			ends, ready := make(chan struct{}), make(chan struct{})
			failed := make(chan error, 1)
			var queue sync.WaitGroup
			queue.Go(func() {
				// In this namespace too: a goroutine's thread is not.
				inherit(t, int(here.Fd()), func() { failed <- impairFrom([]*impaired{p, lossy}, ends, func() { close(ready) }, func() {}) })
			})
			select {
			case <-ready:
			case err := <-failed:
				t.Errorf("before it was ready: %v", err)
				return
			}
			if got := took("127.0.0.2"); got < late {
				t.Errorf("late by %v: a connection took %v", late, got)
			}
			if got := took("127.0.0.4"); got >= late {
				t.Errorf("somebody else's connection took %v", got)
			}
			d := net.Dialer{Timeout: 300 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.3")}}
			if c, err := d.Dial("tcp", l.Addr().String()); err == nil {
				c.Close()
				t.Error("a connection all of whose packets are lost was made")
			}
			close(ends)
			queue.Wait()
			if err := <-failed; err != nil {
				t.Error(err)
			}
			if p.Packets == 0 || p.Waited < late || lossy.Dropped == 0 {
				t.Errorf("passed %+v, lost %+v", p.Passage, lossy.Passage)
			}
			if got := took("127.0.0.2"); got >= late {
				t.Errorf("healed: a connection took %v", got)
			}
		}
	})
	if !ran {
		t.Skip("needs root and ip")
	}
}

func TestImpairmentArgument(t *testing.T) {
	how := Impairment{By: 50 * time.Millisecond, Most: 150 * time.Millisecond, Loss: 0.05, Rate: 1 << 20}
	l, err := parseImpaired(how.Arg("10.0.0.2:9094"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Impairment != how || l.port != 9094 || l.addr.String() != "10.0.0.2" {
		t.Errorf("%+v, want %+v of 10.0.0.2:9094", l, how)
	}
	for _, wrong := range []string{"", "10.0.0.2", "10.0.0.2 1s", "broker-1 1s 1s 0 0", "10.0.0.2 1 1s 0 0"} {
		if _, err := parseImpaired(wrong); err == nil {
			t.Errorf("%q is a link", wrong)
		}
	}
}
