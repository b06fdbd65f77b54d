package roles

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
	p := NewPrinter(out)
	p.Tell(&history.Event{Type: history.Info, Op: history.OpAssigned}) // the library was faster
	if err := p.Flush(); err != nil || out.writes > 0 {
		t.Fatalf("%d writes before the hello, error %v", out.writes, err)
	}
	p.Hello([]byte("hello"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				e := &history.Event{Op: history.OpClose}
				id := p.Invoke(e)
				if err := p.Flush(); err != nil {
					t.Error(err)
				}
				out.mu.Lock()
				if !bytes.Contains(out.buf.Bytes(), fmt.Appendf(nil, `"id":%d}`, id)) {
					t.Errorf("flush returned before line %d was out", id)
				}
				out.mu.Unlock()
				e.Type = history.OK
				p.End(e)
			}
		})
	}
	all.Wait()
	if err := p.Close(); err != nil {
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
