package history

import "time"

// Now returns the host's CLOCK_MONOTONIC in nanoseconds: the clock of every T
// in a history. Processes of one host share it. It takes no system call, and
// within a testing/synctest bubble it follows the bubble's time.
func Now() int64 { return clockBase + int64(time.Since(clockStart)) }
