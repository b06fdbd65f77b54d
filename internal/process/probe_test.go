package process

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

func TestProbeTellsWhatCannotBeHonoured(t *testing.T) {
	t.Setenv("ONCEPROOF_TEST_WORKER", "good")
	self := []string{os.Args[0]}
	hello, err := Probe(t.Context(), self, worker.Spec{Role: guarantee.Producer})
	if err != nil {
		t.Fatal(err)
	}
	if hello.Library == "" || !slices.Contains(hello.Refused, "acks: no") {
		t.Errorf("hello %+v", hello)
	}
	_, err = Probe(t.Context(), self, worker.Spec{Role: guarantee.Producer, Strict: true})
	var m *CapabilityError
	if !errors.As(err, &m) || !errors.Is(err, ErrRefused) {
		t.Errorf("a strict spec that is refused: %v", err)
	}
}
