package history

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
)

// repeated is begin, and then again and again what of says for the next number,
// up to size bytes.
type repeated struct {
	begin string
	of    func(i int) string
	size  int
	i     int
	rest  []byte
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.i == 0 && len(r.rest) == 0 {
		r.rest = []byte(r.begin)
	}
	for len(r.rest) < len(b) && r.size > 0 {
		s := r.of(r.i)
		r.rest = append(r.rest, s...)
		r.size -= len(s)
		r.i++
	}
	n := copy(b, r.rest)
	r.rest = append(r.rest[:0], r.rest[n:]...)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func always(s string) func(int) string { return func(int) string { return s } }

// TestJepsenHostile: what a hostile or broken file claims costs bounded memory, and
// ends with its place.
func TestJepsenHostile(t *testing.T) {
	const mib = 1 << 20
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	for _, c := range []struct {
		name, begin string
		of          func(int) string
		size        int
		want        string // "" if it is legal
	}{
		{"string", "{:a \"", always(strings.Repeat("x", 1000)), 32 * mib, "f:1:1: an operation of more than 4194304 bytes"},
		{"string of what looks like operations", "\n{:a \"", always("{:type :ok}\n{:f \n"), 32 * mib, "f:2:1: an operation of more than 4194304 bytes"},
		{"word", "", always("xxxxxxxxxx"), 32 * mib, "f:1:1: an operation of more than 4194304 bytes"},
		{"brackets", "{:value ", always("["), 32 * mib, "f:1:73: more than 64 levels of brackets"},
		{"tags", "", always("#a "), 32 * mib, "f:1:196: more than 64 levels"},
		{"metadata", "", always("^a "), 32 * mib, "f:1:194: more than 64 levels"},
		{"discards", "", always("#_ "), 32 * mib, "f:1:196: more than 64 levels"},
		{"parts", "{:value [", always("1 "), 32 * mib, "f:1:1: an operation of more than 1048576 parts"},
		{"records", "{:type :ok :f :poll :process 1 :value [[:poll {1 [", numbered("[%d 1] "), 32 * mib, "f:1:1: an operation of more than"},
		{"NUL", "", always("\x00"), 8 * mib, "f:1:1: an operation of more than 4194304 bytes"},
		{"a NUL and blanks", "\n\x00 ", always(" "), 8 * mib, "f:2:1: found \ufffd; want an operation"},
		{"no UTF-8", "{:a \xff ", always(" "), 8 * mib, `f:1:5: "\xff" is not UTF-8`},
		{"escape sequences", "\x1b[2J ", always(" "), 100, "f:1:1: found \ufffd; want an operation"},
		{"blanks", "", always(" \n,"), 64 * mib, ""},
		{"a comment", ";", always("{:type} "), 64 * mib, ""},
		{"discarded", "", always("#_{:a [1 2]} "), 4 * mib, ""},
		{"one line", "[", numbered("{:type :ok :f :poll :process %d :value [[:poll]]} "), 1 * mib, ""},
		{"long operations", "", numbered("{:type :ok :f :poll :process 1 :index %d :a \"" + strings.Repeat("} {:type ", 300_000) + "\"}"), 32 * mib, ""},
		{"processes", "", numbered("{:type :ok :f :poll :process %d}\n"), 64 * mib, "more than the 8 MiB that the import may have; give more memory"},
		{"keys", "", numbered("{:type :info :f :send :process 1 :value [[:send %d 1]]}\n"), 64 * mib, "more than the 8 MiB"},
		{"names", "", numbered("{:type :info :f :send :process 1 :value [[:send :k%d 1]]}\n"), 64 * mib, "more than the 8 MiB"},
		{"texts", "", numbered("{:type :info :f :send :process 1 :value [[:send 1 :v%d]]}\n"), 96 * mib, "more than the 8 MiB"},
		{"far values", "", numbered("{:type :ok :f :poll :process 1 :value [[:poll {1 [[1 %d7777777]]}]]}\n"), 512 * mib, "more than the 8 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			peak := peakHeap(t, func() {
				err := drain(&repeated{begin: c.begin, of: c.of, size: c.size}, 8*mib)
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v; want %s", err, c.want)
				}
			})
			t.Logf("%d MiB on the heap at most", peak/mib)
			if peak > 300*mib {
				t.Errorf("%d MiB on the heap", peak>>20)
			}
		})
	}
}

// drain reads a Jepsen history to its end, with a limit for what is remembered.
func drain(file io.Reader, limit int64) error {
	r, err := NewReaderFormat("f", file, JepsenFormat)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Limit(limit)
	var e Event
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// TestJepsenGzip: a bomb is bounded; a file that is cut off is read up to there,
// and one that is damaged names the place.
func TestJepsenGzip(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := io.Copy(w, &repeated{begin: "{:a [", of: always(strings.Repeat(" ", 1000)), size: 256 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if peak := peakHeap(t, func() {
		if err := drain(&bomb, 8<<20); err == nil || !strings.Contains(err.Error(), "f:1:1: an operation of more than 4194304 bytes") {
			t.Errorf("a bomb: %v", err)
		}
	}); peak > 100<<20 {
		t.Errorf("%d MiB on the heap", peak>>20)
	}

	var edn strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&edn, "{:type :ok, :f :poll, :process %d, :index %d, :value [[:poll]]}\n", i%7, i)
	}
	file := gzipped(edn.String())
	whole := readJepsen(file, false, 1000)
	if whole.Err != "" || whole.Truncated || len(whole.Lines) != 4000 {
		t.Fatalf("%d events, truncated %v, %s", len(whole.Lines), whole.Truncated, whole.Err)
	}
	for cut := 20; cut < len(file); cut += 97 {
		got := readJepsen(file[:cut], false, 1000)
		if !got.Truncated || got.Err != "" || len(got.Lines) > len(whole.Lines) {
			t.Errorf("cut at %d of %d: %d events, truncated %v, %s", cut, len(file), len(got.Lines), got.Truncated, got.Err)
		}
	}
	for at := 20; at < len(file); at += 97 { // gzip may notice only at the end, what is decompressed before
		damaged := bytes.Clone(file)
		damaged[at] ^= 0xff
		if got := readJepsen(damaged, false, 1000); !strings.HasPrefix(got.Err, "f:") {
			t.Errorf("damaged at %d: %q", at, got.Err)
		}
	}
	damaged := bytes.Clone(file)
	damaged[len(damaged)-5] ^= 0xff // the size that it claims
	if got := readJepsen(damaged, false, 1000); !strings.HasPrefix(got.Err, "f:2001:1: gzip: ") || len(got.Lines) != 4000 {
		t.Errorf("of another size: %d events, %q", len(got.Lines), got.Err)
	}
}
