package conformance

import (
	"context"
	"os"
	"testing"

	franzgo "github.com/onceproof/onceproof/clients/franz-go"
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
	cases := 0
	err = Run(t.Context(), []string{exe}, func(name string, err error) {
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
	if cases < 20 {
		t.Errorf("%d cases, want 20 at least", cases)
	}
}
