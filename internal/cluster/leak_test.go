package cluster

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// noLeak fails the test if goroutines of ours, of kfake or of a client are left
// when it ends. kfake and closed connections end by themselves, so it waits.
func noLeak(t *testing.T) {
	t.Helper()
	before := ours()
	t.Cleanup(func() {
		deadline := time.After(5 * time.Second)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			left := ours()
			if len(left) <= len(before) {
				return
			}
			select {
			case <-deadline:
				t.Errorf("%d goroutines left over, %d before:\n%s", len(left), len(before), strings.Join(left, "\n\n"))
				return
			case <-tick.C:
			}
		}
	})
}

// ours lists the goroutines but for the testing package's and the runtime's.
func ours() []string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var gs []string
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(g, "onceproof") && !strings.Contains(g, "testing.(*T).Run") || strings.Contains(g, "kfake") || strings.Contains(g, "kgo.") || strings.Contains(g, "testcontainers") || strings.Contains(g, "net/http.") {
			gs = append(gs, g)
		}
	}
	return gs
}
