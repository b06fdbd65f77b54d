package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/suite"
)

const top = "../.." // of the repository

// action is as much of action.yml as these tests look at.
type action struct {
	Inputs map[string]struct {
		Description string
		Default     string
	}
	Runs struct {
		Steps []struct {
			Name, Run string
			Env       map[string]string
		}
	}
}

func loadAction(t *testing.T) (action, string) {
	t.Helper()
	text := read(t, filepath.Join(top, "action.yml"))
	var a action
	if err := yaml.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	return a, text
}

// workspace is a checkout as the examples have it, and an `onceproof` first in
// PATH that only plans what it is told to run.
func workspace(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, "kafka"), filepath.Join(dir, "artefacts")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" != run ] || set -- \"$@\" --plan\n%s=1 exec '%s' \"$@\"\n", asCommand, self)
	if err := os.WriteFile(filepath.Join(bin, "onceproof"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "kafka/orders.yaml", small)
	write(t, dir, "kafka/producer.properties", "acks=all\n")
	write(t, dir, "kafka/onceproof.json", `{"format":"onceproof-baseline/1","scenarios":{}}`)
	return dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "RUNNER_TEMP="+bin, "GITHUB_OUTPUT="+filepath.Join(dir, "output"))
}

func shell(t *testing.T, dir string, env []string, script string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestActionRunsItsInputs runs the action's own step with inputs as a workflow gives them.
func TestActionRunsItsInputs(t *testing.T) {
	a, text := loadAction(t)
	for _, m := range regexp.MustCompile(`inputs\.([a-z]+)`).FindAllStringSubmatch(text, -1) {
		if _, ok := a.Inputs[m[1]]; !ok {
			t.Errorf("action.yml uses the input %s, which it does not declare", m[1])
		}
	}
	i := slices.IndexFunc(a.Runs.Steps, func(s struct {
		Name, Run string
		Env       map[string]string
	}) bool {
		return s.Name == "Run onceproof"
	})
	if i < 0 {
		t.Fatal("action.yml has no step that runs onceproof")
	}
	step := a.Runs.Steps[i]
	for _, tt := range []struct {
		name string
		with map[string]string
		code int
		says string
	}{
		{"a file", map[string]string{"scenarios": "kafka/orders.yaml", "baseline": "kafka/onceproof.json"}, suite.ExitExpected, "small"},
		{"two, more flags", map[string]string{"scenarios": "kafka/orders.yaml guide-recipe", "arguments": "--seed 99 --control", "backend": "embedded"}, suite.ExitUsage, "has no control"},
		{"a budget", map[string]string{"budget": "2m", "backend": "embedded"}, suite.ExitExpected, "a budget of 2m0s buys"},
		{"no such baseline", map[string]string{"scenarios": "kafka/orders.yaml", "baseline": "none.json"}, suite.ExitUsage, "--update-baseline makes one"},
		{"nothing", nil, suite.ExitUsage, "no scenario named"},
	} {
		dir, env := workspace(t)
		for name, value := range step.Env {
			input := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
			given, ok := tt.with[input]
			if !ok {
				given = a.Inputs[input].Default
			}
			env = append(env, name+"="+given)
		}
		out, code := shell(t, dir, env, step.Run)
		if code != tt.code || !strings.Contains(out, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", tt.name, code, tt.code, tt.says, out)
		}
		if got := read(t, filepath.Join(dir, "output")); got != "junit=onceproof-runs/junit.xml\n" {
			t.Errorf("%s: outputs %q", tt.name, got)
		}
	}
}

var fence = regexp.MustCompile("(?ms)^```(yaml|sh)\n(.*?)^```$")

// TestPipelinesOnThePage runs every command of docs/ci.md, and holds its
// workflows to the action's inputs.
func TestPipelinesOnThePage(t *testing.T) {
	a, _ := loadAction(t)
	blocks := fence.FindAllStringSubmatch(read(t, filepath.Join(top, "docs", "ci.md")), -1)
	ran, used := 0, 0
	for _, b := range blocks {
		commands := b[2]
		if b[1] == "yaml" {
			var scripts []string
			var doc map[string]any
			if err := yaml.Unmarshal([]byte(b[2]), &doc); err != nil {
				t.Fatalf("%v in\n%s", err, b[2])
			}
			walk(doc, func(key string, value any) {
				switch v := value.(type) {
				case []any:
					for _, line := range v {
						if s, ok := line.(string); ok && key == "script" { // before_script installs from the network
							scripts = append(scripts, s)
						}
					}
				case map[string]any:
					for input := range v {
						if key != "with" {
							continue
						}
						used++
						if _, ok := a.Inputs[input]; !ok {
							t.Errorf("the workflow gives the action an input %q; it has none of that name", input)
						}
					}
				}
			})
			commands = strings.Join(scripts, "\n")
		}
		for line := range strings.Lines(commands) {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			dir, env := workspace(t)
			out, code := shell(t, dir, env, line)
			if strings.Contains(line, "report --trend") { // there are no runs yet
				if code != suite.ExitUsage || !strings.Contains(out, "onceproof run") {
					t.Errorf("%s: exit %d\n%s", line, code, out)
				}
			} else if code != suite.ExitExpected {
				t.Errorf("%s: exit %d\n%s", line, code, out)
			}
			ran++
		}
	}
	if ran < 6 || used < 3 {
		t.Errorf("the page has %d commands and %d inputs: it was not read", ran, used)
	}
}

// walk visits every key below v.
func walk(v any, visit func(key string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			visit(k, below)
			walk(below, visit)
		}
	case []any:
		for _, below := range v {
			walk(below, visit)
		}
	}
}

// TestEveryCommandTeaches: help without an example is half a help.
func TestEveryCommandTeaches(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		own := c.Runnable() && c.Name() != "worker" // what runs start is not for people
		if own && !strings.Contains(c.Example, "onceproof "+strings.TrimPrefix(c.CommandPath(), "onceproof ")) && c.HasParent() {
			t.Errorf("%s: its example does not show it", c.CommandPath())
		}
		if c.Short == "" {
			t.Errorf("%s: says nothing of itself", c.CommandPath())
		}
		for _, below := range c.Commands() {
			visit(below)
		}
	}
	visit(root())
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if got := onceproof(t, t.TempDir(), "man", dir); got.code != suite.ExitExpected {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	for _, c := range root().Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		page := read(t, filepath.Join(dir, "onceproof-"+c.Name()+".1"))
		if !strings.HasPrefix(page, ".nh\n.TH \"ONCEPROOF\" \"1\"") || c.Example != "" && !strings.Contains(page, ".SH EXAMPLE") {
			t.Errorf("the page of %s is no man page with an example:\n%.300s", c.Name(), page)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"run guide-", "guide-recipe\t"},
		{"run --back", "--backend\t"},
		{"explain dup", "duplicate-write\n"},
		{"rep", "report\t"},
	} {
		if got := onceproof(t, t.TempDir(), append([]string{"__complete"}, strings.Split(c.args, " ")...)...); !strings.Contains(got.out, c.want) {
			t.Errorf("completing %q gives\n%s\nwithout %q", c.args, got.out, c.want)
		}
	}
	for _, sh := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := onceproof(t, t.TempDir(), "completion", sh); got.code != suite.ExitExpected || len(got.out) < 1000 {
			t.Errorf("completion %s: exit %d, %d bytes", sh, got.code, len(got.out))
		}
	}
}

func TestDoctorSaysWhatWouldBeRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "no.sock"))
	got := onceproof(t, dir, "doctor")
	for _, want := range []string{"no   docker engine", "runs on backend embedded need none", "yes  worker franz-go: built in", "shipped scenarios can run here, on backend embedded", "no   leader-isolated:"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("doctor without an engine does not say %q", want)
		}
	}
	if got.code != suite.ExitExpected || t.Failed() {
		t.Logf("exit %d\n%s%s", got.code, got.out, got.stderr)
	}
}
