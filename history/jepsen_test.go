package history

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told reads a history and writes its events one a line: "line type op …".
func told(t *testing.T, name string, file io.Reader) (lines []string, truncated bool, err error) {
	t.Helper()
	r, err := NewReader(name, file)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	var e Event
	for {
		if err := r.Next(&e); err == io.EOF {
			return lines, r.Truncated(), nil
		} else if err != nil {
			return lines, false, err
		}
		var again Event
		line := MarshalLine(nil, &e)
		if err := ParseLine(line, &again); err != nil {
			t.Fatalf("%s\n%v", line, err)
		}
		if err := e.complete(); err != nil {
			t.Fatalf("%s\n%v", line, err)
		}
		if e.T <= 0 {
			t.Fatalf("%s\nhas no time", line)
		}
		lines = append(lines, words(r.Line(), &e))
	}
}

// words is an event in short.
func words(line int64, e *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %s %s %s %d", line, strings.TrimPrefix(e.Proc, "process/"), e.Type, e.Op, e.ID)
	if e.Txn != 0 {
		fmt.Fprintf(&b, " txn %d", e.Txn)
	}
	if e.TP.Topic != "" {
		fmt.Fprintf(&b, " %s", e.TP)
	}
	if len(e.Off) > 0 {
		fmt.Fprintf(&b, " @%s", appendOffsets(nil, e.Off))
	}
	for i, v := range e.Val {
		fmt.Fprintf(&b, " %s=%s", e.Key[i], strings.TrimPrefix(v.String(), "process/"))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, " err %s", e.Err.Name)
	}
	if e.Note != "" {
		fmt.Fprintf(&b, " note %s", e.Note)
	}
	if e.Data != nil {
		fmt.Fprintf(&b, " %v", e.Data)
	}
	return b.String()
}

func TestJepsen(t *testing.T) {
	for _, c := range []struct {
		name, edn string
		want      []string
		truncated bool
	}{
		{"a transaction",
			`{:type :invoke, :f :txn, :value [[:send 11 641] [:poll]], :time 280, :process 379, :index 0}
			{:type :ok, :f :txn, :value [[:send 11 [537 641]] [:poll {11 [[535 9] [536 nil]], 12 []}]], :time 290, :process 379, :index 1}`,
			[]string{
				"1: 379/1 ok begin 1 txn 1",
				"1: 379/1 invoke send 2 txn 1 key/11 641=379/1#1",
				"1: 379/1 invoke poll 3 txn 1",
				"1: 379/1 invoke commit 4 txn 1",
				"2: 379/1 ok send 2 txn 1 key/11 @537 641=379/1#1",
				"2: 379/1 ok poll 3 txn 1 key/11 @[535,536] 9=nobody/0/0#1 =",
				"2: 379/1 ok commit 4 txn 1",
			}, false},
		{"vector of operations with tags, comments and keywords",
			`; from a test
			[#jepsen.history.Op{:index 0, :time 0, :process 0, :type :invoke, :f :send, :value [[:send :x :a] [:send :y :b]]}
			 #_ {:type :ignored} #jepsen.history.Op{:index 1, :time 1, :process 0, :type :info, :f :send, :value ([:send :x [0 :a]] [:send :y :b]), :error [:network "gone"]}
			 ^:meta {:index 2 :time 2 :process 2 :type :invoke :f :poll :value [[:poll]]}
			 {:index 3 :time 3 :process 2 :type :ok :f :poll :value [[:poll {:y [[5 :b]] :x [[0 :a] [1 :b]]}]]}]`,
			[]string{
				"2: 0/1 ok begin 1 txn 1",
				"2: 0/1 invoke send 2 txn 1 x/0 :a=0/1#1",
				"2: 0/1 invoke send 3 txn 1 y/0 :b=0/1#2",
				"2: 0/1 invoke commit 4 txn 1",
				"3: 0/1 ok send 2 txn 1 x/0 @0 :a=0/1#1",
				"3: 0/1 info send 3 txn 1 y/0 :b=0/1#2",
				"3: 0/1 info commit 4 txn 1 err network",
				"4: 2/1 invoke poll 1",
				"5: 2/1 ok poll 1 y/0 @5 :b=0/1#2",
				"5: 2/1 ok poll 1 x/0 @[0,1] :a=0/1#1 :b=nobody/0/0#1",
			}, false},
		{"an abort goes back to where the last good operation ended",
			`{:process 1 :type :invoke :f :poll :value [[:poll]] :time 1}
			{:process 1 :type :ok :f :poll :value [[:poll {3 [[0 1]]}]] :time 2}
			{:process 1 :type :invoke :f :txn :value [[:poll] [:poll]] :time 3}
			{:process 1 :type :fail :f :txn :value [[:poll {3 [[1 2] [2 3]]}] [:poll]] :error {:type :abort, :definite? true} :time 4}`,
			[]string{
				"1: 1/1 invoke poll 1",
				"2: 1/1 ok poll 1 key/3 @0 1=nobody/0/0#1",
				"3: 1/1 invoke poll 2",
				"3: 1/1 invoke poll 3",
				"4: 1/1 ok poll 2 key/3 @[1,2] 2=nobody/0/0#2 3=nobody/0/0#3",
				"4: 1/1 fail poll 3 note abort: {:type :abort :definite? true}",
				"4: 1/1 info seek 4 key/3 @1",
			}, false},
		{"a failed send has certainly not happened",
			`{:process 1 :type :invoke :f :send :value [[:send 1 1]]}
			{:process 1 :type :fail :f :send :value [[:send 1 1]] :error :producer-fenced}`,
			[]string{
				"1: 1/1 ok begin 1 txn 1",
				"1: 1/1 invoke send 2 txn 1 key/1 1=1/1#1",
				"1: 1/1 invoke commit 3 txn 1",
				"2: 1/1 fail send 2 txn 1 key/1 1=1/1#1",
				"2: 1/1 fail commit 3 txn 1 note producer-fenced",
			}, false},
		{"assign keeps what stays, subscribe excuses every operation",
			`{:process 1 :type :invoke :f :assign :value [1 2]}
			{:process 1 :type :ok :f :assign :value [1 2] :seek-to-beginning? true}
			{:process 1 :type :fail :f :assign :value [3]}
			{:process 1 :type :info :f :subscribe :value [2 3]}
			{:process 1 :type :ok :f :poll :value [[:poll {2 [[5 1]]}] [:poll {2 [[7 2]]}]]}`,
			[]string{
				"2: 1/1 info assigned 1 key/1", "2: 1/1 info seek 2 key/1 @0 note beginning",
				"2: 1/1 info assigned 3 key/2", "2: 1/1 info seek 4 key/2 @0 note beginning",
				"4: 1/1 info revoked 5 key/1", "4: 1/1 info assigned 6 key/2", "4: 1/1 info assigned 7 key/3",
				"5: 1/1 invoke poll 8", "5: 1/1 invoke poll 9",
				"5: 1/1 info assigned 10 key/2",
				"5: 1/1 ok poll 8 key/2 @5 1=nobody/0/0#1",
				"5: 1/1 info assigned 11 key/2 note untold",
				"5: 1/1 ok poll 9 key/2 @7 2=nobody/0/0#2",
			}, false},
		{"a rebalanced key may jump between any two records",
			`{:process 1 :type :invoke :f :poll :value [[:poll]]}
			{:process 1 :type :ok :f :poll :value [[:poll {1 [[5 1] [9 2]] 2 [[1 1]]}]] :rebalance-log ({:type :revoked, :keys [1 4]} {:type :assigned :keys [1]})}`,
			[]string{
				"1: 1/1 invoke poll 1",
				"2: 1/1 info revoked 2 key/1 note rebalance-log", "2: 1/1 info revoked 3 key/4 note rebalance-log",
				"2: 1/1 info assigned 4 key/1 note rebalance-log",
				"2: 1/1 info assigned 5 key/1", "2: 1/1 ok poll 1 key/1 @5 1=nobody/0/0#1",
				"2: 1/1 info assigned 6 key/1", "2: 1/1 ok poll 1 key/1 @9 2=nobody/0/0#2",
				"2: 1/1 ok poll 1 key/2 @1 1=nobody/0/0#3",
				"2: 1/1 info seek 7 key/1",
			}, false},
		{"what a process does after an unknown outcome or a crash may begin anywhere",
			`{:process 1 :type :ok :f :assign :value [1]}
			{:process 1 :type :info :f :poll :value [[:poll {1 [[0 1]]}]] :error :timeout}
			{:process 1 :type :ok :f :poll :value [[:poll {1 [[1 2]]}]]}
			{:process 1 :type :ok :f :assign :value [1]}
			{:process 1 :type :info :f :crash :value nil}
			{:process 1 :type :ok :f :assign :value [1]}`,
			[]string{
				"1: 1/1 info assigned 1 key/1",
				"2: 1/1 invoke poll 2", "2: 1/1 ok poll 2 key/1 @0 1=nobody/0/0#1",
				"3: 1/1 info seek 3",
				"3: 1/1 invoke poll 4", "3: 1/1 ok poll 4 key/1 @1 2=nobody/0/0#2",
				"4: 1/1 info assigned 5 key/1",
				"5: 1/1 info exit 0 note crash",
				"6: 1/2 info assigned 6 key/1",
			}, false},
		{"nemesis, crash, debug",
			`{:process :nemesis :type :info :f :kill :value :majority}
			{:process :nemesis :type :info :f :kill :value {"n1" :killed}}
			{:process :nemesis :type :info :f :start :value nil}
			{:process :nemesis :type :info :f :start :value {"n1" :started}}
			{:process 4 :type :invoke :f :crash :value nil}
			{:process 4 :type :info :f :crash :value nil}
			{:process 5 :type :ok :f :debug-topic-partitions :value {1 "a"}}`,
			[]string{
				"1: fault/nemesis info inject 1 map[kind:kill value::majority]",
				`2: fault/nemesis info effect 1 map[kind:kill value:{"n1" :killed}]`,
				"3: fault/nemesis info recover 2 map[kind:start value:nil]",
				`4: fault/nemesis info gone 2 map[kind:start value:{"n1" :started}]`,
				"6: 4/1 info exit 0 note crash",
				`7: 5/1 info debug-topic-partitions 0 note {1 "a"}`,
			}, false},
		{"never ended, and cut",
			`{:process 9 :type :invoke :f :send :value [[:send 1 1]] :time 5}
			{:process 8 :type :invoke :f :poll :value [[:poll]] :time 6}
			{:process 8 :type :ok :f :poll :val`,
			[]string{
				"1: 9/1 ok begin 1 txn 1", "1: 9/1 invoke send 2 txn 1 key/1 1=9/1#1", "1: 9/1 invoke commit 3 txn 1",
				"2: 8/1 invoke poll 1",
				"3: 8/1 info poll 1",
				"3: 9/1 info send 2 txn 1 key/1 1=9/1#1", "3: 9/1 info commit 3 txn 1",
			}, true},
		{"an end that is not what was begun",
			`{:process 0 :type :invoke :f :send :value [[:send :x 1]] :time 10}
			{:process 0 :type :ok :f :send :value [[:send :x [1 :a]]] :time 11}`,
			[]string{
				"1: 0/1 ok begin 1 txn 1", "1: 0/1 invoke send 2 txn 1 x/0 1=0/1#1", "1: 0/1 invoke commit 3 txn 1",
				"2: 0/1 fail send 2 txn 1 x/0 1=0/1#1",
				"2: 0/1 invoke send 4 txn 1 x/0 :a=0/1#2", "2: 0/1 ok send 4 txn 1 x/0 @1 :a=0/1#2",
				"2: 0/1 ok commit 3 txn 1",
			}, false},
		{"an invocation that does not tell what it will send",
			`{:process 1 :type :invoke :f :txn :value []}
			{:process 1 :type :info :f :txn :value [[:send 1 [4 7]]]}`,
			[]string{
				"2: 1/1 ok begin 1 txn 1", "2: 1/1 invoke commit 2 txn 1",
				"2: 1/1 invoke send 3 txn 1 key/1 7=1/1#1", "2: 1/1 ok send 3 txn 1 key/1 @4 7=1/1#1",
				"2: 1/1 info commit 2 txn 1",
			}, false},
		{"sent again",
			`{:process 1 :type :info :f :send :value [[:send 1 7]]}
			{:process 2 :type :ok :f :send :value [[:send 1 [4 7]]]}`,
			[]string{
				"1: 1/1 ok begin 1 txn 1", "1: 1/1 invoke send 2 txn 1 key/1 7=1/1#1", "1: 1/1 invoke commit 3 txn 1",
				"1: 1/1 info send 2 txn 1 key/1 7=1/1#1", "1: 1/1 info commit 3 txn 1",
				"2: 2/1 ok begin 1 txn 1", "2: 2/1 invoke send 2 txn 1 key/1 7=1/1#1", "2: 2/1 invoke commit 3 txn 1",
				"2: 2/1 ok send 2 txn 1 key/1 @4 7=1/1#1", "2: 2/1 ok commit 3 txn 1",
			}, false},
		{"keys of the same name, values of other kinds",
			`#h/History [#h.Op {:process 0 :type :ok :f :send :value [[:send :key [0 "7"]] [:send 0 [1 7]] [:send "a b" [2 :7]] [:send 0 [3 1/2]] [:send 0 [4 {:a 1}]] [:send 0 [5 7N]]]} #_ last]`,
			[]string{
				"1: 0/1 ok begin 1 txn 1",
				`1: 0/1 invoke send 2 txn 1 :key/0 "7"=0/1#1`, "1: 0/1 invoke send 3 txn 1 key/0 7=0/1#2",
				"1: 0/1 invoke send 4 txn 1 a b/0 :7=0/1#3", "1: 0/1 invoke send 5 txn 1 key/0 1/2=0/1#4",
				"1: 0/1 invoke send 6 txn 1 key/0 {:a 1}=0/1#5", "1: 0/1 invoke send 7 txn 1 key/0 7=0/1#2",
				"1: 0/1 invoke commit 8 txn 1",
				`1: 0/1 ok send 2 txn 1 :key/0 @0 "7"=0/1#1`, "1: 0/1 ok send 3 txn 1 key/0 @1 7=0/1#2",
				"1: 0/1 ok send 4 txn 1 a b/0 @2 :7=0/1#3", "1: 0/1 ok send 5 txn 1 key/0 @3 1/2=0/1#4",
				"1: 0/1 ok send 6 txn 1 key/0 @4 {:a 1}=0/1#5", "1: 0/1 ok send 7 txn 1 key/0 @5 7=0/1#2",
				"1: 0/1 ok commit 8 txn 1",
			}, false},
		{"polled before it was sent",
			`{:process 0 :type :ok :f :poll :value [[:poll {1 [[0 7]]}]]}
			{:process 1 :type :invoke :f :send :value [[:send 1 7]]}`,
			[]string{
				"1: 0/1 invoke poll 1", "1: 0/1 ok poll 1 key/1 @0 7=nobody/0/0#1",
				"2: 1/1 ok begin 1 txn 1", "2: 1/1 invoke send 2 txn 1 key/1 7=nobody/0/0#1", "2: 1/1 invoke commit 3 txn 1",
				"2: 1/1 info send 2 txn 1 key/1 7=nobody/0/0#1", "2: 1/1 info commit 3 txn 1",
			}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pack := range []func(string) []byte{plain, gzipped} {
				got, truncated, err := told(t, "h", bytes.NewReader(pack(c.edn)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" || truncated != c.truncated {
					t.Errorf("truncated %v\n%s", truncated, diff)
				}
			}
		})
	}
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s) // into memory
	_ = w.Close()
	return b.Bytes()
}

func TestJepsenErrors(t *testing.T) {
	for _, c := range []struct{ name, edn, want string }{
		{"no operation", "[1 2]", "h:1:2: found 1; want an operation, such as {:type :invoke"},
		{"type", "{:type :maybe :process 1}", "h:1:8: :type :maybe; want :invoke, :ok, :fail or :info"},
		{"other workload", "\n{:type :invoke :process 1 :f :read}", "h:2:30: :f :read is no operation of jepsen.tests.kafka"},
		{"two at once", "{:type :invoke :process 1 :f :poll}\n{:type :invoke :process 1 :f :send}", "h:2:1: process process/1/1 invokes :send while its :poll of line 1 has not ended"},
		{"mop", "{:type :invoke :process 1 :f :txn :value [[:append 1 2]]}", "h:1:43: micro-operation [:append 1 2]; want [:send key value] or [:poll]"},
		{"poll", "{:type :ok :process 1 :f :txn :value [[:poll [1]]]}", "h:1:46: poll of [1]; want {key [[offset value] …]}"},
		{"key", "{:type :ok :process 1 :f :assign :value [[1]]}", "h:1:42: found [1]; want a key"},
		{"bracket", "{:type :ok]", "h:1:11: found \"]\" without its opening bracket"},
		{"odd map", "{:type :ok :f}", "h:1:1: a map with a key that has no value"},
		{"behind", "[] 1", `h:1:4: found "1" behind the end of the history`},
		{"unreadable", "{:type #<Atom@1: 3>}", "h:1:8: found #<, an object that cannot be read back"},
		{"behind lines", "{:type :ok :process 1 :f :poll}\n  {:type :ok\n   :process 1 :f :poll :value [[:poll {1 [[0 1]]\n :x 7}]]}", "h:4:5: 7 of key :x; want records, such as [[0 7] [1 8]]"},
		{"process", "{:type :invoke :process nil :f :poll}", "h:1:25: :process nil of :poll; want a number, or :nemesis"},
		{"rebalance log", "{:type :ok :process 1 :f :poll :rebalance-log {:before []}}", "h:1:47: :rebalance-log {:before []}; want entries, such as [{:type :revoked, :keys [1 2]}]"},
		{"rebalanced key", "{:type :ok :process 1 :f :poll :rebalance-log [{:keys [nil]}]}", "h:1:56: found nil; want a key, such as 11"},
		{"value", "{:type :ok :process 1 :f :poll :value :gone}", "h:1:39: :value :gone; want micro-operations"},
		{"not UTF-8", "{:type :ok :process 1 :f :poll :a\xff 1}", `h:1:32: ":a\xff" is not UTF-8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := told(t, "h", strings.NewReader(c.edn))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
	if _, err := NewReaderFormat("h", strings.NewReader("{}"), "tap"); err == nil || !strings.Contains(err.Error(), "want onceproof-history or jepsen-edn") {
		t.Errorf("an unknown format: %v", err)
	}
}
