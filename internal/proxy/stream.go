package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
)

// errShort is a long frame whose fields end before or behind its end.
var errShort = fmt.Errorf("%w: a frame whose fields do not fit its length", errGarbage)

// stream walks a frame that is too long to be held, and passes it on behind
// itself.
type stream struct {
	in   *frameReader
	out  io.Writer
	pos  int // walked but not passed on, from in's first unread byte
	left int // of the frame, not walked
	err  error
}

// fail ends the walk with the first error.
func (s *stream) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// flush passes on what was walked.
func (s *stream) flush() {
	if s.err == nil {
		s.fail(s.in.pass(s.out, s.pos))
		s.pos = 0
	}
}

// view walks n bytes, which stay valid until the next view that has to read; nil
// if the frame is too short.
func (s *stream) view(n int) []byte {
	b := s.peek(n)
	if len(b) < n {
		s.fail(errShort)
		return nil
	}
	s.pos += n
	s.left -= n
	return b[:n]
}

// peek returns the next n bytes, or fewer at the frame's end, without walking them.
func (s *stream) peek(n int) []byte {
	n = min(n, s.left)
	if s.err != nil {
		return nil
	}
	if n > readBuffer/2 {
		s.fail(errShort)
		return nil
	}
	if s.pos+n > len(s.in.buffered()) {
		s.flush()
		if s.err != nil {
			return nil
		}
		if _, err := s.in.fill(n); err != nil {
			s.fail(err)
			return nil
		}
	}
	return s.in.buffered()[s.pos : s.pos+n]
}

// skip walks n bytes without looking at them.
func (s *stream) skip(n int) {
	if s.err != nil {
		return
	}
	if n < 0 || n > s.left {
		s.fail(errShort)
		return
	}
	s.left -= n
	if s.pos+n <= len(s.in.buffered()) {
		s.pos += n
		return
	}
	s.pos += n
	s.flush()
}

func (s *stream) uvarint() int {
	b := s.peek(min(5, s.left))
	v, n := binary.Uvarint(b)
	if n <= 0 || v > 1<<31-1 {
		s.fail(errShort)
		return 0
	}
	s.pos += n
	s.left -= n
	return int(v)
}

// array reads a compact array's length, which the bytes left must be able to hold.
func (s *stream) array() int {
	n := s.uvarint() - 1
	if n > s.left {
		s.fail(errShort)
	}
	if s.err != nil {
		return 0
	}
	return n
}

// bytes skips a compact string or compact bytes.
func (s *stream) bytes() {
	if n := s.uvarint() - 1; n > 0 {
		s.skip(n)
	}
}

func (s *stream) tags() {
	for n := s.uvarint(); n > 0 && s.err == nil; n-- {
		s.uvarint()
		s.skip(s.uvarint())
	}
}

// str reads a compact string; null is "".
func (s *stream) str() string {
	if n := s.uvarint() - 1; n > 0 {
		return string(s.view(n))
	}
	return ""
}

// end passes on the rest of the frame, of which nothing may be left to walk.
func (s *stream) end() error {
	if s.left != 0 {
		s.fail(errShort)
	}
	s.flush()
	return s.err
}
