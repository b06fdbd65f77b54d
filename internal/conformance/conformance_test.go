package conformance

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	franzgo "github.com/onceproof/onceproof/clients/franz-go"
	"github.com/onceproof/onceproof/internal/process"
)

// TestMain makes this test's own binary the franz-go worker.
func TestMain(m *testing.M) {
	if os.Getenv("ONCEPROOF_TEST_WORKER") != "" {
		os.Exit(franzgo.Main(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestFranzGo(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ONCEPROOF_TEST_WORKER", "1")
	if cases := conform(t, exe); cases < 20 {
		t.Errorf("%d cases, want 20 at least", cases)
	}
}

// TestDocumentedWorker runs the worker that docs/worker-protocol.md shows, as a
// reader would who pastes it.
func TestDocumentedWorker(t *testing.T) {
	python := "python3"
	if env := os.Getenv("ONCEPROOF_PYTHON"); env != "" {
		python = env
	}
	if err := exec.Command(python, "-c", "import confluent_kafka").Run(); err != nil {
		t.Skipf("%s has no confluent_kafka: pip install it, or name another Python with ONCEPROOF_PYTHON", python)
	}
	page, err := os.ReadFile("../../docs/worker-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(page), "```python\n")
	code, _, ended := strings.Cut(code, "\n```")
	if !found || !ended {
		t.Fatal("the page shows no Python")
	}
	file := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(file, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	conform(t, python, file)
}

// TestBuiltWorkers runs the suite on the workers of the libraries that
// ONCEPROOF_WORKERS names ("java,sarama"; "all" = each that is built).
func TestBuiltWorkers(t *testing.T) {
	env := os.Getenv("ONCEPROOF_WORKERS")
	if env == "" {
		t.Skip("ONCEPROOF_WORKERS names no library")
	}
	libraries := strings.Split(env, ",")
	if env == "all" {
		libraries = slices.DeleteFunc(process.Libraries(), func(l string) bool { return l == process.Builtin })
	}
	for _, library := range libraries {
		t.Run(library, func(t *testing.T) {
			command, err := process.Lookup(library)
			if env == "all" && errors.Is(err, process.ErrNoWorker) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			conform(t, command...)
		})
	}
}

func conform(t *testing.T, command ...string) (cases int) {
	t.Helper()
	err := Run(t.Context(), command, func(name string, err error) {
		cases++
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("ok %s", name)
		}
	})
	if err != nil {
		t.Error(err)
	}
	return cases
}
