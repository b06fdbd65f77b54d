package checker

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// FuzzCheck judges whatever lines a history may hold: never a panic, never much
// memory, and a report or an error with a line.
func FuzzCheck(f *testing.F) {
	for seed := range uint64(6) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 9))})
		w.run(30)
		events := w.history()
		var lines []byte
		for i := range events {
			lines = append(history.MarshalLine(lines, &events[i]), '\n')
		}
		f.Add(lines)
	}
	f.Add([]byte(`{"t":1,"src":"client","proc":"a","type":"ok","op":"poll","id":1,"tp":"x/0","off":[0,281474976710655],"val":["a#0","a#1099511627775"]}`))
	f.Add([]byte(`{"t":1,"src":"audit","proc":"audit","type":"ok","op":"marker","tp":"x/0","off":[5],"pid":-1,"epoch":-1,"marker":"commit"}`))
	header := `{"format":"onceproof-history/1","scenario":"fuzz","clients":[{"name":"exact","role":"processor","output":"paid","config":{"group.id":"exact","isolation.level":"read_committed"}}]}` + "\n"
	f.Fuzz(func(t *testing.T, lines []byte) {
		r, err := history.NewReader("fuzz", bytes.NewReader(append([]byte(header), lines...)))
		if err != nil {
			t.Skip(err)
		}
		defer r.Close()
		rep, err := Check(context.Background(), r, Options{Memory: 4 << 20})
		switch {
		case err != nil && !strings.Contains(err.Error(), "line") && !strings.Contains(err.Error(), ":"):
			t.Errorf("the error names no line: %v", err)
		case err == nil && len(rep.Guarantees) != len(guarantee.All):
			t.Errorf("%d guarantees", len(rep.Guarantees))
		}
	})
}

// TestHostileOffsets: offsets and values far apart cost a page each, not the
// space between them.
func TestHostileOffsets(t *testing.T) {
	p := newTape()
	for i := range int64(50) {
		off := i * (maxOff / 60)
		p.send("exact/0/1", i*(maxN/60), orders, off, &made{from: off, txn: 1 + i})
		p.poll("audience/0/1", orders, off, v("exact/0/1", i*(maxN/60)))
		p.commitOffset("exact/0/1", "exact", off+1)
	}
	p.offset("exact", maxOff)
	p.done()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	judgeEvents(t, p.h, p.events, Options{})
	runtime.ReadMemStats(&after)
	if used := int64(after.TotalAlloc - before.TotalAlloc); used > 64<<20 {
		t.Errorf("%d MiB for 50 records", used>>20)
	}
	for _, e := range []history.Event{
		{Src: history.SrcClient, Proc: "a", Type: history.OK, Op: history.OpPoll, TP: orders, Off: []int64{maxOff + 1}, Val: []history.Value{v("a", 1)}},
		{Src: history.SrcClient, Proc: "a", Type: history.OK, Op: history.OpPoll, TP: orders, Off: []int64{-1}, Val: []history.Value{v("a", 1)}},
		{Src: history.SrcClient, Proc: "a", Type: history.Invoke, Op: history.OpSend, TP: orders, Val: []history.Value{v("a", maxN+1)}},
		{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: history.OpWatermarks, TP: orders, Off: []int64{1}},
		{Src: "elsewhere", Proc: "a", Type: history.OK, Op: history.OpPoll},
	} {
		j := newJudge(p.h, Options{})
		if err := j.observe(&e, 2); err == nil {
			t.Errorf("taken: %+v", e)
		}
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSpill: the same verdict from memory and from disk, with planted anomalies
// in a history that does not fit.
func TestSpill(t *testing.T) {
	for i, a := range Anomalies() {
		w := newWorld(seeded{rand.New(rand.NewPCG(uint64(i), 8))})
		w.run(300)
		plants[a](w)
		events := w.history()
		j := newJudge(w.h, Options{})
		j.pool.limit = 8 << 10
		for k := range events {
			if err := j.observe(&events[k], int64(k)+2); err != nil {
				t.Fatal(err)
			}
		}
		j.finish()
		rep := j.verdicts()
		if j.pool.spills == 0 {
			t.Errorf("%s: nothing was moved to disk", a)
		}
		if err := j.close(); err != nil {
			t.Error(err)
		}
		want := kinds(judgeEvents(t, w.h, events, Options{}))
		for k, n := range kinds(rep) {
			if want[k] != n {
				t.Errorf("%s: %d × %s from disk, %d from memory", a, n, k, want[k])
			}
		}
		if len(kinds(rep)) != len(want) {
			t.Errorf("%s: %v from disk, %v from memory", a, kinds(rep), want)
		}
	}
}

// TestNoRoomOnDisk: when nothing can be moved, there is an error, not a verdict.
func TestNoRoomOnDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	if _, err := os.Stat(os.TempDir()); err == nil {
		t.Skip("TMPDIR is not heeded here")
	}
	w := newWorld(seeded{rand.New(rand.NewPCG(1, 8))})
	w.run(300)
	events := w.history()
	j := newJudge(w.h, Options{})
	j.pool.limit = 8 << 10
	var err error
	for k := range events {
		if err = j.observe(&events[k], int64(k)+2); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "past the memory limit") {
		t.Errorf("got %v", err)
	}
}
