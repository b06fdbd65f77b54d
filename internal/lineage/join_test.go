package lineage

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

func TestFind(t *testing.T) {
	f := NewFinder([]string{"way", "gateway", "my-app"})
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"gateway/0/1#41\npadding", []string{"gateway/0/1#41"}},
		{"paid:gateway/0/1#1", []string{"gateway/0/1#1"}},
		{`{"a":"gateway\/0\/12#7","b":"my-app/3/1#0"}`, []string{"gateway/0/12#7", "my-app/3/1#0"}},
		{"\x00\x1cmy-app/0/1#5\x02way/1/1#2,way/1/1#2", []string{"my-app/0/1#5", "way/1/1#2"}},
		{"unknown/0/1#1 #5 /1#2 gateway/0#3 gateway/0/1# gateway/x/1#2", nil},
		{"", nil},
	} {
		var got []string
		for _, v := range f.Find(nil, []byte(tc.in)) {
			got = append(got, v.String())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q: %s", tc.in, diff)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"a":"shop\/0\/12#7"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, v := range NewFinder([]string{"shop"}).Find(nil, b) {
			if back, err := history.ParseValue(v.String()); err != nil || back != v {
				t.Errorf("%q: found %v, which reads back as %v, %v", b, v, back, err)
			}
		}
	})
}

func edges(j *Join, reads ...string) []string {
	got := []string{}
	j.Edges(func(int) []string { return reads }, func(e Edge) {
		got = append(got, history.Input{TP: e.TP, Off: e.Off}.String()+" < "+e.From.String())
	})
	return got
}

func value(n int64) []history.Value { return []history.Value{{Proc: "shop/0/1", N: n}} }

func TestEdges(t *testing.T) {
	j := NewJoin()
	orders := j.Partition(history.TopicPartition{Topic: "orders"})
	orders.Add(Record{Off: 0, Writer: -1, Provides: value(1)})
	orders.Add(Record{Off: 1, Writer: -1, Provides: value(2), ID: []string{"A"}})
	orders.Add(Record{Off: 3, Writer: -1, Provides: value(3), ID: []string{"A"}})
	orders.Done()
	receipts := j.Partition(history.TopicPartition{Topic: "receipts", Part: 1})
	receipts.Add(Record{Off: 0, Provides: value(1), Refers: value(1)})  // of an aborted transaction
	receipts.Add(Record{Off: 2, Provides: value(1), Refers: value(1)})  // and again
	receipts.Add(Record{Off: 3, Refers: append(value(2), value(3)...)}) // made from two
	receipts.Add(Record{Off: 4, Of: []string{"A"}})                     // declared; its
	receipts.Add(Record{Off: 5, Of: []string{"A"}})                     // id stands twice
	receipts.Add(Record{Off: 6, Refers: value(9)})                      // nobody sent it
	receipts.Hide([]int64{0})
	receipts.Done()
	want := []string{"receipts/1@0 < orders/0@0", "receipts/1@2 < orders/0@0", "receipts/1@3 < orders/0@1", "receipts/1@3 < orders/0@3",
		"receipts/1@4 < orders/0@1", "receipts/1@5 < orders/0@3"}
	if diff := cmp.Diff(want, edges(j, "orders")); diff != "" {
		t.Errorf("edges: %s", diff)
	}
}

// A second program reads what a first one wrote: its outputs come from there, and from
// what is visible there.
func TestEdgesOfAChain(t *testing.T) {
	j := NewJoin()
	for _, topic := range []string{"orders", "paid", "receipts"} {
		p := j.Partition(history.TopicPartition{Topic: topic})
		var of []history.Value
		if topic == "receipts" {
			of = value(1)
		}
		p.Add(Record{Off: 0, Provides: value(1), Refers: of})
		p.Add(Record{Off: 1, Provides: value(1), Refers: of})
		if topic == "paid" {
			p.Hide([]int64{0})
		}
		p.Done()
	}
	got := edges(j, "paid")
	want := []string{"receipts/0@0 < paid/0@1", "receipts/0@1 < paid/0@1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edges: %s", diff)
	}
}

func BenchmarkJoin(b *testing.B) {
	const n = 200_000
	f := NewFinder([]string{"shop"})
	for b.Loop() {
		j := NewJoin()
		in, out := j.Partition(history.TopicPartition{Topic: "orders"}), j.Partition(history.TopicPartition{Topic: "receipts"})
		var buf []byte
		for i := range int64(n) {
			in.Add(Record{Off: i, Writer: -1, Provides: value(i)})
			buf = append(append(buf[:0], `{"receipt":"`...), history.Value{Proc: "shop/0/1", N: i}.String()...)
			out.Add(Record{Off: i, Refers: f.Find(nil, buf)})
		}
		in.Done()
		out.Done()
		edges := 0
		j.Edges(func(int) []string { return []string{"orders"} }, func(Edge) { edges++ })
		if edges != n {
			b.Fatalf("%d edges", edges)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
}
