//go:build !linux

package process

import (
	"context"
	"syscall"
)

// processGroup puts a worker in a group of its own. Without the kernel's help
// against a SIGKILLed harness, a worker ends when its stdin does.
func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func signalName(sig syscall.Signal) string { return sig.String() }

func awaitExit(int) {}

// freeze stops or continues the process group. Signals are delivered before kill
// returns to a process that signals another of the same user, but there is no
// /proc to confirm it by.
func (p *program) freeze(_ context.Context, stop bool, _ <-chan struct{}) error {
	if stop {
		return p.signal(syscall.SIGSTOP)
	}
	return p.signal(syscall.SIGCONT)
}
