package facts

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/history"
)

// TestAFactReadsTheSameFromAFile: a number in memory has the type that it was written
// with, one from a file is an int64; lists and counts differ likewise.
func TestAFactReadsTheSameFromAFile(t *testing.T) {
	e := history.Event{T: 1, Src: history.SrcWire, Proc: "till/0", Type: history.OK, Op: history.OpResponse}
	ToldClient.Set(&e, Passed)
	Version.Set(&e, 11)
	NextEpoch.Set(&e, -1)
	CRC.Set(&e, 1<<31)
	Bytes.Set(&e, 7)
	Committed.Set(&e, true)
	Assigned.Set(&e, []string{"orders/0"})
	Owns.Set(&e, []string{})
	Brokers.Set(&e, []int32{1, 3})
	InFlight.Set(&e, map[string]int{"Produce": 2})

	var file bytes.Buffer
	w, err := history.NewWriter(&file, history.Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&e); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := history.NewReader("test", &file)
	if err != nil {
		t.Fatal(err)
	}
	var read history.Event
	err = r.Next(&read)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all(&e), all(&read)); diff != "" {
		t.Errorf("(-memory +file):\n%s", diff)
	}
	for name, there := range all(&e) {
		if there == nil {
			t.Errorf("%s is not there", name)
		}
	}
	if _, ok := Member.Of(&e); ok {
		t.Error("a fact that nobody set is there")
	}
}

func all(e *history.Event) map[string]any {
	m := map[string]any{"told": ToldClient.Get(e), "committed": Committed.Get(e)}
	put := func(name string, v any, ok bool) {
		if m[name] = v; !ok {
			m[name] = nil
		}
	}
	version, ok := Version.Of(e)
	put("version", version, ok)
	epoch, ok := NextEpoch.Of(e)
	put("epoch", epoch, ok)
	crc, ok := CRC.Of(e)
	put("crc", crc, ok)
	size, ok := Bytes.Of(e)
	put("bytes", size, ok)
	assigned, ok := Assigned.Of(e)
	put("assigned", assigned, ok)
	owns, ok := Owns.Of(e)
	put("owns", owns, ok)
	brokers, ok := Brokers.Of(e)
	put("brokers", brokers, ok)
	inFlight, ok := InFlight.Of(e)
	put("in-flight", inFlight, ok)
	return m
}
