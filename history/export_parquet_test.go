package history

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func TestExportParquet(t *testing.T) {
	var file bytes.Buffer
	if err := ExportParquet(&file, exportLines(t)); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[parquetRow](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 23 { // 20 events, of which a poll of 2 records and a visible line of 3
		t.Fatalf("%d rows", len(rows))
	}
	at := func(n int64) *int64 { return &n }
	part, proc := int32(0), "shop/0/1"
	want := parquetRow{Line: 9, T: 80, Src: "client", Proc: "till/0/1", Type: "ok", Op: "poll", ID: 2,
		Topic: "orders", Partition: &part, Off: at(0), ValProc: &proc, ValN: at(1)}
	if diff := cmp.Diff(want, rows[7]); diff != "" {
		t.Error(diff)
	}
	want.Part, want.Off, want.ValProc, want.ValN = 1, at(1), nil, nil
	if diff := cmp.Diff(want, rows[8]); diff != "" {
		t.Error(diff)
	}
	if rows[10].FromOff == nil || *rows[10].FromOff != 0 || *rows[10].FromTopic != "orders" {
		t.Errorf("the lineage is %v", rows[10])
	}
	if rows[11].Data != `{"kind":"kill"}` {
		t.Errorf("the facts are %s", rows[11].Data)
	}
}

func BenchmarkExportParquet(b *testing.B) {
	file := benchFile(b, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader("bench", bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		if err := ExportParquet(&out, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
		b.ReportMetric(float64(out.Len())/200_000, "bytes/event")
	}
	b.ReportMetric(200_000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
