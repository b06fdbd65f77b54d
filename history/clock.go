package history

import "time"

// Now returns the host's CLOCK_MONOTONIC in nanoseconds: the clock of every T
// in a history. Processes of one host share it. It takes no system call, and
// within a testing/synctest bubble it follows the bubble's time.
func Now() int64 {
	since := time.Since(clockStart)
	if since < 0 { // only in a bubble, whose time begins long before this process
		since = time.Since(bubbleStart)
	}
	return clockBase + int64(since)
}

// bubbleStart is when every bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
