package proxy

import (
	"encoding/binary"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// streamsFetch says whether a response is walked while it passes, since it may be
// long and its addresses come last.
func streamsFetch(h requestHeader, size int) bool {
	return h.api == int16(kmsg.Fetch) && h.version >= 16 && size > readBuffer
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
	return s.end()
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
