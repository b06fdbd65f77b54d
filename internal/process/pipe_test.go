package process

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestLateReaderGetsTheLastWords: the process is gone, something keeps its pipe open, and
// we come to read only when the deadline is over.
func TestLateReaderGetsTheLastWords(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	words := strings.Repeat("a line that was written before the end\n", 1000)
	if _, err := io.WriteString(w, words); err != nil {
		t.Fatal(err)
	}
	p := &pipe{File: r}
	if err := p.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	small := struct{ io.Reader }{p} // in several reads
	got, err := io.ReadAll(small)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the end is %v, want that nobody waits for ever", err)
	}
	if string(got) != words {
		t.Errorf("%d of %d bytes were read", len(got), len(words))
	}
	w.Close()
	if n, err := p.Read(make([]byte, 10)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v behind the end of file", n, err)
	}
}
