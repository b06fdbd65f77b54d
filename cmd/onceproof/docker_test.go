package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

// engine returns a client of the Docker engine. Without one the test is skipped,
// and fails instead if ONCEPROOF_REQUIRE_DOCKER=1.
func engine(t *testing.T) *client.Client {
	t.Helper()
	api, err := client.New(client.FromEnv)
	if err == nil {
		_, err = api.Ping(t.Context(), client.PingOptions{})
	}
	if err == nil {
		t.Cleanup(func() { api.Close() })
		return api
	}
	if os.Getenv("ONCEPROOF_REQUIRE_DOCKER") == "1" {
		t.Fatalf("ONCEPROOF_REQUIRE_DOCKER=1, but no engine answers: %v", err)
	}
	t.Skipf("real brokers need a Docker engine: %v", err)
	return nil
}

// leftOf lists the containers and networks that the onceproof process pid started.
func leftOf(t *testing.T, api *client.Client, pid int) []string {
	t.Helper()
	mine := make(client.Filters).Add("label", "org.onceproof.pid="+strconv.Itoa(pid))
	containers, err := api.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: mine})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := api.NetworkList(t.Context(), client.NetworkListOptions{Filters: mine})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range containers.Items {
		names = append(names, strings.Join(c.Names, ","))
	}
	for _, n := range networks.Items {
		names = append(names, n.Name)
	}
	return names
}

// TestTheStory is what the README opens with, on three real brokers: the guide's
// recipe duplicates, the transactional configuration holds, and nothing is left. Both
// kill a broker. The second runs on the first's brokers, whose records have the same
// values: one that was left would be a duplicate.
func TestTheStory(t *testing.T) {
	api := engine(t)
	dir := t.TempDir()
	got := onceproof(t, dir, "run", "guide-recipe", "exactly-once", "--backend", "docker", "--seed", "7")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.stderr, got.out)
	}
	if left := leftOf(t, api, got.pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for served, scenario := range []string{"guide-recipe", "exactly-once"} {
		folders, err := filepath.Glob(filepath.Join(dir, "runs", scenario+"-7-*"))
		if err != nil || len(folders) != 1 {
			t.Fatalf("%s: folders %v, %v", scenario, folders, err)
		}
		v, err := reports.ReadVerdict(folders[0])
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, g := range v.Guarantees {
			for _, a := range g.Anomalies {
				found = append(found, string(a.Kind))
			}
		}
		want := map[string][]string{"guide-recipe": {"duplicate-write", "duplicate-output"}}[scenario]
		for _, kind := range want {
			if !slices.Contains(found, kind) {
				t.Errorf("%s: found %v, want %v", scenario, found, want)
			}
		}
		if len(want) == 0 && len(found) > 0 {
			t.Errorf("%s: found %v", scenario, found)
		}
		if n := servedBefore(t, folders[0]); n != served {
			t.Errorf("%s: its cluster had served %d runs, want %d\n%s", scenario, n, served, got.stderr)
		}
	}
}

// servedBefore is how many runs the cluster of a run had had.
func servedBefore(t *testing.T, dir string) int {
	t.Helper()
	r, err := history.Open(filepath.Join(dir, history.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.Header().Served
}

func TestAnImageThatCannotBeHad(t *testing.T) {
	api := engine(t)
	got := onceproof(t, t.TempDir(), "run", "exactly-once", "--backend", "docker", "--image", "onceproof/kafka:0.0.1")
	if got.code != suite.ExitUnjudged || !strings.Contains(got.stderr, "make images KAFKA=0.0.1") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if left := leftOf(t, api, got.pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInterruptedBrokersAreRemoved(t *testing.T) {
	api := engine(t)
	dir := t.TempDir()
	r := startRun(t, dir, "exactly-once", "--backend", "docker", "--repeat", "2") // which may share its cluster
	r.waitFor(t, "load")
	pid := r.cmd.Process.Pid
	if len(leftOf(t, api, pid)) == 0 {
		t.Fatal("no container runs under load")
	}
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(t); code != suite.ExitInterrupted {
		t.Errorf("exit %d, want %d\n%s", code, suite.ExitInterrupted, r.text())
	}
	if left := leftOf(t, api, pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKilledRunIsClearedAwayByTheNext(t *testing.T) {
	api := engine(t)
	dir := t.TempDir()
	r := startRun(t, dir, "exactly-once", "--backend", "docker")
	pid := r.cmd.Process.Pid
	eventually(t, "a container runs", func() bool { return len(leftOf(t, api, pid)) > 0 })
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.wait(t)
	if got := onceproof(t, dir, "cluster", "down"); got.code != suite.ExitExpected {
		t.Fatalf("cluster down: exit %d\n%s", got.code, got.stderr)
	}
	if left := leftOf(t, api, pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
