package checker

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// ops writes a Jepsen history: "0 invoke send [[:send :x 1]]" a line, the times
// being the lines' numbers.
func ops(lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		w := strings.SplitN(l, " ", 4)
		fmt.Fprintf(&b, "{:index %d, :time %d, :process %s, :type :%s, :f :%s, :value %s}\n", i, 1000*i+1, w[0], w[1], w[2], w[3])
	}
	return b.String()
}

func checkEDN(t *testing.T, edn string) *Report {
	t.Helper()
	r, err := history.NewReader("history.edn", strings.NewReader(edn))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rep, err := Check(context.Background(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestJepsenVectors re-expresses the cases of Jepsen's own kafka_test.clj: what
// its analysis finds, and what it must not find. Not taken over: int-send-skip
// and the ww cycles (G0, ww-G1c), which are legal in Kafka; realtime lag and
// unseen, which are no anomalies there either.
func TestJepsenVectors(t *testing.T) {
	sends := func(n int) []string {
		var in, out []string
		for i := range n {
			in = append(in, fmt.Sprintf("[:send :x %d]", i))
			out = append(out, fmt.Sprintf("[:send :x [%d %d]]", i, i))
		}
		return []string{"0 invoke send [" + strings.Join(in, " ") + "]", "0 ok send [" + strings.Join(out, " ") + "]"}
	}
	with := func(a []string, b ...string) []string { return append(append([]string{}, a...), b...) }
	offered := []string{"9 invoke send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d] [:send :x :g]]"}
	// Processes assign before they poll, as in every real test.
	skips := []string{
		"0 invoke assign [:x]", "0 ok assign [:x]",
		"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[1 :a] [2 :b]]}]]",
		"1 invoke poll [[:poll]]", "1 ok poll [[:poll {:x [[3 :c]]}]]",
		"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[4 :d]]}]]",
		"2 invoke send [[:send :x :f]]", "2 ok send [[:send :x [6 :f]]]",
		"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[7 :g]]}]]",
	}
	back := []string{
		"0 invoke assign [:x]", "0 ok assign [:x]",
		"0 invoke send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d]]", "0 ok send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d]]",
		"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[1 :a] [2 :b] [3 :c]]}]]",
	}
	again := []string{"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[2 :b] [3 :c] [4 :d]]}]]"}
	aborts := with(sends(6), "1 invoke txn [[:poll]]", "1 ok txn [[:poll {:x [[0 0]]}]]", "1 invoke txn [[:poll]]", "1 fail txn [[:poll {:x [[1 1] [2 2]]}]]")
	late := []string{"0 invoke assign [:x]", "0 ok assign [:x]", "0 invoke send [[:send :x :c] [:send :x :d]]", "0 ok send [[:send :x [3 :c]] [:send :x [4 :d]]]"}
	early := []string{"0 invoke send [[:send :x :a] [:send :x :b]]", "0 ok send [[:send :x [1 :a]] [:send :x [2 :b]]]"}
	conflict := []string{
		"0 invoke send [[:send :x 1] [:send :y 1]]", "0 info send [[:send :x [0 1]] [:send :y 1]]",
		"1 invoke send [[:send :x 2]]", "1 ok send [[:send :x [0 2]]]",
	}
	atomic := []string{
		"0 invoke send [[:send :x :a] [:send :y :b]]", "0 info send [[:send :x :a] [:send :y [0 :b]]]",
		"1 invoke send [[:send :y :c]]", "1 info send [[:send :y :c]]",
	}
	for _, c := range []struct {
		name string
		ops  []string
		want map[guarantee.Anomaly]int64
	}{
		{"two sends told one offset", []string{
			"379 invoke send [[:send 11 641]]", "379 ok send [[:send 11 [537 641]]]",
			"363 invoke send [[:send 11 645]]", "363 ok send [[:send 11 [537 645]]]",
		}, map[guarantee.Anomaly]int64{guarantee.InconsistentOffset: 1}},
		{"an info send that conflicts proves nothing", conflict, nil},
		{"… unless a read proves that it committed", with(conflict, "2 invoke poll [[:poll]]", "2 ok poll [[:poll {:y [[5 1]]}]]"),
			map[guarantee.Anomaly]int64{guarantee.InconsistentOffset: 1}},
		{"G1a", []string{
			"0 invoke send [[:send :x 2] [:send :y 3]]", "0 fail send [[:send :x 2] [:send :y 3]]",
			"1 invoke poll [[:poll]]", "1 ok poll [[:poll {:x [[0 2]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.AbortedRead: 1}},
		{"lost-write", []string{
			"0 invoke send [[:send :x :a]]", "0 ok send [[:send :x [0 :a]]]",
			"0 invoke send [[:send :x :b] [:send :x :d]]", "0 ok send [[:send :x [1 :b]] [:send :x [3 :d]]]",
			"1 invoke send [[:send :x :c]]", "1 info send [[:send :x :c]]",
			"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[2 :c]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 2, guarantee.RealtimeReorder: 1}}, // d stood at 3 before the send of c began
		{"lost-write, overwritten", []string{
			"0 invoke send [[:send :x :a]]", "0 ok send [[:send :x [0 :a]]]",
			"0 invoke send [[:send :x :b] [:send :x :c]]", "0 ok send [[:send :x [0 :b]] [:send :x [2 :c]]]",
			"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[0 :b] [2 :c]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 1, guarantee.InconsistentOffset: 1}},
		{"a crashed transaction may be lost", with(atomic, "3 invoke poll [[:poll]]", "3 ok poll [[:poll {:y [[1 :c]]}]]"), nil},
		{"… unless a read proves that it committed", with(atomic, "2 invoke poll [[:poll]]", "2 ok poll [[:poll {:x [[0 :a]]}]]", "3 invoke poll [[:poll]]", "3 ok poll [[:poll {:y [[1 :c]]}]]"),
			map[guarantee.Anomaly]int64{guarantee.LostWrite: 1}},
		{"poll-skip", with(offered, skips...), map[guarantee.Anomaly]int64{guarantee.SkippedPoll: 2, guarantee.LostWrite: 1}},
		{"poll-skip excused by another assignment between", with(offered, with(with(skips[:6], "0 invoke assign [:y]", "0 ok assign [:y]", "0 invoke assign [:x]", "0 ok assign [:x]"),
			with(skips[6:8], with([]string{"0 invoke assign [:y]", "0 info assign [:y]", "0 invoke assign [:x]", "0 ok assign [:x]"}, skips[8:]...)...)...)...), map[guarantee.Anomaly]int64{guarantee.LostWrite: 1}},
		{"aborted polls come again", with(sends(3),
			"1 invoke txn [[:poll]]", "1 ok txn [[:poll {:x [[0 0]]}]]",
			"1 invoke txn [[:poll]]", "1 fail txn [[:poll {:x [[1 1] [2 2]]}]]",
			"1 invoke txn [[:poll]]", "1 info txn [[:poll {:x [[1 1] [2 2]]}]]",
			"1 invoke txn [[:poll]]", "1 ok txn [[:poll {:x [[1 1] [2 2]]}]]"), nil},
		{"an abort that does not go back", with(aborts,
			"1 invoke txn [[:poll]]", "1 fail txn [[:poll {:x [[3 3] [4 4]]}]]",
			"1 invoke txn [[:poll]]", "1 ok txn [[:poll {:x [[5 5]]}]]"), map[guarantee.Anomaly]int64{guarantee.SkippedPoll: 2}},
		{"… in a crashed operation", with(aborts, "1 invoke txn [[:poll]]", "1 info txn [[:poll {:x [[3 3] [4 4]]}]]"), map[guarantee.Anomaly]int64{guarantee.SkippedPoll: 1}},
		{"nonmonotonic-poll", with(back, again...), map[guarantee.Anomaly]int64{guarantee.NonmonotonicPoll: 1}},
		{"nonmonotonic-poll excused by another subscription", with(back, with([]string{"0 invoke subscribe [:y]", "0 ok subscribe [:y]"}, again...)...), nil},
		{"nonmonotonic-poll excused by another assignment", with(back, with([]string{"0 invoke assign [:y]", "0 ok assign [:y]"}, again...)...), nil},
		{"nonmonotonic-poll not excused by the same assignment", with(back, with([]string{"0 invoke assign [:x :y]", "0 ok assign [:x :y]"}, again...)...), map[guarantee.Anomaly]int64{guarantee.NonmonotonicPoll: 1}},
		{"nonmonotonic-send", with(late, early...), map[guarantee.Anomaly]int64{guarantee.ReorderedWrite: 2}},
		{"nonmonotonic-send excused by another subscription", with(late, with([]string{"0 invoke subscribe [:y]", "0 ok subscribe [:y]"}, early...)...), nil},
		{"skips within an operation", []string{
			"1 invoke send [[:send :x :a] [:send :x :b] [:send :x :d]]", "1 info send [[:send :x :a] [:send :x :b] [:send :x :d]]",
			"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[1 :a] [4 :d]]}]]",
			"3 invoke poll [[:poll] [:poll]]", "3 ok poll [[:poll {:x [[1 :a]]}] [:poll {:x [[4 :d]]}]]",
			"4 invoke poll [[:poll]]", "4 ok poll [[:poll {:x [[2 :b]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.SkippedPoll: 2}},
		{"backwards within an operation", []string{
			"1 invoke send [[:send :x :a] [:send :x :b] [:send :x :c]]", "1 info send [[:send :x :a] [:send :x :b] [:send :x :c]]",
			"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[3 :c] [1 :a]]}]]",
			"2 invoke poll [[:poll] [:poll]]", "2 ok poll [[:poll {:x [[2 :b] [3 :c]]}] [:poll {:x [[3 :c]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.NonmonotonicPoll: 2}},
		{"sends backwards within an operation", []string{
			"0 invoke send [[:send :x :c] [:send :x :a]]", "0 ok send [[:send :x [3 :c]] [:send :x [1 :a]]]",
			"2 invoke send [[:send :y :d] [:send :y :b]]", "2 info send [[:send :y :d] [:send :y :b]]",
			"1 invoke send [[:send :y :c]]", "1 info send [[:send :y :c]]",
			"3 invoke poll [[:poll]]", "3 ok poll [[:poll {:y [[2 :b] [3 :c] [4 :d]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.ReorderedWrite: 2}},
		{"duplicate", []string{
			"0 invoke send [[:send :x :a]]", "0 ok send [[:send :x [1 :a]]]",
			"1 invoke send [[:send :x :b]]", "1 info send [[:send :x :b]]",
			"2 invoke poll [[:poll]]", "2 ok poll [[:poll {:x [[2 :b] [3 :a]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateWrite: 1}},
		{"duplicate, seen by an aborted poll; a failed send is no duplicate", []string{
			"0 invoke send [[:send :x 0]]", "0 ok send [[:send :x [1 0]]]",
			"0 invoke send [[:send :x 1]]", "0 fail send [[:send :x [2 1]]]",
			"1 invoke poll [[:poll]]", "1 fail poll [[:poll {:x [[11 0] [12 1]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateWrite: 1, guarantee.AbortedRead: 1}},
		{"G0 is legal", []string{
			"0 invoke send [[:send :x :a] [:send :y :a]]", "1 invoke send [[:send :x :b] [:send :y :b]]",
			"0 ok send [[:send :x [0 :a]] [:send :y [1 :a]]]", "1 ok send [[:send :x [1 :b]] [:send :y [0 :b]]]",
		}, nil},
		{"a cycle of reads alone", []string{
			"0 invoke txn [[:send :x :a] [:poll]]", "1 invoke txn [[:send :y :b] [:poll]]",
			"0 ok txn [[:send :x [0 :a]] [:poll {:y [[0 :b]]}]]", "1 ok txn [[:send :y [0 :b]] [:poll {:x [[0 :a]]}]]",
		}, map[guarantee.Anomaly]int64{guarantee.DirtyRead: 1}},
		{"a cycle of reads and writes is legal", []string{
			"0 invoke txn [[:send :x :a] [:send :y :c]]", "1 invoke txn [[:poll] [:send :y :b]]",
			"0 ok txn [[:send :x [0 :a]] [:send :y [2 :c]]]", "1 ok txn [[:poll {:x [[0 :a]]}] [:send :y [1 :b]]]",
		}, nil},
		{"precommitted-read", []string{"0 invoke txn [[:send :x :a] [:poll]]", "0 ok txn [[:send :x [0 :a]] [:poll {:x [[0 :a]]}]]"},
			map[guarantee.Anomaly]int64{guarantee.DirtyRead: 1}},
		{"a value that nobody sent", []string{"0 invoke poll [[:poll]]", "0 ok poll [[:poll {:x [[0 :zz]]}]]"}, map[guarantee.Anomaly]int64{guarantee.PhantomRead: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checkEDN(t, ops(c.ops...))
			want := c.want
			if want == nil {
				want = map[guarantee.Anomaly]int64{}
			}
			if diff := cmp.Diff(want, kinds(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
				for _, g := range r.Guarantees {
					for _, f := range g.Anomalies {
						t.Log(f.Kind, f.Witnesses[0].Text)
					}
				}
			}
		})
	}
}

// TestCutOff: of a history whose end is missing, nothing is judged that the end might
// tell: who sent what was read, and who read what was acknowledged.
func TestCutOff(t *testing.T) {
	whole := ops(
		"0 invoke send [[:send :x 1]]", "0 ok send [[:send :x [0 1]]]",
		"0 invoke send [[:send :x 2]]", "0 ok send [[:send :x [1 2]]]",
		"1 invoke poll [[:poll]]", "1 ok poll [[:poll {:x [[0 1] [3 3]]}]]",
	)
	if got := kinds(checkEDN(t, whole)); got[guarantee.PhantomRead] != 1 || got[guarantee.LostWrite] != 1 {
		t.Errorf("the whole: %v", got)
	}
	r := checkEDN(t, whole+"{:index 6, :time 600")
	// That one reader jumped over an acknowledged record shows all the same.
	if diff := cmp.Diff(map[guarantee.Anomaly]int64{guarantee.SkippedPoll: 1}, kinds(r)); diff != "" || resultOf(r, guarantee.NoLoss).Verdict != guarantee.Unknown {
		t.Errorf("cut off (-want +got), no-loss %s:\n%s", resultOf(r, guarantee.NoLoss).Verdict, diff)
	}
}
