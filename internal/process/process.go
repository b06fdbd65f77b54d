package process

import (
	"context"
	"io"
	"syscall"
	"time"
)

// process is what an incarnation runs as: a program, or, where time is fake,
// goroutines of this process.
type process interface {
	// start starts it and returns its pid, 0 if it has none. The goroutine that
	// calls it calls wait too.
	start() (pid int, err error)
	// wait returns when it is gone, and with it all that it started.
	wait() (code int, signal string)
	// signal is os.ErrProcessDone for one that is gone.
	signal(sig syscall.Signal) error
	// freeze stops it or lets it go on, and returns when that has come true; it gives
	// up when ended is closed.
	freeze(ctx context.Context, stop bool, ended <-chan struct{}) error
}

// streams are our ends of a process's stdin, stdout and stderr.
type streams struct {
	in interface {
		io.WriteCloser
		SetWriteDeadline(time.Time) error
	}
	out, err interface {
		io.ReadCloser
		SetReadDeadline(time.Time) error
	}
}

func (s streams) close() {
	s.in.Close()
	s.out.Close()
	s.err.Close()
}
