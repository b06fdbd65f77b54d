package proxy

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// errShort is a frame whose fields end before or behind its end.
var errShort = fmt.Errorf("%w: a Fetch response whose fields do not fit its length", errGarbage)

// streams says whether a response is walked while it passes, since it may be
// long and its addresses come last.
func streams(h requestHeader, size int) bool {
	return h.api == int16(kmsg.Fetch) && h.version >= 16 && size > readBuffer
}

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

// streamFetch passes a Fetch response of version 16 or newer to out, and rewrites
// the addresses at its end. They come after the records while the frame's length
// comes before them, so the length must stay: an address of another length than
// the door's is hidden instead, and the client asks Metadata for it.
func streamFetch(in *frameReader, out io.Writer, size int, to addresses) error {
	s := &stream{in: in, out: out, left: size}
	s.skip(8) // length, correlation id
	s.tags()
	s.skip(4 + 2 + 4) // throttle, error, session
	for n := s.array(); n > 0 && s.err == nil; n-- {
		s.skip(16) // topic id
		for p := s.array(); p > 0 && s.err == nil; p-- {
			s.skip(4 + 2 + 8 + 8 + 8) // partition, error, high watermark, last stable offset, log start
			for a := s.array(); a > 0 && s.err == nil; a-- {
				s.skip(8 + 8) // producer id, first offset
				s.tags()
			}
			s.skip(4) // preferred read replica
			s.bytes() // record batches
			s.tags()
		}
		s.tags()
	}
	for n := s.uvarint(); n > 0 && s.err == nil; n-- {
		s.endpointTag(to)
	}
	if s.left != 0 {
		s.fail(errShort)
	}
	s.flush()
	return s.err
}

// endpointTag walks one of the tagged fields at the response's end.
func (s *stream) endpointTag(to addresses) {
	const hidden = 100 // a tag that means nothing to any client
	s.flush()          // so that the tag stays in the buffer while the field is looked at
	head := s.peek(1)
	if len(head) == 0 || head[0] != 0 {
		s.uvarint()
		s.skip(s.uvarint())
		return
	}
	b := s.peek(1 + 5)
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || size > uint64(s.left) {
		s.fail(errShort)
		return
	}
	whole := 1 + n + int(size)
	if whole > readBuffer/2 {
		head[0] = hidden
		s.skip(whole)
		return
	}
	field := s.view(whole)
	if field == nil {
		return
	}
	r := rewriter{c: cursor{buf: field[1+n:]}, to: to}
	r.nodeEndpoints()
	switch rewritten := append(r.out, r.c.buf[r.mark:]...); {
	case r.err != nil:
		s.fail(r.err)
	case r.c.bad:
		s.fail(errShort)
	case len(rewritten) == int(size):
		copy(field[1+n:], rewritten)
	default:
		field[0] = hidden
	}
}
