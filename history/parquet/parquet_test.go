package parquet

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/onceproof/onceproof/history"
)

const lines = `{"format":"onceproof-history/1","scenario":"s","start-t":1}
{"t":10,"src":"client","proc":"shop/0/1","type":"invoke","op":"send","id":1,"tp":"orders","val":"shop/0/1#1"}
{"t":20,"src":"client","proc":"till/0/1","type":"ok","op":"poll","id":2,"tp":"orders/0","off":[0,1],"val":["shop/0/1#1",""]}
{"t":30,"src":"client","proc":"till/0/1","type":"ok","op":"begin","id":3,"txn":1}
{"t":40,"src":"client","proc":"till/0/1","type":"invoke","op":"send","id":4,"txn":1,"tp":"receipts","val":"till/0/1#1","from":"orders/0@0"}
{"t":50,"src":"fault","proc":"fault/1","type":"info","op":"inject","data":{"target":"<b>","kind":"kill","n":9007199254740993}}
`

func TestExport(t *testing.T) {
	var file bytes.Buffer
	if err := Export(&file, read(t, []byte(lines))); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[row](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 { // 5 events, of which a poll of 2 records
		t.Fatalf("%d rows", len(rows))
	}
	at := func(n int64) *int64 { return &n }
	part, proc := int32(0), "shop/0/1"
	want := row{Line: 3, T: 20, Src: "client", Proc: "till/0/1", Type: "ok", Op: "poll", ID: 2,
		Topic: "orders", Partition: &part, Off: at(0), ValProc: &proc, ValN: at(1)}
	if diff := cmp.Diff(want, rows[1]); diff != "" {
		t.Error(diff)
	}
	want.Part, want.Off, want.ValProc, want.ValN = 1, at(1), nil, nil
	if diff := cmp.Diff(want, rows[2]); diff != "" {
		t.Error(diff)
	}
	if rows[4].FromOff == nil || *rows[4].FromOff != 0 || *rows[4].FromTopic != "orders" {
		t.Errorf("the lineage is %v", rows[4])
	}
	if rows[5].Data != `{"kind":"kill","n":9007199254740993,"target":"<b>"}` {
		t.Errorf("the facts are %s", rows[5].Data)
	}
}

func read(t testing.TB, file []byte) *history.Reader {
	t.Helper()
	r, err := history.NewReader("h", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func BenchmarkExport(b *testing.B) {
	const n = 200_000
	head, line, _ := strings.Cut(lines, "\n")
	line, _, _ = strings.Cut(line, "\n")
	file := []byte(head + "\n" + strings.Repeat(line+"\n", n))
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := Export(&out, read(b, file)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(out.Len())/n, "bytes/event")
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
