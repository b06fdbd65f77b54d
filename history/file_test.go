package history

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, n int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Header{Scenario: "s", Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e := Event{T: int64(i), Src: SrcClient, Proc: "shop/0/1", Type: OK, Op: OpSend, ID: int64(i), Off: []int64{int64(i)}}
		if err := w.Append(&e); err != nil {
			t.Fatal(err)
		}
		if i == n/2 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func count(t *testing.T, r *Reader) int {
	t.Helper()
	var e Event
	for n := 0; ; n++ {
		err := r.Next(&e)
		if err == io.EOF {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != int64(n) || r.Line() != int64(n)+2 {
			t.Fatalf("event %d has id %d, line %d", n, e.ID, r.Line())
		}
	}
}

func TestWriterReader(t *testing.T) {
	const n = 50_000
	file := write(t, n)
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, path} {
		r, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Header{Format: "onceproof-history/1", Scenario: "s", Seed: 7}, r.Header()); diff != "" {
			t.Error(diff)
		}
		if got := count(t, r); got != n || r.Truncated() {
			t.Errorf("%s: %d events of %d, truncated %v", name, got, n, r.Truncated())
		}
	}
}

func TestReaderTruncated(t *testing.T) {
	const n = 50_000
	file := write(t, n)
	r, err := NewReader("h", bytes.NewReader(file[:len(file)-100]))
	if err != nil {
		t.Fatal(err)
	}
	got := count(t, r)
	if !r.Truncated() || got < n/2 || got >= n {
		t.Errorf("%d events, truncated %v", got, r.Truncated())
	}
}

type brokenWriter struct{ after int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriterReportsError(t *testing.T) {
	w, err := NewWriter(&brokenWriter{after: 1}, Header{})
	if err != nil {
		t.Fatal(err)
	}
	e := Event{Src: SrcClient, Proc: "p", Type: OK, Op: OpSend}
	if err := w.Append(&e); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err == nil {
		t.Error("flush to a broken writer succeeded")
	}
	if err := w.Append(&e); err == nil {
		t.Error("append to a broken writer succeeded")
	}
	if err := w.Close(); err == nil {
		t.Error("close of a broken writer succeeded")
	}
}

// The slices of an event are its own: appending to them changes no other event.
func TestReaderSlicesAreApart(t *testing.T) {
	const n = 3_000
	r, err := NewReader("h", bytes.NewReader(write(t, n)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var e Event
	for i := range int64(n) {
		if err := r.Next(&e); err != nil {
			t.Fatal(err)
		}
		if len(e.Off) != 1 || e.Off[0] != i {
			t.Fatalf("event %d has offsets %v", i, e.Off)
		}
		e.Off = append(e.Off, -1)
		e.Val = append(e.Val, Value{"x", 1})
	}
}
