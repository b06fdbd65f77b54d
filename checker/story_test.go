package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// storyProcs are the processes of the short notation; docs/anomalies.md names them.
var storyProcs = map[string]string{
	"a": "shop/0/1", "b": "shop/1/1", "p": "till/0/1", "q": "till/1/1",
	"x": "exact/0/1", "y": "exact/1/1", "c": "audience/0/1", "d": "gallery/0/1",
}

// tell turns a story in the short notation into a history.
func tell(t testing.TB, lines []string) *tape {
	t.Helper()
	p := newTape()
	p.h.Clients = append(p.h.Clients, history.ClientInfo{Name: "gallery", Role: "consumer", Library: "franz-go", Config: map[string]string{"isolation.level": "read_uncommitted"}})
	for i := range p.h.Clients {
		if p.h.Clients[i].Name == "till" && slices.Contains(lines, "no outputs") {
			p.h.Clients[i].Output = ""
		}
	}
	for _, line := range lines {
		if err := p.tellLine(line); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return p.done()
}

func (p *tape) tellLine(line string) error {
	w := strings.Fields(line)
	switch w[0] {
	case "log":
		p.log(tpOf(strings.TrimSuffix(w[1], ":"), 0), storyLog(w[2:])...)
		return nil
	case "offset":
		group := "till"
		if len(w) == 4 {
			group = "exact"
		}
		p.offset(group, num(w[1]))
		return nil
	case "wait":
		d, err := time.ParseDuration(w[1])
		p.now += int64(d)
		return err
	case "phase":
		p.phase(w[1])
		return nil
	case "fault":
		for _, op := range []history.Op{history.OpInject, history.OpEffect, history.OpRecover, history.OpGone} {
			p.add(history.Event{Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: op, Data: map[string]any{"kind": "kill", "target": "broker(1)"}})
		}
		return nil
	case "no":
		return nil
	}
	proc, ok := storyProcs[w[0]]
	if !ok {
		return fmt.Errorf("no process %q", w[0])
	}
	group := "till"
	if strings.HasPrefix(proc, "exact") {
		group = "exact"
	}
	switch w[1] {
	case "send", "begin-send", "acked":
		return p.tellSend(proc, w[1], w[2:])
	case "poll":
		e := history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll, TP: tpOf(w[2], 0)}
		for _, r := range w[3:] {
			off, val, _ := strings.Cut(r, ":")
			e.Off, e.Val = append(e.Off, num(off)), append(e.Val, storyVal(val))
		}
		p.add(e)
	case "process":
		p.process(proc, num(w[2]))
	case "commit-offset":
		typ := history.OK
		if len(w) > 3 {
			typ = history.Info
		}
		e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpCommitOffsets, Group: group, TP: orders, Off: []int64{num(w[2])}}
		e.ID = p.add(e).ID
		e.T, e.Type = 0, typ
		p.add(e)
	case "begin":
		p.begin(proc, num(w[2]))
	case "offset":
		p.stage(proc, group, num(w[4]), num(w[2]))
	case "commit", "abort":
		p.end(proc, history.Op(w[1]), num(w[2]), history.OK)
	case "ask-commit":
		p.add(history.Event{Proc: proc, ID: 1000 + num(w[2]), Type: history.Invoke, Op: history.OpCommit, Txn: num(w[2])})
	case "told":
		if w[2] == "commit" {
			typ := history.OK
			if len(w) > 4 {
				typ = history.Info
			}
			p.add(history.Event{Proc: proc, ID: 1000 + num(w[3]), Type: typ, Op: history.OpCommit, Txn: num(w[3])})
			return nil
		}
		p.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpFetchOffsets, Group: group, TP: orders, Off: []int64{num(w[2])}})
	case "assigned", "revoked", "lost":
		p.add(history.Event{Proc: proc, Type: history.Info, Op: history.Op(w[1]), Group: group, TP: tpOf(w[2], 0)})
	case "seek":
		p.add(history.Event{Proc: proc, Type: history.Info, Op: history.OpSeek, TP: tpOf(w[2], 0), Off: []int64{num(w[3])}})
	case "got":
		p.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpInitProducer, PID: num(w[2]), Epoch: int16(num(w[3])), HasPID: true})
	case "dies":
		p.crash(proc)
	default:
		return fmt.Errorf("no verb %q", w[1])
	}
	return nil
}

// tellSend reads "0 orders@0 from 3 txn 1", "0 orders unknown", "0 orders failed".
func (p *tape) tellSend(proc, verb string, w []string) error {
	n := num(w[0])
	topic, off, placed := strings.Cut(w[1], "@")
	m := made{from: -1}
	end := ""
	for i := 2; i < len(w); i++ {
		switch w[i] {
		case "from":
			m.from, i = num(w[i+1]), i+1
		case "txn":
			m.txn, i = num(w[i+1]), i+1
		default:
			end = w[i]
		}
	}
	tp := tpOf(topic, 0)
	switch {
	case verb == "begin-send":
		p.openSends()[v(proc, n)] = p.invoke(proc, n, tp, &m)
	case verb == "acked":
		p.ack(proc, p.openSends()[v(proc, n)], n, tp, num(off))
	case placed:
		p.send(proc, n, tp, num(off), &m)
	case end == "unknown":
		p.unsure(proc, n, tp, history.Info, nil)
	case end == "failed":
		p.unsure(proc, n, tp, history.Fail, &history.Error{Name: "MESSAGE_TOO_LARGE", Code: 10})
	default:
		return fmt.Errorf("how does this send end?")
	}
	return nil
}

func (p *tape) openSends() map[history.Value]int64 {
	if p.open == nil {
		p.open = map[history.Value]int64{}
	}
	return p.open
}

// storyLog reads log entries: "a#0", "x#0<3!7" (made from orders@3 by producer 7
// in a transaction), "x#0!7.1" (epoch 1), "commit!7", "-" (nothing at this offset).
func storyLog(words []string) []entry {
	var out []entry
	for _, w := range words {
		e := entry{from: -1}
		w, pid, _ := strings.Cut(w, "!")
		if pid != "" {
			id, epoch, _ := strings.Cut(pid, ".")
			e.pid = num(id)
			if epoch != "" {
				e.epoch = int16(num(epoch))
			}
		}
		switch w {
		case "commit", "abort":
			e.marker = w
		case "-":
			e.hole = true
		default:
			val, from, ok := strings.Cut(w, "<")
			if ok {
				e.from = num(from)
			}
			e.val = storyVal(val)
		}
		out = append(out, e)
	}
	return out
}

func storyVal(s string) history.Value {
	name, n, _ := strings.Cut(s, "#")
	return v(storyProcs[name], num(n))
}

func num(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("story: " + s + " is no number")
	}
	return n
}

// TestExplanations judges the smallest history of each anomaly and the nearest
// legal one.
func TestExplanations(t *testing.T) {
	for _, a := range Anomalies() {
		t.Run(string(a), func(t *testing.T) {
			e, ok := Explain(a)
			if !ok {
				t.Fatal("not explained")
			}
			if e.Definition == "" || e.Source == "" || e.Evidence == "" || len(e.Smallest) == 0 || len(e.Legal) == 0 {
				t.Errorf("the explanation is incomplete: %+v", e)
			}
			want := map[guarantee.Anomaly]bool{a: true}
			for _, k := range e.Also {
				want[k] = true
			}
			r := tell(t, e.Smallest).judge(t)
			got := map[guarantee.Anomaly]bool{}
			for k, n := range kinds(r) {
				got[k] = true
				if n != 1 {
					t.Errorf("%s found %d times", k, n)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the smallest history (-want +got):\n%s", diff)
			}
			for _, g := range r.Guarantees {
				for _, f := range g.Anomalies {
					for _, w := range f.Witnesses {
						if len(w.Events) == 0 || len(w.Events) > 5 || w.Text == "" || w.Legal == "" {
							t.Errorf("%s: bad witness: %+v", f.Kind, w)
						}
					}
				}
			}
			if k := kinds(tell(t, e.Legal).judge(t)); len(k) > 0 {
				t.Errorf("the nearest legal history shows %v", k)
			}
		})
	}
}
