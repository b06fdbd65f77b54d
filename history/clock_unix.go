//go:build linux || darwin || freebsd || netbsd || openbsd

package history

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// clockBase is CLOCK_MONOTONIC at clockStart. Every process of a host measures it afresh,
// so what it is wrong by must stay far below the time of a network round trip:
// the narrowest of some brackets is off by well under a microsecond.
var clockBase, clockStart = calibrate()

func calibrate() (int64, time.Time) {
	var mono int64
	var at time.Time
	best := int64(math.MaxInt64)
	for range 16 {
		var ts unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return time.Now().UnixNano(), time.Now()
		}
		width := int64(time.Since(before))
		if width < best {
			best, mono, at = width, ts.Nano()-width/2, before
		}
	}
	return mono, at
}
