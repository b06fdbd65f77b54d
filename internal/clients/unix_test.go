//go:build unix

package clients

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// readFifo waits for the script to make the FIFO, and reads the process id in it.
func readFifo(t *testing.T, name string) int {
	t.Helper()
	until(t, name+" is there", func() bool { _, err := os.Stat(name); return err == nil })
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }
