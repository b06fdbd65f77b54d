package network_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onceproof/onceproof/internal/network"
)

// both runs a test on this machine's network and, in a bubble, on one in memory: what
// the harness counts on must be the same.
func both(t *testing.T, test func(t *testing.T, n network.Network)) {
	t.Run("tcp", func(t *testing.T) { test(t, network.TCP) })
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, network.NewMemory(1)) })
	})
	t.Run("near", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, network.NewMemory(1).Near()) })
	})
}

// pair are the two ends of a connection.
func pair(t *testing.T, n network.Network) (client, server net.Conn) {
	t.Helper()
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = network.Dial(network.With(t.Context(), n), l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestWhatIsWrittenBeforeACloseArrives(t *testing.T) {
	both(t, func(t *testing.T, n network.Network) {
		client, server := pair(t, n)
		want := strings.Repeat("onceproof", 50_000) // more than may be under way
		go func() {
			io.WriteString(client, want)
			client.Close()
		}()
		got, err := io.ReadAll(server)
		if err != nil || string(got) != want {
			t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
		}
	})
}

func TestResetLosesWhatIsUnderWay(t *testing.T) {
	both(t, func(t *testing.T, n network.Network) {
		client, server := pair(t, n)
		io.WriteString(server, "never read") // so that the kernel resets too
		io.WriteString(client, "lost")
		network.Reset(client)
		if _, err := io.ReadAll(server); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %v, want a reset", err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read of the closed end %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	both(t, func(t *testing.T, n network.Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		if _, err := n.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second listener: %v", err)
		}
		l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		if _, err := n.DialContext(t.Context(), "tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v, want refused", err)
		}
		again, err := n.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("the same port again: %v", err)
		}
		defer again.Close()
		c, err := n.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatalf("dial after that: %v", err)
		}
		c.Close()
	})
}

func TestDeadlines(t *testing.T) {
	both(t, func(t *testing.T, n network.Network) {
		client, server := pair(t, n)
		client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		client.SetReadDeadline(time.Time{})
		done := make(chan error)
		go func() {
			_, err := client.Read(make([]byte, 1))
			done <- err
		}()
		client.SetDeadline(time.Unix(1, 0)) // of one that waits
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read that waits: %v", err)
		}
		server.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := server.Write(make([]byte, 64<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write to one that does not read: %v", err)
		}
		if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
	})
}

// TestMemoryTakesTime: two questions and their answers take four ways, and none of
// them is real.
func TestMemoryTakesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, network.NewMemory(7))
		go io.Copy(server, server)
		began := time.Now()
		for range 2 {
			io.WriteString(client, "?")
			if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 200*time.Microsecond || took > 2*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestMemoryIsFixedByItsSeed: the same seed, the same latencies.
func TestMemoryIsFixedByItsSeed(t *testing.T) {
	took := func(seed uint64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			client, server := pair(t, network.NewMemory(seed))
			io.WriteString(client, "?")
			io.ReadFull(server, make([]byte, 1))
			d = time.Since(began)
		})
		return d
	}
	one, again, two := took(1), took(1), took(2)
	if one != again || one == two {
		t.Errorf("seed 1: %v and %v; seed 2: %v", one, again, two)
	}
}

func TestMemoryDialGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network.NewMemory(1)
		if _, err := n.DialContext(t.Context(), "tcp", "example.org:9092"); err == nil {
			t.Error("dialled another host")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.DialContext(ctx, "tcp", "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
			t.Errorf("dial in a context that is over: %v", err)
		}
	})
}
