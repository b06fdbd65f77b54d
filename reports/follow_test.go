package reports

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// followed is a Follow of a run up to a moment, in which two records are seen at
// one offset.
func followed(t *testing.T, draw bool, until time.Duration) (*Follow, []guarantee.Anomaly) {
	t.Helper()
	s := passingRun()
	var told []guarantee.Anomaly
	f := &Follow{Draw: draw, Seen: func(a checker.Alarm) { told = append(told, a.Kind) }}
	observe := f.Observe(s.in.Header)
	for i := range s.events {
		if s.events[i].T-startT <= int64(until) {
			observe(&s.events[i])
		}
	}
	// Two records at one offset: no log is needed to know that this cannot be.
	at, off, shop := startT+int64(until), int64(1<<20), "shop/0/1"
	for _, e := range []history.Event{
		{Proc: shop, Type: history.Invoke, Op: history.OpSend, ID: 1 << 20, Val: []history.Value{{Proc: shop, N: 1 << 20}}},
		{Proc: shop, Type: history.OK, Op: history.OpSend, ID: 1 << 20, Off: []int64{off}},
		{Proc: "till/1/1", Type: history.OK, Op: history.OpPoll, ID: 1 << 20, Group: "till", Off: []int64{off}, Val: []history.Value{{Proc: shop, N: 1}}},
	} {
		at++
		e.T, e.Src, e.TP = at, history.SrcClient, tp("orders")
		observe(&e)
	}
	return f, told
}

func TestFollowTellsWhatIsKnownSoFar(t *testing.T) {
	f, told := followed(t, false, 5*time.Second)
	var s Snapshot
	f.Fill(&s)
	if !slices.Contains(told, guarantee.InconsistentOffset) {
		t.Errorf("told %v, want %s", told, guarantee.InconsistentOffset)
	}
	if len(s.Guarantees) != len(guarantee.All) {
		t.Fatalf("%d guarantees", len(s.Guarantees))
	}
	var open []guarantee.Guarantee
	for _, g := range s.Guarantees {
		switch g.Verdict {
		case guarantee.Unknown:
			open = append(open, g.Guarantee)
		case guarantee.Holds, guarantee.NotExercised:
			t.Errorf("%s is %s before the end", g.Guarantee, g.Verdict)
		}
		if g.Guarantee == guarantee.Agreement && (g.Verdict != guarantee.Violated || g.Found != "1 offset holds two different records") {
			t.Errorf("%s is %s so far (%s)", g.Guarantee, g.Verdict, g.Found)
		}
	}
	if len(open) == 0 {
		t.Error("nothing is left to decide")
	}
	if s.Open < 0 || s.Open > 2 {
		t.Errorf("%d open transactions of two tills", s.Open)
	}
}

// followPage asks the server as a browser does.
func followPage(t *testing.T, s *Server, url string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestServerFollowsARunToItsReport(t *testing.T) {
	s, err := NewServer()
	if err != nil {
		t.Fatal(err)
	}
	f, _ := followed(t, true, 13*time.Second)
	run := passingRun()
	run.record(t)
	s.Begin(f, Input{Report: &checker.Report{Scenario: "exactly-once", Seed: 7, Backend: "embedded"}, Plan: "1. crash"})
	s.Show(Snapshot{Phase: "load", Elapsed: 12 * time.Second, Total: 30 * time.Second, Open: 3, Faults: []string{"pause broker 1"}, Clients: []ClientCounts{{Name: "shop/0", Sent: 2400}}})
	code, page := followPage(t, s, s.URL())
	for _, want := range []string{"Running: load", "12s of 30s, 18s to go", "pause broker 1", "3 open transactions", "1 offset holds two different records", notYet, `data-follow="on"`, "2,400", `"brokers":[{"name":"broker 1"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a run that goes on (%d) lacks %q", code, want)
		}
	}
	if err := s.End(run.in); err != nil {
		t.Fatal(err)
	}
	if _, page := followPage(t, s, s.URL()+"?tab=a"); !strings.Contains(page, "Exactly once in this run") || !strings.Contains(page, `data-follow="on"`) {
		t.Error("between two runs the last report is not shown")
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	var last string
	for !strings.Contains(last, `data-follow="over"`) { // tab a asks until it has seen the end
		select {
		case err := <-closed:
			t.Fatalf("closed (%v) before its open page saw the end", err)
		default:
			_, last = followPage(t, s, s.URL()+"?tab=a")
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("it still listens")
	}
}

func TestServerAnswersLoopbackOnly(t *testing.T) {
	s, err := NewServer()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for url, want := range map[string]int{"http://evil.example:80/": http.StatusForbidden, s.URL() + "secret": http.StatusNotFound, s.URL(): http.StatusInternalServerError} {
		if code, page := followPage(t, s, url); code != want {
			t.Errorf("%s: %d %s, want %d", url, code, page, want)
		}
	}
}

func TestAServedPageLetsItsScriptRun(t *testing.T) {
	var buf bytes.Buffer
	f, _ := followed(t, true, time.Second)
	if err := f.Page(&buf, Input{Report: &checker.Report{}}, Snapshot{}); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(buf.String())
	if !strings.Contains(page, scriptHash(followJS)) || !strings.Contains(page, "connect-src 'self'") {
		t.Error("its content policy does not know its script")
	}
}
