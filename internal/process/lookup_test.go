package process

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/clients"
)

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	program := func(parts ...string) string {
		name := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	built, build := program("java", "out", "worker"), program("sarama", "build")
	program("java", "build")
	t.Setenv(EnvClients, dir)

	if command, err := Lookup("java"); err != nil || !slices.Equal(command, []string{built}) {
		t.Errorf("java: %q, %v", command, err)
	}
	other, platform := program("java", "out", "3.9.1", "worker"), program("@platformatic", "kafka", "out", "2.0.0", "worker")
	program("@platformatic", "kafka", "build")
	if command, err := Lookup("java@3.9.1"); err != nil || !slices.Equal(command, []string{other}) {
		t.Errorf("java@3.9.1: %q, %v", command, err)
	}
	if command, err := Lookup("@platformatic/kafka@2.0.0"); err != nil || !slices.Equal(command, []string{platform}) {
		t.Errorf("@platformatic/kafka@2.0.0: %q, %v", command, err)
	}
	if _, err := Lookup("sarama@v1.40.0"); !errors.Is(err, ErrNoWorker) || !strings.Contains(err.Error(), build+" v1.40.0") {
		t.Errorf("sarama@v1.40.0 is not built: %v", err)
	}
	if _, err := Lookup("sarama"); !errors.Is(err, ErrNoWorker) || !strings.Contains(err.Error(), build) {
		t.Errorf("sarama is not built: %v", err)
	}
	if _, err := Lookup("jaba"); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "@platformatic/kafka, franz-go, java, sarama") {
		t.Errorf("jaba does not exist: %v", err)
	}
	if command, err := Lookup(Builtin); err != nil || len(command) != 3 || command[1] != "worker" {
		t.Errorf("franz-go: %q, %v", command, err)
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	jvm := program("bin", "java")
	for _, tt := range []struct{ args, want []string }{
		{[]string{"java"}, []string{built}}, // the library, though there is a program of that name
		{[]string{"java", "-jar", "w.jar"}, []string{"java", "-jar", "w.jar"}},
		{[]string{jvm}, []string{jvm}},
		{[]string{"java@3.9.1"}, []string{other}},
	} {
		if command, err := Program(tt.args); err != nil || !slices.Equal(command, tt.want) {
			t.Errorf("%q is %q, %v", tt.args, command, err)
		}
	}
	for args, says := range map[string]string{"./no-such": "no such file", "jaba": "there are", "sarama": build} {
		if _, err := Program([]string{args}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", args, err)
		}
	}
	t.Setenv(EnvClients, "")
	if !slices.Contains(Libraries(), Builtin) || len(clientDirs()) != 2 {
		t.Errorf("from within the repository: %q in %q", Libraries(), clientDirs())
	}
}

// TestLookupAwayFromTheCheckout: workers are found in the user's cache, and what is not
// built there says how it is.
func TestLookupAwayFromTheCheckout(t *testing.T) {
	t.Setenv(EnvClients, "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
	folder, err := clients.Folder()
	if err != nil {
		t.Fatal(err)
	}
	if dirs := clientDirs(); !slices.Equal(dirs, []string{folder}) {
		t.Fatalf("workers are looked for in %q, not only in %s", dirs, folder)
	}
	if _, err := Lookup("java@4.0.0"); !errors.Is(err, ErrNoWorker) || !strings.HasSuffix(err.Error(), "build it with onceproof clients build java 4.0.0") {
		t.Errorf("java@4.0.0 is not built: %v", err)
	}
	if _, err := Lookup("jaba"); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "sarama") {
		t.Errorf("jaba does not exist: %v", err)
	}
	var want []BuiltWorker
	for _, version := range []string{"", "4.0.0"} {
		worker := filepath.Join(folder, "java", "out", version, "worker")
		if err := os.MkdirAll(filepath.Dir(worker), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(worker, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if command, err := Lookup(strings.TrimSuffix("java@"+version, "@")); err != nil || !slices.Equal(command, []string{worker}) {
			t.Errorf("java %s: %q, %v", version, command, err)
		}
		want = append(want, BuiltWorker{version, worker})
	}
	if got := BuiltWorkers("java"); !slices.Equal(got, want) {
		t.Errorf("built: %q, want %q", got, want)
	}
}
