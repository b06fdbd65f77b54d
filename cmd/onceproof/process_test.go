package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a run that goes on while the test looks at it.
type running struct {
	cmd *exec.Cmd

	mu     sync.Mutex
	stderr bytes.Buffer
	wrote  chan struct{}
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stderr.Write(p)
	select {
	case r.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

func startRun(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := &running{wrote: make(chan struct{}, 1)}
	r.cmd = command(t.Context(), dir, append([]string{"run"}, args...)...)
	r.cmd.Stderr = r
	r.cmd.WaitDelay = 5 * time.Second
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// waitFor waits until the run's progress says that the phase has begun and the
// first counts are in.
func (r *running) waitFor(t *testing.T, phase string) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	for {
		if strings.Contains(r.text(), "s  "+phase+"\n") {
			return
		}
		select {
		case <-r.wrote:
		case <-deadline:
			t.Fatalf("phase %s never came:\n%s", phase, r.text())
		}
	}
}

func (r *running) wait(t *testing.T) int {
	t.Helper()
	_ = r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

// childrenOf lists the processes whose parent is pid.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		if err != nil {
			continue
		}
		// The name in parentheses may hold anything; what follows it is fixed.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			children = append(children, child)
		}
	}
	return children
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(15 * time.Second); ; {
		if ok() {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}
