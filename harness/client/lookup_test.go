package client

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
	if _, err := Lookup("sarama"); !errors.Is(err, ErrNoWorker) || !strings.Contains(err.Error(), build) {
		t.Errorf("sarama is not built: %v", err)
	}
	if _, err := Lookup("jaba"); !errors.Is(err, ErrNoWorker) || !strings.Contains(err.Error(), "franz-go, java, sarama") {
		t.Errorf("jaba does not exist: %v", err)
	}
	if command, err := Lookup(Builtin); err != nil || len(command) != 3 || command[1] != "worker" {
		t.Errorf("franz-go: %q, %v", command, err)
	}
	t.Setenv(EnvClients, "")
	if !slices.Contains(Libraries(), Builtin) || len(clientDirs()) != 1 {
		t.Errorf("from within the repository: %q in %q", Libraries(), clientDirs())
	}
}
