package cluster

import (
	"strings"
	"testing"
)

func TestLinesArriveWhole(t *testing.T) {
	w := &lineWriter{lines: make(chan string, 10)}
	for _, part := range []string{"rea", "dy\n[1", "]\n[2]\n", "[3"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	close(w.lines)
	var got []string
	for l := range w.lines {
		got = append(got, l)
	}
	if want := "ready [1] [2]"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
}
