package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

const headerLine = `{"format":"onceproof-history/1","scenario":"s","seed":1,"backend":"embedded","started":"","start-t":0,"topics":null,"clients":null}` + "\n"

// readAll reads a whole history and returns how many events it had.
func readAll(name string, file io.Reader) (n int, truncated bool, err error) {
	r, err := NewReader(name, file)
	if err != nil {
		return 0, false, err
	}
	defer r.Close()
	var e Event
	for {
		if err := r.Next(&e); err == io.EOF {
			return n, r.Truncated(), nil
		} else if err != nil {
			if again := r.Next(&e); again != err {
				return n, false, fmt.Errorf("the error did not stay: %v, then %v", err, again)
			}
			return n, r.Truncated(), err
		}
		n++
	}
}

func TestReaderErrors(t *testing.T) {
	const ok = `{"t":1,"src":"client","proc":"p","type":"ok","op":"send"}` + "\n"
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "h:1: empty; want a history, whose first line is its header"},
		{"blank", "\n\n", "h:1: empty;"},
		{"no header", ok, `h:1: no header; a history begins with {"format":"onceproof-history/1",…}`},
		{"other format", `{"format":"tap/1"}`, `h:1: format "tap/1"; want "onceproof-history/1"`},
		{"newer", `{"format":"onceproof-history/2"}`, `h:1: format "onceproof-history/2" is newer than this program, which reads "onceproof-history/1"; update onceproof`},
		{"zero", `{"format":"onceproof-history/0"}`, `want "onceproof-history/1"`},
		{"binary", "\x00\x01\x02\x03", "h:1: no header"},
		{"not an object", headerLine + "[]\n", `h:2: column 1: found '['; want "{"`},
		{"third line", headerLine + ok + "\n" + ok + "x\n", `h:5: column 1: found 'x'; want "{"`},
		{"unknown field", headerLine + `{"t":1,"src":"client","proc":"p","type":"ok","op":"send","offs":3}`, `h:2: column 65: unknown field "offs" ("off"?); a field of your own begins with "x-"`},
		{"twice", headerLine + `{"t":1,"t":2}`, `"t" stands twice`},
		{"type", headerLine + `{"t":1,"type":"okay"}`, `type "okay"; want invoke, ok, fail or info`},
		{"src", headerLine + `{"t":1,"src":"me"}`, `src "me"; want client, wire, fault, audit or harness`},
		{"op", headerLine + strings.Replace(ok, "send", "comit", 1), `h:2: unknown op "comit" ("commit"?)`},
		{"no op", headerLine + `{"t":1,"src":"client","proc":"p","type":"ok"}`, `no "op", such as "send"`},
		{"no t", headerLine + `{"src":"client","proc":"p","type":"ok","op":"send"}`, `no "t", the nanoseconds of CLOCK_MONOTONIC`},
		{"null t", headerLine + `{"t":null,"src":"client","proc":"p","type":"ok","op":"send"}`, `no "t"`},
		{"nil", headerLine + `{"t":nil}`, "found 'n'; want a whole number"},
		{"unknown null", headerLine + `{"offs":null}`, `unknown field "offs" ("off"?)`},
		{"no src", headerLine + `{"t":1,"proc":"p","type":"ok","op":"send"}`, "no src"},
		{"no proc", headerLine + `{"t":1,"src":"client","type":"ok","op":"send"}`, "no proc"},
		{"fraction", headerLine + `{"t":1.5}`, "want a whole number"},
		{"exponent", headerLine + `{"t":1e3}`, "want a whole number"},
		{"too large", headerLine + `{"t":9223372036854775808}`, "want a whole number of 64 bits"},
		{"wraps", headerLine + `{"t":18446744073709551617}`, "want a whole number of 64 bits"},
		{"leading zero", headerLine + `{"t":01}`, "want a whole number of 64 bits"},
		{"epoch", headerLine + `{"pid":1,"epoch":32768}`, "32768 does not fit 16 bits"},
		{"lone epoch", headerLine + `{"t":1,"type":"ok","op":"log","epoch":1}`, `"epoch" without "pid"`},
		{"huge range", headerLine + `{"t":1,"type":"ok","op":"poll","off":"0..1099511627776"}`, "more than 262144 records in one event; split it into several"},
		{"widest range", headerLine + `{"off":"-9223372036854775808..9223372036854775807"}`, "more than 262144 records"},
		{"many ranges", headerLine + `{"val":["a#1..200000","a#1..200000"]}`, "more than 262144 records"},
		{"huge input", headerLine + `{"from":"t/0@1..9223372036854775807"}`, "more than 262144 records"},
		{"backwards", headerLine + `{"off":"9..3"}`, `off "9..3"; want a number, or a range such as "10..29"`},
		{"val", headerLine + `{"val":"shop"}`, `val "shop"; want process#number`},
		{"from", headerLine + `{"from":"orders/0"}`, `from "orders/0"; want topic/partition@offset`},
		{"partition", headerLine + `{"tp":"orders/4294967296"}`, `"orders/4294967296" is no topic/partition`},
		{"unequal", headerLine + `{"t":1,"src":"client","proc":"p","type":"ok","op":"poll","off":[1,2],"val":"a#1"}`, "2 off, 0 key, 1 val, 0 from; those that are there must be equally many"},
		{"UTF-8", headerLine + "{\"group\":\"a\xffb\"}", "byte 0xff is not UTF-8"},
		{"control", headerLine + "{\"group\":\"a\tb\"}", `a control character in a string; write it as \u0009`},
		{"escape", headerLine + `{"group":"\x"}`, `unknown escape \x`},
		{"trailing comma", headerLine + `{"t":1,}`, `a comma before "}"`},
		{"behind", headerLine + ok[:len(ok)-1] + `{}`, `"{}" behind the event; want one JSON object a line`},
		{"deep", headerLine + `{"data":{"a":` + strings.Repeat("[", 100_000), "more than 32 levels of brackets"},
		{"cut but not last", headerLine + ok[:20] + "\n" + ok, "h:2: the line ends in the middle of an event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := readAll("h", strings.NewReader(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

func TestReaderTolerates(t *testing.T) {
	const ok = `{"t":1,"src":"client","proc":"p","type":"ok","op":"send"}`
	for _, c := range []struct {
		name, file string
		events     int
		truncated  bool
	}{
		{"nothing", headerLine, 0, false},
		{"header without line feed", headerLine[:len(headerLine)-1], 0, false},
		{"no last line feed", headerLine + ok + "\n" + ok, 2, false},
		{"cut", headerLine + ok + "\n" + ok[:30], 1, true},
		{"cut in a number", headerLine + ok + "\n" + `{"t":1`, 1, true},
		{"cut in a name", headerLine + ok + "\n" + `{"t`, 1, true},
		{"cut in an escape", headerLine + ok + "\n" + `{"t":1,"group":"\u12`, 1, true},
		{"cut in UTF-8", headerLine + ok + "\n" + "{\"t\":1,\"group\":\"\xe2\x98", 1, true},
		{"cut in a word", headerLine + ok + "\n" + `{"in-txn":tr`, 1, true},
		{"windows", strings.ReplaceAll(headerLine+ok+"\n"+ok+"\n", "\n", "\r\n"), 2, false},
		{"spaced", headerLine + ` { "op" : "send" , "type" : "ok" , "t" : 1 , "proc" : "p" , "src" : "client", "off" : [ 1 , "2..3" ] } ` + "\n\n", 1, false},
		{"null is left out", headerLine + strings.Replace(ok, `"t":1`, `"t":1,"err":null,"off":null,"x-mine":null`, 1), 1, false},
		{"cut in a null", headerLine + `{"t":1,"err":nu`, 0, true},
		{"own field", headerLine + strings.Replace(ok, `"t":1`, `"t":1,"x-mine":{"a":[1,2.5,null,"b"]}`, 1), 1, false},
		{"other op of the harness", headerLine + strings.Replace(strings.Replace(ok, "send", "blink", 1), "client", "harness", 1), 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pack := range []func(string) []byte{plain, zstdFrames} {
				n, truncated, err := readAll("h", bytes.NewReader(pack(c.file)))
				if err != nil || n != c.events || truncated != c.truncated {
					t.Errorf("%d events, truncated %v, %v; want %d, %v", n, truncated, err, c.events, c.truncated)
				}
			}
		})
	}
}

func plain(s string) []byte { return []byte(s) }

// zstdFrames packs each line in a frame of its own.
func zstdFrames(s string) []byte {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	var out []byte
	for line := range strings.Lines(s) {
		out = enc.EncodeAll([]byte(line), out)
	}
	return out
}

// threeFrames is a small history, and where its frames end.
func threeFrames(t *testing.T) (file []byte, ends []int) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Scenario: "s"})
	if err != nil {
		t.Fatal(err)
	}
	for frame := range 3 {
		for i := range 20 {
			e := Event{T: int64(frame*1000 + i*i), Src: SrcClient, Proc: "p", Type: OK, Op: OpSend, ID: int64(20*frame + i + 1)}
			if err := w.Append(&e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, b.Len())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), ends
}

// A file that ends anywhere gives what its whole frames hold, and says that it was cut.
func TestReaderCutAnywhere(t *testing.T) {
	file, ends := threeFrames(t)
	for cut := ends[0]; cut <= len(file); cut++ {
		n, truncated, err := readAll("h", bytes.NewReader(file[:cut]))
		whole, boundary := 0, false
		for _, end := range ends {
			if cut >= end {
				whole += 20
			}
			boundary = boundary || cut == end
		}
		if err != nil || n < whole || truncated == boundary {
			t.Errorf("cut at %d of %v: %d events, truncated %v, %v", cut, ends, n, truncated, err)
		}
	}
}

// A byte that is wrong before the last frame is damage, never a cut: what stands
// behind it would be lost without a word.
func TestReaderDamaged(t *testing.T) {
	file, ends := threeFrames(t)
	for at := ends[0]; at < ends[1]; at++ {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			damaged := bytes.Clone(file)
			damaged[at] ^= flip
			n, _, err := readAll("h", bytes.NewReader(damaged))
			if err == nil && n != 60 || err != nil && !strings.HasPrefix(err.Error(), "h:") {
				t.Errorf("byte %d ^ %#x: %d events, %v", at, flip, n, err)
			}
		}
	}
}

// endless is a line that never ends.
type endless struct{ header io.Reader }

func (r endless) Read(b []byte) (int, error) {
	if n, err := r.header.Read(b); err == nil {
		return n, nil
	}
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestReaderBoundsMemory(t *testing.T) {
	const wide = `{"t":1,"src":"client","proc":"p","type":"ok","op":"poll","off":"1..262144","val":"a#1..262144","from":"t/0@1..262144"}` + "\n"
	for _, c := range []struct {
		name string
		file io.Reader
		want error
	}{
		{"endless line", endless{strings.NewReader(headerLine)}, errors.New("a line of more than 16777216 bytes")},
		{"endless header", endless{strings.NewReader("")}, errors.New("a line of more than 16777216 bytes")},
		{"wide lines", strings.NewReader(headerLine + strings.Repeat(wide, 20)), nil},
		{"zstd bomb", bytes.NewReader(bomb(t)), errors.New("a line of more than 16777216 bytes")},
	} {
		t.Run(c.name, func(t *testing.T) {
			peak := peakHeap(t, func() {
				_, _, err := readAll("h", c.file)
				if (err == nil) != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.want.Error()) {
					t.Errorf("error %v; want %v", err, c.want)
				}
			})
			if peak > 300<<20 {
				t.Errorf("%d MiB on the heap", peak>>20)
			}
		})
	}
}

// bomb is a frame of a few KiB that holds one line of 128 MiB.
func bomb(t *testing.T) []byte {
	var b bytes.Buffer
	enc, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(enc, endless{strings.NewReader(headerLine)}, 128<<20); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// peakHeap samples the heap while f runs.
func peakHeap(t *testing.T, f func()) uint64 {
	t.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	var peak uint64
	sample := time.NewTicker(5 * time.Millisecond)
	defer sample.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc-min(m.HeapAlloc, before.HeapAlloc))
		select {
		case <-done:
			return peak
		case <-sample.C:
		}
	}
}

func TestReaderCloseEarly(t *testing.T) {
	file := write(t, 50_000)
	before := runtime.NumGoroutine()
	for range 20 {
		r, err := NewReader("h", bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if err := r.Next(&e); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	// A goroutine that has said that it is done still counts until it is gone.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}
