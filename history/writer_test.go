package history

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWriterKeepsOrder(t *testing.T) {
	const procs, each = 8, 5_000
	var file bytes.Buffer
	w, err := NewWriter(&file, Header{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for p := range procs {
		wg.Go(func() {
			e := Event{Src: SrcClient, Proc: "shop/" + string(rune('0'+p)) + "/1", Type: OK, Op: OpSend, Off: []int64{0}}
			for i := range int64(each) {
				e.ID, e.Off[0] = i+1, i // Off is ours again after Append
				if err := w.Append(&e); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader("h", &file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last := map[string]int64{}
	var e Event
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
		if e.ID != last[e.Proc]+1 || e.Off[0] != e.ID-1 {
			t.Fatalf("line %d: %s has id %d, offset %d after id %d", r.Line(), e.Proc, e.ID, e.Off[0], last[e.Proc])
		}
		last[e.Proc] = e.ID
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	for p := range procs {
		if n := last["shop/"+string(rune('0'+p))+"/1"]; n != each {
			t.Errorf("process %d has %d events of %d", p, n, each)
		}
	}
}

// slowFile takes a write only when it is let.
type slowFile struct {
	let   chan struct{}
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (f *slowFile) Write(b []byte) (int, error) {
	<-f.let
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bytes.Write(b)
}

// A file that stands still makes Append wait once the queue is full, and loses
// nothing when it goes on.
func TestWriterWaitsForTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowFile{let: make(chan struct{}, 1)}
		f.let <- struct{}{} // the header
		w, err := NewWriter(f, Header{})
		if err != nil {
			t.Fatal(err)
		}
		e := Event{Src: SrcClient, Proc: "p", Type: OK, Op: OpSend, Note: string(make([]byte, 100<<10))}
		appended := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 60 { // 36 MiB, since a NUL takes six bytes
				if err := w.Append(&e); err != nil {
					t.Error(err)
				}
				appended++
			}
		}()
		synctest.Wait()
		if appended == 60 || appended < 8 {
			t.Errorf("%d events were taken by a file that stands still", appended)
		}
		close(f.let)
		<-done
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if n, truncated, err := readAll("h", &f.bytes); n != 60 || truncated || err != nil {
			t.Errorf("%d events of 60, truncated %v, %v", n, truncated, err)
		}
	})
}

// An event is in the file a second or two after it was appended, without Flush.
func TestWriterEndsOldFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowFile{let: make(chan struct{})}
		close(f.let)
		w, err := NewWriter(f, Header{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(&Event{Src: SrcClient, Proc: "p", Type: OK, Op: OpSend}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(frameAge + time.Millisecond) //nolint:forbidigo // the bubble's time, which costs none
		synctest.Wait()
		f.mu.Lock()
		crashed := bytes.Clone(f.bytes.Bytes())
		f.mu.Unlock()
		if n, truncated, err := readAll("h", bytes.NewReader(crashed)); n != 1 || truncated || err != nil {
			t.Errorf("%d events of 1, truncated %v, %v", n, truncated, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWriterRefuses(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Header{})
	if err != nil {
		t.Fatal(err)
	}
	good := Event{Src: SrcClient, Proc: "p", Type: OK, Op: OpSend}
	for name, change := range map[string]func(*Event){
		"src":      func(e *Event) { e.Src = "" },
		"proc":     func(e *Event) { e.Proc = "" },
		"type":     func(e *Event) { e.Type = "" },
		"op":       func(e *Event) { e.Op = "comit" },
		"batch":    func(e *Event) { e.Off, e.Val = []int64{1, 2}, []Value{{"p", 1}} },
		"topic":    func(e *Event) { e.TP = TopicPartition{Topic: "a/b", Part: -1} },
		"too many": func(e *Event) { e.Off = make([]int64, MaxRecords+1) },
		"too long": func(e *Event) { e.Note = string(make([]byte, MaxLine/4)) }, // a NUL takes six bytes
	} {
		e := good
		if change(&e); w.Append(&e) == nil {
			t.Errorf("an event with a bad %s was taken", name)
		}
	}
	if err := w.Append(&good); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&good); err == nil {
		t.Error("append after close succeeded")
	}
	if n, _, err := readAll("h", &file); n != 1 || err != nil {
		t.Errorf("%d events of 1, %v", n, err)
	}
}

func TestNow(t *testing.T) {
	a := Now()
	b := Now()
	if a <= 0 || b < a {
		t.Errorf("the clock says %d and then %d", a, b)
	}
}
