package clients

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof"
)

// TestLibraries: each worker's folder has a row, each row a folder, and the version
// that it pins is the one of docs/clients.md.
func TestLibraries(t *testing.T) {
	files, err := onceproof.WorkerSources()
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for name := range files {
		if dir, ok := strings.CutSuffix(name, "/build"); ok {
			folders = append(folders, strings.TrimPrefix(dir, "clients/"))
		}
	}
	slices.Sort(folders)
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, l := range Libraries() {
		rows = append(rows, l.Name)
		row := "\n| " + l.Name + " | " + l.Pinned()
		if l.Pinned() == "" || !strings.Contains(string(page), row+" ") {
			t.Errorf("%s: pinned at %q, which docs/clients.md does not say", l.Name, l.Pinned())
		}
		if strings.HasPrefix(l.Pinned(), "v") != l.tagged {
			t.Errorf("%s: %s is pinned; do its versions begin with v?", l.Name, l.Pinned())
		}
	}
	if !slices.Equal(rows, folders) || len(rows) < 10 {
		t.Errorf("libraries are\n%q\nfolders with a build script are\n%q", rows, folders)
	}
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct{ library, version, says string }{
		{"sarama", "v1.40.0", ""}, {"sarama", "", ""}, {"java", "4.1.1", ""}, {"java", "4.2.0-rc1", ""},
		{"sarama", "1.40.0", "give v1.40.0"},
		{"java", "v4.1.1", "give 4.1.1"},
		{"java", "../../evil", "no version"}, {"sarama", "-tags=x", "no version"}, {"sarama", "v1 v2", "no version"},
	} {
		l, _ := Find(tt.library)
		err := l.checkVersion(tt.version)
		if (err == nil) != (tt.says == "") || err != nil && (!errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s %q: %v, want %q", tt.library, tt.version, err, tt.says)
		}
	}
}

// toy is a library whose build script is ours, in a folder of its own.
func toy(t *testing.T, script string) (l Library, folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := place(filepath.Join(folder, "toy", "build"), []byte("set -eu\ncd \"$(dirname \"$0\")\"\n"+script), 0o644); err != nil {
		t.Fatal(err)
	}
	return Library{Name: "toy"}, folder
}

const makesWorker = "mkdir -p out/${1:-}; touch out/${1:-.}/worker\n"

func TestBuild(t *testing.T) {
	l, folder := toy(t, "echo going on; "+makesWorker)
	for _, version := range []string{"", "1.2.3"} {
		var log strings.Builder
		worker, err := l.Build(t.Context(), folder, version, &log)
		if err != nil || worker != filepath.Join(folder, "toy", "out", version, "worker") || log.String() != "going on\n" {
			t.Errorf("version %q: %s, %v, log %q", version, worker, err, log.String())
		}
	}
	l, folder = toy(t, "echo no such version >&2; exit 7")
	var log strings.Builder
	if _, err := l.Build(t.Context(), folder, "9", &log); err == nil || !strings.Contains(err.Error(), "exit status 7") || log.String() != "no such version\n" {
		t.Errorf("a script that fails: %v, log %q", err, log.String())
	}
	l, folder = toy(t, "true")
	if _, err := l.Build(t.Context(), folder, "", &log); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a script that makes no worker: %v", err)
	}
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	l, _ := Find("java")
	_, err := l.Build(t.Context(), t.TempDir(), "", &strings.Builder{})
	if !errors.Is(err, ErrLacks) || !strings.Contains(err.Error(), "no mvn") || !strings.Contains(err.Error(), "no javac") {
		t.Errorf("neither Maven nor Java: %v", err)
	}
}

// TestBuildIsInterrupted: what a build started ends with it.
func TestBuildIsInterrupted(t *testing.T) {
	l, folder := toy(t, "mkfifo started; sh -c 'echo $$ > started; exec sleep 600' & wait")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	done := make(chan error, 1)
	go func() {
		_, err := l.Build(ctx, folder, "", &strings.Builder{})
		done <- err
	}()
	pid := readFifo(t, filepath.Join(folder, "toy", "started"))
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("interrupted: %v", err)
	}
	until(t, "its child has ended", func() bool { return !running(pid) })
}

// TestBuildsWaitForEachOther: the second begins when the first has ended.
func TestBuildsWaitForEachOther(t *testing.T) {
	l, folder := toy(t, "mkdir busy || { echo two at once; exit 1; }; sleep 0.3; rmdir busy; "+makesWorker)
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := l.Build(t.Context(), folder, "", &strings.Builder{})
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestLayOut: the sources arrive whole, also where several do it at once.
func TestLayOut(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	done := make(chan error, 4)
	for range 4 {
		go func() {
			_, err := layOut()
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	top, files, err := layout()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		got, err := os.ReadFile(filepath.Join(top, name))
		if err != nil || string(got) != string(content) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(filepath.Join(top, "clients", "java", "build")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the build script: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(top), ".partial-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(10 * time.Second)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not after ten seconds: %s", what)
		case <-poll.C:
		}
	}
}
