package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childEnv makes the test binary play the part of another onceproof process.
const childEnv = "ONCEPROOF_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "hold": // starts a cluster and keeps it
		c, _, err := Start(context.Background(), Spec{Name: "child", Backend: "docker", Brokers: 1})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(c.(*docker).run)
		select {}
	case "auto": // starts whatever there is
		c, chosen, err := Start(context.Background(), Spec{Name: "child", Backend: os.Getenv("BACKEND"), Brokers: 1})
		fmt.Printf("%s|%v|%v\n", chosen, errors.Is(err, ErrUnavailable), err)
		if err == nil {
			c.Close()
		}
	}
	os.Exit(0)
}

func child(t *testing.T, role string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(append(os.Environ(), childEnv+"="+role), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestReapRemovesWhatAKilledProcessLeft(t *testing.T) {
	e := needDocker(t)
	cmd := child(t, "hold")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run, err := bufio.NewReader(out).ReadString('\n')
	run = strings.TrimSpace(run)
	if err != nil || !strings.HasPrefix(run, "onceproof-") {
		t.Fatalf("the child did not start a cluster: %q, %v", run, err)
	}
	if removed, err := Reap(t.Context()); err != nil || strings.Contains(fmt.Sprint(removed), run) {
		t.Errorf("reaped what a living process owns: %v, %v", removed, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Not waited for yet: a zombie owns nothing either.
	if left := leftovers(t, e, run); len(left) != 2 {
		t.Fatalf("the killed process left %v, a container and a network were expected", left)
	}
	var removed []string
	err = until(t.Context(), func() error { // the kernel takes a moment to end a process
		r, err := Reap(t.Context())
		if err != nil {
			return giveUp{err}
		}
		removed = append(removed, r...)
		if len(leftovers(t, e, run)) > 0 {
			return errors.New("not all reaped yet")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got := strings.Join(removed, ", "); !strings.Contains(got, "container "+run) || !strings.Contains(got, "network "+run) {
		t.Errorf("Reap says that it removed %s", got)
	}
	cmd.Wait()
}

func TestOwnerDead(t *testing.T) {
	me := self()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    owner
		want bool
	}{
		"this process":                   {me, false},
		"its pid, but another start":     {owner{me.pid, "1", me.boot, me.space}, me.start != ""},
		"its pid, start not known":       {owner{me.pid, "", me.boot, me.space}, false},
		"before a reboot":                {owner{me.pid, me.start, "another", me.space}, true},
		"in another container":           {owner{1 << 22, "1", me.boot, "pid:[1]"}, false},
		"ended":                          {owner{dead.Process.Pid, "1", me.boot, me.space}, true},
		"somebody else's, still running": {owner{1, startTicks(1), me.boot, me.space}, false},
	} {
		if got := c.o.dead(me); got != c.want {
			t.Errorf("%s: dead %v, want %v", name, got, c.want)
		}
	}
	o, ok := ownerOf(me.labels("run"))
	if !ok || o != me {
		t.Errorf("labels do not round-trip: %+v, %v", o, ok)
	}
	if _, ok := ownerOf(map[string]string{labelPID: "x"}); ok {
		t.Error("nonsense has an owner")
	}
}

func TestDockerStartCancelledLeavesNothing(t *testing.T) {
	e := needDocker(t)
	noLeak(t)
	for _, after := range []time.Duration{200 * time.Millisecond, 2 * time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		spec := dockerSpec(t)
		spec.Name = "cancelled"
		_, _, err := Start(ctx, spec)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled after %s: %v", after, err)
		}
		if left := leftovers(t, e, "onceproof-cancelled"); len(left) > 0 {
			t.Errorf("cancelled after %s left %v", after, left)
		}
	}
}

func TestDockerBrokerDiesAtBoot(t *testing.T) {
	e := needDocker(t)
	noLeak(t)
	spec := Spec{Name: "misconfigured", Backend: "docker", Brokers: 1, Config: map[string]string{"num.io.threads": "many"}}
	begin := time.Now()
	_, _, err := Start(t.Context(), spec)
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
	for _, want := range []string{"broker-1 ended", "exit code 1", "num.io.threads"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	t.Logf("after %s: %v", time.Since(begin).Round(time.Millisecond), err)
	if left := leftovers(t, e, "onceproof-misconfigured"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestDockerPortTaken(t *testing.T) {
	e := needDocker(t)
	noLeak(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	image, _, err := e.image(t.Context(), defaultImage, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = bootDocker(t.Context(), e, image, Spec{Name: "taken", Brokers: 1}, []int{n})
	if !errors.Is(err, errPortTaken) || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), port) {
		t.Errorf("got %v", err)
	}
	if left := leftovers(t, e, "onceproof-taken"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestDockerImageNotToBeHad(t *testing.T) {
	needDocker(t)
	_, _, err := Start(t.Context(), Spec{Backend: "docker", Brokers: 1, Image: "onceproof/kafka:0.0.1"})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "make images KAFKA=0.0.1") {
		t.Errorf("got %v, want the command that builds the image", err)
	}
}

func TestNoEngine(t *testing.T) {
	for backend, wants := range map[string][]string{
		"docker": {"|true|", "no Docker engine answers", "backend: embedded"},
		"auto":   {"embedded: ", "no Docker engine answers", "|false|<nil>"},
	} {
		out, err := child(t, "auto", "BACKEND="+backend, "DOCKER_HOST=unix:///nowhere/docker.sock").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %q does not say %q", backend, out, want)
			}
		}
		if strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: more than one line: %q", backend, out)
		}
	}
}
