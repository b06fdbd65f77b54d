package checker

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker/internal/linear"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestSearchFindsMore: two fetches during one commit return its offset and then
// the older one. Each agrees with the commits; together they do not.
func TestSearchFindsMore(t *testing.T) {
	p := tell(t, []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "no outputs"})
	p.events = p.events[:len(p.events)-1] // the audit comes later
	c := history.Event{Proc: "till/0/1", Type: history.Invoke, Op: history.OpCommitOffsets, Group: "till", TP: orders, Off: []int64{2}}
	c.ID = p.add(c).ID
	for _, off := range []int64{2, 1} {
		f := history.Event{Proc: "till/1/1", Type: history.Invoke, Op: history.OpFetchOffsets, Group: "till", TP: orders}
		f.ID = p.add(f).ID
		f.Type, f.Off, f.T = history.OK, []int64{off}, 0
		p.add(f)
	}
	c.Type, c.T = history.OK, 0
	p.add(c)
	p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
	p.offset("till", 2)
	p.done()

	var page bytes.Buffer
	var names []string
	r := judgeEvents(t, p.h, p.events, Options{View: func(name string) (io.Writer, error) {
		names = append(names, name)
		return &page, nil
	}})
	if k := kinds(r); k[guarantee.NonlinearizableOffset] != 1 {
		t.Fatalf("found %v", k)
	}
	w := resultOf(r, guarantee.Offsets).Anomalies[0].Witnesses[0]
	if len(names) != 1 || w.View != names[0] || !strings.Contains(page.String(), "<html") {
		t.Errorf("views %v, the witness names %q, %d bytes", names, w.View, page.Len())
	}
}

// TestPorcupineAgrees compares the pass in offset order with porcupine's search
// on every partition of generated histories: legal ones, and those with a
// realtime-reorder planted.
func TestPorcupineAgrees(t *testing.T) {
	compared, illegal := 0, 0
	for seed := range uint64(max(60, *mutationCases)) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 77))})
		w.run(60 + w.d.n(60))
		if seed%2 == 1 && plants[guarantee.RealtimeReorder](w) == nil {
			continue
		}
		events := w.history()
		found := kinds(judgeEvents(t, w.h, events, Options{}))
		bad := false
		for _, tp := range sortedTPs(w.logs) {
			r := linear.Log(logOps(w, tp), linear.Caps{Unknown: 12})
			if r.Verdict == linear.Unknown {
				t.Logf("seed %d, %s: %s", seed, placeTP(tp), r.Reason)
				continue
			}
			compared++
			bad = bad || r.Verdict == linear.Illegal
		}
		if bad {
			illegal++
		}
		if bad != (found[guarantee.RealtimeReorder] > 0) {
			t.Errorf("seed %d: porcupine says illegal: %v, the pass found %v", seed, bad, found)
		}
	}
	t.Logf("porcupine agrees on %d partitions; %d histories were illegal", compared, illegal)
	if illegal == 0 {
		t.Error("nothing illegal was compared")
	}
}

// logOps is one partition's appends; each process is several clients, since its
// sends overlap.
func logOps(w *world, tp history.TopicPartition) []linear.LogOp {
	var ops []linear.LogOp
	clients := map[string]int{}
	for _, e := range w.logs[tp].entries {
		if e.marker != "" || e.val.Proc == "" {
			continue
		}
		inv, ack := w.invoked(e.val), w.acked(e.val)
		o := linear.LogOp{Off: e.off, Value: e.val.String(), Call: inv.T, Return: linear.Forever}
		if _, ok := clients[e.val.Proc]; !ok {
			clients[e.val.Proc] = len(clients)
		}
		o.Client = clients[e.val.Proc]
		if ack != nil {
			o.Return = ack.T
		}
		ops = append(ops, o)
	}
	return ops
}

// TestViews: each violation that a model covers gets its picture.
func TestViews(t *testing.T) {
	for _, c := range []struct {
		kind  guarantee.Anomaly
		story []string
	}{
		{guarantee.RealtimeReorder, explanations[guarantee.RealtimeReorder].Smallest},
		{guarantee.NonlinearizableOffset, explanations[guarantee.NonlinearizableOffset].Smallest},
		{guarantee.ZombieCommit, []string{"x got 7 0", "x begin 1", "x send 0 receipts@0 txn 1", "y got 7 1", "x commit 1", "log receipts: x#0!7.0 commit!7.0"}},
	} {
		views := 0
		p := tell(t, c.story)
		r := judgeEvents(t, p.h, p.events, Options{View: func(string) (io.Writer, error) {
			views++
			return io.Discard, nil
		}})
		if kinds(r)[c.kind] != 1 || views != 1 {
			t.Errorf("%s: %v with %d views", c.kind, kinds(r), views)
		}
	}
}
