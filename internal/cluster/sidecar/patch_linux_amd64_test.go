package sidecar

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

const tellTimeEnv = "ONCEPROOF_TEST_TELL_TIME"

// A process that tells its time, wall and monotonic, for each line that it reads. It is
// this test's program again; several of its threads ask for the time all along.
func init() {
	if os.Getenv(tellTimeEnv) == "" {
		return
	}
	for range 4 {
		go func() {
			for time.Now().Unix() != 0 {
			}
		}()
	}
	began := time.Now()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(time.Now().UnixNano(), time.Since(began).Nanoseconds())
	}
	os.Exit(0)
}

func TestSkewMovesTheWallClockOfOneProcess(t *testing.T) {
	helper := exec.CommandContext(t.Context(), os.Args[0])
	helper.Env = append(os.Environ(), tellTimeEnv+"=1")
	in, err := helper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	defer helper.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	began := time.Now()
	off := func() time.Duration { // of its wall clock from ours
		t.Helper()
		before := time.Now()
		if _, err := fmt.Fprintln(in); err != nil || !lines.Scan() {
			t.Fatalf("the helper is gone: %v, %v", err, lines.Err())
		}
		var wall, mono int64
		if _, err := fmt.Sscan(lines.Text(), &wall, &mono); err != nil {
			t.Fatal(err)
		}
		if since := time.Since(began); time.Duration(mono) > since {
			t.Errorf("its monotonic clock has run for %v, ours for %v", time.Duration(mono), since)
		}
		return time.Unix(0, wall).Sub(before)
	}
	if got := off(); got < 0 || got > time.Minute {
		t.Fatalf("before anything: %v ahead", got)
	}
	for _, ahead := range []time.Duration{time.Hour, -48 * time.Hour, 0, 3 * time.Hour, 0} {
		if err := skewClock(helper.Process.Pid, ahead); err != nil {
			t.Fatalf("skew by %v: %v", ahead, err)
		}
		for range 20 {
			if got := off() - ahead; got < 0 || got > time.Minute {
				t.Fatalf("skewed by %v: it is ahead by %v", ahead, got+ahead)
			}
		}
	}
}

func TestSkewOfNobody(t *testing.T) {
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if err := skewClock(gone.Process.Pid, time.Hour); err == nil {
		t.Error("the clock of a process that has ended was set: " + strconv.Itoa(gone.Process.Pid))
	}
}
