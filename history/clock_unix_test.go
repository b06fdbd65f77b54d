//go:build linux || darwin || freebsd || netbsd || openbsd

package history

import (
	"testing"

	"golang.org/x/sys/unix"
)

// All processes of a host must share the clock: it is the kernel's.
func TestNowIsCLOCK_MONOTONIC(t *testing.T) {
	before := Now()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	after := Now()
	const wrong = 20_000 // far below a round trip over loopback
	if ts.Nano() < before-wrong || ts.Nano() > after+wrong {
		t.Errorf("CLOCK_MONOTONIC is %d, outside %d..%d", ts.Nano(), before, after)
	}
}
