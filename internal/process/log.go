package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	maxLog      = 16 << 20 // bytes that one incarnation may log
	lastLines   = 20
	maxLastLine = 400
)

// logStamp begins each line with when it came, so that a report can quote the
// lines around a moment; the wall clock, as brokers log it.
const logStamp = "2006-01-02T15:04:05.000Z "

// workerLog keeps what an incarnation wrote to stderr, and what it printed that
// was no event: in a file, and its last lines in memory. Safe for concurrent use.
type workerLog struct {
	mu    sync.Mutex
	file  *os.File // nil if none is wanted
	room  int      // bytes that may still be written
	last  []string
	part  bool  // what was written last was not the end of its line
	fault error // the first error of writing
}

func openLog(name, proc string) (*workerLog, error) {
	l := &workerLog{room: maxLog}
	if name == "" {
		return l, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("client: log of %s: %w", proc, err)
	}
	l.file = file
	l.write("--- " + proc + "\n")
	return l, nil
}

// copy reads r to its end.
func (l *workerLog) copy(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			l.line(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (l *workerLog) line(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stamp := ""
	if !l.part {
		stamp = time.Now().UTC().Format(logStamp)
	}
	l.part = line[len(line)-1] != '\n'
	l.write(stamp + string(line))
	l.last = append(l.last, fmt.Sprintf("%.*s", maxLastLine, trimEnd(line)))
	if len(l.last) > lastLines {
		l.last = slices.Delete(l.last, 0, 1)
	}
}

// note writes a remark of the harness into the file.
func (l *workerLog) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("harness: " + text + "\n")
}

func (l *workerLog) write(text string) {
	if l.file == nil || l.room <= 0 {
		return
	}
	if l.room -= len(text); l.room <= 0 {
		text = fmt.Sprintf("harness: %d MiB logged, the rest of this incarnation is dropped\n", maxLog>>20)
	}
	if _, err := l.file.WriteString(text); err != nil && l.fault == nil {
		l.fault = fmt.Errorf("write log: %w", err)
	}
}

func (l *workerLog) lastLines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.last)
}

func (l *workerLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.fault, l.file.Close())
	l.file = nil
	return err
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}
