package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

func init() { workers["harness"] = func(*fake) { harnessMain() } }

// harnessMain is a harness that starts one worker, says its pid, and waits to be
// killed.
func harnessMain() {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	inst, err := New(Config{
		Name: "shop", Command: []string{exe}, Env: []string{"ONCEPROOF_TEST_WORKER=deaf"},
		Spec: worker.Spec{Role: guarantee.Producer, Bootstrap: []string{"127.0.0.1:1"}, Topic: "orders"},
		Record: func(e history.Event) {
			if e.Op == history.OpSpawn {
				fmt.Println(e.Data["pid"])
			}
		},
		Now: history.Now,
	})
	if err == nil {
		_, err = inst.Start(context.Background())
	}
	if err != nil {
		panic(err)
	}
	time.Sleep(endless)
}

// TestNoWorkerOutlivesTheHarness kills a harness with SIGKILL. Its worker does
// not look at its stdin.
func TestNoWorkerOutlivesTheHarness(t *testing.T) {
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "ONCEPROOF_TEST_WORKER=harness")
	out, err := harness.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	worker, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = harness.Wait() // killed
	awaitDeath(t, worker)
}

// TestChildrenDieToo ends a worker whose child holds its stdout open.
func TestChildrenDieToo(t *testing.T) {
	inst, _ := newInstance(t, "parent")
	mustStart(t, inst)
	e := exitOf(t, inst)
	child, err := strconv.Atoi(e.LastLines[0])
	if err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, child)
}

// awaitDeath waits for the end of a process that is not our child.
func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		if state, _, ok := threadState("/proc/" + strconv.Itoa(pid) + "/stat"); ok && state == 'Z' {
			return // dead, and not yet reaped by whoever inherited it
		}
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d lives on", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
