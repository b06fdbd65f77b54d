package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processGroup puts a worker in a group of its own, so that signals reach all
// that it starts and Ctrl-C does not, and has the kernel kill it when the
// harness dies.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func signalName(sig syscall.Signal) string { return unix.SignalName(sig) }

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// freeze stops or continues the process group and waits until the kernel shows
// every thread of it so.
func (p *program) freeze(ctx context.Context, stop bool, ended <-chan struct{}) error {
	sig := syscall.SIGCONT
	if stop {
		sig = syscall.SIGSTOP
	}
	if err := p.signal(sig); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		stopped, running, err := groupState(p.cmd.Process.Pid)
		switch {
		case err != nil:
			return err
		case stop && running == 0 && stopped > 0, !stop && stopped == 0 && running > 0:
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return os.ErrProcessDone
		case <-ctx.Done():
			return fmt.Errorf("%d threads are stopped, %d are not: %w", stopped, running, ctx.Err())
		}
	}
}

// groupState counts the threads of a process group that are stopped and those
// that are not; the dead count as neither.
func groupState(pgid int) (stopped, running int, err error) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0, err
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		if _, group, ok := threadState("/proc/" + p.Name() + "/stat"); !ok || group != pgid {
			continue
		}
		dir := "/proc/" + strconv.Itoa(pid) + "/task/"
		tasks, _ := os.ReadDir(dir) // gone in between: nothing to count
		for _, t := range tasks {
			switch state, _, ok := threadState(dir + t.Name() + "/stat"); {
			case !ok || state == 'Z' || state == 'X':
			case state == 'T' || state == 't':
				stopped++
			default:
				running++
			}
		}
	}
	return stopped, running, nil
}

// threadState reads the state and the process group from a stat file of proc(5):
// "pid (name) state ppid pgrp …", where the name may hold anything.
func threadState(file string) (state byte, pgrp int, ok bool) {
	stat, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return 0, 0, false
	}
	pgrp, err = strconv.Atoi(string(fields[2]))
	return fields[0][0], pgrp, err == nil
}
