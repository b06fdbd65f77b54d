package process

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// program is a process of this machine, and the group of all that it starts.
type program struct {
	cmd    *exec.Cmd
	theirs [3]*os.File // closed once it has them

	alive sync.Mutex // held while the process is signalled or reaped
	gone  bool       // reaped: its pid may be another's
}

func newProgram(cfg *Config, args, env []string) (*program, streams, error) {
	ours, theirs, err := pipes()
	if err != nil {
		return nil, streams{}, err
	}
	p := &program{cmd: exec.Command(args[0], args[1:]...), theirs: theirs}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = cfg.Dir
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p.cmd.SysProcAttr = processGroup()
	return p, streams{ours[0], &pipe{File: ours[1]}, &pipe{File: ours[2]}}, nil
}

// emptied makes a folder anew.
func emptied(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// pipes returns our and the process's ends of stdin, stdout and stderr.
func pipes() (ours, theirs [3]*os.File, err error) {
	for i := range ours {
		r, w, perr := os.Pipe()
		if perr != nil {
			closeAll(ours[:])
			closeAll(theirs[:])
			return ours, theirs, perr
		}
		if i == 0 {
			ours[i], theirs[i] = w, r
		} else {
			ours[i], theirs[i] = r, w
		}
	}
	return ours, theirs, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// start keeps the thread until wait lets it go: the kernel delivers Pdeathsig when
// the *thread* that started a process ends.
func (p *program) start() (pid int, err error) {
	runtime.LockOSThread()
	err = p.cmd.Start()
	closeAll(p.theirs[:])
	if err != nil {
		runtime.UnlockOSThread()
		return 0, err
	}
	return p.cmd.Process.Pid, nil
}

// wait takes the rest of the group with it.
func (p *program) wait() (code int, signal string) {
	defer runtime.UnlockOSThread()
	awaitExit(p.cmd.Process.Pid)
	p.alive.Lock()
	defer p.alive.Unlock()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait() // its ProcessState says all
	p.gone = true
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		signal = signalName(ws.Signal())
	}
	return p.cmd.ProcessState.ExitCode(), signal
}

// signal reaches the whole group.
func (p *program) signal(sig syscall.Signal) error {
	p.alive.Lock()
	defer p.alive.Unlock()
	if p.gone {
		return os.ErrProcessDone
	}
	return syscall.Kill(-p.cmd.Process.Pid, sig)
}
