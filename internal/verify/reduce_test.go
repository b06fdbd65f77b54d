package verify

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
)

// TestReduce: of three lines one is needed, one is refused to be left out, and one
// is spared.
func TestReduce(t *testing.T) {
	commit := lint.Change{Part: lint.Code, Property: "commit", Value: "transaction"}
	id := lint.Change{Part: lint.Producer, Property: "transactional.id", Value: "till"}
	level := lint.Change{Part: lint.Consumer, Property: "isolation.level", Value: "read_committed"}
	broken := map[guarantee.Guarantee]string{guarantee.NoDuplicates: "commit=after-each-record: why"}
	o := Options{Backend: "embedded"}
	held := func() *Answer { _, m := answer(t, guide(t), o, run("one", nil), run("two", nil)); return m }
	fresh := func() *Answer {
		_, a := answer(t, guide(t), o, run("one", broken), run("two", nil))
		a.Change, a.Mended = []lint.Change{commit, id, level}, held()
		return a
	}
	try := func(change []lint.Change) Trial {
		switch {
		case !slices.Contains(change, commit):
			_, m := answer(t, guide(t), o, run("one", broken))
			return Trial{Answer: m}
		case !slices.Contains(change, id):
			return Trial{Refused: errors.New("transactions need transactional.id\nmore")}
		}
		return Trial{Answer: held(), Complete: true}
	}

	a := fresh()
	a.Reduce(try)
	if d := cmp.Diff([]lint.Change{commit, id}, a.Change); d != "" {
		t.Errorf("change (-want +got):\n%s", d)
	}
	want := []Without{
		{Change: commit, Needed: Needed, Broke: []guarantee.Guarantee{guarantee.NoDuplicates}, Runs: 1},
		{Change: id, Needed: Needed, Refused: "transactions need transactional.id"},
		{Change: level, Needed: Spared, Runs: 2},
	}
	if d := cmp.Diff(want, a.Without); d != "" {
		t.Errorf("without (-want +got):\n%s", d)
	}
	for _, says := range []string{
		"It is the smallest", "without in the application: commit: transaction: no-duplicates broke again",
		"refused, transactions need transactional.id", "Not needed for that: consumer: isolation.level=read_committed. Without it nothing broke in 2 runs",
	} {
		if !strings.Contains(a.mending(), says) {
			t.Errorf("it does not say %q:\n%s", says, a.mending())
		}
	}

	a = fresh()
	a.Reduce(func([]lint.Change) Trial { return Trial{} })
	if len(a.Change) != 3 || !strings.Contains(a.mending(), "not tried") || strings.Contains(a.mending(), "It is the smallest") {
		t.Errorf("without time for any trial: %v\n%s", a.Change, a.mending())
	}

	a = fresh()
	a.Reduce(func([]lint.Change) Trial { return Trial{Answer: held()} }) // less than the whole change was tried on
	if len(a.Change) != 3 {
		t.Errorf("some clean runs of several took lines out: %v", a.Change)
	}

	a = fresh()
	a.Change = a.Change[:1]
	a.Reduce(func([]lint.Change) Trial { t.Error("a change of one line was reduced"); return Trial{} })
}
