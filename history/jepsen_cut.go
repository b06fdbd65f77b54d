package history

import (
	"bytes"
	"io"
)

// ednCutter cuts a file into pieces that likely end between two operations. Only
// whoever decodes the piece before knows for sure: see jepsenReader.
type ednCutter struct {
	r         io.Reader
	size      int    // of a piece, about
	rest      []byte // what begins the next piece
	line, col int64  // place of the next piece, from 0
}

const (
	pieceSize = 256 << 10
	maxPieces = 4 // times as long is a piece in which no place to cut is found
)

// ednPiece is what an ednCutter makes.
type ednPiece struct {
	piece
	final bool  // there is no other behind it
	cut   bool  // the file ends within a compressed frame
	err   error // what ended the file, if not its end
}

// next reads the next piece into buf, which it may replace. There is always a
// last piece, and none behind it.
func (c *ednCutter) next(buf []byte) (p ednPiece) {
	buf = append(buf[:0], c.rest...)
	for size := max(c.size, len(buf)+1); ; size += c.size {
		if cap(buf) < size {
			buf = append(make([]byte, 0, size), buf...)
		}
		var err error
		buf, err = fill(c.r, buf[:len(buf):size])
		if err != nil {
			p.final, p.cut = true, err == io.ErrUnexpectedEOF
			if p.last = p.cut || err == io.EOF; !p.last {
				p.err = err
			}
			return c.end(p, buf, len(buf))
		}
		if at := cutAt(buf); at > 0 {
			return c.end(p, buf, at)
		}
		if len(buf) >= maxPieces*c.size {
			return c.end(p, buf, len(buf))
		}
	}
}

// fill reads until b is full.
func fill(r io.Reader, b []byte) (_ []byte, err error) {
	for idle := 0; len(b) < cap(b) && err == nil; idle++ {
		var n int
		n, err = r.Read(b[len(b):cap(b)])
		if b = b[:len(b)+n]; n > 0 {
			idle = 0
		} else if idle == 100 {
			err = io.ErrNoProgress
		}
	}
	return b, err
}

// end makes a piece of buf[:at].
func (c *ednCutter) end(p ednPiece, buf []byte, at int) ednPiece {
	p.text, p.line, p.col = buf[:at], c.line, c.col
	c.rest = append(c.rest[:0], buf[at:]...)
	if feed := bytes.LastIndexByte(p.text, '\n'); feed >= 0 {
		c.line += int64(bytes.Count(p.text, []byte{'\n'}))
		c.col = int64(at - feed - 1)
	} else {
		c.col += int64(at)
	}
	return p
}

// cutAt finds the last place in b at which an operation seems to begin: a map
// behind the end of another, on a line of its own if there is such a one near
// the end; 0 if there is none.
func cutAt(b []byte) int {
	const near = 64 << 10
	other := 0
	for i := len(b) - 1; i > max(0, len(b)-near); i-- {
		if b[i] != '{' && b[i] != '#' {
			continue
		}
		k := i - 1
		feed := false
		for k > 0 && ednBlank[b[k]] {
			feed = feed || b[k] == '\n'
			k--
		}
		if b[k] != '}' {
			continue
		}
		if feed {
			return i
		}
		other = max(other, i)
	}
	return other
}
