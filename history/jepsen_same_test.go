package history

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// reading is all that a Jepsen history gives: its events as lines, and how it ends.
type reading struct {
	Lines     []string
	Truncated bool
	Err       string
}

// readJepsen reads file in pieces of about size bytes; general: by the general
// EDN reader alone, which builds a tree for each operation.
func readJepsen(file []byte, general bool, size int) (got reading) {
	r, err := NewReaderFormat("f", bytes.NewReader(file), JepsenFormat)
	if err != nil {
		return reading{Err: err.Error()}
	}
	defer r.Close()
	j := r.events.(*jepsenReader)
	j.general, j.cutter.size = general, size
	var e Event
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
		got.Lines = append(got.Lines, fmt.Sprintf("%d %s", r.Line(), MarshalLine(nil, &e)))
	}
	if err != io.EOF {
		got.Err = err.Error()
	}
	got.Truncated = r.Truncated()
	return got
}

// checkSame holds the fast decoder, over pieces of any size, to what the general
// reader makes of the whole file.
func checkSame(t interface {
	Helper()
	Fatalf(string, ...any)
}, file []byte, size int) reading {
	t.Helper()
	want := readJepsen(file, true, len(file)+1)
	for _, size := range []int{size, len(file) + 1} {
		if diff := cmp.Diff(want, readJepsen(file, false, size)); diff != "" {
			t.Fatalf("%q\nin pieces of %d bytes (-general +fast):\n%s", file, size, diff)
		}
	}
	return want
}

// TestJepsenSame: operations in and near Jepsen's shape are read alike by both
// decoders, in pieces of any size.
func TestJepsenSame(t *testing.T) {
	whole, ops := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		file := ednFile().Draw(t, "file")
		got := checkSame(t, []byte(file), rapid.IntRange(1, 400).Draw(t, "size"))
		ops++
		if got.Err == "" {
			whole++
		}
	})
	if whole*4 < ops {
		t.Errorf("only %d of %d histories were read to their end", whole, ops)
	}
}

// ednFile draws the text of a history: a few processes, each an operation at a
// time, with what EDN allows between the tokens, and now and then a token that
// does not belong there.
func ednFile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		vector := rapid.Bool().Draw(t, "vector")
		if vector {
			b.WriteString(rapid.SampledFrom([]string{"[", "(", "#h/H [", " ; c\n["}).Draw(t, "open"))
		}
		strange := rapid.IntRange(0, 3).Draw(t, "strange") == 0
		open := map[int]string{}
		for i := range rapid.IntRange(0, 12).Draw(t, "ops") {
			p := rapid.IntRange(0, 2).Draw(t, "process")
			f, was := open[p]
			typ := "invoke"
			if was {
				typ = rapid.SampledFrom([]string{"ok", "ok", "ok", "fail", "info"}).Draw(t, "type")
				delete(open, p)
			} else {
				f = rapid.SampledFrom(opKinds[kindSend:]).Draw(t, "f")
				open[p] = f
			}
			tokens := ednTokens(t, typ, f, p, i)
			if strange && rapid.IntRange(0, 4).Draw(t, "here") == 0 {
				at := rapid.IntRange(0, len(tokens)).Draw(t, "at")
				tokens = slices.Insert(tokens, at, rapid.SampledFrom(strangeTokens).Draw(t, "token"))
			}
			b.WriteString(rapid.SampledFrom([]string{"", "", "", "#jepsen.history.Op", "#jepsen.history/Op ", "^:m ", "#_{:a [1 \"}\"]} "}).Draw(t, "tag"))
			for _, token := range tokens {
				b.WriteString(token)
				b.WriteString(rapid.SampledFrom([]string{" ", " ", " ", " ", ", ", "\n", " ;c}\n", " #_x "}).Draw(t, "space"))
			}
			b.WriteString(rapid.SampledFrom([]string{"\n", "\n", " ", "", "\r\n", ";{:type\n"}).Draw(t, "feed"))
		}
		if vector {
			b.WriteString(rapid.SampledFrom([]string{"]", ")", "", "] 1", "]]", "]\n; c"}).Draw(t, "close"))
		}
		file := b.String()
		if rapid.IntRange(0, 7).Draw(t, "cut") == 0 {
			file = file[:rapid.IntRange(0, len(file)).Draw(t, "end")]
		}
		return file
	})
}

var strangeTokens = []string{"{", "}", "[", "]", "(", ")", "#{", "\"", ":", "::type", ":type", ":f", ":value", "nil", "1", "-1", "1.5", "7N", "+3", "007",
	"99999999999999999999", "2147483648", "9223372036854775807", "1/2", "\\a", "##NaN", "#_", "^", "'", "#inst \"2020\"", "#:a{:type 1}", ":é", "\xff", "\x00", "true", "a", "#<x>",
	"[:poll]", "[:send 1]", "[:poll nil]", "[:poll {1 2}]", "[:poll {1 #{[0 1]}}]", "[:send 1 [nil 2]]", "{:type :ok}", "\"a\\u00e9\"", "\"\x7f\""}

func ednTokens(t *rapid.T, typ, f string, process, i int) []string {
	fields := [][]string{{":type", ":" + typ}, {":f", ":" + f}, {":process", fmt.Sprint(process)}}
	switch rapid.IntRange(0, 3).Draw(t, "clock") {
	case 0:
		fields = append(fields, []string{":time", fmt.Sprint(100 * i)}, []string{":index", fmt.Sprint(i)})
	case 1:
		fields = append(fields, []string{":index", fmt.Sprint(i)})
	case 2:
		fields = append(fields, []string{":time", rapid.SampledFrom([]string{"-1", "1.5", "nil", "9223372036854775807"}).Draw(t, "time")})
	}
	switch f {
	case "assign", "subscribe":
		fields = append(fields, append([]string{":value"}, rapid.SampledFrom([][]string{
			{"[", "0", "1", "]"}, {"(", "1", ":x", ")"}, {"#{", "2", "}"}, {"nil"}, {"[", "]"}, {"[", "1", "\"x\"", "1", "]"}}).Draw(t, "keys")...))
		if rapid.Bool().Draw(t, "seek") {
			fields = append(fields, []string{":seek-to-beginning?", rapid.SampledFrom([]string{"true", "false", "nil", "1"}).Draw(t, "whether")})
		}
	case "crash", "debug-topic-partitions":
		fields = append(fields, append([]string{":value"}, rapid.SampledFrom([][]string{{"nil"}, {"{", "1", "\"a\"", "}"}, {"[", "1", "]"}}).Draw(t, "what")...))
	default:
		fields = append(fields, ednMops(t, typ != "invoke"))
		if typ == "fail" || typ == "info" {
			fields = append(fields, append([]string{":error"}, rapid.SampledFrom([][]string{{":timeout"}, {"[", ":network", "\"gone\"", "]"},
				{"{", ":type", ":abort", "}"}, {"nil"}, {"\"text\""}, {"[", "]"}}).Draw(t, "error")...))
		}
		if rapid.IntRange(0, 4).Draw(t, "rebalanced") == 0 {
			fields = append(fields, append([]string{":rebalance-log"}, rapid.SampledFrom([][]string{{"[", "]"}, {"nil"},
				{"[", "{", ":type", ":revoked", ":keys", "[", "0", "1", "]", "}", "]"}, {"(", "{", ":keys", "[", ":x", "]", "}", "{", "}", ")"}}).Draw(t, "log")...))
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
		fields = append(fields, append([]string{rapid.SampledFrom([]string{":poll-ms", ":txn?", ":a/b", ":node"}).Draw(t, "name")},
			rapid.SampledFrom([][]string{{"1000"}, {"true"}, {"\"n1\""}, {"{", ":a", "[", "]", "}"}, {"#inst", "\"2020\""}, {"1.5M"}}).Draw(t, "other")...))
	}
	tokens := []string{"{"}
	for _, k := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}[:len(fields)]).Draw(t, "order") {
		tokens = append(tokens, fields[k]...)
	}
	return append(tokens, "}")
}

func ednMops(t *rapid.T, ended bool) []string {
	key := rapid.SampledFrom([]string{"0", "1", "7", "2147483647", ":x", "\"x\"", ":key"})
	value := rapid.SampledFrom([]string{"0", "1", "2", "3", "-4", "900", "1000000007", "nil", ":a", "\"b\"", "[ 1 ]", "4N", "1/2"})
	tokens := []string{":value", "["}
	for range rapid.IntRange(0, 4).Draw(t, "mops") {
		switch {
		case rapid.Bool().Draw(t, "send"):
			tokens = append(tokens, "[", ":send", key.Draw(t, "key"))
			v := value.Draw(t, "value")
			if ended && rapid.Bool().Draw(t, "told") {
				tokens = append(tokens, "[", rapid.SampledFrom([]string{"0", "5", "nil", "77"}).Draw(t, "off"), v, "]", "]")
			} else {
				tokens = append(tokens, v, "]")
			}
		case ended && rapid.Bool().Draw(t, "returned"):
			tokens = append(tokens, "[", ":poll", "{")
			for range rapid.IntRange(0, 3).Draw(t, "keys") {
				tokens = append(tokens, key.Draw(t, "key"), "[")
				for range rapid.IntRange(0, 4).Draw(t, "records") {
					tokens = append(tokens, "[", rapid.SampledFrom([]string{"0", "1", "2", "3", "nil", "x"}).Draw(t, "off"), value.Draw(t, "value"), "]")
				}
				tokens = append(tokens, "]")
			}
			tokens = append(tokens, "}", "]")
		default:
			tokens = append(tokens, "[", ":poll", "]")
		}
	}
	return append(tokens, "]")
}

func FuzzEDN(f *testing.F) {
	for _, edn := range []string{
		`{:type :invoke, :f :txn, :value [[:send 11 641] [:poll]], :time 280, :process 379}` + "\n" +
			`{:type :ok, :f :txn, :value [[:send 11 [537 641]] [:poll {11 [[535 9] [536 nil]], 12 []}]], :time 290, :process 379}`,
		`[#jepsen.history.Op{:type :ok :process 1 :f :poll :value ([:poll {:x [[5 :a] [9 "b"]]}]) :rebalance-log ({:type :revoked, :keys [:x 4]})}]`,
		`{:process 1 :type :info :f :subscribe :value #{2 3}} ; c` + "\n" + `#_{} {:process :nemesis :type :info :f :stop-partition :value #object[a.B 0x1 "\u00e9"]}`,
		`{:process 1 :type :fail :f :send :value [[:send 1 \newline]] :error {:a #:b{:c ##NaN}, :d 1/2, :e 3.5M, :g 99999999999999999999N}}`,
	} {
		f.Add([]byte(edn), 40)
	}
	f.Fuzz(func(t *testing.T, file []byte, size int) {
		checkSame(t, file, 1+(size&0xffff)%1000)
		r, err := NewReaderFormat("f", bytes.NewReader(file), JepsenFormat)
		if err != nil {
			return
		}
		defer r.Close()
		var e, again Event
		for err = r.Next(&e); err == nil; err = r.Next(&e) {
			line := MarshalLine(nil, &e)
			if err := ParseLine(line, &again); err != nil {
				t.Fatalf("%s\n%v", line, err)
			}
			if err := e.complete(); err != nil {
				t.Fatalf("%s\n%v", line, err)
			}
		}
	})
}

// TestJepsenShapes: what Jepsen writes is read without a tree, or reading would be
// ten times as slow.
func TestJepsenShapes(t *testing.T) {
	for _, op := range []string{
		`{:index 0, :time 3291485317, :type :invoke, :process 0, :f :txn, :value [[:poll] [:send 0 1]]}`,
		`{:type :ok, :f :txn, :value [[:poll {0 [[0 1] [3 2]], 1 []}] [:send 0 [5 1]] [:poll {}] [:poll nil]], :time 1, :process 7, :index 2}`,
		`#jepsen.history.Op{:index 2, :time 1, :type :ok, :process 0, :f :send, :value ([:send :x [nil :a]] [:send "y" [4 "b"]])}`,
		`#jepsen.history/Op {:type :info, :process 3, :f :poll, :value [[:poll]], :error [:timeout "x \"y\""], :poll-ms 1000, :txn? true, :node "n1"}`,
		`{:type :fail, :process 3, :f :txn, :value nil, :error {:type :abort, :definite? true, :body-error {:via [#error{:a 1}]}}}`,
		`{:type :ok, :process 3, :f :poll, :value [[:poll {7 [[1 nil]]}]], :rebalance-log [{:type :revoked, :keys [55 4]} {:keys (1)}]}`,
		`{:type :invoke, :process 3, :f :subscribe, :value [1 2]}`,
		`{:type :ok, :process 3, :f :assign, :value (:a "b"), :seek-to-beginning? true}`,
		`{:type :info, :process 3, :f :crash, :value nil}`,
		"{:type :ok\n :process 3\n\t:f :poll\r\n :value [ [ :poll { 1 [ [ 0 5 ] ] } ] ] ,}",
	} {
		d := newDecoder()
		d.b, d.blk = []byte(op+"\n"), &block{}
		d.edn.b = d.b
		if end, ok := d.fast(0, &kafkaOp{}); !ok || end != len(op) {
			t.Errorf("%s: left at %d for the general reader", op, end)
		}
	}
}
