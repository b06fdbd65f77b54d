package reports

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

func timelineOfSample(t *testing.T, s sample) *Timeline {
	t.Helper()
	tl, err := Aggregate(&feed{events: s.events}, s.in.Header, s.in.Report)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func TestTimelineLanes(t *testing.T) {
	tl := timelineOfSample(t, violatedRun())
	want := []Lane{
		{"broker 1", []Span{{From: 200_000, To: 34_000_000, State: "running"}}},
		{"broker 2", []Span{{From: 200_000, To: 12_000_000, State: "running"}, {From: 12_000_000, To: 17_100_000, State: "stopped"}, {From: 17_100_000, To: 34_000_000, State: "running"}}},
		{"broker 3", []Span{{From: 200_000, To: 34_000_000, State: "running"}}},
	}
	if d := cmp.Diff(want, tl.Brokers); d != "" {
		t.Errorf("brokers (-want +got):\n%s", d)
	}
	if got := len(tl.Leaders[0].Spans); got != 3 {
		t.Errorf("orders/0 had %d leaders, want 3", got)
	}
	till := tl.Clients[1]
	wantTill := Lane{"till/0", []Span{{From: 900_000, To: 6_200_000, State: "exited", Text: "1 · signal: killed"}, {From: 7_250_000, To: 31_500_000, State: "exited", Text: "2 · exit code 0"}}}
	if d := cmp.Diff(wantTill, till); d != "" {
		t.Errorf("till/0 (-want +got):\n%s", d)
	}
	wantOwned := []Lane{{"till/0", []Span{{From: 1_100_000, To: 6_200_000, Text: "orders/0"}, {From: 9_050_000, To: 31_500_000, Text: "orders/0"}}}, {"till/1", []Span{{From: 6_500_000, To: 9_000_000, Text: "orders/0"}}}}
	if d := cmp.Diff(wantOwned, tl.Owned); d != "" {
		t.Errorf("ownership (-want +got):\n%s", d)
	}
	if len(tl.Faults) != 4 || tl.Faults[1].Resolved != "broker 2, leader of orders/0" || tl.Faults[1].Gone != 17_600_000 {
		t.Errorf("faults: %+v", tl.Faults)
	}
	if len(tl.Txns) != 0 {
		t.Errorf("%d transaction lanes in a run without transactions", len(tl.Txns))
	}
}

func TestTimelineOfACrash(t *testing.T) {
	tl := timelineOfSample(t, crashedRun())
	if f := tl.Faults[0]; f.Effect != 0 || f.Gone != 0 || f.Inject != 4_000_000 {
		t.Errorf("a fault that was never seen: %+v", f)
	}
	last := tl.Clients[0].Spans[0]
	if last.State != "running" || last.To != tl.Duration {
		t.Errorf("a client that never exited: %+v, want it to run until %d", last, tl.Duration)
	}
}

func TestInFlightOfAFault(t *testing.T) {
	events := []history.Event{{T: startT, Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: history.OpInject,
		Data: map[string]any{"kind": "kill", "in-flight": map[string]any{"Produce": 2.0, "EndTxn": 1.0}}}}
	tl, err := Aggregate(&feed{events: events}, history.Header{StartT: startT}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tl.strike(1).InFlight, "1 EndTxn, 2 Produce"; got != want {
		t.Errorf("in flight %q, want %q", got, want)
	}
}

func TestTransactionsByOutcome(t *testing.T) {
	at := func(ms int64, op history.Op, typ history.Type, txn int64) history.Event {
		return history.Event{T: startT + ms*1e6, Src: history.SrcClient, Proc: "till/0/1", Op: op, Type: typ, ID: ms, Txn: txn}
	}
	events := []history.Event{
		at(1, history.OpBegin, history.OK, 1), at(5, history.OpCommit, history.Invoke, 1), at(8, history.OpCommit, history.OK, 1),
		at(10, history.OpBegin, history.OK, 2), at(15, history.OpAbort, history.Invoke, 2), at(18, history.OpAbort, history.OK, 2),
		at(20, history.OpBegin, history.OK, 3), at(25, history.OpCommit, history.Invoke, 3), at(28, history.OpCommit, history.Info, 3),
		at(30, history.OpBegin, history.OK, 4), at(35, history.OpCommit, history.Invoke, 4), at(38, history.OpCommit, history.Fail, 4), at(39, history.OpAbort, history.Invoke, 4), at(40, history.OpAbort, history.OK, 4),
		at(42, history.OpBegin, history.OK, 6), at(44, history.OpCommit, history.Invoke, 6), at(46, history.OpCommit, history.Fail, 6),
		at(50, history.OpBegin, history.OK, 7), at(55, history.OpSend, history.Invoke, 7),
		{T: startT + 60e6, Src: history.SrcHarness, Proc: "till/0/1", Op: history.OpExit, Type: history.Info},
		{T: startT + 90e6, Src: history.SrcClient, Proc: "till/0/2", Op: history.OpBegin, Type: history.OK, ID: 1, Txn: 1},
	}
	tl, err := Aggregate(&feed{events: events}, history.Header{StartT: startT}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Lane{{"till/0", []Span{
		{From: 1000, To: 8000, End: 5000, State: "commit"},
		{From: 10000, To: 18000, End: 15000, State: "abort"},
		{From: 20000, To: 28000, End: 25000, State: "unknown"},
		{From: 30000, To: 40000, End: 35000, State: "abort"},
		{From: 42000, To: 46000, End: 44000, State: "failed"},
		{From: 50000, To: 60000, State: "crashed"},
		{From: 90000, To: 90000, State: "open"},
	}}}
	if d := cmp.Diff(want, tl.Txns); d != "" {
		t.Errorf("transactions (-want +got):\n%s", d)
	}
}

func TestManyTransactionsKeepTheirCounts(t *testing.T) {
	c := &clientBars{}
	const n = 50_000
	keep := windows{{from: 10e9, to: 10.2e9}}
	for i := range int64(n) {
		s := Span{From: i * 1000, To: i*1000 + 900, State: "commit", N: 1}
		if i%10 == 0 {
			s.State = "abort"
		}
		c.close(s, keep)
	}
	var all, bad, single int64
	for _, s := range c.done {
		all, bad = all+s.N, bad+s.Bad
		if s.From >= 10_000_000 && s.To <= 10_200_000 && s.N == 1 {
			single++
		}
	}
	if all != n || bad != n/10 {
		t.Errorf("bars stand for %d transactions, %d bad; want %d, %d", all, bad, n, n/10)
	}
	if len(c.done) > maxBars {
		t.Errorf("%d bars, more than %d", len(c.done), maxBars)
	}
	if single < 200 {
		t.Errorf("%d single bars near the witness, want 200", single)
	}
}

func TestBinsDoubleAndKeepTheirSums(t *testing.T) {
	c := newCurves()
	p := &process{client: "shop"}
	e := &history.Event{Op: history.OpSend, Type: history.OK, Off: []int64{1}}
	const n = 10_000
	for i := range int64(n) {
		c.add(i*int64(100e6), int64(2e6), p, e)
	}
	total := 0.0
	for _, v := range *c.rates[rate{"shop", "writes"}] {
		total += v
	}
	if total != n {
		t.Errorf("%v records in the bins, want %d", total, n)
	}
	out := c.all(n * int64(100e6))
	if out.Bins > maxBins {
		t.Errorf("%d bins, more than %d", out.Bins, maxBins)
	}
	for _, s := range out.Series {
		if len(s.Y) != out.Bins {
			t.Errorf("%s has %d values for %d bins", s.Name, len(s.Y), out.Bins)
		}
	}
	if got := *out.Series[0].Y[5]; math.Abs(float64(got)-10) > .1 {
		t.Errorf("%v records a second, want 10", got)
	}
}

func TestQuantilesAreNear(t *testing.T) {
	var h histograms
	for us := int64(1); us <= 1000; us++ {
		h.add(0, us*1000)
	}
	for q, want := range map[float64]float64{.5: .5, .99: .99} {
		y, ok := h.quantiles(1, q)
		if !ok || math.Abs(float64(*y[0])-want)/want > .07 {
			t.Errorf("quantile %v = %v ms, want about %v", q, *y[0], want)
		}
	}
	for ns := int64(1); ns > 0 && ns < math.MaxInt64/3; ns *= 3 {
		if b := bucket(ns); b < 0 || b >= perOctave*octaves {
			t.Errorf("bucket(%d) = %d, out of range", ns, b)
		}
	}
}

func TestLagIsBehindTheHighWatermark(t *testing.T) {
	b := newBacklog()
	orders := history.TopicPartition{Topic: "orders"}
	p := &process{client: "till", instance: "till/0", group: "till"}
	ok := func(op history.Op, txn int64, off ...int64) {
		b.add(p, &history.Event{Op: op, Type: history.OK, TP: orders, Group: "till", Off: off, Txn: txn})
	}
	ok(history.OpSend, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	ok(history.OpPoll, 0, 0, 1, 2)
	if lag, _ := b.levels(); lag["till"] != 7 {
		t.Errorf("lag after a poll of 3 = %d, want 7", lag["till"])
	}
	ok(history.OpCommitOffsets, 0, 2)
	if lag, _ := b.levels(); lag["till"] != 8 {
		t.Errorf("lag after a commit of 2 = %d, want 8", lag["till"])
	}
	ok(history.OpSend, 1, 10, 11)
	ok(history.OpSendOffsets, 1, 6)
	if lag, held := b.levels(); lag["till"] != 10 || held != 2 {
		t.Errorf("within a transaction: lag %d, held %d; want 10, 2", lag["till"], held)
	}
	ok(history.OpCommit, 1)
	if lag, held := b.levels(); lag["till"] != 6 || held != 0 {
		t.Errorf("after its commit: lag %d, held %d; want 6, 0", lag["till"], held)
	}
}

type brokenSource struct {
	feed
	err error
}

func (b *brokenSource) Next(e *history.Event) error {
	if b.n == 100 {
		return b.err
	}
	return b.feed.Next(e)
}

func TestAggregateKeepsWhatItRead(t *testing.T) {
	s := violatedRun()
	broken := errors.New("line 101: not JSON")
	tl, err := Aggregate(&brokenSource{feed{events: s.events}, broken}, s.in.Header, s.in.Report)
	if !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if tl == nil || len(tl.Brokers) != 3 {
		t.Error("the timeline before the error is gone")
	}
}

func TestWindowsMergeAndFind(t *testing.T) {
	ws := witnessWindows(violatedRun().in.Report, momentAround)
	for i := 1; i < len(ws); i++ {
		if ws[i].from <= ws[i-1].to {
			t.Errorf("windows %v and %v overlap", ws[i-1], ws[i])
		}
	}
	for _, c := range []struct {
		from, to float64
		want     bool
	}{{6149, 6150, true}, {0, 1000, false}, {33010, 33010, false}, {0, 40000, true}} {
		if got := ws.overlap(ms(c.from), ms(c.to)); got != c.want {
			t.Errorf("overlap(%v ms, %v ms) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestThreeSignificantDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 1234.6: "1235", .0012345: "0.00123", 99.97: "100", 12.34: "12.3", math.NaN(): "0"} {
		if got := string(appendSignificant(nil, v)); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
