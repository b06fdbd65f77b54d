package roles

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacerDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(1000)
		start, got := time.Now(), 0
		for time.Since(start) < 10*time.Second {
			got += p.Take(t.Context(), Burst)
			time.Sleep(7 * time.Millisecond) // as if sending took long
		}
		if got < 9990 || got > 10010 {
			t.Errorf("%d records in 10 s at 1000/s", got)
		}
	})
}

func TestPacerForgetsAFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(100)
		p.Take(t.Context(), Burst)
		time.Sleep(time.Minute)
		got := 0
		for start := time.Now(); time.Since(start) == 0; {
			got += p.Take(t.Context(), Burst)
		}
		if got < 100 || got > 102 {
			t.Errorf("%d records at once after a minute's freeze, want those of one second", got)
		}
	})
}

func TestPacerEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if n := NewPacer(0).Take(ctx, 10); n != 10 {
		t.Errorf("no limit: %d", n)
	}
	cancel()
	for _, rate := range []float64{0, 0.001} {
		p := NewPacer(rate)
		p.given = 1
		if n := p.Take(ctx, 10); n != NoRecord {
			t.Errorf("after the end: %d", n)
		}
	}
}
