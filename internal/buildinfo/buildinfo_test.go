package buildinfo

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	const full = "1f2e3d4c5b6a798081828384858687888990a1b2"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: full}, {Key: "vcs.modified", Value: modified}}
	}
	for _, tt := range []struct {
		name            string
		main            string
		settings        []debug.BuildSetting
		version, commit string
		want            string
	}{
		{"installed at a tag", "v0.3.0", nil, "", "", "onceproof v0.3.0 (unknown commit)"},
		{"installed at a commit", "v0.3.1-0.20261201030225-c26060f3b1aa", nil, "", "", "onceproof v0.3.1-0.20261201030225-c26060f3b1aa (commit c26060f3b1aa)"},
		{"built in a checkout", "v0.0.0-20261201030225-1f2e3d4c5b6a", vcs("false"), "", "", "onceproof v0.0.0-20261201030225-1f2e3d4c5b6a (commit 1f2e3d4c5b6a)"},
		{"built in a changed checkout", "v0.3.0+dirty", vcs("true"), "", "", "onceproof v0.3.0+dirty (commit 1f2e3d4c5b6a with changes)"},
		{"built with nothing recorded", "(devel)", nil, "", "", "onceproof devel (unknown commit)"},
		{"no build information", "", nil, "", "", "onceproof devel (unknown commit)"},
		{"a release", "(devel)", nil, "v0.3.0", full, "onceproof v0.3.0 (commit 1f2e3d4c5b6a)"},
		{"the linker wins", "v0.3.0+dirty", vcs("true"), "v0.4.0", "abcdefabcdefab", "onceproof v0.4.0 (commit abcdefabcdef)"},
		{"make build in a changed checkout", "(devel)", nil, "v0.3.0-2-g1f2e3d4-dirty", full, "onceproof v0.3.0-2-g1f2e3d4-dirty (commit 1f2e3d4c5b6a with changes)"},
		{"a short commit", "(devel)", nil, "", "1f2e3d4", "onceproof devel (commit 1f2e3d4)"},
	} {
		build := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: tt.main}, Settings: tt.settings}
		if got := merge(build, tt.version, tt.commit); got.String() != tt.want || got.Go != "go1.26.8" {
			t.Errorf("%s: %s, built by %s; want %s", tt.name, got, got.Go, tt.want)
		}
	}
}

// TestLinkerFlags: the names in the Makefile and in .goreleaser.yaml are those of the
// variables; the linker says nothing about a wrong one.
func TestLinkerFlags(t *testing.T) {
	dir := t.TempDir()
	const at = "github.com/onceproof/onceproof/internal/buildinfo."
	binary := filepath.Join(dir, "print")
	build := exec.Command("go", "build", "-ldflags", "-X "+at+"version=v9.8.7 -X "+at+"commit=0123456789abcdef", "-o", binary, "./testdata/print")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(binary).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"onceproof v9.8.7\n", "commit    0123456789ab\n", "platform  " + runtime.GOOS + "/" + runtime.GOARCH + "\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
