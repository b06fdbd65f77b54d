package process

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/worker"
)

// A line is read whole up to MaxLine, its line feed included, however small the buffer.
func TestLinesUpToTheLimit(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 1000, worker.MaxLine - 1, worker.MaxLine, worker.MaxLine + 1} {
		line := strings.Repeat("x", n-1) + "\n"
		in := lineReader{in: bufio.NewReaderSize(strings.NewReader(line+"next\n"+"half"), 16)}
		got, err := in.next()
		if n > worker.MaxLine {
			if !errors.Is(err, bufio.ErrBufferFull) {
				t.Errorf("%d bytes: %v", n, err)
			}
			continue
		}
		if err != nil || string(got) != line {
			t.Errorf("%d bytes: read %d: %v", n, len(got), err)
		}
		if got, err = in.next(); err != nil || string(got) != "next\n" {
			t.Errorf("behind %d bytes: %q, %v", n, got, err)
		}
		if got, err = in.next(); !errors.Is(err, io.EOF) || string(got) != "half" {
			t.Errorf("at the end: %q, %v", got, err)
		}
	}
}
