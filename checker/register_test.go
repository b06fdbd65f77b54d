package checker

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestSorter: rows that come in any order leave in order, those that are equal in
// the order in which they came, however little memory there is.
func TestSorter(t *testing.T) {
	type row struct{ key, n int64 }
	for _, n := range []int64{0, 1, 1000, batchRows, 3*batchRows + 17} {
		p := newPool(1 << 20)
		s := newSorter(p, func(a, b row) int { return cmp.Compare(a.key, b.key) })
		d := rand.New(rand.NewPCG(uint64(n), 1))
		for i := range n {
			s.add(row{d.Int64N(n/2 + 1), i})
		}
		for pass := range 2 {
			last, got := row{-1, -1}, int64(0)
			s.sorted().each(func(r row) {
				if got++; r.key < last.key || r.key == last.key && r.n < last.n {
					t.Fatalf("%d rows, pass %d: %v behind %v", n, pass, r, last)
				}
				last = r
			})
			if got != n {
				t.Errorf("%d of %d rows", got, n)
			}
		}
		if n > 2*batchRows && p.spills == 0 {
			t.Errorf("%d rows: nothing moved to disk", n)
		}
		s.close()
		if p.resident != 0 {
			t.Errorf("%d rows: %d bytes are still there", n, p.resident)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}

// commits is a register with so many commits, one after the other, and now and then
// one of unknown outcome. Wherever far says, two fetches meet a commit under way, and
// agree with it one by one, but not with each other.
func commits(n int64, far func(i int64) bool) *tape {
	p := newTape()
	p.h.Clients[1].Output = ""
	op := func(proc string, typ history.Type, op history.Op, id, off int64) int64 {
		e := history.Event{Proc: proc, ID: id, Type: typ, Op: op, Group: "till", TP: orders}
		if off >= 0 {
			e.Off = []int64{off}
		}
		return p.add(e).ID
	}
	told := func(proc string, off int64) {
		op(proc, history.OK, history.OpFetchOffsets, op(proc, history.Invoke, history.OpFetchOffsets, 0, -1), off)
	}
	for i := range n {
		id := op("till/0/1", history.Invoke, history.OpCommitOffsets, 0, i)
		if far(i) {
			told("till/1/1", i)
			told("till/1/1", i-1)
		}
		typ := history.OK
		if i%1_000 == 7 {
			typ = history.Info
		}
		op("till/0/1", typ, history.OpCommitOffsets, id, i)
	}
	return p
}

// TestLongRegister: one group's offset with more commits than are searched at once is
// judged as a short one is.
func TestLongRegister(t *testing.T) {
	const n, step = 6_000, 700
	for name, tt := range map[string]struct {
		far  func(i int64) bool
		want int64
	}{
		"legal":   {func(int64) bool { return false }, 0},
		"illegal": {func(i int64) bool { return i == n-1_000 }, 1},
	} {
		p := commits(n, tt.far)
		for i := int64(step); i < n; i += step { // what was committed long ago is still there
			k := slices.IndexFunc(p.events, func(e history.Event) bool { return e.Type == history.OK && e.Off[0] == i })
			e := p.events[k]
			e.Proc, e.ID, e.Op, e.T = "till/1/1", 1_000_000+i, history.OpFetchOffsets, e.T+1
			p.events = slices.Insert(p.events, k+1, e)
		}
		p.offset("till", n-1)
		p.done()
		r := judgeWith(t, p.h, p.events, Options{}, func(j *judge) { j.searchMost = 2_500 })
		if got := kinds(r)[guarantee.NonlinearizableOffset]; got != tt.want || len(kinds(r)) > int(tt.want) {
			t.Errorf("%s: %v", name, kinds(r))
		}
		if c := r.Evidence.Counts; tt.want == 0 && c["registers-searched"] != 1 {
			t.Errorf("%s: %d registers searched, %d by rules, %d not", name, c["registers-searched"], c["registers-by-rules"], c["registers-not-searched"])
		}
	}
}
