package sidecar

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tracee is a process all of whose threads stand still. Its memory is changed between
// two of its instructions, and it never knows.
type tracee struct {
	pid     int
	mem     *os.File
	threads map[int]unix.Signal // that stand still, and what each was to hear just then
	maps    []mapping
}

// mapping is one line of /proc/PID/maps.
type mapping struct {
	from, to uint64
	offset   uint64
	path     string
}

// attachTries bounds how often a process that has a thread where it must not be is let
// run on and stopped again.
const attachTries = 200

// withTracee stops the process, does do, and lets it run on. While busy says that a
// thread, by its instruction pointer, is where it must not be, it is let go and stopped
// anew. Needs CAP_SYS_PTRACE, or to be its parent.
func withTracee(pid int, busy func(*tracee, uint64) bool, do func(*tracee) error) (err error) {
	runtime.LockOSThread() // ptrace knows its tracer by the thread
	defer runtime.UnlockOSThread()
	t := &tracee{pid: pid}
	if t.mem, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0); err != nil {
		return err
	}
	defer t.mem.Close()
	for range attachTries {
		t.threads = map[int]unix.Signal{}
		var moved bool
		if err = t.stop(); err == nil {
			moved, err = t.isBusy(busy)
		}
		if err == nil && !moved {
			err = do(t)
		}
		err = errors.Join(err, t.release())
		if err != nil || !moved {
			return err
		}
	}
	return fmt.Errorf("process %d: a thread was where it must not be, %d times", pid, attachTries)
}

// stop stops every thread, those too that are born meanwhile.
func (t *tracee) stop() error {
	for before := -1; before != len(t.threads); {
		before = len(t.threads)
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", t.pid))
		if err != nil {
			return err
		}
		for _, e := range entries {
			tid, err := strconv.Atoi(e.Name())
			if _, have := t.threads[tid]; err != nil || have {
				continue
			}
			if err := t.stopThread(tid); err != nil {
				return fmt.Errorf("stop thread %d of process %d: %w", tid, t.pid, err)
			}
		}
	}
	var err error
	t.maps, err = readMaps(fmt.Sprintf("/proc/%d/maps", t.pid))
	return err
}

func (t *tracee) stopThread(tid int) error {
	err := unix.PtraceSeize(tid)
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended
	}
	if err == nil {
		err = unix.PtraceInterrupt(tid)
	}
	if err != nil {
		return err
	}
	var status unix.WaitStatus
	for {
		_, err = unix.Wait4(tid, &status, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	switch {
	case err != nil:
		return err
	case !status.Stopped():
		return nil // it has ended
	}
	t.threads[tid] = 0
	if status.TrapCause() != unix.PTRACE_EVENT_STOP { // stopped by a signal first, which it is to hear
		t.threads[tid] = status.StopSignal()
	}
	return nil
}

func (t *tracee) isBusy(busy func(*tracee, uint64) bool) (bool, error) {
	for tid := range t.threads {
		var regs unix.PtraceRegs
		if err := unix.PtraceGetRegs(tid, &regs); err != nil {
			return false, fmt.Errorf("where is thread %d: %w", tid, err)
		}
		if busy(t, regs.Rip) {
			return true, nil
		}
	}
	return false, nil
}

func (t *tracee) release() error {
	var errs []error
	for tid, sig := range t.threads {
		_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(sig), 0, 0)
		if errno != 0 && errno != unix.ESRCH {
			errs = append(errs, fmt.Errorf("let thread %d go: %w", tid, errno))
		}
	}
	return errors.Join(errs...)
}

func (t *tracee) read(at uint64, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := t.mem.ReadAt(b, int64(at)); err != nil {
		return nil, fmt.Errorf("read memory of process %d: %w", t.pid, err)
	}
	return b, nil
}

func (t *tracee) write(at uint64, b []byte) error {
	if _, err := t.mem.WriteAt(b, int64(at)); err != nil {
		return fmt.Errorf("write memory of process %d: %w", t.pid, err)
	}
	return nil
}

// find returns the first mapping whose path ends so.
func find(maps []mapping, suffix string) (mapping, bool) {
	for _, m := range maps {
		if strings.HasSuffix(m.path, suffix) {
			return m, true
		}
	}
	return mapping{}, false
}

func readMaps(file string) ([]mapping, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	var maps []mapping
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 6 {
			continue
		}
		m := mapping{path: strings.Join(fields[5:], " ")}
		if _, err := fmt.Sscanf(fields[0]+" "+fields[2], "%x-%x %x", &m.from, &m.to, &m.offset); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, line, err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}
