package process

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

func TestStopIsGraceful(t *testing.T) {
	inst, rec := newInstance(t, "good")
	if hello := mustStart(t, inst); hello.Library != "fake" {
		t.Fatalf("hello of %q", hello.Library)
	}
	rec.await(t, 2, history.OpSend, history.Invoke)
	if err := inst.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := exitOf(t, inst)
	if !e.Wanted || e.Code != 0 || e.Err != nil || !slices.Contains(e.LastLines, "good morning") {
		t.Errorf("exit %+v", e)
	}
	if n := len(rec.find(history.OpSend, history.OK)); n != 2 {
		t.Errorf("%d acknowledgements, want 2", n)
	}
	if got := inst.Counts(); got.Sent != 2 || got.Acked != 2 || got.Errors != 0 {
		t.Errorf("counts %+v", got)
	}
	for _, e := range rec.events {
		if e.Proc != "shop/0/1" {
			t.Errorf("event of %q", e.Proc)
		}
	}
	first, last := rec.events[0], rec.events[len(rec.events)-1]
	if first.Op != history.OpSpawn || last.Op != history.OpExit || last.Note != "exit code 0" || last.Src != history.SrcHarness {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// TestKillLosesNothing kills a worker that prints as fast as it can: every line
// that it had printed is there, and each open operation has an info.
func TestKillLosesNothing(t *testing.T) {
	inst, rec := newInstance(t, "counting")
	for n := 1; n <= 3; n++ {
		if inst.Running() {
			t.Error("runs before its start")
		}
		before := len(rec.find(history.OpSend, history.Invoke))
		mustStart(t, inst)
		if !inst.Running() {
			t.Error("does not run after its start")
		}
		rec.await(t, before+1000, history.OpSend, history.Invoke)
		if err := inst.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := exitOf(t, inst)
		if e.Signal != "SIGKILL" || e.Code != -1 || !e.Wanted || e.Err != nil || e.Proc != "shop/0/"+strconv.Itoa(n) {
			t.Fatalf("exit %+v", e)
		}
		// It tells stderr about each line that it has printed.
		last := e.LastLines[len(e.LastLines)-1]
		printed, err := strconv.Atoi(last)
		if err != nil {
			t.Fatal(err)
		}
		var invoked, unknown int
		for _, ev := range rec.events {
			if ev.Proc != e.Proc || ev.Op != history.OpSend {
				continue
			}
			if ev.Type == history.Invoke {
				invoked++
			} else if ev.Type == history.Info && ev.Err != nil && ev.Val[0].N == ev.ID {
				unknown++
			}
		}
		if invoked < printed || invoked > printed+1 || unknown != invoked {
			t.Errorf("incarnation %d: printed %d, recorded %d, unknown %d", n, printed, invoked, unknown)
		}
	}
}

func TestHalfLineIsLostAlone(t *testing.T) {
	inst, rec := newInstance(t, "half-line")
	mustStart(t, inst)
	rec.await(t, 1, history.OpSend, history.Invoke)
	if err := inst.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := exitOf(t, inst); e.Err != nil {
		t.Errorf("half a line is no breach of the protocol: %v", e.Err)
	}
	if len(rec.find(history.OpSend, history.OK)) != 0 || len(rec.find(history.OpSend, history.Info)) != 1 {
		t.Errorf("events %+v", rec.events)
	}
}

func TestStartFails(t *testing.T) {
	for _, tc := range []struct {
		worker string
		change func(*Config)
		want   []string
		is     error
	}{
		{worker: "mute", want: []string{"printed no hello within 200ms"}},
		{worker: "dead", want: []string{"exit code 7", "no such library", "shop-0.log"}},
		{worker: "wrong-spec", want: []string{"exit code 2", "acks: 3 is none of"}, is: ErrRefused},
		{worker: "garbage-first", want: []string{"no hello", "Picked up JAVA_TOOL_OPTIONS"}},
		{worker: "other-version", want: []string{"worker protocol 2, this harness 1"}},
		{worker: "good", change: func(c *Config) { c.Spec.Role = guarantee.Consumer }, want: []string{"role consumer"}, is: ErrUnsupported},
		{worker: "good", change: func(c *Config) { c.Spec.Commit = guarantee.CommitTxn }, want: []string{"commit transaction", "it has auto"}, is: ErrUnsupported},
		{worker: "good", change: func(c *Config) { c.Spec.Strict = true }, want: []string{"acks: no", "unsupported: warn"}, is: ErrRefused},
		{worker: "good", change: func(c *Config) { c.Command = []string{"/no/such/program"} }, want: []string{"/no/such/program"}, is: os.ErrNotExist},
	} {
		t.Run(tc.worker, func(t *testing.T) {
			inst, rec := newInstance(t, tc.worker, func(c *Config) {
				if tc.worker == "mute" {
					c.HelloWait = 200 * time.Millisecond
				}
				if tc.change != nil {
					tc.change(c)
				}
			})
			_, err := inst.Start(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range append(tc.want, "shop/0/1") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not name %q", err, w)
				}
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error %v is not %v", err, tc.is)
			}
			if spawned, exited := rec.find(history.OpSpawn, history.Info), rec.find(history.OpExit, history.Info); len(spawned) != len(exited) {
				t.Errorf("%d started, %d ended", len(spawned), len(exited))
			}
			select {
			case e := <-inst.Exited():
				t.Errorf("the end was delivered too: %+v", e)
			default:
			}
		})
	}
}

func TestBreachEndsTheWorker(t *testing.T) {
	for worker, want := range map[string]string{
		"garbage": "no event", "early": "exit code 0 and no close", "long-line": "line of more than",
		"flood": "line of more than", "future": "in the future", "past": "before", "backward": "before",
	} {
		t.Run(worker, func(t *testing.T) {
			inst, _ := newInstance(t, worker)
			mustStart(t, inst)
			e := exitOf(t, inst)
			if e.Err == nil || !strings.Contains(e.Err.Error(), want) || e.Wanted {
				t.Errorf("exit %+v, want an error that says %q", e, want)
			}
		})
	}
}

func TestOwnEnds(t *testing.T) {
	inst, rec := newInstance(t, "fatal")
	mustStart(t, inst)
	if e := exitOf(t, inst); e.Code != 3 || e.Err != nil || e.Wanted {
		t.Errorf("fatal: exit %+v", e)
	}
	if n := len(rec.find(history.OpSend, history.Info)); n != 1 {
		t.Errorf("%d unknown sends, want 1", n)
	}
	inst, _ = newInstance(t, "own-end")
	mustStart(t, inst)
	if e := exitOf(t, inst); e.Code != 0 || e.Err != nil || e.Wanted {
		t.Errorf("own end: exit %+v", e)
	}
	if err := inst.Stop(t.Context()); err != nil {
		t.Errorf("stop of what has ended: %v", err)
	}
}

func TestStopKillsTheDeaf(t *testing.T) {
	inst, _ := newInstance(t, "deaf", func(c *Config) { c.StopWait = 100 * time.Millisecond })
	mustStart(t, inst)
	if err := inst.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "did not stop within 100ms") {
		t.Errorf("stop: %v", err)
	}
	if e := exitOf(t, inst); e.Signal != "SIGKILL" || !e.Wanted {
		t.Errorf("exit %+v", e)
	}
}

func TestPauseAndResume(t *testing.T) {
	inst, rec := newInstance(t, "counting")
	mustStart(t, inst)
	for range 2 {
		rec.await(t, 1, history.OpSend, history.Invoke)
		if err := inst.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		// What the pipe still held has been read once the count stands still.
		before, after := int64(-1), inst.Counts().Sent
		for before != after {
			time.Sleep(20 * time.Millisecond)
			before, after = after, inst.Counts().Sent
		}
		if err := inst.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		rec.await(t, int(after)+1, history.OpSend, history.Invoke)
	}
	if err := inst.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := inst.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := inst.Pause(t.Context()); err == nil {
		t.Error("what does not run can be paused")
	}
}

func TestFloodOfStderrIsBounded(t *testing.T) {
	inst, rec := newInstance(t, "stderr-flood")
	mustStart(t, inst)
	rec.await(t, 1, history.OpSend, history.Invoke)
	if err := inst.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(inst.cfg.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxLog+1000 || info.Size() < maxLog/2 {
		t.Errorf("log of %d bytes, want about %d", info.Size(), maxLog)
	}
}

func TestExpansion(t *testing.T) {
	inst, _ := newInstance(t, "spec", func(c *Config) {
		c.Spec.Config = map[string]string{"transactional.id": "${client}-${instance}-${incarnation}", "group.id": "g-${random}"}
	})
	var ids []string
	for range 2 {
		mustStart(t, inst)
		if err := inst.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := exitOf(t, inst)
		slices.Sort(e.LastLines)
		ids = append(ids, e.LastLines...)
	}
	if ids[1] != "transactional.id=shop-0-1" || ids[3] != "transactional.id=shop-0-2" || ids[0] == ids[2] || len(ids[0]) != len("group.id=g-12345678") {
		t.Errorf("expanded to %q", ids)
	}
	cfg := inst.cfg
	cfg.Spec.Config = map[string]string{"group.id": "${host}"}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "group.id") || !strings.Contains(err.Error(), "${incarnation}") {
		t.Errorf("unknown word: %v", err)
	}
}

func TestStartTwice(t *testing.T) {
	inst, _ := newInstance(t, "deaf")
	mustStart(t, inst)
	if _, err := inst.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("second start: %v", err)
	}
}

func TestContextEndsStart(t *testing.T) {
	inst, _ := newInstance(t, "mute")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := inst.Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("start: %v", err)
	}
}
