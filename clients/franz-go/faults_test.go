package franzgo

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

func cluster(t *testing.T, topics ...string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fill has a worker send n records to topic.
func fill(t *testing.T, c *kfake.Cluster, topic string, n int64) {
	t.Helper()
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: c.ListenAddrs(), Topic: topic, Max: n, Proc: "shop/0/1", Config: map[string]string{"linger.ms": "0"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("fill: exit code %d: %s", code, r.stderr.String())
	}
}

// TestGivenUpSendIsTriedThenPutAside has the broker refuse a topic for good.
func TestGivenUpSendIsTriedThenPutAside(t *testing.T) {
	c := cluster(t, "orders", "aside")
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.InvalidRecord, Count: -1})
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: c.ListenAddrs(), Topic: "orders", Max: 1,
		Config: map[string]string{"linger.ms": "0", "enable.idempotence": "false", "retries": "0"},
		Retry:  worker.Retry{Attempts: 2, BackoffNS: 1e6, Topic: "aside"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, r.stderr.String())
	}
	sends := r.find(is(history.OpSend, history.Invoke))
	aside := r.find(is(history.OpSetAside, history.OK))
	if len(sends) != 3 || len(aside) != 1 || fault.Hits() != 3 {
		t.Fatalf("%d attempts, %d put aside, %d refused; want 3, 1, 3", len(sends), len(aside), fault.Hits())
	}
	for _, e := range append(sends, aside...) {
		if e.Val[0] != (history.Value{Proc: "test/0/1", N: 1}) {
			t.Errorf("%s of %v: a record keeps its value id", e.Op, e.Val)
		}
	}
	if n := len(r.find(is(history.OpSend, history.Fail))); n != 0 {
		t.Errorf("%d sends are said to have failed for certain", n)
	}
}

// TestLostCommitAnswer has the broker apply a commit and not say so.
func TestLostCommitAnswer(t *testing.T) {
	c := cluster(t, "orders", "receipts")
	fill(t, c, "orders", 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.UnknownServerError, Count: 1})
	r := start(t, worker.Spec{
		Role: guarantee.Processor, Bootstrap: c.ListenAddrs(), Input: "orders", Output: "receipts", Commit: guarantee.CommitEach,
		Config: map[string]string{"group.id": "g", "linger.ms": "0"},
	})
	unknown := r.await(1, is(history.OpCommitOffsets, history.Info))
	if unknown[0].Err == nil || unknown[0].Err.Name != "UNKNOWN_SERVER_ERROR" || unknown[0].Meta == "" {
		t.Errorf("commit %+v", unknown[0])
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.stderr.String())
	}
}

// TestRefusedCommitFailed has the one commit request answered with a refusal.
func TestRefusedCommitFailed(t *testing.T) {
	c := cluster(t, "orders", "receipts")
	fill(t, c, "orders", 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: 1})
	r := start(t, worker.Spec{
		Role: guarantee.Consumer, Bootstrap: c.ListenAddrs(), Input: "orders", Commit: guarantee.CommitBatch,
		Config: map[string]string{"group.id": "g"},
	})
	r.await(1, is(history.OpCommitOffsets, history.Fail))
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.stderr.String())
	}
}

// TestAbortRewinds has one output refused: the transaction aborts, the inputs
// come again, and the second transaction commits them.
func TestAbortRewinds(t *testing.T) {
	c := cluster(t, "orders", "receipts")
	fill(t, c, "orders", 5)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "receipts", Err: kerr.InvalidRecord, Count: 1})
	r := start(t, worker.Spec{
		Role: guarantee.Processor, Bootstrap: c.ListenAddrs(), Input: "orders", Output: "receipts", Commit: guarantee.CommitTxn,
		Config: map[string]string{"group.id": "g", "transactional.id": "t", "linger.ms": "0"},
	})
	r.await(1, is(history.OpCommit, history.OK))
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.stderr.String())
	}
	aborts, seeks, offsets := r.find(is(history.OpAbort, history.OK)), r.find(is(history.OpSeek, history.Info)), r.find(is(history.OpSendOffsets, history.OK))
	if len(aborts) != 1 || aborts[0].Note == "" || len(seeks) != 1 || seeks[0].Off[0] != 0 {
		t.Errorf("aborts %+v, seeks %+v", aborts, seeks)
	}
	if last := offsets[len(offsets)-1]; last.Off[0] != 5 || last.Txn < 2 || last.Meta == "" {
		t.Errorf("offsets %+v", last)
	}
	if g := c.GroupInfo("g"); g.Commits["orders"][0].Metadata != offsets[len(offsets)-1].Meta {
		t.Errorf("the group has token %q", g.Commits["orders"][0].Metadata)
	}
}

// TestUnknownCommitIsInfo has EndTxn answered with an error that says nothing.
func TestUnknownCommitIsInfo(t *testing.T) {
	c := cluster(t, "orders", "receipts")
	fill(t, c, "orders", 5)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, TopLevel: true, Count: 1})
	r := start(t, worker.Spec{
		Role: guarantee.Processor, Bootstrap: c.ListenAddrs(), Input: "orders", Output: "receipts", Commit: guarantee.CommitTxn,
		Config: map[string]string{"group.id": "g", "transactional.id": "t", "linger.ms": "0"},
	})
	r.await(1, is(history.OpCommit, history.OK))
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.stderr.String())
	}
	if n := len(r.find(is(history.OpCommit, history.Info))); n != 1 {
		t.Errorf("%d commits of unknown outcome, want 1", n)
	}
}

// TestTransactionTriedAgain has a producer's first transaction refused.
func TestTransactionTriedAgain(t *testing.T) {
	c := cluster(t, "orders")
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.InvalidRecord, Count: 1})
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: c.ListenAddrs(), Topic: "orders", Max: 5, Transaction: 5, Retry: worker.Retry{Attempts: 1},
		Config: map[string]string{"transactional.id": "t", "linger.ms": "0"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, r.stderr.String())
	}
	if a, k := r.find(is(history.OpAbort, history.OK)), r.find(is(history.OpCommit, history.OK)); len(a) != 1 || len(k) != 1 || k[0].Txn != 2 {
		t.Errorf("aborts %+v, commits %+v", a, k)
	}
	for _, e := range r.find(is(history.OpSend, history.OK)) {
		if e.Txn == 2 && e.Val[0].N > 5 {
			t.Errorf("value %v in the second try: it has the values of the first", e.Val)
		}
	}
}

func TestFencedEndsWithThree(t *testing.T) {
	c := cluster(t, "orders")
	spec := worker.Spec{
		Role: guarantee.Producer, Bootstrap: c.ListenAddrs(), Topic: "orders", Transaction: 2, Rate: 50,
		Config: map[string]string{"transactional.id": "t", "linger.ms": "0"},
	}
	first := start(t, spec)
	first.await(1, is(history.OpCommit, history.OK))
	second := start(t, spec)
	if code := first.wait(); code != exitFatal {
		t.Errorf("exit code %d, want %d: %s", code, exitFatal, first.stderr.String())
	}
	if len(first.find(func(e *history.Event) bool { return e.Err != nil && e.Err.Class == history.Fenced })) == 0 {
		t.Error("no event says that it was fenced")
	}
	if code := second.stop(); code != 0 {
		t.Errorf("second: exit code %d: %s", code, second.stderr.String())
	}
}

func TestNoAcksHasNoOffset(t *testing.T) {
	c := cluster(t, "orders")
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: c.ListenAddrs(), Topic: "orders", Max: 3, Config: map[string]string{"acks": "0", "linger.ms": "0"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, r.stderr.String())
	}
	for _, e := range r.find(is(history.OpSend, history.OK)) {
		if len(e.Off) != 0 {
			t.Errorf("ok at offset %v, of which nobody told", e.Off)
		}
	}
}

// Exit codes of a worker.
const (
	exitBroken = 1
	exitConfig = 2
	exitFatal  = 3
)

func TestBadSpecs(t *testing.T) {
	for line, want := range map[string]int{
		"":                   exitBroken,
		"nonsense\n":         exitConfig,
		"{}\n":               exitConfig,
		`{"protocol":2}`:     exitBroken, // no line feed: stdin ended too early
		"{\"protocol\":1}\n": exitConfig,
		`{"protocol":1,"role":"producer","topic":"t","bootstrap":["127.0.0.1:1"],"config":{"no.such":"1"},"strict":true}` + "\n": exitConfig,
		`{"protocol":1,"role":"producer","topic":"t","bootstrap":["127.0.0.1:1"],"config":{"linger.ms":"100000"}}` + "\n":        exitConfig,
	} {
		var stderr strings.Builder
		if code := Main(context.Background(), strings.NewReader(line), io.Discard, &stderr); code != want || stderr.Len() == 0 {
			t.Errorf("%q: exit code %d, want %d; stderr %q", line, code, want, stderr.String())
		}
	}
}

// TestContextEndsGracefully: a program that turns SIGTERM into the end of its
// context is asked to stop twice, and stops gracefully all the same.
func TestContextEndsGracefully(t *testing.T) {
	c := cluster(t, "orders")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, inW := io.Pipe()
	defer inW.Close()
	outR, outW := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Main(ctx, in, outW, io.Discard)
		outW.Close()
	}()
	go io.WriteString(inW, `{"protocol":1,"proc":"a/0/1","role":"producer","topic":"orders","rate":50,"bootstrap":["`+c.ListenAddrs()[0]+`"],"config":{}}`+"\n")
	closed := false
	for lines := bufio.NewScanner(outR); lines.Scan(); {
		if strings.Contains(lines.Text(), `"send"`) {
			cancel()
		}
		closed = closed || strings.Contains(lines.Text(), `"type":"ok","op":"close"`)
	}
	if got := <-code; got != 0 || !closed {
		t.Errorf("exit code %d, close reported: %v", got, closed)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestHarnessGone(t *testing.T) {
	c := cluster(t, "orders")
	line := `{"protocol":1,"proc":"a/0/1","role":"producer","topic":"orders","bootstrap":["` + c.ListenAddrs()[0] + `"],"config":{}}` + "\n"
	in, _ := io.Pipe()
	if code := Main(t.Context(), io.MultiReader(strings.NewReader(line), in), closedPipe{}, io.Discard); code != exitBroken {
		t.Errorf("nobody reads: exit code %d, want %d", code, exitBroken)
	}
}
