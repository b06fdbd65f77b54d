package checker

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// early are the kinds whose smallest history shows them before there is a final
// log; witnesses are those that need one reader more.
var early = []guarantee.Anomaly{
	guarantee.InconsistentOffset, guarantee.NonmonotonicPoll, guarantee.PositionMismatch, guarantee.RealtimeReorder, guarantee.DuplicateOutput, guarantee.OverlappingInput,
	guarantee.OutputWithoutOffset, guarantee.DirtyRead, guarantee.AbortedRead, guarantee.ReadAboveLSO, guarantee.OffsetRegression, guarantee.NonlinearizableOffset, guarantee.ZombieCommit, guarantee.DoubleOwner,
}

var witnesses = map[guarantee.Anomaly]func(w *world){
	guarantee.DuplicateWrite: (*world).readByTwo,
	guarantee.PhantomRead:    (*world).readByTwo,
	guarantee.ReorderedWrite: (*world).readByTwo,
	guarantee.SkippedPoll:    (*world).readByTwo,
	guarantee.IntermediateRead: func(w *world) { // the reader that missed something comes after one that did not
		last := w.told[len(w.told)-1]
		w.told = w.told[:len(w.told)-1]
		w.poll("audience/5/1", last.TP, 0, true, 1<<20)
		last.ID = 0
		w.tell(last)
	},
}

// readByTwo lets two new readers read the orders whole.
func (w *world) readByTwo() {
	for _, proc := range []string{"gallery/1/1", "gallery/2/1"} {
		for p := range int32(2) {
			w.poll(proc, tpOf("orders", p), 0, false, 1<<20)
		}
	}
}

// hear lets every process that lives be heard of again, and again.
func (w *world) hear() {
	alive := map[string]bool{}
	for _, e := range w.told {
		switch {
		case e.Op == history.OpExit:
			delete(alive, e.Proc)
		case e.Src == history.SrcClient:
			alive[e.Proc] = true
		}
	}
	for range 4 {
		w.now += 2 * heardStep
		for _, proc := range slices.Sorted(maps.Keys(alive)) {
			w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll})
		}
	}
}

// TestOnlineAgainstCheck: on planted histories, what is told early is what the
// check of the whole history finds, and what can be told early is, in some at least.
func TestOnlineAgainstCheck(t *testing.T) {
	for k, a := range Anomalies() {
		cases, told := 0, 0
		for seed := range uint64(20) {
			w := newWorld(seeded{rand.New(rand.NewPCG(seed, uint64(700+k)))})
			w.run(150)
			if plants[a](w) == nil {
				continue
			}
			cases++
			if add := witnesses[a]; add != nil {
				add(w)
			}
			w.hear()
			events := jitter(w.d, w.history())
			if seed%2 == 1 {
				stretch(events)
			}
			final := kinds(judgeEvents(t, w.h, events, Options{}))
			o := NewOnline(w.h, func(x Alarm) {
				if final[x.Kind] == 0 {
					t.Errorf("planted %s, seed %d: told %s early (%s), but the check finds %v", a, seed, x.Kind, x.Text, final)
				}
			})
			for i := range events {
				o.Observe(&events[i])
			}
			if o.Violations()[a] > 0 {
				told++
			}
		}
		t.Logf("%-24s told early in %d of %d", a, told, cases)
		if can := witnesses[a] != nil || slices.Contains(early, a); can != (told > 0) {
			t.Errorf("%s was told early in %d of %d, can be: %v", a, told, cases, can)
		}
	}
}

// stretch makes a history of a second one of minutes, in which processes are
// heard of again.
func stretch(events []history.Event) {
	for i := range events {
		events[i].T *= 200
	}
}

// TestOnlineSeesEarly: what needs no final log is told before there is one.
func TestOnlineSeesEarly(t *testing.T) {
	for _, a := range early {
		p := tell(t, explanations[a].Smallest)
		var told []Alarm
		o := NewOnline(p.h, func(x Alarm) { told = append(told, x) })
		for i := range p.events {
			if p.events[i].Src != history.SrcAudit {
				o.Observe(&p.events[i])
			}
		}
		hearAll(o, p.now)
		final := kinds(judgeEvents(t, p.h, p.events, Options{}))
		if !slices.ContainsFunc(told, func(x Alarm) bool { return x.Kind == a && x.Text != "" }) ||
			slices.ContainsFunc(told, func(x Alarm) bool { return final[x.Kind] == 0 }) {
			t.Errorf("%s: told %v before the audit", a, told)
		}
		for kind, n := range o.Violations() {
			if n > final[kind] {
				t.Errorf("%s: %d × %s so far, %d in the end", a, n, kind, final[kind])
			}
		}
	}
}

// hearAll lets every process be heard of again, and again.
func hearAll(o *Online, now int64) {
	for _, proc := range []string{"shop/0/1", "shop/1/1", "till/0/1", "till/1/1", "exact/0/1", "exact/1/1"} {
		for k := range int64(4) {
			o.Observe(&history.Event{T: now + (k+1)*2*heardStep, Src: history.SrcClient, Proc: proc, Type: history.OK, Op: history.OpPoll})
		}
	}
}

// TestOnlineByTwoWitnesses: what one reader alone might have been told wrongly
// needs a second one.
func TestOnlineByTwoWitnesses(t *testing.T) {
	sent := func(p *tape) {
		for n := range int64(3) {
			p.send("shop/0/1", n, orders, n, nil)
		}
	}
	for kind, story := range map[guarantee.Anomaly]func(p *tape){
		guarantee.SkippedPoll: func(p *tape) {
			sent(p)
			p.poll("audience/0/1", orders, 0, v("shop/0/1", 0), v("shop/0/1", 1), v("shop/0/1", 2))
			p.poll("till/0/1", orders, 0, v("shop/0/1", 0))
			p.poll("till/0/1", orders, 2, v("shop/0/1", 2))
		},
		guarantee.IntermediateRead: func(p *tape) {
			p.begin("exact/0/1", 1)
			for n := range int64(3) {
				p.send("exact/0/1", n, receipts, n, &made{from: -1, txn: 1})
			}
			p.end("exact/0/1", history.OpCommit, 1, history.OK)
			p.poll("audience/0/1", receipts, 0, v("exact/0/1", 0), v("exact/0/1", 1), v("exact/0/1", 2))
			p.poll("audience/1/1", receipts, 0, v("exact/0/1", 0))
			p.poll("audience/1/1", receipts, 2, v("exact/0/1", 2))
		},
		guarantee.ReorderedWrite: func(p *tape) {
			a, b := p.invoke("shop/0/1", 0, orders, nil), p.invoke("shop/0/1", 1, orders, nil)
			p.ack("shop/0/1", b, 1, orders, 0)
			p.ack("shop/0/1", a, 0, orders, 1)
			p.poll("audience/0/1", orders, 0, v("shop/0/1", 1), v("shop/0/1", 0))
		},
		guarantee.DuplicateWrite: func(p *tape) {
			p.send("shop/0/1", 0, orders, 0, nil)
			for _, reader := range []string{"audience/0/1", "till/0/1"} {
				p.poll(reader, orders, 0, v("shop/0/1", 0), v("shop/0/1", 0))
			}
		},
		guarantee.PhantomRead: func(p *tape) {
			p.send("shop/0/1", 0, orders, 0, nil)
			for _, reader := range []string{"audience/0/1", "till/0/1"} {
				p.poll(reader, orders, 0, v("shop/0/1", 0), v("shop/0/1", 7))
			}
		},
	} {
		p := newTape()
		story(p)
		var told []Alarm
		o := NewOnline(p.h, func(x Alarm) { told = append(told, x) })
		for i := range p.events {
			o.Observe(&p.events[i])
		}
		hearAll(o, p.now)
		if len(told) != 1 || told[0].Kind != kind {
			t.Errorf("%s: told %v", kind, told)
		}
	}
}

// TestOnlineIsQuietOnLegalRuns: no early alarm is a false one.
func TestOnlineIsQuietOnLegalRuns(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 6))})
		w.run(300)
		events := jitter(w.d, w.history())
		if seed%2 == 1 {
			stretch(events)
		}
		o := NewOnline(w.h, func(x Alarm) { t.Errorf("seed %d: %s on a legal run: %s", seed, x.Kind, x.Text) })
		for i := range events {
			o.Observe(&events[i])
		}
	}
}

// TestOnlineStaysSmall: what is kept does not grow with the length of the run,
// and nothing lies on disk. The windows are made small, so that they are full early.
func TestOnlineStaysSmall(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	after := func(n int64) int64 {
		before := heap()
		o := NewOnline(newTape().h, func(x Alarm) { t.Errorf("%s on a legal run: %s", x.Kind, x.Text) })
		o.rows, o.inputs, o.places = newWindow[liveRow](64), newWindow[liveInput](64), newRecent(1024)
		playLong(n, func(e *history.Event) {
			if e.Src != history.SrcAudit {
				o.Observe(e)
			}
		})
		size := heap() - before
		runtime.KeepAlive(o)
		return size
	}
	short, long := after(200_000), after(2_000_000)
	t.Logf("%d KiB after 0.2 M events, %d KiB after 2 M", short>>10, long>>10)
	if long > short+short/4 {
		t.Errorf("%d bytes after 0.2 M events, %d after ten times as many", short, long)
	}
}
