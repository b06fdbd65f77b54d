package cluster

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const tailLines = 30 // of a dead node's log that an error shows

// nodeLog is everything that a node prints over all its incarnations: a file, if
// one is wanted, and the last lines for error messages. Safe for concurrent use.
type nodeLog struct {
	mu    sync.Mutex
	file  io.WriteCloser // nil: none wanted
	last  [][]byte
	part  []byte // a line without its end yet
	wiped int    // how often it said so
}

// newNodeLog appends to dir/name.log, or keeps only the tail if dir is "".
func newNodeLog(dir, name string) (*nodeLog, error) {
	l := &nodeLog{}
	return l, l.open(dir, name, 0)
}

// open appends to dir/name.log from now on. A node that has served other runs says so
// there first.
func (l *nodeLog) open(dir, name string, served int) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil && served > 0 {
		_, err = fmt.Fprintf(f, "onceproof: %s has served %d runs before this one; what it said then is in their logs\n", name, served)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f != nil {
		l.file = f
	}
	return err
}

func (l *nodeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		line := append(l.part, rest[:i]...)
		if string(line) == wipedLine {
			l.wiped++
		}
		l.last = append(l.last, line)
		l.part = nil
		rest = rest[i+1:]
	}
	l.part = append(l.part, rest...)
	if n := len(l.last); n > 2*tailLines {
		l.last = append([][]byte(nil), l.last[n-tailLines:]...)
	}
	if l.file == nil {
		return len(p), nil
	}
	return l.file.Write(p)
}

// wipedLine is what broker.sh prints when it has emptied the data directory.
const wipedLine = "onceproof: wiped"

func (l *nodeLog) wipes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wiped
}

// tail returns the last lines, each indented.
func (l *nodeLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.last[max(0, len(l.last)-tailLines):]
	var b strings.Builder
	for _, line := range append(lines[:len(lines):len(lines)], l.part) {
		if len(line) > 0 {
			b.WriteString("\n    ")
			b.Write(line)
		}
	}
	if b.Len() == 0 {
		return "\n    (it printed nothing)"
	}
	return b.String()
}

func (l *nodeLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}
