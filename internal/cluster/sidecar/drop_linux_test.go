package sidecar

import (
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace runs f in a network namespace of its own, with loopback up.
func inNamespace(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Logf("needs root: %v", err)
			return
		}
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Logf("needs ip: %v: %s", err, out)
			return
		}
		f(t)
	}()
	<-done
}

// inherit runs f on a thread in the network namespace of the caller's.
func inherit(t *testing.T, space int, f func()) {
	t.Helper()
	runtime.LockOSThread() // never unlocked
	if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
		t.Error(err)
		return
	}
	f()
}

func TestDropFromDropsAndLeavesNothing(t *testing.T) {
	ran := false
	inNamespace(t, func(t *testing.T) {
		ran = true
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		from := func(ip string) error {
			d := net.Dialer{Timeout: 300 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
			c, err := d.Dial("tcp", l.Addr().String())
			if err == nil {
				c.Close()
			}
			return err
		}
		expect := func(step string, table bool, open map[string]bool) {
			for ip, want := range open {
				if err := from(ip); (err == nil) != want {
					t.Errorf("%s: connection from %s: %v, want open: %v", step, ip, err, want)
				}
			}
			if got, err := dropping(); err != nil || got != table {
				t.Errorf("%s: table there: %v, %v, want %v", step, got, err, table)
			}
		}
		set := func(ips ...string) {
			var as []peer
			for _, ip := range ips {
				p, err := parsePeer(ip)
				if err != nil {
					t.Error(err)
				}
				as = append(as, p)
			}
			if err := dropFrom(as); err != nil {
				t.Errorf("drop from %v: %v", ips, err)
			}
		}
		expect("before", false, map[string]bool{"127.0.0.2": true})
		for range 2 {
			set("127.0.0.2", "127.0.0.3")
			expect("two peers", true, map[string]bool{"127.0.0.2": false, "127.0.0.3": false, "127.0.0.4": true})
			set("127.0.0.3")
			expect("replaced", true, map[string]bool{"127.0.0.2": true, "127.0.0.3": false})
			set("127.0.0.2:9", "127.0.0.3:"+port, "127.0.0.4")
			expect("one port", true, map[string]bool{"127.0.0.2": true, "127.0.0.3": false, "127.0.0.4": false})
			set()
			expect("healed", false, map[string]bool{"127.0.0.2": true, "127.0.0.3": true})
		}
		set()
		if out, err := exec.Command("nft", "list", "ruleset").CombinedOutput(); err == nil && strings.TrimSpace(string(out)) != "" {
			t.Errorf("rules left:\n%s", out)
		}
	})
	if !ran {
		t.Skip("needs root and ip")
	}
}
