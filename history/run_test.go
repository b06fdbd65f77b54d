package history

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func burst() *Event {
	return &Event{
		T: 9, Src: SrcClient, Proc: "shop/0/1", Type: OK, Op: OpSend, ID: 41, Txn: 2, TP: TopicPartition{"orders", 0}, Run: true,
		Off: []int64{100, 101, 103}, Val: []Value{{"shop/0/1", 7}, {"shop/0/1", 8}, {"shop/0/1", 9}},
	}
}

func TestRunIsOneLineAndReadAsItsSends(t *testing.T) {
	const line = `{"t":9,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":"41..43","txn":2,"tp":"orders/0","off":[100,101,103],"val":"shop/0/1#7..9"}`
	if got := string(MarshalLine(nil, burst())); got != line {
		t.Fatalf("got  %s\nwant %s", got, line)
	}
	var whole Event
	if err := ParseLine([]byte(line), &whole); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(burst(), &whole, cmp.Transformer("none", func(s []Input) int { return len(s) }), cmp.Transformer("no", func(s []string) int { return len(s) })); d != "" {
		t.Errorf("after a round trip (-want +got):\n%s", d)
	}

	var b bytes.Buffer
	w, err := NewWriter(&b, Header{})
	if err != nil {
		t.Fatal(err)
	}
	alone := &Event{T: 10, Src: SrcClient, Proc: "shop/0/1", Type: Info, Op: OpSend, ID: 44, Val: []Value{{"shop/0/1", 10}}}
	for _, e := range []*Event{burst(), alone} {
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader("test", &b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	var e Event
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
		got = append(got, string(MarshalLine(nil, &e)))
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	send := func(id, off, n string) string {
		return `{"t":9,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":` + id + `,"txn":2,"tp":"orders/0","off":` + off + `,"val":"shop/0/1#` + n + `"}`
	}
	want := []string{send("41", "100", "7"), send("42", "101", "8"), send("43", "103", "9"), string(MarshalLine(nil, alone))}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
	var each []string
	burst().Each(func(e *Event) { each = append(each, string(MarshalLine(nil, e))) })
	if d := cmp.Diff(want[:3], each); d != "" {
		t.Errorf("each (-want +got):\n%s", d)
	}
}

func TestRunsThatAreNone(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{`{"t":1,"type":"ok","op":"send","id":"41..43","val":"a#1..2"}`, "2 val for the ids 41..43"},
		{`{"t":1,"type":"ok","op":"send","id":"41..43"}`, "0 val"},
		{`{"t":1,"type":"ok","op":"send","id":"0..1099511627776","val":"a#1"}`, "more than"},
		{`{"t":1,"type":"ok","op":"send","id":"x","val":"a#1"}`, "such as"},
		{`{"t":1,"type":"ok","op":"commit-offsets","id":"1..2","val":["a#1","a#2"]}`, "only sends"},
	} {
		var e Event
		if err := ParseLine([]byte(c.line), &e); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.line, err, c.says)
		}
	}
}
