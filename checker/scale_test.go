package checker

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/history"
)

// scale is a history being drawn, native or in Jepsen's form.
type scale struct {
	*tape
	edn  strings.Builder
	ops  int
	logs map[history.TopicPartition][]entry
}

func newScale() *scale {
	return &scale{tape: newTape(), logs: map[history.TopicPartition][]entry{}}
}

// finish adds the audit, every partition's records as they were put.
func (s *scale) finish(tps ...history.TopicPartition) {
	for _, tp := range tps {
		audit := func(op history.Op) history.Event {
			return history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: op, TP: tp}
		}
		n := int64(len(s.logs[tp]))
		w := audit(history.OpWatermarks)
		w.Off = []int64{0, n, n}
		s.add(w)
		for i, en := range s.logs[tp] {
			if en.hole {
				continue
			}
			s.add(en.logged(audit(history.OpLog), i))
		}
	}
	s.done()
}

// put appends to a partition's log and says where.
func (s *scale) put(tp history.TopicPartition, e entry) int64 {
	s.logs[tp] = append(s.logs[tp], e)
	return int64(len(s.logs[tp])) - 1
}

// op adds an operation in Jepsen's form.
func (s *scale) op(process int, typ, f, value string, more ...string) {
	fmt.Fprintf(&s.edn, "{:index %d, :time %d, :process %d, :type :%s, :f :%s, :value %s%s}\n", s.ops, 1000*s.ops+1, process, typ, f, value, strings.Join(more, ""))
	s.ops++
}

func (s *scale) both(process int, f, invoked, ok string, more ...string) {
	s.op(process, "invoke", f, invoked)
	s.op(process, "ok", f, ok, more...)
}

func txnID(t *scale, proc string, txn int64, tp history.TopicPartition, n, pid int64, from int64) {
	t.begin(proc, txn)
	off := t.put(tp, out(proc, n, from, pid))
	t.send(proc, n, tp, off, &made{from: from, txn: txn})
}

var native = map[string]func(s *scale, n int){
	"events": func(s *scale, n int) {
		for i := range int64(n) {
			s.send("shop/0/1", i, orders, s.put(orders, rec("shop/0/1", i)), nil)
			s.poll("till/0/1", orders, i, v("shop/0/1", i))
			s.process("till/0/1", i)
			s.send("till/0/1", i, receipts, s.put(receipts, entry{val: v("till/0/1", i), from: i}), &made{from: i})
			s.commitOffset("till/0/1", "till", i+1)
		}
		s.finish(orders, receipts)
	},
	"reads of one record": func(s *scale, n int) {
		s.send("shop/0/1", 0, orders, s.put(orders, rec("shop/0/1", 0)), nil)
		for range n {
			s.add(history.Event{Proc: "audience/0/1", Type: history.Info, Op: history.OpSeek, TP: orders, Off: []int64{0}})
			s.poll("audience/0/1", orders, 0, v("shop/0/1", 0))
		}
		s.finish(orders)
	},
	"open at once": func(s *scale, n int) {
		for i := range n {
			txnID(s, fmt.Sprintf("exact/%d/1", i), 1, orders, 0, int64(i)+1, -1)
		}
		for i := range n {
			s.end(fmt.Sprintf("exact/%d/1", i), history.OpCommit, 1, history.OK)
			s.put(orders, marker("commit", int64(i)+1))
		}
		s.finish(orders)
	},
	"rebalances": func(s *scale, n int) {
		for i := range n {
			proc := fmt.Sprintf("till/%d/1", i%2)
			s.assigned(proc, "till", orders)
			s.send("shop/0/1", int64(i), orders, s.put(orders, rec("shop/0/1", int64(i))), nil)
			s.poll(proc, orders, int64(i), v("shop/0/1", int64(i)))
			s.process(proc, int64(i))
			s.commitOffset(proc, "till", int64(i)+1)
			s.add(history.Event{Proc: proc, Type: history.Info, Op: history.OpRevoked, Group: "till", TP: orders})
		}
		s.finish(orders)
	},
	"keys": func(s *scale, n int) {
		var tps []history.TopicPartition
		for i := range n {
			tp := tpOf("orders", int32(i))
			tps = append(tps, tp)
			s.assigned("till/0/1", "till", tp)
			s.send("shop/0/1", int64(i), tp, s.put(tp, rec("shop/0/1", int64(i))), nil)
			s.poll("till/0/1", tp, 0, v("shop/0/1", int64(i)))
			s.add(history.Event{Proc: "till/0/1", Type: history.OK, Op: history.OpCommitOffsets, Group: "till", TP: tp, Off: []int64{1}})
		}
		s.finish(tps...)
	},
	"keys and aborts": func(s *scale, n int) {
		var tps []history.TopicPartition
		for i := range n {
			tp := tpOf("orders", int32(i))
			tps = append(tps, tp)
			s.poll("exact/0/1", tp, 0, s.sendOne(tp, int64(i)))
			s.begin("exact/0/1", int64(i)+1)
			s.end("exact/0/1", history.OpAbort, int64(i)+1, history.OK)
		}
		s.finish(tps...)
	},
	"keys of one transaction": func(s *scale, n int) {
		var tps []history.TopicPartition
		s.begin("exact/0/1", 1)
		for i := range n {
			tp := tpOf("orders", int32(i))
			tps = append(tps, tp)
			s.poll("exact/0/1", tp, 0, s.sendOne(tp, int64(i)))
			for _, typ := range []history.Type{history.Invoke, history.OK} {
				s.add(history.Event{Proc: "exact/0/1", ID: 1_000_000 + int64(i), Type: typ, Op: history.OpSendOffsets, Group: "exact", Txn: 1, TP: tp, Off: []int64{1}})
			}
			off := s.put(receipts, out("exact/0/1", int64(i), -1, 7))
			s.add(history.Event{Proc: "exact/0/1", ID: 2_000_000 + int64(i), Type: history.OK, Op: history.OpSend, Txn: 1, TP: receipts, Off: []int64{off},
				Val: []history.Value{v("exact/0/1", int64(i))}, From: []history.Input{{TP: tp, Off: 0}}})
		}
		s.end("exact/0/1", history.OpCommit, 1, history.OK)
		s.put(receipts, marker("commit", 7))
		s.finish(append(tps, receipts)...)
	},
	"processes": func(s *scale, n int) {
		for i := range n {
			proc := fmt.Sprintf("till/0/%d", i+1)
			s.assigned(proc, "till", orders)
			s.poll(proc, orders, int64(i), s.sendBy(fmt.Sprintf("shop/0/%d", i+1), orders, 0))
			s.process(proc, int64(i))
			s.commitOffset(proc, "till", int64(i)+1)
			s.crash(proc)
		}
		s.finish(orders)
	},
	"groups": func(s *scale, n int) {
		s.sendOne(orders, 0)
		for i := range n {
			proc, group := fmt.Sprintf("group-%d/0/1", i), fmt.Sprintf("g%d", i)
			s.assigned(proc, group, orders)
			s.poll(proc, orders, 0, v("shop/0/1", 0))
			s.process(proc, 0)
			s.commitOffset(proc, group, 1)
		}
		s.finish(orders)
	},
	"transactional ids": func(s *scale, n int) {
		for i := range n {
			proc := fmt.Sprintf("exact/%d/1", i)
			for epoch := range int16(2) {
				s.add(history.Event{Proc: fmt.Sprintf("exact/%d/%d", i, epoch+1), Type: history.OK, Op: history.OpInitProducer, PID: int64(i) + 1, Epoch: epoch, HasPID: true})
			}
			txnID(s, proc, 1, orders, 0, int64(i)+1, -1)
			s.end(proc, history.OpCommit, 1, history.OK)
			s.put(orders, marker("commit", int64(i)+1))
		}
		s.finish(orders)
	},
	"takeovers of one id": func(s *scale, n int) {
		for i := range n {
			proc := fmt.Sprintf("exact/0/%d", i+1)
			s.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpInitProducer, PID: 7, Epoch: int16(i % 30000), HasPID: true})
			txnID(s, proc, 1, orders, 0, 7, -1)
			s.end(proc, history.OpCommit, 1, history.OK)
			s.put(orders, marker("commit", 7))
		}
		s.finish(orders)
	},
	"faults": func(s *scale, n int) {
		for i := range n {
			s.fault(i, history.OpInject, history.OpEffect)
			s.sendOne(orders, int64(i))
			s.fault(i, history.OpRecover, history.OpGone)
		}
		s.finish(orders)
	},
	"faults at once": func(s *scale, n int) {
		for i := range n {
			s.fault(i, history.OpInject, history.OpEffect)
			s.sendOne(orders, int64(i))
		}
		for i := range n {
			s.fault(i, history.OpRecover, history.OpGone)
		}
		s.finish(orders)
	},
	"sends in flight": func(s *scale, n int) {
		ids := make([]int64, n)
		for i := range int64(n) {
			ids[i] = s.invoke("shop/0/1", i, orders, nil)
		}
		for i := range int64(n) {
			s.ack("shop/0/1", ids[i], i, orders, s.put(orders, rec("shop/0/1", i)))
		}
		s.finish(orders)
	},
	"long gaps": func(s *scale, n int) { // readers that jump over a long aborted stretch
		s.begin("exact/0/1", 1)
		first := s.sendOne(orders, 0)
		for i := range int64(n) {
			s.send("exact/0/1", i, orders, s.put(orders, out("exact/0/1", i, -1, 7)), &made{from: -1, txn: 1})
		}
		s.end("exact/0/1", history.OpAbort, 1, history.OK)
		s.put(orders, marker("abort", 7))
		s.sendOne(orders, 1)
		for i := range n {
			proc := fmt.Sprintf("audience/%d/1", i)
			s.poll(proc, orders, 0, first)
			s.poll(proc, orders, int64(n)+2, v("shop/0/1", 1))
		}
		s.finish(orders)
	},
	"commits": func(s *scale, n int) {
		for i := range int64(n) {
			s.sendOne(orders, i)
			s.commitOffset("till/0/1", "till", i+1)
			s.add(history.Event{Proc: "till/1/1", Type: history.OK, Op: history.OpFetchOffsets, Group: "till", TP: orders, Off: []int64{i + 1}})
		}
		s.finish(orders)
	},
	"findings of order": func(s *scale, n int) {
		for i := range int64(n) { // every second send stands before the one before it
			k := i ^ 1
			s.put(orders, rec("shop/0/1", k))
		}
		for i := range int64(n) {
			s.send("shop/0/1", i, orders, i^1, nil)
		}
		for i := range int64(n) {
			s.poll("audience/0/1", orders, i^1, v("shop/0/1", i)) // back and forth
		}
		s.finish(orders)
	},
	"findings of agreement": func(s *scale, n int) { // acknowledged where the log holds another record
		for i := range int64(n) {
			s.put(orders, rec("shop/0/1", i))
			s.send("shop/0/1", i, orders, i, nil)
			s.send("shop/1/1", i, orders, i, nil)
		}
		s.finish(orders)
	},
	"findings of loss and duplicates": func(s *scale, n int) {
		for i := range int64(n) {
			s.send("shop/0/1", i, orders, s.put(orders, rec("shop/0/1", i)), nil)
			s.put(orders, rec("shop/0/1", i))
			s.send("shop/1/1", i, orders, 2*int64(n)+i, nil)
			s.process("till/0/1", 2*i)
			s.process("till/0/1", 2*i)
		}
		s.commitOffset("till/0/1", "till", 2*int64(n))
		s.finish(orders)
	},
	"findings of offsets": func(s *scale, n int) {
		for i := range int64(n) {
			s.sendOne(orders, i)
			s.add(history.Event{Proc: "till/0/1", Type: history.Info, Op: history.OpSeek, Group: "till", TP: orders, Off: []int64{1 << 20}})
			s.commitOffset("till/0/1", "till", int64(n)-i)
		}
		s.finish(orders)
	},
	"torn transactions": func(s *scale, n int) {
		for i := range int64(n) {
			txnID(s, "exact/0/1", i+1, orders, 2*i, 7, -1)
			s.send("exact/0/1", 2*i+1, receipts, s.put(receipts, out("exact/0/1", 2*i+1, -1, 7)), &made{from: -1, txn: i + 1})
			s.end("exact/0/1", history.OpCommit, i+1, history.OK)
			s.put(orders, marker("commit", 7))
			s.put(receipts, marker("abort", 7))
		}
		s.finish(orders, receipts)
	},
}

// sendOne sends a record of shop/0/1 and puts it into the log.
func (s *scale) sendOne(tp history.TopicPartition, n int64) history.Value {
	return s.sendBy("shop/0/1", tp, n)
}

func (s *scale) sendBy(proc string, tp history.TopicPartition, n int64) history.Value {
	s.send(proc, n, tp, s.put(tp, rec(proc, n)), nil)
	return v(proc, n)
}

func (s *scale) fault(i int, ops ...history.Op) {
	for _, op := range ops {
		s.add(history.Event{Src: history.SrcFault, Proc: fmt.Sprintf("fault/%d", i+1), Type: history.OK, Op: op,
			Data: map[string]any{"kind": "kill", "target": "leader(orders/0)", "resolved": "broker 2"}})
	}
}

var jepsenForm = map[string]func(s *scale, n int){
	"events": func(s *scale, n int) {
		s.both(0, "assign", "[0]", "[0]")
		for i := range n {
			s.both(0, "txn", fmt.Sprintf("[[:send 0 %d] [:poll]]", i), fmt.Sprintf("[[:send 0 [%d %d]] [:poll {0 %s}]]", 2*i, i, before(i)))
		}
	},
	"reads of one record": func(s *scale, n int) {
		s.both(0, "send", "[[:send 0 1]]", "[[:send 0 [0 1]]]")
		for i := range n {
			s.both(1+i%8, "assign", "[0]", "[0]", ", :seek-to-beginning? true")
			s.both(1+i%8, "txn", fmt.Sprintf("[[:send 1 %d] [:poll]]", i), fmt.Sprintf("[[:send 1 [%d %d]] [:poll {0 [[0 1]]}]]", 2*i, i))
		}
	},
	"reads of unknown outcome": func(s *scale, n int) {
		s.op(0, "invoke", "send", "[[:send 0 1]]")
		s.op(0, "info", "send", "[[:send 0 1]]")
		for i := range n {
			s.both(1+i%8, "assign", "[0]", "[0]", ", :seek-to-beginning? true")
			s.both(1+i%8, "txn", fmt.Sprintf("[[:send 1 %d] [:poll]]", i), fmt.Sprintf("[[:send 1 [%d %d]] [:poll {0 [[0 1]]}]]", 2*i, i))
		}
	},
	"open at once": func(s *scale, n int) {
		for i := range n {
			s.op(i, "invoke", "txn", fmt.Sprintf("[[:send 0 %d] [:poll]]", i))
		}
		for i := range n {
			s.op(i, "ok", "txn", fmt.Sprintf("[[:send 0 [%d %d]] [:poll {0 %s}]]", 2*i, i, before(i)))
		}
	},
	"one cycle": func(s *scale, n int) { // each reads the next one's record
		for i := range n {
			s.op(i, "invoke", "txn", fmt.Sprintf("[[:send 0 %d] [:poll]]", i))
		}
		for i := range n {
			k := (i + 1) % n
			s.op(i, "ok", "txn", fmt.Sprintf("[[:send 0 [%d %d]] [:poll {0 [[%d %d]]}]]", i, i, k, k))
		}
	},
	"many cycles in one stretch": func(s *scale, n int) {
		s.op(1_000_000, "invoke", "txn", "[[:send 1 0]]")
		s.both(1_000_001, "txn", "[[:send 2 0] [:poll]]", "[[:send 2 [0 0]] [:poll {1 [[0 0]]}]]")
		for i := 0; i < n; i += 2 {
			for k := range 2 {
				s.op(i+k, "invoke", "txn", fmt.Sprintf("[[:send 0 %d] [:poll]]", i+k))
			}
			for k := range 2 {
				o := i + 1 - k
				s.op(i+k, "ok", "txn", fmt.Sprintf("[[:send 0 [%d %d]] [:poll {0 [[%d %d]]}]]", i+k, i+k, o, o))
			}
		}
		s.op(1_000_000, "ok", "txn", "[[:send 1 [0 0]]]")
	},
	"rebalances": func(s *scale, n int) {
		s.both(0, "subscribe", "[0 1]", "[0 1]")
		for i := range n {
			s.both(1, "send", fmt.Sprintf("[[:send 0 %d]]", i), fmt.Sprintf("[[:send 0 [%d %d]]]", 2*i, i))
			s.both(0, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", 2*i, i), ", :rebalance-log [{:keys [0]}]")
		}
	},
	"assignments": func(s *scale, n int) {
		for i := range n {
			s.both(0, "assign", "[0 1]", "[0 1]")
			s.both(0, "send", fmt.Sprintf("[[:send 0 %d]]", i), fmt.Sprintf("[[:send 0 [%d %d]]]", 2*i, i))
			s.both(0, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", 2*i, i))
			s.both(0, "assign", "[1]", "[1]")
		}
	},
	"keys": func(s *scale, n int) {
		for i := range n {
			s.both(0, "assign", fmt.Sprintf("[%d]", i), fmt.Sprintf("[%d]", i))
			s.both(0, "txn", fmt.Sprintf("[[:send %d 1] [:poll]]", i), fmt.Sprintf("[[:send %d [1 1]] [:poll {}]]", i))
			s.both(0, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {%d [[1 1]]}]]", i))
		}
	},
	"processes": func(s *scale, n int) {
		for i := range n {
			s.both(i, "assign", "[0]", "[0]")
			s.both(i, "txn", fmt.Sprintf("[[:send 0 %d] [:poll]]", i), fmt.Sprintf("[[:send 0 [%d %d]] [:poll {0 %s}]]", 2*i, i, before(i)))
			s.op(i, "invoke", "crash", "nil")
			s.op(i, "info", "crash", "nil")
		}
	},
	"processes and keys": func(s *scale, n int) {
		for i := range n {
			s.both(i, "assign", fmt.Sprintf("[%d]", i), fmt.Sprintf("[%d]", i))
			s.both(i, "txn", fmt.Sprintf("[[:send %d 1] [:poll]]", i), fmt.Sprintf("[[:send %d [1 1]] [:poll {}]]", i))
			s.both(i, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {%d [[1 1]]}]]", i))
		}
	},
	"unknown outcomes": func(s *scale, n int) {
		for i := range n {
			s.op(i, "invoke", "send", fmt.Sprintf("[[:send 0 %d] [:send 1 %d]]", i, i))
			s.op(i, "info", "send", fmt.Sprintf("[[:send 0 [%d %d]] [:send 1 %d]]", i, i, i))
			s.both(n+i, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", i, i))
		}
	},
	"findings of reads": func(s *scale, n int) {
		s.both(0, "assign", "[0]", "[0]")
		for i := range n { // lost, skipped, backwards
			s.both(1, "send", fmt.Sprintf("[[:send 0 %d]]", i), fmt.Sprintf("[[:send 0 [%d %d]]]", i, i))
			if i%3 == 0 {
				s.both(0, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", i, i))
			}
		}
	},
	"findings of agreement": func(s *scale, n int) {
		for i := range n { // two values at one offset, each at two
			s.both(0, "send", fmt.Sprintf("[[:send 0 %d]]", 2*i), fmt.Sprintf("[[:send 0 [%d %d]]]", 2*i, 2*i))
			s.both(0, "send", fmt.Sprintf("[[:send 0 %d]]", 2*i+1), fmt.Sprintf("[[:send 0 [%d %d]]]", 2*i, 2*i+1))
			s.both(1, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", 2*i+1, 2*i))
		}
	},
	"findings of order": func(s *scale, n int) {
		for i := range n {
			s.both(0, "send", fmt.Sprintf("[[:send 0 %d]]", i), fmt.Sprintf("[[:send 0 [%d %d]]]", i^1, i))
			s.both(1, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", i^1, i))
		}
	},
	"aborted reads": func(s *scale, n int) {
		for i := range n {
			s.op(0, "invoke", "send", fmt.Sprintf("[[:send 0 %d]]", i))
			s.op(0, "fail", "send", fmt.Sprintf("[[:send 0 %d]]", i))
			s.both(1, "poll", "[[:poll]]", fmt.Sprintf("[[:poll {0 [[%d %d]]}]]", i, i))
		}
	},
}

// before is what a poll returns that reads one record back.
func before(i int) string {
	if i == 0 {
		return "[]"
	}
	return fmt.Sprintf("[[%d %d]]", 2*(i-1), i-1)
}

// workOf judges a history of n, and counts the steps.
func workOf(t testing.TB, draw func(*scale, int), n int) int64 {
	s := newScale()
	draw(s, n)
	if s.edn.Len() == 0 {
		return work(t, s.h, func(f func(*history.Event, int64)) {
			for i := range s.events {
				f(&s.events[i], int64(i)+2)
			}
		})
	}
	r, err := history.NewReader("history.edn", strings.NewReader(s.edn.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return work(t, r.Header(), func(f func(*history.Event, int64)) {
		var e history.Event
		for {
			if err := r.Next(&e); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			f(&e, r.Line())
		}
	})
}

func work(t testing.TB, h history.Header, events func(func(*history.Event, int64))) int64 {
	j := newJudge(h, Options{})
	defer func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}()
	events(func(e *history.Event, line int64) {
		if err := j.observe(e, line); err != nil {
			t.Fatal(err)
		}
	})
	j.finish()
	j.verdicts()
	if j.pool.err != nil {
		t.Fatal(j.pool.err)
	}
	return j.work + j.pool.work
}

// TestLinear: whatever grows in a history, what is done grows no faster than it.
func TestLinear(t *testing.T) {
	const small, most = 400, 1.15
	for form, all := range map[string]map[string]func(*scale, int){"native": native, "jepsen": jepsenForm} {
		for name, draw := range all {
			t.Run(form+"/"+name, func(t *testing.T) {
				a, b := workOf(t, draw, small), workOf(t, draw, 10*small)
				if x := math.Log10(float64(b) / float64(a)); x > most || a < small {
					t.Errorf("%d steps for %d, %d for %d: exponent %.2f, want at most %.2f", a, small, b, 10*small, x, most)
				} else {
					t.Logf("exponent %.2f (%d steps for %d)", x, b, 10*small)
				}
			})
		}
	}
}
