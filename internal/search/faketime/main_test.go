package faketime

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

var (
	plans = flag.Int("plans", 0, "plans that must hold (default 40)")
	seed  = flag.Uint64("seed", 1, "seed of every draw")
	only  = flag.Int("plan", 0, "draw this plan of the seed alone, and keep its folder")
	name  = flag.String("scenario", "exactly-once", "scenario that must hold")
)

// TestMain has the tests built with the tag that they need, and passes on what they
// say: `go test ./...` runs them too, and nothing is skipped.
func TestMain(m *testing.M) {
	if tagged {
		debug.SetGCPercent(400) // each plan leaves little behind
		os.Exit(m.Run())
	}
	// The package's folder is the working directory, and go is in the path of a test.
	args := []string{"test", "-tags", "synctests", ".", "-args"}
	for _, arg := range os.Args[1:] {
		if !strings.HasPrefix(arg, "-test.testlogfile") { // it has its own
			args = append(args, arg)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintf(os.Stderr, "%s %s: go test -tags synctests: %v\n", runtime.GOOS, runtime.GOARCH, err)
		os.Exit(1)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}
