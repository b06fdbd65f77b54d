package history

import (
	"bytes"
	"io"
	"testing"
)

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`{"t":7,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":41,"tp":"orders/0","off":52,"key":"k","val":"shop/0/1#41"}`,
		`{"t":8,"src":"audit","proc":"audit","type":"ok","op":"log","tp":"orders/0","off":"10..12","val":["a#1..2","b#3"],"from":"orders/0@4..6","pid":9,"epoch":0,"in-txn":true}`,
		`{"t":9,"type":"fail","op":"commit","id":3,"txn":2,"err":{"name":"PRODUCER_FENCED","class":"fenced","code":90,"text":"\u00e9\ud834\udd1e"}}`,
		`{"t":1,"src":"fault","type":"info","op":"inject","data":{"all":["a",[1.5e3,{}]],"b":{"x":true,"y":null}},"x-own":[]}`,
		`{ "op" : "marker" , "type":"ok", "t":-1, "marker":"abort", "off":["-5..-3", 9], "val":["","","x#1",""] }`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var taken int
		checkCanonical(t, line, &taken)
		var e Event
		if err := ParseLine(line, &e); err != nil {
			return
		}
		if n := max(len(e.Off), len(e.Key), len(e.Val), len(e.From)); n > MaxRecords {
			t.Fatalf("%d records", n)
		}
		once := MarshalLine(nil, &e)
		var again Event
		if err := ParseLine(once, &again); err != nil {
			t.Fatalf("%s\nbecame\n%s\nwhich fails: %v", line, once, err)
		}
		if twice := MarshalLine(nil, &again); !bytes.Equal(once, twice) {
			t.Fatalf("%s\nbecame\n%s\nand then\n%s", line, once, twice)
		}
	})
}

func FuzzReader(f *testing.F) {
	const ok = `{"t":1,"src":"client","proc":"p","type":"ok","op":"send","off":[1,"2..9"]}` + "\n"
	f.Add([]byte(headerLine + ok + ok))
	f.Add([]byte(headerLine + ok + ok[:20]))
	f.Add(zstdFrames(headerLine + ok + ok))
	f.Add(zstdFrames(headerLine + ok + ok)[:200])
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader("f", bytes.NewReader(file))
		if err != nil {
			return
		}
		defer r.Close()
		var e Event
		line := int64(1)
		for range 10_000 {
			if err := r.Next(&e); err != nil {
				if err != io.EOF && r.Next(&e) != err {
					t.Fatal("the error did not stay")
				}
				return
			}
			if r.Line() < line {
				t.Fatalf("line %d after line %d", r.Line(), line)
			}
			line = r.Line()
			if err := e.complete(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
