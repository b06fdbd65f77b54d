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
//
// each, if not nil, is told of every partition that brings records.
func streamFetch(in *frameReader, out io.Writer, size int, to addresses, each func(fetched)) error {
	s := &stream{in: in, out: out, left: size}
	s.skip(8) // length, correlation id
	s.tags()
	s.skip(4 + 2 + 4) // throttle, error, session
	for n := s.array(); n > 0 && s.err == nil; n-- {
		var topic [16]byte
		copy(topic[:], s.view(16))
		for p := s.array(); p > 0 && s.err == nil; p-- {
			var f fetched
			if b := s.view(4 + 2 + 8 + 8 + 8); b != nil { // partition, error, high watermark, last stable offset, log start
				f.id, f.part = topic, int32(binary.BigEndian.Uint32(b))
				f.marks(b[6:])
			}
			for a := s.array(); a > 0 && s.err == nil; a-- {
				s.skip(8 + 8) // producer id, first offset
				s.tags()
			}
			s.skip(4) // preferred read replica
			if each == nil {
				s.bytes() // record batches
			} else if s.records(&f); s.err == nil && f.batches > 0 {
				each(f)
			}
			s.tags()
		}
		s.tags()
	}
	for n := s.uvarint(); n > 0 && s.err == nil; n-- {
		s.endpointTag(to)
	}
	return s.end()
}

// records walks compact bytes that hold record batches, and looks at their headers.
func (s *stream) records(f *fetched) {
	n := max(0, s.uvarint()-1)
	for n > 0 && s.err == nil {
		seen := *f
		size := seen.batchSpan(s.peek(min(n, batchHeader)))
		if size == 0 || size > n {
			break
		}
		*f = seen
		s.skip(size)
		n -= size
	}
	s.skip(n)
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
