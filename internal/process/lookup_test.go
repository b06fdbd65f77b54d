package process

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
	if !slices.Contains(Libraries(), Builtin) || len(clientDirs()) != 1 {
		t.Errorf("from within the repository: %q in %q", Libraries(), clientDirs())
	}
}
