package history

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// historyOf is a history of the given events, without src client and with t by place.
func historyOf(t *testing.T, lines ...string) *Reader {
	t.Helper()
	var b strings.Builder
	b.WriteString(headerLine)
	for i, line := range lines {
		if !strings.Contains(line, `"src"`) {
			line = strings.Replace(line, "{", `{"src":"client",`, 1)
		}
		b.WriteString(strings.Replace(line, "{", "{\"t\":"+string(appendInt(nil, "", int64(i+1)*10))+",", 1) + "\n")
	}
	r, err := NewReader("h", strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func exportLines(t *testing.T) *Reader {
	return historyOf(t,
		`{"proc":"shop/0/1","type":"invoke","op":"send","id":1,"tp":"orders","val":"shop/0/1#1"}`,
		`{"proc":"shop/0/1","type":"invoke","op":"send","id":2,"tp":"orders","val":"shop/0/1#2"}`,
		`{"proc":"shop/0/1","type":"invoke","op":"send","id":3,"tp":"orders","val":"shop/0/1#3"}`,
		`{"proc":"shop/0/1","type":"ok","op":"send","id":1,"tp":"orders/0","off":0,"val":"shop/0/1#1"}`,
		`{"proc":"shop/0/1","type":"info","op":"send","id":2,"tp":"orders","val":"shop/0/1#2","err":{"name":"timeout"}}`,
		`{"proc":"shop/0/1","type":"fail","op":"send","id":3,"tp":"orders/0","val":"shop/0/1#3"}`,
		`{"proc":"till/0/1","type":"info","op":"assigned","id":1,"group":"till","tp":"orders/0"}`,
		`{"proc":"till/0/1","type":"ok","op":"poll","id":2,"tp":"orders/0","off":[0,1],"val":["shop/0/1#1",""]}`,
		`{"proc":"till/0/1","type":"ok","op":"begin","id":3,"txn":1}`,
		`{"proc":"till/0/1","type":"invoke","op":"send","id":4,"txn":1,"tp":"receipts","val":"till/0/1#1","from":"orders/0@0"}`,
		`{"src":"fault","proc":"fault/1","type":"info","op":"inject","data":{"kind":"kill"}}`,
		`{"src":"fault","proc":"fault/1","type":"info","op":"effect","data":{"kind":"kill"}}`,
		`{"proc":"till/0/1","type":"ok","op":"send","id":4,"txn":1,"tp":"receipts/0","off":7,"val":"till/0/1#1"}`,
		`{"proc":"till/0/1","type":"invoke","op":"commit","id":5,"txn":1}`,
		`{"proc":"till/0/1","type":"ok","op":"commit","id":5,"txn":1}`,
		`{"proc":"till/0/1","type":"ok","op":"begin","id":6,"txn":2}`,
		`{"proc":"till/0/1","type":"invoke","op":"abort","id":7,"txn":2}`,
		`{"proc":"till/0/1","type":"ok","op":"abort","id":7,"txn":2}`,
		`{"src":"harness","proc":"shop/0/1","type":"info","op":"exit"}`,
		`{"src":"audit","proc":"audit","type":"ok","op":"visible","tp":"orders/0","off":"0..2","val":["shop/0/1#1","","shop/0/1#2"],"note":"franz-go"}`,
	)
}

func TestExportEDN(t *testing.T) {
	var edn bytes.Buffer
	if err := ExportEDN(&edn, exportLines(t)); err != nil {
		t.Fatal(err)
	}
	want := `{:index 0, :time 10, :type :invoke, :process 0, :f :send, :value []}
; values from 1000000000 are of "shop/0/1"
{:index 1, :time 20, :type :invoke, :process 1, :f :send, :value []}
{:index 2, :time 30, :type :invoke, :process 2, :f :send, :value []}
; key 0 is "orders/0"
{:index 3, :time 40, :type :ok, :process 0, :f :send, :value [[:send 0 [0 1000000001]]]}
{:index 4, :time 60, :type :fail, :process 2, :f :send, :value [[:send 0 [nil 1000000003]]]}
{:index 5, :time 70, :type :invoke, :process 3, :f :assign, :value [0]}
{:index 6, :time 70, :type :ok, :process 3, :f :assign, :value [0]}
{:index 7, :time 70, :type :invoke, :process 3, :f :poll, :value [[:poll]]}
{:index 8, :time 90, :type :ok, :process 3, :f :poll, :value [[:poll {0 [[0 1000000001]]}]]}
{:index 9, :time 90, :type :invoke, :process 3, :f :poll, :value [[:poll]]}
{:index 10, :time 90, :type :invoke, :process 4, :f :txn, :value []}
; values from 2000000000 are of "till/0/1"
{:index 11, :time 110, :type :info, :process :nemesis, :f :kill, :value "fault/1"}
{:index 12, :time 120, :type :info, :process :nemesis, :f :kill, :value "fault/1"}
; key 1 is "receipts/0"
{:index 13, :time 150, :type :ok, :process 4, :f :txn, :value [[:send 1 [7 2000000001]]]}
{:index 14, :time 160, :type :invoke, :process 4, :f :txn, :value []}
{:index 15, :time 180, :type :fail, :process 4, :f :txn, :value []}
{:index 16, :time 200, :type :invoke, :process 5, :f :assign, :value [0]}
{:index 17, :time 200, :type :ok, :process 5, :f :assign, :value [0]}
{:index 18, :time 200, :type :invoke, :process 5, :f :poll, :value [[:poll]]}
{:index 19, :time 200, :type :ok, :process 5, :f :poll, :value [[:poll {0 [[0 1000000001] [2 1000000002]]}]]}
{:index 20, :time 200, :type :invoke, :process 5, :f :poll, :value [[:poll]]}
{:index 21, :time 200, :type :info, :process 5, :f :poll, :value [[:poll]]}
{:index 22, :time 200, :type :info, :process 3, :f :poll, :value [[:poll]]}
{:index 23, :time 200, :type :info, :process 1, :f :send, :value [[:send 0 [nil 1000000002]]]}
`
	if diff := cmp.Diff(want, edn.String()); diff != "" {
		t.Error(diff)
	}
	// What we write we read, and every acknowledged record is still there.
	lines, truncated, err := told(t, "h", &edn)
	if err != nil || truncated {
		t.Fatal(err, truncated)
	}
	acked := 0
	for _, line := range lines {
		if strings.Contains(line, " ok send ") {
			acked++
		}
	}
	if acked != 2 {
		t.Errorf("%d acknowledged sends, want 2:\n%s", acked, strings.Join(lines, "\n"))
	}
}

func TestExportEDNFinalPolls(t *testing.T) {
	for isolation, want := range map[string]string{"read_committed": "{0 [[1 1000000002]]}", "read_uncommitted": "{0 [[0 1000000001] [1 1000000002]]}"} {
		header := strings.Replace(headerLine, `"clients":null`, `"clients":[{"name":"till","role":"consumer","library":"l","count":1,"input":"orders","config":{"isolation.level":"`+isolation+`"}}]`, 1)
		r, err := NewReader("h", strings.NewReader(header+
			`{"t":1,"src":"audit","proc":"audit","type":"ok","op":"log","tp":"orders/0","off":"0..1","val":"shop/0/1#1..2"}`+"\n"+
			`{"t":2,"src":"audit","proc":"audit","type":"ok","op":"visible","tp":"orders/0","off":1,"val":"shop/0/1#2","note":"franz-go"}`+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var edn bytes.Buffer
		if err := ExportEDN(&edn, r); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(edn.String(), ":type :ok, :process 0, :f :poll, :value [[:poll "+want+"]]") || strings.Count(edn.String(), "[:poll {0 ") != 1 {
			t.Errorf("%s: want one poll of %s in\n%s", isolation, want, edn.String())
		}
	}
}

// Whatever a history says, its export is one that can be read.
func TestExportEDNOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		w, err := NewWriter(&file, Header{})
		if err != nil {
			t.Fatal(err)
		}
		sends := map[string]bool{}
		for i, e := range rapid.SliceOfN(rapid.Custom(exportable), 0, 30).Draw(t, "events") {
			e.T = int64(i + 1)
			if err := w.Append(e); err != nil {
				t.Fatal(err)
			}
			if e.Op == OpSend && e.Type == OK && e.Txn == 0 {
				sends[string(appendInt(nil, " ", e.Val[0].N))] = true
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader("h", &file)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var edn bytes.Buffer
		if err := ExportEDN(&edn, r); err != nil {
			t.Fatal(err)
		}
		back, err := NewReaderFormat("edn", bytes.NewReader(edn.Bytes()), JepsenFormat)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		var e Event
		for err = back.Next(&e); err == nil; err = back.Next(&e) {
			for _, key := range e.Key {
				if n := strings.TrimLeft(key[1:], "0"); e.Op == OpSend && e.Type == OK {
					delete(sends, " "+n)
				}
			}
		}
		if err != io.EOF {
			t.Fatalf("%v\n%s", err, edn.String())
		}
		if len(sends) > 0 {
			t.Fatalf("acknowledged sends %v are gone\n%s", sends, edn.String())
		}
	})
}

// exportable draws events of two processes.
func exportable(t *rapid.T) *Event {
	proc := rapid.SampledFrom([]string{"a/0/1", "b/0/1"}).Draw(t, "proc")
	n := rapid.Int64Range(1, 5).Draw(t, "n")
	e := &Event{Src: SrcClient, Proc: proc, ID: n, Txn: rapid.Int64Range(0, 2).Draw(t, "txn"),
		Type: rapid.SampledFrom([]Type{Invoke, OK, Fail, Info}).Draw(t, "type"),
		Op: rapid.SampledFrom([]Op{OpSend, OpSend, OpPoll, OpPoll, OpBegin, OpCommit, OpAbort, OpAssigned, OpRevoked,
			OpSeek, OpClose, OpExit, OpInject, OpGone, OpVisible}).Draw(t, "op"),
		TP: TopicPartition{Topic: "t", Part: rapid.Int32Range(-1, 1).Draw(t, "part")},
	}
	switch e.Op {
	case OpSend, OpPoll, OpVisible:
		e.Val = []Value{{Proc: "a/0/1", N: n}}
		if e.Type == OK || e.Op != OpSend {
			e.Off = []int64{n}
			e.TP.Part = max(0, e.TP.Part)
		}
	case OpExit:
		e.Src = SrcHarness
	case OpInject, OpGone:
		e.Src = SrcFault
	}
	if e.Op == OpVisible {
		e.Src, e.Type = SrcAudit, OK
	}
	return e
}
