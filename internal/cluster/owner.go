package cluster

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Labels on everything that is started, so that Reap can tell whose it is.
const (
	labelRun   = "org.onceproof.run"
	labelPID   = "org.onceproof.pid"
	labelStart = "org.onceproof.start" // of the process, in ticks since boot: a pid alone may be another's by now
	labelBoot  = "org.onceproof.boot"  // the host's boot id: pids and ticks mean nothing across boots
	labelSpace = "org.onceproof.pidns" // a pid means nothing in another pid namespace
)

// owner is the process that something belongs to. Empty fields are not known on
// this system.
type owner struct {
	pid                int
	start, boot, space string
}

func self() owner {
	o := owner{pid: os.Getpid(), start: startTicks(os.Getpid())}
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		o.boot = string(bytes.TrimSpace(b))
	}
	o.space, _ = os.Readlink("/proc/self/ns/pid")
	return o
}

func (o owner) labels(run string) map[string]string {
	return map[string]string{
		labelRun:   run,
		labelPID:   strconv.Itoa(o.pid),
		labelStart: o.start,
		labelBoot:  o.boot,
		labelSpace: o.space,
	}
}

// ownerOf reads labels; ok is false where they are not ours.
func ownerOf(labels map[string]string) (o owner, ok bool) {
	pid, err := strconv.Atoi(labels[labelPID])
	if err != nil || pid <= 0 {
		return owner{}, false
	}
	return owner{pid, labels[labelStart], labels[labelBoot], labels[labelSpace]}, true
}

// dead tells whether o has surely ended. me is this process.
func (o owner) dead(me owner) bool {
	if o.boot != me.boot {
		return true // the machine has been started anew since
	}
	if o.space != me.space {
		return false // its pid cannot be seen from here
	}
	if err := syscall.Kill(o.pid, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	now := startTicks(o.pid)
	return now != "" && o.start != "" && now != o.start
}

// startTicks returns field 22 of /proc/pid/stat, "" where there is none. A
// zombie has no start any more: it runs nothing.
func startTicks(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The second field, the name in parentheses, may hold spaces.
	rest := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(rest) < 20 {
		return ""
	}
	if rest[0] == "Z" {
		return "zombie"
	}
	return rest[19]
}
