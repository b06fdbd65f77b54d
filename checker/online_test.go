package checker

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

func observeAll(t *testing.T, o *Online, events []history.Event) {
	t.Helper()
	for i := range events {
		if err := o.Observe(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnlineEndsAsCheck: the verdicts are those of the whole history, legal or not.
func TestOnlineEndsAsCheck(t *testing.T) {
	for i, a := range append([]Anomaly{""}, Anomalies()...) {
		w := newWorld(seeded{rand.New(rand.NewPCG(uint64(i), 5))})
		w.run(80)
		if a != "" {
			plants[a](w)
		}
		events := w.history()
		o := NewOnline(w.h, Options{}, nil)
		observeAll(t, o, events)
		rep, err := o.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(judgeEvents(t, w.h, events, Options{}), rep); diff != "" {
			t.Errorf("%s (-check +online):\n%s", a, diff)
		}
		if _, err := o.Finish(); err == nil {
			t.Error("finished twice")
		}
	}
}

// TestOnlineSeesEarly: what needs no final log is told before there is one.
func TestOnlineSeesEarly(t *testing.T) {
	for _, a := range []Anomaly{InconsistentOffset, NonmonotonicPoll, DuplicateOutput, PositionMismatch, RealtimeReorder} {
		story := explanations[a].Smallest
		p := tell(t, story)
		var told []Anomaly
		o := NewOnline(p.h, Options{}, func(k Anomaly) { told = append(told, k) })
		for i := range p.events {
			if p.events[i].Src != history.SrcAudit {
				observeAll(t, o, p.events[i:i+1])
			}
		}
		if len(told) != 1 || told[0] != a || o.Violations()[a] != 1 {
			t.Errorf("%s: told %v before the audit, counts %v", a, told, o.Violations())
		}
		if _, err := o.Finish(); err != nil {
			t.Error(err)
		}
	}
}

// TestOnlineIsQuietOnLegalRuns: no early alarm is a false one.
func TestOnlineIsQuietOnLegalRuns(t *testing.T) {
	for seed := range uint64(100) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 6))})
		w.run(200)
		o := NewOnline(w.h, Options{}, func(k Anomaly) { t.Errorf("seed %d: %s on a legal run", seed, k) })
		observeAll(t, o, jitter(w.d, w.history()))
		if _, err := o.Finish(); err != nil {
			t.Fatal(err)
		}
	}
}
