package linear

import (
	"bytes"
	"strings"
	"testing"
)

func TestOffsets(t *testing.T) {
	commit := func(off, call, ret int64) OffsetOp {
		return OffsetOp{Kind: CommitOffset, Off: off, Call: call, Return: ret}
	}
	fetch := func(off, call, ret int64) OffsetOp {
		return OffsetOp{Kind: FetchOffset, Off: off, Client: 1, Call: call, Return: ret}
	}
	stage := func(txn int32, off, call, ret int64) OffsetOp {
		return OffsetOp{Kind: StageOffset, Off: off, Txn: txn, Client: 2, Call: call, Return: ret}
	}
	end := func(kind OffsetKind, txn int32, call, ret int64) OffsetOp {
		return OffsetOp{Kind: kind, Txn: txn, Client: 2, Call: call, Return: ret}
	}
	for _, c := range []struct {
		name string
		ops  []OffsetOp
		want Verdict
	}{
		{"what was committed is fetched", []OffsetOp{commit(1, 1, 2), commit(2, 3, 4), fetch(2, 5, 6)}, OK},
		{"an older one is not", []OffsetOp{commit(1, 1, 2), commit(2, 3, 4), fetch(1, 5, 6)}, Illegal},
		{"nor one that nobody committed", []OffsetOp{commit(1, 1, 2), fetch(9, 5, 6)}, Illegal},
		{"while a commit is under way either is", []OffsetOp{commit(1, 1, 2), commit(2, 3, 9), fetch(1, 4, 5), fetch(2, 6, 7)}, OK},
		{"but not back again", []OffsetOp{commit(1, 1, 2), commit(2, 3, 9), fetch(2, 4, 5), fetch(1, 6, 7)}, Illegal},
		{"an unknown commit may come late", []OffsetOp{commit(3, 1, Forever), commit(1, 2, 3), fetch(1, 4, 5), commit(2, 6, 7), fetch(3, 8, 9)}, OK},
		{"a fetch says where the register stood before", []OffsetOp{fetch(7, 1, 2), commit(8, 3, 4), fetch(8, 5, 6)}, OK},
		{"a staged offset counts from its commit", []OffsetOp{commit(1, 1, 2), stage(1, 5, 3, 4), fetch(1, 5, 6), end(EndCommit, 1, 7, 8), fetch(5, 9, 10)}, OK},
		{"not before", []OffsetOp{commit(1, 1, 2), stage(1, 5, 3, 4), fetch(5, 5, 6), end(EndCommit, 1, 7, 8)}, Illegal},
		{"never after an abort", []OffsetOp{commit(1, 1, 2), stage(1, 5, 3, 4), end(EndAbort, 1, 5, 6), fetch(5, 7, 8)}, Illegal},
		{"a commit behind the staged record wins, whenever the marker comes", []OffsetOp{stage(1, 5, 1, 2), commit(3, 3, 4), end(EndCommit, 1, 5, 6), fetch(3, 7, 8)}, OK},
		{"the staged one does not", []OffsetOp{stage(1, 5, 1, 2), commit(3, 3, 4), end(EndCommit, 1, 5, 6), fetch(5, 7, 8)}, Illegal},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Offsets(c.ops, Caps{})
			if r.Verdict != c.want {
				t.Errorf("%s (%s), want %s", r.Verdict, r.Reason, c.want)
			}
		})
	}
}

func TestProducers(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []ProducerOp
		want Verdict
	}{
		{"one after the other", []ProducerOp{{Kind: InitProducer, Call: 1, Return: 2}, {Kind: UseProducer, What: "send", Call: 3, Return: 4},
			{Kind: InitProducer, Owner: 1, Epoch: 1, Call: 5, Return: 6}, {Kind: UseProducer, Owner: 1, Call: 7, Return: 8}}, OK},
		{"a zombie is refused", []ProducerOp{{Kind: InitProducer, Call: 1, Return: 2}, {Kind: InitProducer, Owner: 1, Epoch: 1, Call: 3, Return: 4},
			{Kind: FencedUse, What: "commit", Call: 5, Return: 6}}, OK},
		{"a zombie is served", []ProducerOp{{Kind: InitProducer, Call: 1, Return: 2}, {Kind: InitProducer, Owner: 1, Epoch: 1, Call: 3, Return: 4},
			{Kind: UseProducer, What: "commit", Call: 5, Return: 6}}, Illegal},
		{"a use under way when the id is taken over", []ProducerOp{{Kind: InitProducer, Call: 1, Return: 2}, {Kind: InitProducer, Owner: 1, Epoch: 1, Call: 3, Return: 6},
			{Kind: UseProducer, What: "commit", Call: 4, Return: 8}}, OK},
		{"an epoch that does not rise", []ProducerOp{{Kind: InitProducer, Epoch: 3, Call: 1, Return: 2}, {Kind: InitProducer, Owner: 1, Epoch: 3, Call: 3, Return: 4}}, Illegal},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := Producers(c.ops, Caps{}); r.Verdict != c.want {
				t.Errorf("%s (%s), want %s", r.Verdict, r.Reason, c.want)
			}
		})
	}
}

func TestLog(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []LogOp
		want Verdict
	}{
		{"in order", []LogOp{{Off: 0, Call: 1, Return: 2}, {Off: 2, Call: 3, Return: 4}, {Read: true, Off: 2, Client: 1, Call: 5, Return: 6}}, OK},
		{"acknowledged first, yet behind", []LogOp{{Off: 1, Call: 1, Return: 2}, {Off: 0, Client: 1, Call: 3, Return: 4}}, Illegal},
		{"concurrent ones in any order", []LogOp{{Off: 1, Call: 1, Return: 4}, {Off: 0, Client: 1, Call: 2, Return: 3}}, OK},
		{"read before it was sent", []LogOp{{Read: true, Off: 0, Client: 1, Call: 1, Return: 2}, {Off: 0, Call: 3, Return: 4}}, Illegal},
		{"read of an append whose answer was lost", []LogOp{{Off: 0, Call: 1, Return: Forever}, {Read: true, Off: 0, Client: 1, Call: 2, Return: 3}}, OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := Log(c.ops, Caps{}); r.Verdict != c.want {
				t.Errorf("%s (%s), want %s", r.Verdict, r.Reason, c.want)
			}
		})
	}
}

// TestCaps: too much is unknown, and says so; it is never a pass.
func TestCaps(t *testing.T) {
	var many, unsure, busy []LogOp
	for i := range int64(50) {
		many = append(many, LogOp{Off: i, Call: i, Return: 1000})
		unsure = append(unsure, LogOp{Off: i, Call: i, Return: Forever})
		busy = append(busy, LogOp{Off: i, Client: int(i), Call: i, Return: 1000})
	}
	for _, c := range []struct {
		name string
		ops  []LogOp
		caps Caps
		want string
	}{
		{"operations", many, Caps{Ops: 10}, "50 operations at once"},
		{"clients", busy, Caps{Clients: 10}, "50 clients"},
		{"unknown outcomes", append(unsure, LogOp{Off: 0, Call: 0, Return: 1000}), Caps{}, "of unknown outcome"},
	} {
		r := Log(c.ops, c.caps)
		if c.name == "unknown outcomes" { // they fall into windows of their own unless held together
			for i := range c.ops {
				c.ops[i].Call = 0
			}
			r = Log(c.ops, c.caps)
		}
		if r.Verdict != Unknown || !strings.Contains(r.Reason, c.want) {
			t.Errorf("%s: %s (%s), want unknown with %q", c.name, r.Verdict, r.Reason, c.want)
		}
	}
}

// TestSteps: what would take for ever is unknown after a million steps, and is so
// each time; with enough of them the same windows are decided.
func TestSteps(t *testing.T) {
	hard := func(n int64) []LogOp { // n appends at once, and meanwhile two the wrong way round
		var ops []LogOp
		for i := range n {
			ops = append(ops, LogOp{Off: i, Client: int(i % 14), Call: i, Return: 1000 + i})
		}
		return append(ops, LogOp{Off: n + 1, Client: 14, Call: 100, Return: 101}, LogOp{Off: n, Client: 14, Call: 102, Return: 103})
	}
	for _, c := range []struct {
		n     int64
		steps int64
		want  Verdict
	}{{4, 0, Illegal}, {40, 0, Unknown}, {4, 5, Unknown}} {
		first := Log(hard(c.n), Caps{Clients: 20, Steps: c.steps})
		if first.Verdict != c.want || c.want == Unknown && !strings.Contains(first.Reason, "steps for") {
			t.Errorf("%d appends in %d steps: %s (%s), want %s", c.n, c.steps, first.Verdict, first.Reason, c.want)
		}
		if again := Log(hard(c.n), Caps{Clients: 20, Steps: c.steps}); again.Verdict != first.Verdict || again.Reason != first.Reason {
			t.Errorf("%d appends in %d steps: %s, then %s", c.n, c.steps, first.Verdict, again.Verdict)
		}
	}
}

func TestHTML(t *testing.T) {
	r := Offsets([]OffsetOp{{Kind: CommitOffset, Off: 1, Call: 1, Return: 2}, {Kind: FetchOffset, Off: 9, Client: 1, Call: 3, Return: 4}}, Caps{})
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "fetch -&gt; 9") && !strings.Contains(b.String(), "fetch -\\u003e 9") && !strings.Contains(b.String(), "fetch -> 9") {
		t.Error("the view does not show the fetch")
	}
	var none Result
	if err := none.HTML(&b); err == nil {
		t.Error("a view of nothing")
	}
}
