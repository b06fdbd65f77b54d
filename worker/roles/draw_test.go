package roles

import (
	"testing"

	"github.com/onceproof/onceproof/history"
)

func TestDrawIsTheSameAgain(t *testing.T) {
	w := &job{}
	w.spec.Seed, w.spec.Process.MaxNS, w.spec.Process.Fail = 7, 1e6, 0.3
	failed := 0
	for n := range int64(2000) {
		r := &Record{Value: Value(history.Value{Proc: "shop/0/1", N: n + 1}, 0)}
		took, fails := w.draw(r, 0)
		took2, fails2 := w.draw(r, 0)
		if took != took2 || fails != fails2 || took < 0 || took > 1e6 {
			t.Fatalf("value %v draws %v %v, then %v %v", r.val(), took, fails, took2, fails2)
		}
		if fails {
			failed++
		}
	}
	if failed < 500 || failed > 700 {
		t.Errorf("%d of 2000 fail, want about 600", failed)
	}
}
