package history

import (
	"bytes"
	"io"
	"testing"
)

// sendEvent fills e with event i of the sends of eight processes to six
// partitions: an invoke and its ok, those of the processes interleaved.
func sendEvent(e *Event, i int) {
	proc := benchProcs[i/2%len(benchProcs)]
	n := int64(i / 2 / len(benchProcs))
	e.T = 1_000_000_000_000 + int64(i)*9_731 + int64(uint64(i)*0x9e3779b97f4a7c15>>51) // jitter
	e.Src, e.Proc, e.Op, e.ID = SrcClient, proc, OpSend, n+1
	e.TP = TopicPartition{Topic: "orders", Part: int32(i / 2 % 6)}
	e.Val = append(e.Val[:0], Value{Proc: proc, N: n + 1})
	e.Off = e.Off[:0]
	if e.Type = Invoke; i%2 == 1 {
		e.Type = OK
		e.Off = append(e.Off, int64(i/12))
	}
}

var benchProcs = []string{"shop/0/1", "shop/1/1", "shop/2/4", "shop/3/1", "till/0/1", "till/1/2", "till/2/1", "till/3/17"}

func BenchmarkWriter(b *testing.B) {
	w, err := NewWriter(io.Discard, Header{})
	if err != nil {
		b.Fatal(err)
	}
	var e Event
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sendEvent(&e, i)
		if err := w.Append(&e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// benchFile is a history of n events of sends.
func benchFile(b *testing.B, n int) []byte {
	b.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, Header{})
	if err != nil {
		b.Fatal(err)
	}
	var e Event
	for i := range n {
		sendEvent(&e, i)
		if err := w.Append(&e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

func BenchmarkReader(b *testing.B) {
	const n = 1_000_000
	file := benchFile(b, n)
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader("bench", bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		var e Event
		got := 0
		for err = r.Next(&e); err == nil; err = r.Next(&e) {
			got++
		}
		if err != io.EOF || got != n {
			b.Fatal(got, err)
		}
		r.Close()
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(len(file))/n, "bytes/event")
}

func BenchmarkParseLine(b *testing.B) {
	for _, c := range []struct{ name, line string }{
		{"send", `{"t":1000000214711,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":10001,"tp":"orders/2","off":1666,"val":"shop/0/1#10001"}`},
		{"poll", `{"t":1000000214711,"src":"client","proc":"till/0/1","type":"ok","op":"poll","id":7,"tp":"orders/0","off":"4000..4499","val":"shop/0/1#4001..4500"}`},
		{"burst", `{"t":1000000214711,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":"101..120","tp":"orders/2","off":"40..59","val":"shop/0/1#101..120"}`},
		{"wire", `{"t":4680240857187,"src":"wire","proc":"till/0","type":"ok","op":"response","id":2,"group":"till","err":{"name":"MEMBER_ID_REQUIRED","code":79},"data":{"api":"JoinGroup","broker":1,"conn":9,"corr":2,"generation":-1,"leader":false,"member":"kgo-ea39e40c-9c40-42f3-829f-0228d056151d","told":"passed","version":9}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			var e Event
			line := []byte(c.line)
			b.ReportAllocs()
			for b.Loop() {
				if err := ParseLine(line, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
