//go:build !linux || !amd64

package sidecar

import (
	"fmt"
	"runtime"
	"time"
)

var errNoGraft = fmt.Errorf("changing a process from outside is done on Linux and amd64 only, and this is %s on %s", runtime.GOOS, runtime.GOARCH)

func skewClock(int, time.Duration) error { return errNoGraft }

func slowDisk(int, drag) error { return errNoGraft }
