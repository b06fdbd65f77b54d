package process

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// pipe is our end of what a worker prints. What it wrote before its end is read to the
// last byte, however late we come to it: a deadline only ends the wait for more. One
// goroutine reads.
type pipe struct {
	*os.File
	late bool // the deadline is over: nothing is waited for any more
}

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (int, error) {
	if p.late {
		return p.look(b)
	}
	n, err := p.File.Read(b) // does not even look when the deadline is over
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	p.late = true
	_ = p.SetReadDeadline(time.Time{})
	return p.look(b)
}

// look reads what is there, and waits for nothing.
func (p *pipe) look(b []byte) (n int, err error) {
	conn, err := p.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = conn.Read(func(fd uintptr) (done bool) {
		for {
			if n, failed = syscall.Read(int(fd), b); !errors.Is(failed, syscall.EINTR) {
				return true
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case failed != nil:
		return 0, failed
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}
