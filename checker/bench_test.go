package checker

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onceproof/onceproof/checker/internal/linear"
	"github.com/onceproof/onceproof/history"
)

var (
	benchEvents = flag.Int64("bench.events", 0, "judge a history of this many events from a file, and say how fast and in how much memory")
	benchKept   = flag.String("bench.file", "", "keep that history here, and use it if it is there")
	benchDecode = flag.Bool("bench.decode", true, "measure decoding alone, too")
	benchMemory = flag.Int64("bench.memory", 0, "the checker's limit then, in bytes; 0 = its default")
)

// longRun emits a legal history of about n events: four producers with fifty
// sends in flight, two plain and two transactional processors over six
// partitions, and the audit. It keeps nothing that grows with n but the logs'
// lengths.
type longRun struct {
	emit             func(*history.Event)
	n                int64
	now              int64
	ids              map[string]int64
	sent             map[string]int64
	orders, receipts [6]int64 // ends of the logs
	made             [2][]run // what the processors made, by kind
	wrote            []run    // what the producers wrote
}

// run is a stretch of one log: count records of proc from value n, at off.
type run struct {
	part       int32
	proc       string
	n, off     int64
	from       int64
	count, pid int64
}

const burst = 50

func (l *longRun) put(e history.Event) {
	l.now += 1000
	e.T = l.now
	if e.Src == "" {
		e.Src = history.SrcClient
	}
	if e.ID == 0 && e.Src == history.SrcClient {
		l.ids[e.Proc]++
		e.ID = l.ids[e.Proc]
	}
	l.n++
	l.emit(&e)
}

func (l *longRun) play(n int64) {
	procs := []string{"shop/0/1", "shop/1/1", "shop/2/1", "shop/3/1"}
	tills := []string{"till/0/1", "till/1/1", "exact/0/1", "exact/1/1"}
	for i := range int64(6) {
		for _, g := range []int64{0, 2} {
			l.put(history.Event{Proc: tills[g+i%2], Type: history.Info, Op: history.OpAssigned, Group: []string{"till", "", "exact"}[g], TP: tpOf("orders", int32(i))})
		}
	}
	for _, op := range []history.Op{history.OpInject, history.OpEffect} {
		l.put(history.Event{Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: op, Data: map[string]any{"kind": "kill", "target": "leader(orders/0)"}})
	}
	var txn [2]int64
	for i := int64(0); l.n < n*98/100; i++ {
		part := int32(i % 6)
		l.burst(procs[i%4], "orders", part, 0, 0, -1)
		for k := range int64(2) { // both groups
			proc := tills[2*k+int64(part)%2]
			base := l.orders[part] - burst
			poll := history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll, TP: tpOf("orders", part)}
			src := l.wrote[len(l.wrote)-1]
			for m := range int64(burst) {
				poll.Off = append(poll.Off, base+m)
				poll.Val = append(poll.Val, v(src.proc, src.n+m))
			}
			l.put(poll)
			if k == 0 {
				for m := range int64(burst) {
					l.put(history.Event{Proc: proc, Type: history.OK, Op: history.OpProcess, From: []history.Input{{TP: tpOf("orders", part), Off: base + m}}})
				}
				l.burst(proc, "receipts", part, 0, 0, base)
				c := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpCommitOffsets, Group: "till", TP: tpOf("orders", part), Off: []int64{base + burst}}
				l.put(c)
				c.ID, c.Type = l.ids[proc], history.OK
				l.put(c)
				continue
			}
			t := &txn[part%2]
			*t++
			l.put(history.Event{Proc: proc, Type: history.OK, Op: history.OpBegin, Txn: *t})
			l.burst(proc, "receipts", part, *t, 7+int64(part%2), base)
			for _, op := range []history.Op{history.OpSendOffsets, history.OpCommit} {
				e := history.Event{Proc: proc, Type: history.Invoke, Op: op, Txn: *t}
				if op == history.OpSendOffsets {
					e.Group, e.TP, e.Off = "exact", tpOf("orders", part), []int64{base + burst}
				}
				l.put(e)
				e.ID, e.Type = l.ids[proc], history.OK
				l.put(e)
			}
			l.made[1] = append(l.made[1], run{part: part, off: l.receipts[part], pid: 7 + int64(part%2)})
			l.receipts[part]++ // the marker
		}
	}
	for _, op := range []history.Op{history.OpRecover, history.OpGone} {
		l.put(history.Event{Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: op})
	}
	l.audit()
}

func (l *longRun) burst(proc, topic string, part int32, txn, pid, from int64) {
	first := l.sent[proc]
	end := &l.orders[part]
	if topic == "receipts" {
		end = &l.receipts[part]
	}
	id := l.ids[proc]
	l.ids[proc] += burst
	for _, typ := range []history.Type{history.Invoke, history.OK} {
		for m := range int64(burst) {
			e := history.Event{Proc: proc, ID: id + 1 + m, Type: typ, Op: history.OpSend, Txn: txn, TP: tpOf(topic, -1), Val: []history.Value{v(proc, first+m)}}
			if from >= 0 {
				e.From = []history.Input{{TP: tpOf("orders", part), Off: from + m}}
			}
			if typ == history.OK {
				e.TP.Part, e.Off = part, []int64{*end + m}
			}
			l.put(e)
		}
	}
	r := run{part: part, proc: proc, n: first, off: *end, from: from, count: burst, pid: pid}
	if topic == "orders" {
		l.wrote = append(l.wrote, r)
	} else {
		l.made[1] = append(l.made[1], r)
	}
	l.sent[proc] += burst
	*end += burst
}

func (l *longRun) audit() {
	put := func(e history.Event) {
		e.Src, e.Proc, e.Type = history.SrcAudit, "audit", history.OK
		l.put(e)
	}
	for topic, runs := range map[string][]run{"orders": l.wrote, "receipts": l.made[1]} {
		for part := range int32(6) {
			tp := tpOf(topic, part)
			end := l.orders[part]
			if topic == "receipts" {
				end = l.receipts[part]
			}
			put(history.Event{Op: history.OpWatermarks, TP: tp, Off: []int64{0, end, end}})
			for pass := range 3 {
				for _, r := range runs {
					if r.part != part {
						continue
					}
					e := history.Event{Op: history.OpLog, TP: tp}
					if r.count == 0 {
						if pass == 0 {
							put(history.Event{Op: history.OpMarker, TP: tp, Off: []int64{r.off}, PID: r.pid, HasPID: true, Marker: "commit"})
						}
						continue
					}
					if pass > 0 {
						e.Op, e.Note = history.OpVisible, []string{"", "franz-go", "sarama"}[pass]
					} else if r.pid != 0 {
						e.PID, e.HasPID, e.InTxn = r.pid, true, true
					}
					for m := range r.count {
						e.Off, e.Val = append(e.Off, r.off+m), append(e.Val, v(r.proc, r.n+m))
						if r.from >= 0 && pass == 0 {
							e.From = append(e.From, history.Input{TP: tpOf("orders", part), Off: r.from + m})
						}
					}
					put(e)
				}
			}
		}
	}
	for part := range int32(6) {
		for _, g := range []string{"till", "exact"} {
			put(history.Event{Op: history.OpOffset, Group: g, TP: tpOf("orders", part), Off: []int64{l.orders[part]}})
		}
	}
	put(history.Event{Op: history.OpAuditDone})
}

func playLong(n int64, emit func(*history.Event)) int64 {
	l := longRun{emit: emit, now: 1, ids: map[string]int64{}, sent: map[string]int64{}}
	l.play(n)
	return l.n
}

func writeLong(w io.Writer, n int64) (int64, error) {
	hw, err := history.NewWriter(w, newTape().h)
	if err != nil {
		return 0, err
	}
	var bad error
	got := playLong(n, func(e *history.Event) {
		if err := hw.Append(e); err != nil && bad == nil {
			bad = err
		}
	})
	if err := hw.Close(); bad == nil {
		bad = err
	}
	return got, bad
}

func checkReader(tb testing.TB, name string, r io.Reader, memory int64) *Report {
	tb.Helper()
	hr, err := history.NewReader(name, r)
	if err != nil {
		tb.Fatal(err)
	}
	defer hr.Close()
	rep, err := Check(context.Background(), hr, Options{Memory: memory})
	if err != nil {
		tb.Fatal(err)
	}
	return rep
}

// TestLongRunIsClean: the benchmark's history is legal, with and without room.
func TestLongRunIsClean(t *testing.T) {
	var file bytes.Buffer
	n, err := writeLong(&file, 60_000)
	if err != nil {
		t.Fatal(err)
	}
	roomy := checkReader(t, "long", bytes.NewReader(file.Bytes()), 0)
	if k := kinds(roomy); len(k) > 0 || roomy.Exit != 0 || roomy.Events != n {
		t.Errorf("exit %d (%s), %d of %d events, %v", roomy.Exit, roomy.Why, roomy.Events, n, k)
	}
	tight := checkReader(t, "long", bytes.NewReader(file.Bytes()), 1<<20)
	if tight.Exit != roomy.Exit || len(kinds(tight)) > 0 {
		t.Errorf("with 1 MiB: exit %d (%s), %v", tight.Exit, tight.Why, kinds(tight))
	}
}

// TestBench judges a long history from a file, and one of a hundredth of its
// length, and says how the time grows from the one to the other. It runs only
// with -bench.events.
func TestBench(t *testing.T) {
	if *benchEvents == 0 {
		t.Skip("give -bench.events=10000000")
	}
	small := benchFile(t, filepath.Join(t.TempDir(), "short.jsonl.zst"), *benchEvents/100)
	defer small.Close()
	name := *benchKept
	if name == "" {
		name = filepath.Join(t.TempDir(), "long.jsonl.zst")
	}
	f := benchFile(t, name, *benchEvents)
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}

	if *benchDecode {
		took, cpu := timed(t, f, func(r *history.Reader) {
			var e history.Event
			err := r.Next(&e)
			for ; err == nil; err = r.Next(&e) {
			}
			if err != io.EOF {
				t.Fatal(err)
			}
		})
		t.Logf("decode alone: %.2f s, %.2f s of CPU", took.Seconds(), cpu.Seconds())
	}
	debug.FreeOSMemory() // what wrote the file is not the checker's
	peak := resetPeak()
	var n, nSmall int64
	check := func(n *int64) func(r *history.Reader) {
		return func(r *history.Reader) {
			rep, err := Check(context.Background(), r, Options{Memory: *benchMemory})
			if err != nil {
				t.Fatal(err)
			}
			if *n = rep.Events; rep.Exit != 0 {
				t.Errorf("exit %d: %s", rep.Exit, rep.Why)
			}
		}
	}
	took, tookCPU := timed(t, f, check(&n))
	most := peak()
	t.Logf("decode and check: %d events, %.1f bytes an event, %.2f s, %.2f s of CPU, %.2f M events/s/core, peak %d MiB",
		n, float64(size)/float64(n), took.Seconds(), tookCPU.Seconds(), float64(n)/tookCPU.Seconds()/1e6, most>>20)

	least := time.Duration(math.MaxInt64)
	for range 3 {
		_, cpu := timed(t, small, check(&nSmall))
		least = min(least, cpu)
	}
	exp := math.Log(tookCPU.Seconds()/least.Seconds()) / math.Log(float64(n)/float64(nSmall))
	t.Logf("growth: %d events in %.2f s of CPU, %d in %.2f s: exponent %.2f", nSmall, least.Seconds(), n, tookCPU.Seconds(), exp)
	if exp > 1.1 {
		t.Errorf("the time grows with exponent %.2f, more than 1.1", exp)
	}
}

// benchFile is a history of about n events, written unless it is there.
func benchFile(t *testing.T, name string, n int64) *os.File {
	t.Helper()
	if f, err := os.Open(name); err == nil {
		return f
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeLong(f, n); err != nil {
		t.Fatal(err)
	}
	return f
}

// timed reads f from its start, and says how long that took by the clock and of
// all cores.
func timed(t *testing.T, f *os.File, do func(*history.Reader)) (_, cpu time.Duration) {
	t.Helper()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	start, used := time.Now(), cpuTime()
	r, err := history.NewReader(f.Name(), f)
	if err != nil {
		t.Fatal(err)
	}
	do(r)
	r.Close()
	return time.Since(start), cpuTime() - used
}

// cpuTime is what this process has used of all cores: on a machine that others
// use too it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resetPeak starts the kernel's count of the largest resident size anew.
func resetPeak() func() int64 {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return func() int64 {
		b, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(b)) {
			var kb int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
				return kb << 10
			}
		}
		return 0
	}
}

// BenchmarkJudge is the check alone, events in memory.
func BenchmarkJudge(b *testing.B) {
	var events []history.Event
	playLong(300_000, func(e *history.Event) { events = append(events, *e) })
	h := newTape().h
	b.ReportAllocs()
	for b.Loop() {
		j := newJudge(h, Options{})
		for i := range events {
			if err := j.observe(&events[i], int64(i)); err != nil {
				b.Fatal(err)
			}
		}
		j.finish()
		if err := j.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSideBySide judges one partition's log three ways: by the pass in
// offset order, by porcupine, and by the quadratic oracle.
func BenchmarkSideBySide(b *testing.B) {
	for _, n := range []int{200, 1000, 5000} {
		var events []history.Event
		var ops []linear.LogOp
		p := newTape()
		var log []entry
		for i := range int64(n) {
			proc := fmt.Sprintf("shop/%d/1", i%8)
			start := p.now
			p.send(proc, i/8, orders, i, nil)
			ops = append(ops, linear.LogOp{Off: i, Value: fmt.Sprint(i), Client: int(i % 8), Call: start - 5*ms, Return: p.now + 5*ms})
			log = append(log, rec(proc, i/8))
		}
		p.log(orders, log...)
		events = p.done().events
		b.Run(fmt.Sprintf("judge/ops=%d", n), func(b *testing.B) {
			for b.Loop() {
				j := newJudge(p.h, Options{})
				j.stretches = 0 // porcupine's time is measured apart
				for i := range events {
					if err := j.observe(&events[i], int64(i)); err != nil {
						b.Fatal(err)
					}
				}
				j.finish()
				if err := j.close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("porcupine/ops=%d", n), func(b *testing.B) {
			for b.Loop() {
				if r := linear.Log(slices.Clone(ops), linear.Caps{Steps: 1 << 40}); r.Verdict != linear.OK {
					b.Fatal(r.Verdict, r.Reason)
				}
			}
		})
		if n <= 200 { // it is cubic in places
			b.Run(fmt.Sprintf("oracle/ops=%d", n), func(b *testing.B) {
				for b.Loop() {
					newOracle(p.h, events).count()
				}
			})
		}
	}
}

var benchJepsen = flag.String("bench.jepsen", "", "judge this history of jepsen.tests.kafka, and say how fast and in how much memory")

// TestBenchJepsen: decode and check of somebody else's history. One is written by
// go test ./history -run TestJepsenBench -jepsen.ops=1000000 -jepsen.txn -jepsen.file=F.
func TestBenchJepsen(t *testing.T) {
	if *benchJepsen == "" {
		t.Skip("give -bench.jepsen=FILE")
	}
	f, err := os.Open(*benchJepsen)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	limit := max(*benchMemory, 512<<20)
	if *benchMemory != 0 {
		limit = *benchMemory
	}
	peak := resetPeak()
	var events int64
	took, cpu := timed(t, f, func(r *history.Reader) {
		r.Limit(limit / 4)
		rep, err := Check(context.Background(), r, Options{Memory: limit})
		if err != nil {
			t.Fatal(err)
		}
		events = rep.Events
		t.Log(rep.Why)
	})
	t.Logf("%d events, %.2f s, %.2f s of CPU, peak %d MiB", events, took.Seconds(), cpu.Seconds(), peak()>>20)
}
