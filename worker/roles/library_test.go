package roles

import "testing"

func TestAtOnce(t *testing.T) {
	for commit, want := range map[string]int{
		"auto": 1, "after-each-record": 1, "before-processing": 500, "after-batch": 500, "transaction": 500, "transaction-offsets-outside": 500,
	} {
		if got := AtOnce(commit, 500); got != want {
			t.Errorf("%s: %d at once, want %d", commit, got, want)
		}
	}
}
