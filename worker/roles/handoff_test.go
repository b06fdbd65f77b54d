package roles

import (
	"slices"
	"testing"
)

// What is handed off is done in order, beside its caller, and awaited to the last.
func TestHandOff(t *testing.T) {
	var h HandOff
	h.Wait() // for nothing
	begin := make(chan struct{})
	var done []int
	for i := range 5 {
		h.Go(func() {
			<-begin
			done = append(done, i)
		})
	}
	close(begin) // by a caller that none of them has held up
	h.Wait()
	if !slices.Equal(done, []int{0, 1, 2, 3, 4}) {
		t.Errorf("done: %v", done)
	}
}
