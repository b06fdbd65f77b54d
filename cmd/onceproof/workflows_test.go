package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestWorkflows: actionlint says whether GitHub would take them; here, that they run
// what there is: files of the checkout and targets of the Makefile.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(top, ".github", "workflows", "*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("workflows %q, %v", files, err)
	}
	makefile := read(t, filepath.Join(top, "Makefile"))
	ran := 0
	for _, file := range files {
		var flow struct {
			Jobs map[string]struct {
				Steps []struct{ Run string }
			}
		}
		if err := yaml.Unmarshal([]byte(read(t, file)), &flow); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, job := range flow.Jobs {
			for _, step := range job.Steps {
				for _, words := range commandWords(step.Run) {
					ran++
					switch {
					case words[0] == "make" && len(words) == 2 && strings.Contains(makefile, "\n"+words[1]+":"):
					case strings.HasPrefix(words[0], ".ci/") && isFile(filepath.Join(top, words[0])):
					case words[0] == "go" || words[0] == "bin/onceproof" && deadCommand(words[1:]) == "":
					default:
						t.Errorf("%s, job %s: %q runs nothing that there is", filepath.Base(file), name, words)
					}
				}
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands were looked at", ran)
	}
}

func commandWords(script string) (all [][]string) {
	for line := range strings.Lines(script) {
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

func isFile(name string) bool {
	found, err := filepath.Glob(name)
	return err == nil && len(found) == 1
}

// ecosystems are dependabot's names of what each lock file is for.
var ecosystems = map[string]string{
	"go.mod": "gomod", "pom.xml": "maven", "package-lock.json": "npm", "requirements.txt": "pip", "Cargo.lock": "cargo", "Dockerfile": "docker",
}

// TestEveryLockFileIsUpdated: a lock file that dependabot does not know of grows old
// unseen.
func TestEveryLockFileIsUpdated(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directories []string `yaml:"directories"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(top, ".github", "dependabot.yml"))), &config); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		if ecosystem := ecosystems[filepath.Base(file)]; ecosystem != "" && !strings.Contains(file, "testdata/") {
			want[ecosystem] = append(want[ecosystem], filepath.ToSlash(filepath.Join("/", filepath.Dir(file))))
		}
	}
	if len(want) != len(ecosystems) {
		t.Errorf("lock files of %d ecosystems are found, want %d", len(want), len(ecosystems))
	}
	for _, u := range config.Updates {
		if u.Ecosystem == "github-actions" {
			continue
		}
		have := slices.Sorted(slices.Values(u.Directories))
		slices.Sort(want[u.Ecosystem])
		if !slices.Equal(have, want[u.Ecosystem]) {
			t.Errorf("%s: dependabot looks into %q; lock files are in %q", u.Ecosystem, have, want[u.Ecosystem])
		}
		delete(want, u.Ecosystem)
	}
	for ecosystem, dirs := range want {
		t.Errorf("dependabot does not look after %s in %q", ecosystem, dirs)
	}
}
