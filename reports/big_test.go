package reports

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/onceproof/onceproof/history"
)

// long is a source of n client events over ten minutes: eight producers and
// eight transactional processors, a fault every six seconds.
type long struct {
	n, i   int64
	faults int64
}

const tenMinutes = int64(600e9)

func (l *long) Next(e *history.Event) error {
	if l.i >= l.n {
		return io.EOF
	}
	t := l.i * tenMinutes / l.n
	*e = history.Event{T: startT + t, Src: history.SrcClient, Type: history.OK}
	if due := t / int64(6e9); due > l.faults {
		l.fault(e, due)
		return nil
	}
	client, round := l.i%16, l.i/16
	l.i++
	id := round/2 + 1
	if round%2 == 0 {
		e.Type = history.Invoke
	}
	e.ID = id
	e.TP = history.TopicPartition{Topic: "orders", Part: int32(client % 8)}
	if client < 8 {
		e.Proc, e.Op = fmt.Sprintf("shop/%d/1", client), history.OpSend
	} else {
		e.Proc, e.Op, e.Txn = fmt.Sprintf("till/%d/1", client-8), history.OpSend, id/10+1
		e.TP.Topic = "receipts"
		switch id % 10 {
		case 0:
			e.Op = history.OpBegin
		case 8:
			e.Op, e.Group, e.TP.Topic, e.Off = history.OpSendOffsets, "till", "orders", []int64{round / 2}
		case 9:
			if e.Op = history.OpCommit; e.Txn%37 == 0 {
				e.Op = history.OpAbort
			}
		}
	}
	if e.Op == history.OpSend && e.Type == history.OK {
		e.Off = []int64{round / 2}
	}
	return nil
}

func (l *long) fault(e *history.Event, due int64) {
	l.faults = due
	e.Src, e.Type, e.Proc = history.SrcFault, history.Info, fmt.Sprintf("fault/%d", (due+1)/2)
	e.Op, e.Data = history.OpInject, map[string]any{"kind": "kill", "target": "any", "resolved": fmt.Sprintf("broker %d", due%3+1)}
	if due%2 == 0 {
		e.Op, e.Data = history.OpGone, nil
	}
}

func TestLongRunStaysSmall(t *testing.T) {
	s := violatedRun()
	tl, err := Aggregate(&long{n: 500_000}, s.in.Header, s.in.Report)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range tl.Txns {
		if len(l.Spans) > maxBars {
			t.Errorf("%s has %d bars, more than %d", l.Name, len(l.Spans), maxBars)
		}
	}
	if len(tl.Moments) > maxMoments {
		t.Errorf("%d moments, more than %d", len(tl.Moments), maxMoments)
	}
	if tl.Curves.Bins > maxBins {
		t.Errorf("%d bins, more than %d", tl.Curves.Bins, maxBins)
	}
	p, err := newPage(s.in, tl)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := pages.Execute(&buf, p); err != nil {
		t.Fatal(err)
	}
	if buf.Len() > 2<<20 {
		t.Errorf("a ten-minute run's report has %d bytes, more than 2 MiB", buf.Len())
	}
	t.Logf("%d bytes, %d faults, %d bars of %s", buf.Len(), len(tl.Faults), len(tl.Txns[0].Spans), tl.Txns[0].Name)
}

func BenchmarkAggregate(b *testing.B) {
	s := violatedRun()
	b.ReportAllocs()
	const n = 1_000_000
	for b.Loop() {
		if _, err := Aggregate(&long{n: n}, s.in.Header, s.in.Report); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// TestLongPage writes the report of five million events for the browser tests.
func TestLongPage(t *testing.T) {
	if *pagesDir == "" {
		t.Skip("writes 5 million events; give -pages DIR")
	}
	s := violatedRun()
	s.in.Dir = filepath.Join(*pagesDir, "long")
	if err := os.MkdirAll(s.in.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), history.FileName)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := history.NewWriter(f, s.in.Header)
	if err != nil {
		t.Fatal(err)
	}
	var e history.Event
	for src := (&long{n: 5_000_000}); src.Next(&e) == nil; {
		if err := w.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.in.History = func() (*history.Reader, error) { return history.Open(name) }
	start := time.Now()
	if err := Write(s.in); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.in.Dir, FileHTML))
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("5 million events: written in %v, %d bytes; %d MiB of heap obtained", time.Since(start).Round(time.Millisecond), info.Size(), m.HeapSys>>20)
	if info.Size() > 2<<20 {
		t.Errorf("report.html has %d bytes, more than 2 MiB", info.Size())
	}
}
