package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

func answer(ms int64, api, group, txn string, broker int64, err string, code int16) history.Event {
	e := history.Event{T: startT + ms*1e6, Src: history.SrcWire, Proc: "till/0", Type: history.OK, Op: history.OpResponse, Group: group,
		Data: map[string]any{"api": api, "broker": broker, "told": "passed"}}
	if txn != "" {
		e.Data["txn-id"] = txn
	}
	if err != "" {
		e.Err = &history.Error{Name: err, Code: code}
	}
	return e
}

func TestTheCoordinatorIsWhoAnswers(t *testing.T) {
	cut := answer(5, "EndTxn", "", "till-0", 1, "", 0)
	cut.Data["told"] = "dropped" // nobody knows what it would have said
	events := []history.Event{
		answer(1, "JoinGroup", "till", "", 2, "MEMBER_ID_REQUIRED", 79), // only a coordinator asks for that
		answer(2, "InitProducerID", "", "till-0", 3, "", 0),
		answer(3, "TxnOffsetCommit", "till", "till-0", 2, "", 0),
		answer(4, "OffsetCommit", "till", "", 1, "NOT_COORDINATOR", 16),
		cut,
		answer(6, "Produce", "", "till-0", 1, "", 0), // leaders answer that
		answer(7, "OffsetCommit", "till", "", 3, "", 0),
		answer(9, "EndTxn", "", "till-0", 3, "", 0),
	}
	tl, err := Aggregate(&feed{events: events}, history.Header{StartT: startT}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Lane{
		{"group till", []Span{{From: 1000, To: 7000, State: "2"}, {From: 7000, To: 9000, State: "3"}}},
		{"txn till-0", []Span{{From: 2000, To: 9000, State: "3"}}},
	}
	if d := cmp.Diff(want, tl.Coords); d != "" {
		t.Errorf("coordinators (-want +got):\n%s", d)
	}
}

func TestEndsOfLogsAreSumsOverPartitions(t *testing.T) {
	at := func(ms int64, part int32, stable, high int64) history.Event {
		return history.Event{T: startT + ms*1e6, Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpWatermarks,
			TP: history.TopicPartition{Topic: "orders", Part: part}, Off: []int64{0, stable, high}}
	}
	tl, err := Aggregate(&feed{events: []history.Event{at(0, 0, 5, 5), at(1, 1, 2, 9), at(1000, 0, 5, 40), at(2000, 1, 50, 50)}}, history.Header{StartT: startT}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][3]float64{}
	for _, s := range tl.Curves.Series {
		if s.Plot == "log" {
			got[s.Name] = [3]float64{float64(*s.Y[0]), float64(*s.Y[15]), float64(*s.Y[20])}
		}
	}
	if d := cmp.Diff(map[string][3]float64{"orders HW": {14, 49, 90}, "orders LSO": {7, 7, 55}}, got); d != "" {
		t.Errorf("ends of the log at 0, 1.5 and 2 s (-want +got):\n%s", d)
	}
}

func TestWhatIsNotKafkasDefaultIsMarked(t *testing.T) {
	s := passingRun()
	s.record(t)
	s.in.Header.Clients = []history.ClientInfo{
		{Name: "shop", Role: "producer", Config: map[string]string{"acks": "-1", "linger.ms": "7", "client.id": "shop"}},
		{Name: "till", Role: "processor", Config: map[string]string{"isolation.level": "READ_UNCOMMITTED", "retries": "3"}},
	}
	defaults := map[string]string{"producer acks": "all", "producer linger.ms": "5", "producer retries": "2147483647", "consumer isolation.level": "read_uncommitted"}
	s.in.Default = func(kind, name string) (string, bool) { d, ok := defaults[kind+" "+name]; return d, ok }
	p, err := newPage(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range p.Clients {
		for _, q := range c.Properties {
			got[q.Name] = q.Differs
		}
	}
	if d := cmp.Diff(map[string]bool{"acks": false, "linger.ms": true, "client.id": false, "isolation.level": false, "retries": true}, got); d != "" {
		t.Errorf("marked (-want +got):\n%s", d)
	}
	var buf bytes.Buffer
	if err := HTML(&buf, s.in); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(buf.String(), "≠ default 2147483647") {
		t.Error("the page does not say the default")
	}
}
