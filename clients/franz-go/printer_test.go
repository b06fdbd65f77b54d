package franzgo

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/onceproof/onceproof/history"
)

// slow is a stdout whose writes tell what was written.
type slow struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
}

func (s *slow) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	return s.buf.Write(p)
}

// TestPrinterKeepsOrder prints from many goroutines: stamps and new numbers
// never go back, lines are whole, and flush returns after its lines are out.
func TestPrinterKeepsOrder(t *testing.T) {
	out := &slow{}
	p := newPrinter(out, "a/0/1")
	p.tell(&history.Event{Type: history.Info, Op: history.OpAssigned}) // the library was faster
	if err := p.flush(); err != nil || out.writes > 0 {
		t.Fatalf("%d writes before the hello, error %v", out.writes, err)
	}
	p.hello([]byte("hello"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				e := &history.Event{Op: history.OpClose}
				id := p.invoke(e)
				if err := p.flush(); err != nil {
					t.Error(err)
				}
				out.mu.Lock()
				if !bytes.Contains(out.buf.Bytes(), fmt.Appendf(nil, `"id":%d}`, id)) {
					t.Errorf("flush returned before line %d was out", id)
				}
				out.mu.Unlock()
				e.Type = history.OK
				p.end(e)
			}
		})
	}
	all.Wait()
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.buf.String(), "\n"), "\n")
	if len(lines) != 3202 || lines[0] != "hello" {
		t.Fatalf("%d lines, the first %q; want 3202, and hello", len(lines), lines[0])
	}
	lastT, lastID := int64(0), int64(1)
	for _, line := range lines[1:] {
		var e history.Event
		if err := history.ParseLine([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.T < lastT {
			t.Fatalf("t goes back from %d to %d", lastT, e.T)
		}
		lastT = e.T
		if e.Type == history.Invoke {
			if e.ID != lastID+1 {
				t.Fatalf("invoke %d after %d", e.ID, lastID)
			}
			lastID = e.ID
		}
	}
}

func TestDrawIsTheSameAgain(t *testing.T) {
	w := &worker{}
	w.spec.Seed, w.spec.Process.MaxNS, w.spec.Process.Fail = 7, 1e6, 0.3
	failed := 0
	for n := range int64(2000) {
		in := &input{val: history.Value{Proc: "shop/0/1", N: n + 1}}
		took, fails := w.draw(in, 0)
		took2, fails2 := w.draw(in, 0)
		if took != took2 || fails != fails2 || took < 0 || took > 1e6 {
			t.Fatalf("value %v draws %v %v, then %v %v", in.val, took, fails, took2, fails2)
		}
		if fails {
			failed++
		}
	}
	if failed < 500 || failed > 700 {
		t.Errorf("%d of 2000 fail, want about 600", failed)
	}
}
