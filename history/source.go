package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// chunkSize is what the decompressor hands on at once.
const chunkSize = 256 << 10

var (
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMagic = []byte{0x1f, 0x8b}
)

// decompress detects zstd and gzip by their first bytes and reads on as text.
func decompress(r io.Reader) (text io.Reader, stop func(), err error) {
	b := bufio.NewReaderSize(r, 128<<10)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, zstdMagic):
		// The window bounds what a hostile frame can make us allocate.
		dec, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return dec, dec.Close, nil
	case bytes.HasPrefix(head, gzipMagic):
		dec, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return dec, func() {}, nil
	}
	return b, func() {}, nil
}

// lines cuts text into lines. Decompression runs in a goroutine of its own, at
// most a few chunks ahead.
type lines struct {
	full      chan chunk
	free      chan []byte
	quit      chan struct{}
	done      chan struct{}
	cur       []byte // what is left of the current chunk
	buf       []byte // the current chunk, to be given back
	carry     []byte // a line that began in an earlier chunk
	err       error  // after the last chunk
	n         int64  // lines read
	truncated bool
}

type chunk struct {
	b   []byte
	err error
}

func newLines(text io.Reader, stop func()) *lines {
	const ahead = 4
	l := &lines{
		full: make(chan chunk, ahead), free: make(chan []byte, ahead+2),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		defer stop()
		l.fill(text)
	}()
	return l
}

func (l *lines) fill(text io.Reader) {
	for {
		var b []byte
		select {
		case b = <-l.free:
		default:
			b = make([]byte, chunkSize)
		}
		n, err := readSome(text, b[:chunkSize])
		select {
		case l.full <- chunk{b[:n], err}:
		case <-l.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// readSome fills b, but does not hold back lines that a live writer has flushed.
func readSome(r io.Reader, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := r.Read(b[n:])
		n += m
		if err != nil {
			return n, err
		}
		if n > 0 && b[n-1] == '\n' {
			break
		}
	}
	return n, nil
}

// close ends the goroutine, at the latest when the Read that it is in returns.
func (l *lines) close(wait bool) {
	close(l.quit)
	if wait {
		<-l.done
	}
}

// next returns the next line without its line feed; it holds until the next
// call. At the end, whole tells whether the last line had a line feed.
func (l *lines) next() (line []byte, whole bool, err error) {
	l.carry = l.carry[:0]
	for {
		if i := bytes.IndexByte(l.cur, '\n'); i >= 0 {
			line, l.cur = l.cur[:i], l.cur[i+1:]
			if len(l.carry) > 0 {
				l.carry = append(l.carry, line...)
				line = l.carry
			}
			l.n++
			return line, true, nil
		}
		if len(l.carry)+len(l.cur) > MaxLine {
			l.n++
			return nil, false, fmt.Errorf("a line of more than %d bytes; split the batch into several events", MaxLine)
		}
		l.carry = append(l.carry, l.cur...)
		l.cur = nil
		if l.err != nil {
			return l.last()
		}
		l.refill()
	}
}

func (l *lines) refill() {
	if l.buf != nil {
		select {
		case l.free <- l.buf:
		default:
		}
	}
	c := <-l.full
	l.cur, l.buf, l.err = c.b, c.b[:0], c.err
}

func (l *lines) last() ([]byte, bool, error) {
	if errors.Is(l.err, io.ErrUnexpectedEOF) {
		l.truncated = true
		l.err = io.EOF
	}
	if l.err != io.EOF {
		return nil, false, l.err
	}
	if len(l.carry) == 0 {
		return nil, false, io.EOF
	}
	l.n++
	return l.carry, false, nil
}
