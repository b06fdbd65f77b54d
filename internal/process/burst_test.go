package process

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

// Runs and single lines may be mixed at will: what matters is each send.
func TestLedgerRuns(t *testing.T) {
	invoke := func(ids, vals string) string {
		return `{"t":1,"type":"invoke","op":"send","id":` + ids + `,"tp":"orders","val":"shop/0/1#` + vals + `"}`
	}
	end := func(how, ids, off, vals string) string {
		return `{"t":1,"type":"` + how + `","op":"send","id":` + ids + `,"tp":"orders/0","off":` + off + `,"val":"shop/0/1#` + vals + `"}`
	}
	for _, c := range []struct {
		name  string
		lines []string
		says  string // of the last line
		left  []string
	}{
		{"a run ends as one", []string{invoke(`"1..4"`, "1..4"), end("ok", `"1..4"`, `"0..3"`, "1..4")}, "", nil},
		{"a run ends in parts", []string{invoke(`"1..4"`, "1..4"), end("ok", `"3..4"`, `"0..1"`, "3..4"), end("ok", "1", "2", "1")}, "",
			[]string{`{"t":1,"src":"","type":"info","op":"send","id":2,"tp":"orders","val":"shop/0/1#2"}`}},
		{"what is left is runs", []string{invoke(`"1..6"`, "1..6"), end("ok", "3", "0", "3")}, "",
			[]string{`"id":"1..2"`, `"id":"4..6"`}},
		{"an end over two runs and a single", []string{invoke(`"1..2"`, "1..2"), invoke("3", "3"), invoke(`"4..5"`, "4..5"), end("ok", `"1..5"`, `"0..4"`, "1..5")}, "", nil},
		{"an end twice", []string{invoke(`"1..2"`, "1..2"), end("ok", "1", "0", "1"), end("ok", `"1..2"`, `"0..1"`, "1..2")}, "id 1 was never invoked, or has ended before", nil},
		{"an end of nothing", []string{invoke(`"1..2"`, "1..2"), end("ok", `"2..3"`, `"0..1"`, "2..3")}, "id 3 was never invoked", nil},
		{"numbers go up", []string{invoke(`"1..2"`, "1..2"), invoke(`"2..3"`, "3..4")}, "higher number", nil},
		{"another's values", []string{strings.Replace(invoke(`"1..2"`, "1..2"), "shop/0/1#", "till/0/1#", 1)}, "this process sends", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger("shop/0/1", func() int64 { return 1 })
			var err error
			for i, line := range c.lines {
				var e history.Event
				if perr := history.ParseLine([]byte(line), &e); perr != nil {
					t.Fatal(perr)
				}
				if err = l.take(&e); err != nil && i < len(c.lines)-1 {
					t.Fatalf("line %d: %v", i, err)
				}
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %q", err, c.says)
			}
			if err != nil {
				return
			}
			var left []string
			for _, e := range l.unfinished(1, "SIGKILL") {
				left = append(left, string(history.MarshalLine(nil, &e)))
			}
			if len(left) != len(c.left) {
				t.Fatalf("left %s", cmp.Diff(c.left, left))
			}
			for i, want := range c.left {
				if id := want[strings.Index(want, `"id"`):]; !strings.Contains(left[i], strings.TrimSuffix(id, "}")) {
					t.Errorf("left %s, want %s", left[i], want)
				}
			}
		})
	}
}
