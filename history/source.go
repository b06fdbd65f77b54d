package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"github.com/klauspost/compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

var (
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMagic = []byte{0x1f, 0x8b}
)

// maxWindow bounds what a hostile zstd frame can make the decompressor allocate.
// It is what the zstd command accepts without being asked to.
const maxWindow = 128 << 20

// decompress detects zstd and gzip by their first bytes; what it returns reads
// as text. The caller calls stop when it has done reading.
func decompress(r io.Reader) (text io.Reader, stop func(), err error) {
	b := bufio.NewReaderSize(r, 128<<10)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, zstdMagic):
		dec, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
			zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return &frames{dec, b, "zstd"}, dec.Close, nil
	case bytes.HasPrefix(head, gzipMagic):
		dec, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return &frames{dec, b, "gzip"}, func() {}, nil
	}
	return b, func() {}, nil
}

// frames tells a file that was cut off, which it reports as io.ErrUnexpectedEOF,
// from one that is damaged: decompressors call both an unexpected end.
type frames struct {
	text io.Reader
	file *bufio.Reader // what the decompressor has not taken yet
	name string
}

func (f *frames) Read(b []byte) (int, error) {
	n, err := f.text.Read(b)
	if err == nil || err == io.EOF {
		return n, err
	}
	_, end := f.file.Peek(1)
	if errors.Is(err, io.ErrUnexpectedEOF) && end == io.EOF {
		return n, io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("%s: %w; is the file damaged?", f.name, err)
}

// chunkSize is how much text is handed on at once; a longer line makes a longer chunk.
const chunkSize = 256 << 10

// chunk is some whole lines.
type chunk struct {
	text      []byte
	line      int64 // number of its first line
	last      bool  // nothing follows; the last line may lack its line feed
	truncated bool  // the file ends within a frame
	err       error // what ended the file, if not its end; the lines before it are in text
}

// chunker cuts a text into chunks.
type chunker struct {
	r    io.Reader
	rest []byte // the begin of a line
	line int64  // lines handed out
	done bool
}

// next reads the next chunk into buf, which it may replace. There is always a
// last chunk, and none behind it.
func (c *chunker) next(buf []byte) chunk {
	buf = append(buf[:0], c.rest...)
	if cap(buf) < chunkSize {
		buf = append(make([]byte, 0, chunkSize), buf...)
	}
	for {
		if len(buf) == cap(buf) {
			if len(buf) > MaxLine {
				return c.end(chunk{text: buf[:0], err: fmt.Errorf("a line of more than %d bytes; split the batch into several events", MaxLine)})
			}
			buf = append(make([]byte, 0, min(4*cap(buf), MaxLine+1)), buf...)
		}
		from := len(buf)
		n, err := c.r.Read(buf[from:cap(buf)])
		buf = buf[:from+n]
		switch {
		case err == io.EOF:
			return c.end(chunk{text: buf})
		case err == io.ErrUnexpectedEOF:
			return c.end(chunk{text: buf, truncated: true})
		case err != nil:
			whole := bytes.LastIndexByte(buf, '\n') + 1
			return c.end(chunk{text: buf[:whole], err: err})
		}
		if feed := bytes.LastIndexByte(buf[from:], '\n'); feed >= 0 {
			whole := from + feed + 1
			c.rest = append(c.rest[:0], buf[whole:]...)
			return c.count(chunk{text: buf[:whole]})
		}
	}
}

func (c *chunker) end(ch chunk) chunk {
	c.done, ch.last = true, true
	return c.count(ch)
}

func (c *chunker) count(ch chunk) chunk {
	ch.line = c.line + 1
	c.line += int64(bytes.Count(ch.text, []byte{'\n'}))
	return ch
}

// cutLine returns the first line of text without its line feed, and whether it had one.
func cutLine(text []byte) (line, rest []byte, whole bool) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, nil, false
}
