package franzgo

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// rig runs one worker in this process against a cluster of its own.
type rig struct {
	t     *testing.T
	stdin *io.PipeWriter
	code  chan int

	mu     sync.Mutex
	hello  worker.Hello
	events []history.Event
	grown  chan struct{}
	stderr strings.Builder
}

func newCluster(t *testing.T, topics ...string) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

func start(t *testing.T, spec worker.Spec) *rig {
	t.Helper()
	spec.Protocol = worker.ProtocolVersion
	if spec.Proc == "" {
		spec.Proc = "test/0/1"
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	r := &rig{t: t, stdin: inW, code: make(chan int, 1), grown: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() { r.read(outR) })
	go func() {
		code := Main(ctx, inR, outW, &r.stderr)
		outW.Close()
		reading.Wait()
		r.code <- code
		close(r.code)
	}()
	line, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inW.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		inW.Close()
		<-r.code
	})
	return r
}

func (r *rig) read(out io.Reader) {
	in := bufio.NewScanner(out)
	in.Buffer(nil, worker.MaxLine)
	for first := true; in.Scan(); first = false {
		r.mu.Lock()
		if first {
			var line struct{ Hello worker.Hello }
			if err := json.Unmarshal(in.Bytes(), &line); err != nil {
				r.t.Errorf("hello: %v: %s", err, in.Bytes())
			}
			r.hello = line.Hello
		} else {
			var e history.Event
			if err := history.ParseLine(in.Bytes(), &e); err != nil {
				r.t.Errorf("event: %v: %s", err, in.Bytes())
			}
			e.Each(func(e *history.Event) { r.events = append(r.events, *e) })
		}
		r.mu.Unlock()
		select {
		case r.grown <- struct{}{}:
		default:
		}
	}
}

// await waits until n events match and returns them.
func (r *rig) await(n int, match func(*history.Event) bool) []history.Event {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		found := r.find(match)
		if len(found) >= n {
			return found
		}
		select {
		case <-r.grown:
		case <-deadline:
			r.t.Fatalf("%d of %d events within 20 s; stderr: %s", len(found), n, r.stderr.String())
		}
	}
}

func (r *rig) find(match func(*history.Event) bool) []history.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []history.Event
	for i := range r.events {
		if match(&r.events[i]) {
			found = append(found, r.events[i])
		}
	}
	return found
}

// stop asks for a graceful end and returns the exit code.
func (r *rig) stop() int {
	r.t.Helper()
	if _, err := io.WriteString(r.stdin, "{\"stop\":true}\n"); err != nil {
		r.t.Fatal(err)
	}
	return r.wait()
}

func (r *rig) wait() int {
	r.t.Helper()
	select {
	case code := <-r.code:
		return code
	case <-time.After(20 * time.Second):
		r.t.Fatal("the worker does not end")
		return -1
	}
}

func is(op history.Op, typ history.Type) func(*history.Event) bool {
	return func(e *history.Event) bool { return e.Op == op && e.Type == typ }
}
