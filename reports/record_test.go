package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

func TestTrackRecord(t *testing.T) {
	run := func(scenario string, exit int, v guarantee.Verdict, at time.Duration) Trial {
		witness := checker.Witness{Events: []checker.WitnessEvent{{T: int64(at)}}}
		return Trial{
			Scenario: scenario, Library: "franz-go", Version: "v1.22.2", Image: "kafka:4.1.1",
			Report: &checker.Report{Exit: exit, Backend: "docker", Guarantees: []checker.Result{{
				Guarantee: guarantee.NoLoss, Verdict: v, Anomalies: []checker.Finding{{Witnesses: []checker.Witness{witness}}},
			}}},
		}
	}
	spoilt := run("acks-1", 3, guarantee.Violated, time.Second)
	spoilt.Report.Infra = "no engine"
	runs := []Trial{
		run("acks-1", 0, guarantee.Violated, 4*time.Second), run("acks-1", 0, guarantee.Violated, 5*time.Second),
		run("acks-1", 1, guarantee.Holds, 0), spoilt,
		run("acks-1-fixed", 0, guarantee.Holds, 0), run("acks-1-fixed", 1, guarantee.Violated, time.Second),
	}
	var b strings.Builder
	known := []Known{{"acks-1", "acks=1 | loss", "acks-1-fixed"}, {"acks-0", "acks=0", "acks-0-fixed"}}
	if err := TrackRecord(&b, known, runs); err != nil {
		t.Fatal(err)
	}
	want := `| scenario | what | ran on | found | first violation | twin clean | command |
|---|---|---|---|---|---|---|
| acks-1 | acks=1 \| loss | docker kafka:4.1.1, franz-go v1.22.2 | 2 of 3 | 4.5 s | 1 of 2 | ` + "`onceproof run acks-1`" + ` |
| acks-0 | acks=0 |  | not run |  | not run | ` + "`onceproof run acks-0`" + ` |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("track record (-want +got):\n%s", diff)
	}
}

func TestFirstViolation(t *testing.T) {
	witness := func(times ...int64) checker.Witness {
		var w checker.Witness
		for _, at := range times {
			w.Events = append(w.Events, checker.WitnessEvent{T: at})
		}
		return w
	}
	r := replayed(guarantee.Violated, checker.Finding{Witnesses: []checker.Witness{witness(5, 9, 0), witness(2, 7)}}, "", 0, 0)
	if at, ok := FirstViolation(r); !ok || at != 7 {
		t.Errorf("first violation at %d, %v; want 7: the second witness is complete before the first", at, ok)
	}
	r.Guarantees = r.Guarantees[:1]
	if at, ok := FirstViolation(r); ok {
		t.Errorf("first violation at %d in a run without one", at)
	}
}
