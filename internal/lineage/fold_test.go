package lineage

import (
	"fmt"
	"testing"

	"github.com/onceproof/onceproof/history"
)

func mustPath(t *testing.T, s string) Path {
	t.Helper()
	p, err := ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFold(t *testing.T) {
	for _, tc := range []struct {
		with  string
		right string // the last result of "a", whose inputs are 3, 1, 4
		wrong string
		more  bool
	}{
		{"count", "3", "4", true}, {"count", "3", "2", false}, {"sum", "8", "11", true}, {"sum", "8.0", "7", false}, {"min", "1", "3", true}, {"max", "4", "3", false},
		{"last", "4", "1", false}, {"set", `["1","4","3"]`, `["1","4"]`, false},
	} {
		for _, last := range []string{tc.right, tc.wrong} {
			of := "value.$.n"
			if tc.with == "set" {
				of += "[*]"
			}
			f := Folding{By: mustPath(t, "key"), What: mustPath(t, "value.$.v"), Of: mustPath(t, of), With: tc.with}
			in, out := f.Inputs(history.TopicPartition{Topic: "in"}), f.Results(history.TopicPartition{Topic: "out"})
			for i, v := range []int{3, 1, 9, 4, 5} { // 9 is aborted, 5 not committed past
				f.Add(in, int64(i), Message{Key: []byte("a"), Value: fmt.Appendf(nil, `{"v":%d}`, v)})
			}
			in.Hide([]int64{2})
			f.Add(out, 0, Message{Key: []byte("a"), Value: []byte(`{"n":100}`)})
			f.Add(out, 1, Message{Key: []byte("a"), Value: fmt.Appendf(nil, `{"n":%s}`, last)})
			f.Add(out, 2, Message{Key: []byte("a"), Value: []byte(`{"n":200}`)}) // aborted
			out.Hide([]int64{2})
			v := f.Judge([]*FoldPart{in, out}, func(history.TopicPartition) int64 { return 4 })
			if v.Keys != 1 || v.Inputs != 3 {
				t.Errorf("%s: %+v", tc.with, v)
			}
			if wrong := last == tc.wrong; wrong != (len(v.Wrong) == 1) {
				t.Errorf("%s: a last result of %s: %+v", tc.with, last, v.Wrong)
			} else if wrong && (v.Wrong[0].More != tc.more || v.Wrong[0].N != 3 || v.Wrong[0].At.Off != 1) {
				t.Errorf("%s: %+v", tc.with, v.Wrong[0])
			}
		}
	}
}
