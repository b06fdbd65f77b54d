package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	// maxFrame is the longest frame that is passed on. Kafka's own limit for
	// requests (socket.request.max.bytes) is 100 MiB unless raised.
	maxFrame = 128 << 20
	// maxDecode is the longest frame that is decoded into structures, which
	// may take many times the frame's own size. Produce and Fetch are walked,
	// not decoded, and have no such limit.
	maxDecode = 1 << 20
	// readBuffer is what a connection holds for each direction while it is idle.
	readBuffer = 64 << 10
	// keepBuffer is the largest buffer that outlives the frame it was made for.
	keepBuffer = 2 << 20
	// spliceFrom is how much of a frame must be left for the kernel to pass it.
	spliceFrom = 2 * readBuffer
)

// errGarbage is wrapped by everything that is not Kafka's protocol.
var errGarbage = errors.New("not Kafka's protocol")

// frameReader reads frames: four bytes of length, then the body. Its buffer
// grows as bytes arrive and never because a length claims that they will.
type frameReader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] is unread
	idle *[readBuffer]byte
}

// idleBuffers are those of connections that have ended: short ones are many.
var idleBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

func newFrameReader(src io.Reader) *frameReader {
	idle := idleBuffers.Get().(*[readBuffer]byte)
	return &frameReader{src: src, buf: idle[:], idle: idle}
}

// release gives the buffer back; nothing of it may be in use any more.
func (f *frameReader) release() {
	idleBuffers.Put(f.idle)
	*f = frameReader{}
}

func (f *frameReader) buffered() []byte { return f.buf[f.r:f.w] }

func (f *frameReader) discard(n int) {
	f.r += n
	if f.r == f.w {
		f.r, f.w = 0, 0
		if len(f.buf) > keepBuffer {
			f.buf = f.idle[:] // one huge frame is no reason to hold on to its memory
		}
	}
}

// fill makes at least n bytes unread, and returns them and whatever came with
// them. io.EOF means that the stream ended before the first byte of n.
func (f *frameReader) fill(n int) ([]byte, error) {
	for f.w-f.r < n {
		if err := f.read(n); err != nil {
			if err == io.EOF && f.w > f.r {
				err = io.ErrUnexpectedEOF
			}
			return f.buffered(), err
		}
	}
	return f.buffered(), nil
}

// read reads once, towards n unread bytes.
func (f *frameReader) read(n int) error {
	if f.r > 0 && f.r+n > len(f.buf) {
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	if f.w == len(f.buf) {
		grown := make([]byte, min(2*len(f.buf), n))
		f.w = copy(grown, f.buf[f.r:f.w])
		f.buf, f.r = grown, 0
	}
	k, err := f.src.Read(f.buf[f.w:])
	f.w += k
	if k > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// size reads the length in front of the next frame without consuming it, and
// at least least bytes of the body. It returns the length of the whole frame,
// the four bytes included.
func (f *frameReader) size(least int) (int, error) {
	b, err := f.fill(4)
	if err != nil {
		return 0, err
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	if n < least || n > maxFrame {
		return 0, fmt.Errorf("%w: a frame of %d bytes", errGarbage, n)
	}
	_, err = f.fill(4 + least)
	return 4 + n, err
}

// pass writes the next n bytes to dst as they arrive.
func (f *frameReader) pass(dst io.Writer, n int) error {
	_, err := f.passSome(dst, n)
	return err
}

// passSome is pass, and tells after an error of dst how many bytes are left.
func (f *frameReader) passSome(dst io.Writer, n int) (left int, err error) {
	for n > 0 {
		if len(f.buffered()) == 0 && n >= spliceFrom {
			if k, ok, err := splice(dst, f.src, n); ok {
				if n -= k; err == nil && n > 0 {
					err = io.ErrUnexpectedEOF
				}
				return n, err
			}
		}
		b, err := f.fill(1)
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
		k := min(n, len(b))
		_, err = dst.Write(b[:k])
		f.discard(k)
		n -= k
		if err != nil {
			return n, err
		}
	}
	return 0, nil
}

// splice lets the kernel pass n bytes, if both sides are sockets and nothing has
// to look at them. An error may be either side's, and counts as dst's.
func splice(dst io.Writer, src io.Reader, n int) (k int, ok bool, err error) {
	l, isLane := dst.(*lane)
	if !isLane || l.shaped.Load() {
		return 0, false, nil
	}
	from, fromSocket := src.(*net.TCPConn)
	to, toSocket := l.dst.(*net.TCPConn)
	if !fromSocket || !toSocket {
		return 0, false, nil
	}
	passed, err := to.ReadFrom(&io.LimitedReader{R: from, N: int64(n)})
	if err != nil {
		err = fmt.Errorf("%w: %w", errLane, err)
	}
	return int(passed), true, err
}
