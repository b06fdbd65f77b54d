package history

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMarshalLine(t *testing.T) {
	orders := TopicPartition{Topic: "orders", Part: 0}
	for _, c := range []struct {
		name string
		e    Event
		want string
	}{
		{"send", Event{T: 7, Src: SrcClient, Proc: "shop/0/1", Type: OK, Op: OpSend, ID: 41, TP: orders,
			Off: []int64{52}, Key: []string{"k"}, Val: []Value{{"shop/0/1", 41}}},
			`{"t":7,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":41,"tp":"orders/0","off":52,"key":"k","val":"shop/0/1#41"}`},
		{"ranges", Event{T: 8, Src: SrcAudit, Proc: "audit", Type: OK, Op: OpLog, TP: orders,
			Off: []int64{10, 11, 12}, Val: []Value{{"a", 1}, {"a", 2}, {"b", 3}}, From: []Input{{orders, 4}, {orders, 5}, {orders, 6}},
			PID: 9, Epoch: 0, HasPID: true, InTxn: true},
			`{"t":8,"src":"audit","proc":"audit","type":"ok","op":"log","tp":"orders/0","off":"10..12","val":["a#1","a#2","b#3"],"from":"orders/0@4..6","pid":9,"epoch":0,"in-txn":true}`},
		{"worker", Event{T: 9, Type: Fail, Op: OpCommit, ID: 3, Txn: 2, Err: &Error{Name: "PRODUCER_FENCED", Class: Fenced, Code: 90, Text: "a \"b\"\n"}},
			`{"t":9,"type":"fail","op":"commit","id":3,"txn":2,"err":{"name":"PRODUCER_FENCED","class":"fenced","code":90,"text":"a \"b\"\n"}}`},
		{"mixed", Event{T: 1, Type: OK, Op: OpPoll, TP: orders, Off: []int64{1, 5, 6, 7, 9}, Val: []Value{{}, {"a", 1}, {"a", 2}, {"a", 3}, {}}},
			`{"t":1,"type":"ok","op":"poll","tp":"orders/0","off":[1,"5..7",9],"val":["","a#1..3",""]}`},
		{"facts", Event{T: 1, Src: SrcFault, Proc: "fault/2", Type: Info, Op: OpInject, Note: "n",
			Data: map[string]any{"kind": "kill", "n": 3, "at": 1.5, "all": []string{"a"}, "in": map[string]any{"x": true, "y": nil}}},
			`{"t":1,"src":"fault","proc":"fault/2","type":"info","op":"inject","note":"n","data":{"all":["a"],"at":1.5,"in":{"x":true,"y":null},"kind":"kill","n":3}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(MarshalLine(nil, &c.e))
			if got != c.want {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
			var back Event
			if err := ParseLine([]byte(got), &back); err != nil {
				t.Fatal(err)
			}
			if again := string(MarshalLine(nil, &back)); again != c.want {
				t.Errorf("after a round trip:\n     %s\nwant %s", again, c.want)
			}
		})
	}
}

// TestCanonical holds the fast way to what the general way says.
func TestCanonical(t *testing.T) {
	taken := 0
	checkCanonical(t, []byte(`{"t":7,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":41,"tp":"orders/0","off":52,"val":"shop/0/1#41"}`), &taken)
	if taken == 0 {
		t.Error("a send's acknowledgement is not read the fast way")
	}
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		if rapid.Bool().Draw(t, "frequent") { // events of the kind that it is for
			e.Src, e.Type, e.Group, e.HasPID, e.InTxn, e.Marker, e.Meta, e.Note = SrcClient, OK, "", false, false, "", "", ""
			e.Err, e.Data = nil, nil
			for _, n := range []*int64{&e.T, &e.ID, &e.Txn} {
				*n &= 1<<50 - 1
			}
		}
		line := MarshalLine(nil, e)
		if i := rapid.IntRange(0, 4*len(line)).Draw(t, "change"); i < len(line) {
			line[i] = rapid.SampledFrom([]byte(`{}[]",:0123456789.e#@/\tpx`)).Draw(t, "byte")
		}
		checkCanonical(t, line, &taken)
	})
}

func checkCanonical(t interface{ Fatalf(string, ...any) }, line []byte, taken *int) {
	var fast, slow Event
	p := newParser()
	if !p.canonical(line, &fast) {
		return
	}
	*taken++
	p = newParser()
	p.reset(line)
	if err := p.fields(&slow); err != nil || p.i != len(line) {
		t.Fatalf("%s\nis taken the fast way; the general way: %v", line, err)
	}
	if diff := cmp.Diff(slow, fast); diff != "" {
		t.Fatalf("%s\n%s", line, diff)
	}
}

// anyEvent draws events that Append accepts.
func anyEvent(t *rapid.T) *Event {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "shop/0/1", "orders", `q"\`, "é☃𝄞", "a#1", "b@2", "\x00\x7f"}), rapid.String())
	full := text.Filter(func(s string) bool { return s != "" })
	num := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64())
	tp := rapid.Custom(func(t *rapid.T) TopicPartition {
		tp := TopicPartition{full.Draw(t, "topic"), rapid.Int32Range(-1, 3).Draw(t, "part")}
		if strings.Contains(tp.Topic, "/") {
			tp.Part = max(tp.Part, 0)
		}
		return tp
	})
	e := &Event{
		T: num.Draw(t, "t"), Src: rapid.SampledFrom([]Source{SrcClient, SrcWire, SrcFault, SrcAudit, SrcHarness}).Draw(t, "src"),
		Proc: full.Draw(t, "proc"), Type: rapid.SampledFrom([]Type{Invoke, OK, Fail, Info}).Draw(t, "type"),
		Op: rapid.SampledFrom([]Op{OpSend, OpPoll, OpLog, OpSetAside, OpAuditDone}).Draw(t, "op"),
		ID: num.Draw(t, "id"), Txn: num.Draw(t, "txn"), Group: text.Draw(t, "group"),
		InTxn: rapid.Bool().Draw(t, "intxn"), Marker: rapid.SampledFrom([]string{"", "commit", "abort"}).Draw(t, "marker"),
		Meta: text.Draw(t, "meta"), Note: text.Draw(t, "note"),
	}
	if rapid.Bool().Draw(t, "hastp") {
		e.TP = tp.Draw(t, "tp")
	}
	if e.HasPID = rapid.Bool().Draw(t, "haspid"); e.HasPID {
		e.PID, e.Epoch = num.Draw(t, "pid"), rapid.Int16().Draw(t, "epoch")
	}
	if rapid.Bool().Draw(t, "haserr") {
		e.Err = &Error{text.Draw(t, "name"), rapid.SampledFrom([]Class{"", Retriable, Fenced}).Draw(t, "class"), rapid.Int16().Draw(t, "code"), text.Draw(t, "text")}
	}
	n := rapid.IntRange(0, 6).Draw(t, "n")
	batch := func(what string) bool { return n > 0 && rapid.Bool().Draw(t, what) }
	value := rapid.Custom(func(t *rapid.T) Value { return Value{text.Draw(t, "vproc"), num.Draw(t, "vn")} })
	input := rapid.Custom(func(t *rapid.T) Input {
		if rapid.Bool().Draw(t, "none") {
			return Input{}
		}
		return Input{tp.Draw(t, "itp"), num.Draw(t, "ioff")}
	})
	runs := func(i int) bool { return i > 0 && rapid.Bool().Draw(t, "run") }
	for i := 0; batch("off") && i < n || len(e.Off) > 0 && len(e.Off) < n; i++ {
		if e.Off = append(e.Off, num.Draw(t, "o")); runs(i) {
			e.Off[i] = e.Off[i-1] + 1
		}
	}
	for i := 0; batch("val") && i < n || len(e.Val) > 0 && len(e.Val) < n; i++ {
		if e.Val = append(e.Val, value.Draw(t, "v")); runs(i) {
			e.Val[i] = Value{e.Val[i-1].Proc, e.Val[i-1].N + 1}
		}
	}
	for i := 0; batch("from") && i < n || len(e.From) > 0 && len(e.From) < n; i++ {
		if e.From = append(e.From, input.Draw(t, "f")); runs(i) && e.From[i-1] != (Input{}) {
			e.From[i] = Input{e.From[i-1].TP, e.From[i-1].Off + 1}
		}
	}
	for i := 0; batch("key") && i < n || len(e.Key) > 0 && len(e.Key) < n; i++ {
		e.Key = append(e.Key, text.Draw(t, "k"))
	}
	if rapid.Bool().Draw(t, "hasdata") {
		e.Data = map[string]any{text.Draw(t, "d"): rapid.OneOf(num.AsAny(), text.AsAny(), rapid.Bool().AsAny(), rapid.Just(any(nil)),
			rapid.Just(any([]any{int64(1), "x", map[string]any{}})), rapid.Just(any(0.5))).Draw(t, "dv")}
	}
	return e
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent(t)
		line := MarshalLine(nil, want)
		got := Event{Off: []int64{1, 2, 3}, Val: []Value{{"old", 1}}, Note: "old"}
		if err := ParseLine(line, &got); err != nil {
			t.Fatalf("%s\n%v", line, err)
		}
		for _, e := range []*Event{want, &got} {
			if len(e.Off) == 0 {
				e.Off = nil
			}
			if len(e.Key) == 0 {
				e.Key = nil
			}
			if len(e.Val) == 0 {
				e.Val = nil
			}
			if len(e.From) == 0 {
				e.From = nil
			}
		}
		if diff := cmp.Diff(want, &got); diff != "" {
			t.Fatalf("%s\n%s", line, diff)
		}
		if again := MarshalLine(nil, &got); string(again) != string(line) {
			t.Fatalf("%s\n%s", line, again)
		}
	})
}
