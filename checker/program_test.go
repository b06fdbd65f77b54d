package checker

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// story is a history of a shop (a worker) and a till (a program), told in lines.
type story struct {
	header history.Header
	lines  strings.Builder
	t      int64
}

func newStory(makes map[string]string) *story {
	return &story{t: 1_000_000_000, header: history.Header{
		Format: "onceproof-history/1", Backend: "embedded", Topics: []history.TopicInfo{{Name: "orders", Partitions: 1}, {Name: "receipts", Partitions: 1}, {Name: "dlt", Partitions: 1}},
		Clients: []history.ClientInfo{
			{Name: "shop", Role: "producer", Topic: "orders", Count: 1},
			{Name: "till", Role: "processor", Program: true, Library: "program", Count: 1, Input: "orders", Output: "receipts", Makes: makes,
				Config: map[string]string{"group.id": "till", "auto.offset.reset": "earliest"}},
		},
	}}
}

func (s *story) say(format string, args ...any) {
	s.t += 1_000_000
	fmt.Fprintf(&s.lines, `{"t":%d,`+format+"}\n", append([]any{s.t}, args...)...)
}

// sent tells of n records of proc that stand in the log of topic from offset 0 on.
func (s *story) sent(proc, topic string, n int) {
	s.say(`"src":"harness","proc":%q,"type":"info","op":"spawn"`, proc)
	for i := range n {
		s.say(`"src":"client","proc":%q,"type":"invoke","op":"send","id":%d,"tp":"%s/0","val":["%s#%d"]`, proc, i+1, topic, proc, i)
		s.say(`"src":"client","proc":%q,"type":"ok","op":"send","id":%d,"tp":"%s/0","off":[%d]`, proc, i+1, topic, i)
	}
}

// logged is the audit of n records of proc in topic, made from the orders that from says.
func (s *story) logged(proc, topic string, n int, from func(i int) int) {
	s.say(`"src":"audit","proc":"audit","type":"ok","op":"watermarks","id":1,"tp":"%s/0","off":[0,%d,%d]`, topic, n, n)
	for i := range n {
		s.say(`"src":"audit","proc":"audit","type":"ok","op":"log","id":1,"tp":"%s/0","off":[%d],"val":["%s#%d"],"pid":7,"epoch":0`, topic, i, proc, i)
		if from != nil && from(i) >= 0 {
			s.say(`"src":"audit","proc":"audit","type":"ok","op":"lineage","id":1,"tp":"%s/0","off":[%d],"from":["orders/0@%d"]`, topic, i, from(i))
		}
	}
}

// committed tells that till committed everything below off, and ends the audit.
func (s *story) committed(off int) {
	s.say(`"src":"client","proc":"till/0/1","type":"info","op":"revoked","id":1000,"group":"till","tp":"orders/0"`)
	s.say(`"src":"audit","proc":"audit","type":"ok","op":"offset","id":1,"group":"till","tp":"orders/0","off":[%d]`, off)
	s.say(`"src":"audit","proc":"audit","type":"ok","op":"audit-done","id":1`)
}

func (s *story) check(t *testing.T) *Report {
	t.Helper()
	var file bytes.Buffer
	w, err := history.NewWriter(&file, s.header)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(s.lines.String()) {
		var e history.Event
		if err := history.ParseLine([]byte(strings.TrimSpace(line)), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := w.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := history.NewReader("story", &file)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Check(t.Context(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// verdicts are those of no-loss, no-duplicates and order, each with what was found or a
// part of the reason.
func verdicts(rep *Report) []string {
	var all []string
	for _, g := range rep.Guarantees {
		switch g.Guarantee {
		case guarantee.NoLoss, guarantee.NoDuplicates, guarantee.Order:
			text := string(g.Verdict)
			for _, a := range g.Anomalies {
				text += fmt.Sprintf(" %s×%d", a.Kind, a.Count)
			}
			if g.Verdict == guarantee.Unknown {
				reason, _, _ := strings.Cut(g.Reason, ";")
				_, hint, _ := strings.Cut(reason, "makes: ")
				if hint == "" {
					_, hint, _ = strings.Cut(reason, "trace: ")
				}
				text += " " + hint
			}
			all = append(all, text)
		}
	}
	return all
}

func same(i int) int { return i }

func seq(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// TestProgramsByLineage judges programs by what their outputs show, with and without a
// contract.
func TestProgramsByLineage(t *testing.T) {
	const n = 100
	twice := func(every int) func(int) int { // each `every`th input twice
		var from []int
		for i := range n {
			from = append(from, i)
			if i%every == 0 {
				from = append(from, i)
			}
		}
		return func(i int) int {
			if i < len(from) {
				return from[i]
			}
			return -1
		}
	}
	for _, tc := range []struct {
		name  string
		makes map[string]string
		outs  int
		from  func(int) int
		dlt   []int // inputs that ended there
		want  []string
	}{
		{"one each", nil, n, same, nil, []string{"holds", "holds", "holds"}},
		{"ten twice", nil, 110, twice(10), nil, []string{"holds", "violated duplicate-output×10", "holds"}},
		{"two each, by design", nil, 2 * n, func(i int) int { return i / 2 }, nil, []string{"holds", "holds", "holds"}},
		{"two each, declared one", map[string]string{"receipts": "one"}, 2 * n, func(i int) int { return i / 2 }, nil, []string{"holds", "violated duplicate-output×100", "holds"}},
		{"ten twice, declared any", map[string]string{"receipts": "any"}, 110, twice(10), nil, []string{"holds", "holds", "holds"}},
		{"five lost", nil, 95, func(i int) int { return i + 5 }, nil, []string{"violated lost-input×5", "holds", "holds"}},
		{"a filter", nil, 50, func(i int) int { return 2 * i }, nil,
			[]string{"unknown {receipts: one} would say that each must, at-most-one that some need not", "holds", "holds"}},
		{"a filter, declared", map[string]string{"receipts": "at-most-one"}, 50, func(i int) int { return 2 * i }, nil, []string{"holds", "holds", "holds"}},
		{"a filter, declared one", map[string]string{"receipts": "one"}, 50, func(i int) int { return 2 * i }, nil, []string{"violated lost-input×50", "holds", "holds"}},
		{"no lineage", nil, n, func(int) int { return -1 }, nil,
			[]string{"unknown {receipts: {of: …}} would tell where it stands", "unknown {receipts: {of: …}} would tell where it stands", "unknown {receipts: {of: …}} would tell where it stands"}},
		{"dead letters", nil, 97, func(i int) int { return i + 3 }, []int{0, 1, 2}, []string{"holds", "holds", "holds"}},
		{"lost, and all in another topic too", nil, 95, func(i int) int { return i + 5 }, seq(n), []string{"violated lost-input×5", "holds", "holds"}},
		{"dead letters, declared", map[string]string{"receipts": "one", "dlt": "instead"}, 97, func(i int) int { return i + 3 }, []int{0, 1, 2}, []string{"holds", "holds", "holds"}},
		{"put aside and done", map[string]string{"receipts": "one", "dlt": "instead"}, 97, func(i int) int { return i + 3 }, []int{0, 1, 2, 3}, []string{"holds", "violated duplicate-output×1", "holds"}},
		{"put aside twice", map[string]string{"receipts": "one", "dlt": "instead"}, 97, func(i int) int { return i + 3 }, []int{0, 1, 2, 2}, []string{"holds", "violated duplicate-output×1", "holds"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStory(tc.makes)
			s.sent("shop/0/1", "orders", n)
			s.sent("till/0/1", "receipts", tc.outs)
			s.logged("shop/0/1", "orders", n, nil)
			s.logged("till/0/1", "receipts", tc.outs, tc.from)
			for i, order := range tc.dlt {
				s.say(`"src":"audit","proc":"audit","type":"ok","op":"log","id":1,"tp":"dlt/0","off":[%d],"val":["till/0/1#%d"],"from":["orders/0@%d"],"pid":7,"epoch":0`, i, 1000+i, order)
				s.say(`"src":"client","proc":"till/0/1","type":"invoke","op":"send","id":%d,"tp":"dlt/0","val":["till/0/1#%d"]`, 1000+i, 1000+i)
			}
			s.committed(n)
			if diff := cmp.Diff(tc.want, verdicts(s.check(t))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestProgramsByFold judges a program that aggregates by what the audit compared.
func TestProgramsByFold(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"right", []string{`"type":"ok","op":"fold","id":1,"data":{"client":"till","keys":7,"inputs":100,"deleted":0,"with":"count","from":"orders"}`},
			[]string{"holds", "holds", "holds"}},
		{"too many and too few", []string{
			`"type":"ok","op":"fold","id":1,"data":{"client":"till","keys":7,"inputs":100,"deleted":0,"with":"count","from":"orders"}`,
			`"type":"fail","op":"fold","id":1,"tp":"receipts/0","off":[3],"data":{"client":"till","key":"k1","expected":"3","found":"4","more":true,"inputs":3,"last":["orders/0@1"],"with":"count","from":"orders"}`,
			`"type":"fail","op":"fold","id":1,"data":{"client":"till","key":"k2","expected":"3","found":"","more":false,"inputs":3,"last":["orders/0@2"],"with":"count","from":"orders"}`},
			[]string{"violated lost-input×1", "violated duplicate-output×1", "holds"}},
		{"inputs deleted", []string{`"type":"ok","op":"fold","id":1,"data":{"client":"till","keys":7,"inputs":90,"deleted":10,"with":"count","from":"orders"}`},
			[]string{"unknown ", "unknown ", "unknown "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStory(nil)
			s.sent("shop/0/1", "orders", 100)
			s.sent("till/0/1", "receipts", 100)
			s.logged("shop/0/1", "orders", 100, nil)
			s.logged("till/0/1", "receipts", 100, nil)
			for _, line := range tc.lines {
				s.say(`"src":"audit","proc":"audit",%s`, line)
			}
			s.committed(100)
			rep := s.check(t)
			if diff := cmp.Diff(tc.want, verdicts(rep)); diff != "" {
				t.Error(diff)
			}
			for _, g := range rep.Guarantees {
				for _, a := range g.Anomalies {
					if text := a.Witnesses[0].Text; !strings.Contains(text, "Its last inputs are orders/0@") {
						t.Errorf("%s: %s", a.Kind, text)
					}
				}
			}
		})
	}
}

// TestIdleProgram says of a program that did nothing that progress is not known.
func TestIdleProgram(t *testing.T) {
	s := newStory(nil)
	s.sent("shop/0/1", "orders", 100)
	s.say(`"src":"harness","proc":"till/0/1","type":"info","op":"spawn"`)
	s.say(`"src":"fault","proc":"fault/1","type":"ok","op":"inject","data":{"kind":"delay"}`)
	s.say(`"src":"fault","proc":"fault/1","type":"ok","op":"effect"`)
	s.say(`"src":"fault","proc":"fault/1","type":"ok","op":"gone"`)
	s.logged("shop/0/1", "orders", 100, nil)
	s.say(`"src":"audit","proc":"audit","type":"ok","op":"audit-done","id":1`)
	for _, g := range s.check(t).Guarantees {
		if g.Guarantee == guarantee.Progress && (g.Verdict != guarantee.Unknown || !strings.Contains(g.Reason, "till committed and wrote nothing in the whole run, though orders/0@0 waits")) {
			t.Errorf("progress %s: %s", g.Verdict, g.Reason)
		}
	}
}

// TestCopiedValues holds readers of a program's topic to its offsets: what they say of
// the bytes is its input's, and no other record.
func TestCopiedValues(t *testing.T) {
	s := newStory(nil)
	s.sent("shop/0/1", "orders", 10)
	s.sent("till/0/1", "receipts", 10)
	s.say(`"src":"client","proc":"ledger/0/1","type":"ok","op":"poll","id":1,"tp":"receipts/0","off":[0,1],"val":["shop/0/1#0","shop/0/1#1"]`)
	s.say(`"src":"client","proc":"ledger/0/1","type":"ok","op":"poll","id":2,"tp":"receipts/0","off":[2,3],"val":["",""]`)
	s.logged("shop/0/1", "orders", 10, nil)
	s.logged("till/0/1", "receipts", 10, same)
	s.committed(10)
	for _, g := range s.check(t).Guarantees {
		for _, a := range g.Anomalies {
			t.Errorf("%s: %s", a.Kind, a.Witnesses[0].Text)
		}
	}
}

// TestAllAssignedPositions lets a program send, with its second transaction, the position
// of a partition of which it was given nothing since the first: that covers no input. One
// that began behind the first's end does.
func TestAllAssignedPositions(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fetched int // what the second incarnation is told before
		want    int64
	}{{"empty interval", 66, 0}, {"covered again", 60, 1}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStory(nil)
			s.sent("shop/0/1", "orders", 66)
			for i, proc := range []string{"till/0/1", "till/0/2"} {
				s.say(`"src":"harness","proc":%q,"type":"info","op":"spawn"`, proc)
				if i > 0 {
					s.say(`"src":"client","proc":%q,"type":"ok","op":"fetch-offsets","id":1,"group":"till","tp":"orders/0","off":[%d]`, proc, tc.fetched)
				}
				s.say(`"src":"client","proc":%q,"type":"ok","op":"begin","id":2,"txn":1`, proc)
				s.say(`"src":"client","proc":%q,"type":"invoke","op":"send","id":3,"txn":1,"tp":"receipts/0","val":["%s#0"]`, proc, proc)
				s.say(`"src":"client","proc":%q,"type":"ok","op":"send","id":3,"txn":1,"tp":"receipts/0","off":[%d]`, proc, 2*i)
				s.say(`"src":"client","proc":%q,"type":"invoke","op":"send-offsets","id":4,"txn":1,"group":"till","tp":"orders/0","off":[66]`, proc)
				s.say(`"src":"client","proc":%q,"type":"ok","op":"send-offsets","id":4,"txn":1,"group":"till","tp":"orders/0","off":[66]`, proc)
				s.say(`"src":"client","proc":%q,"type":"invoke","op":"commit","id":5,"txn":1`, proc)
				s.say(`"src":"client","proc":%q,"type":"ok","op":"commit","id":5,"txn":1`, proc)
			}
			s.logged("shop/0/1", "orders", 66, nil)
			s.committed(66)
			var got int64
			for _, g := range s.check(t).Guarantees {
				for _, a := range g.Anomalies {
					if a.Kind == guarantee.OverlappingInput {
						got += a.Count
					}
				}
			}
			if got != tc.want {
				t.Errorf("%d overlapping inputs, want %d", got, tc.want)
			}
		})
	}
}
