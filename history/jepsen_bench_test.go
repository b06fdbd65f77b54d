package history_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/history/jepsengen"
)

var (
	jepsenOps  = flag.Int("jepsen.ops", 0, "decode a jepsen.tests.kafka history of this many operations from a file: how fast, in how much memory")
	jepsenTxn  = flag.Bool("jepsen.txn", false, "its operations are transactions")
	jepsenSub  = flag.Bool("jepsen.subscribe", false, "its consumers subscribe")
	jepsenVec  = flag.Bool("jepsen.vector", false, "it is one vector")
	jepsenFile = flag.String("jepsen.file", "", "keep that history here, and use it if it is there")
)

// TestJepsenBench decodes a long history from a file. It runs only with -jepsen.ops.
func TestJepsenBench(t *testing.T) {
	if *jepsenOps == 0 {
		t.Skip("give -jepsen.ops=1000000")
	}
	name := *jepsenFile
	if name == "" {
		name = filepath.Join(t.TempDir(), "history.edn")
	}
	if _, err := os.Stat(name); err != nil {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		opt := jepsengen.Options{Operations: *jepsenOps, Txn: *jepsenTxn, Subscribe: *jepsenSub, Vector: *jepsenVec}
		if err := jepsengen.Write(f, opt); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory() // what wrote the file is not the reader's
	peak := resetPeak()
	start, used := time.Now(), cpuTime()
	events, records := 0, 0
	r, err := history.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var e history.Event
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
		events++
		records += len(e.Val)
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	took, cpu := time.Since(start), cpuTime()-used
	t.Logf("%d MB, %d events, %d records: %.2f s by the clock, %.2f s of CPU, %.0f MB/s, peak %d MiB", info.Size()/1e6,
		events, records, took.Seconds(), cpu.Seconds(), float64(info.Size())/1e6/took.Seconds(), peak()>>20)
}

// cpuTime is what this process has used of all cores.
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

// BenchmarkJepsen decodes histories of 20,000 operations from memory.
func BenchmarkJepsen(b *testing.B) {
	for _, c := range []struct {
		name string
		opt  jepsengen.Options
	}{
		{"ops", jepsengen.Options{}},
		{"txns", jepsengen.Options{Txn: true}},
		{"subscribe", jepsengen.Options{Txn: true, Subscribe: true}},
		{"vector", jepsengen.Options{Txn: true, Vector: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var file bytes.Buffer
			c.opt.Operations = 20_000
			if err := jepsengen.Write(&file, c.opt); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			events := 0
			used := cpuTime()
			for b.Loop() {
				r, err := history.NewReader("bench", bytes.NewReader(file.Bytes()))
				if err != nil {
					b.Fatal(err)
				}
				var e history.Event
				events = 0
				for err = r.Next(&e); err == nil; err = r.Next(&e) {
					events++
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-used).Nanoseconds())/float64(b.N*events), "cpu-ns/event")
		})
	}
}
