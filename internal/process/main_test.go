package process

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// TestMain makes this test's own binary the workers of the tests: which one, an
// environment variable says.
func TestMain(m *testing.M) {
	name := os.Getenv("ONCEPROOF_TEST_WORKER")
	if name == "" {
		os.Exit(m.Run())
	}
	var spec worker.Spec
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &spec)
	}
	if err != nil && name != "harness" {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
	workers[name](&fake{spec: spec, in: in})
}

// fake is a worker that touches no Kafka.
type fake struct {
	spec worker.Spec
	in   *bufio.Reader
}

const (
	helloLine = `{"hello":{"protocol":1,"library":"fake","version":"1","roles":["producer"],"commits":["auto"],"refused":["acks: no"]}}`
	endless   = time.Hour
)

func (f *fake) say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (f *fake) send(id int) {
	f.say(`{"t":%d,"type":"invoke","op":"send","id":%d,"tp":"orders","val":"%s#%d"}`, history.Now(), id, f.spec.Proc, id)
}

func (f *fake) ack(id int) {
	f.say(`{"t":%d,"type":"ok","op":"send","id":%d,"tp":"orders/0","off":%d}`, history.Now(), id, id)
}

func (f *fake) obey() {
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			os.Exit(1)
		}
		if strings.Contains(line, "stop") {
			return
		}
	}
}

func (f *fake) close(id int) {
	f.say(`{"t":%d,"type":"invoke","op":"close","id":%d}`, history.Now(), id)
	f.say(`{"t":%d,"type":"ok","op":"close","id":%d}`, history.Now(), id)
	os.Exit(0)
}

var workers = map[string]func(*fake){
	"good": func(f *fake) {
		f.say(helloLine)
		fmt.Fprintln(os.Stderr, "good morning")
		f.send(1)
		f.ack(1)
		f.send(2)
		f.obey()
		f.ack(2)
		f.close(3)
	},
	"counting": func(f *fake) { // as fast as the pipe takes it
		f.say(helloLine)
		out := bufio.NewWriter(os.Stdout)
		for id := 1; ; id++ {
			fmt.Fprintf(out, `{"t":%d,"type":"invoke","op":"send","id":%d,"tp":"orders","val":"%s#%d"}`+"\n", history.Now(), id, f.spec.Proc, id)
			out.Flush()
			fmt.Fprintln(os.Stderr, id)
		}
	},
	"half-line": func(f *fake) {
		f.say(helloLine)
		f.send(1)
		fmt.Printf(`{"t":%d,"type":"ok","op":"se`, history.Now())
		time.Sleep(endless)
	},
	"mute":          func(*fake) { time.Sleep(endless) },
	"dead":          func(*fake) { fmt.Fprintln(os.Stderr, "no such library"); os.Exit(7) },
	"wrong-spec":    func(*fake) { fmt.Fprintln(os.Stderr, "configuration: acks: 3 is none of all, 1, 0"); os.Exit(2) },
	"garbage":       func(f *fake) { f.say(helloLine); f.say("WARN: something"); time.Sleep(endless) },
	"garbage-first": func(f *fake) { f.say("Picked up JAVA_TOOL_OPTIONS"); time.Sleep(endless) },
	"other-version": func(f *fake) {
		f.say(strings.Replace(helloLine, `"protocol":1`, `"protocol":2`, 1))
		time.Sleep(endless)
	},
	"early":   func(f *fake) { f.say(helloLine); os.Exit(0) },
	"fatal":   func(f *fake) { f.say(helloLine); f.send(1); os.Exit(3) },
	"own-end": func(f *fake) { f.say(helloLine); f.close(1) },
	"long-line": func(f *fake) {
		f.say(helloLine)
		f.say("%s", strings.Repeat("x", 2*worker.MaxLine))
		time.Sleep(endless)
	},
	"flood": func(f *fake) { f.say(helloLine); io.Copy(os.Stdout, zeros{}) },
	"stderr-flood": func(f *fake) {
		f.say(helloLine)
		for range 3 << 10 {
			fmt.Fprintln(os.Stderr, strings.Repeat("e", 8<<10))
		}
		f.send(1)
		f.obey()
		f.close(2)
	},
	"future": func(f *fake) {
		f.say(helloLine)
		f.say(`{"t":%d,"type":"info","op":"assigned","id":1,"tp":"orders/0"}`, history.Now()+1e12)
		time.Sleep(endless)
	},
	"past": func(f *fake) {
		f.say(helloLine)
		f.say(`{"t":%d,"type":"info","op":"assigned","id":1,"tp":"orders/0"}`, history.Now()-1e12)
		time.Sleep(endless)
	},
	"backward": func(f *fake) {
		f.say(helloLine)
		before := history.Now()
		f.send(1)
		f.say(`{"t":%d,"type":"ok","op":"send","id":1,"tp":"orders/0","off":1}`, before-1)
		time.Sleep(endless)
	},
	"deaf": func(f *fake) { f.say(helloLine); f.send(1); time.Sleep(endless) },
	"parent": func(f *fake) { // leaves a child that holds its stdout
		child := exec.Command("sleep", "3600")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(9)
		}
		f.say(helloLine)
		fmt.Fprintln(os.Stderr, child.Process.Pid)
		os.Exit(3)
	},
	"spec": func(f *fake) {
		f.say(helloLine)
		for name, value := range f.spec.Config {
			fmt.Fprintf(os.Stderr, "%s=%s\n", name, value)
		}
		f.obey()
		f.close(1)
	},
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// record keeps the events of one test.
type record struct {
	mu     sync.Mutex
	events []history.Event
	grown  chan struct{}
}

func (r *record) take(e history.Event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	select {
	case r.grown <- struct{}{}:
	default:
	}
}

func (r *record) find(op history.Op, typ history.Type) []history.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []history.Event
	for _, e := range r.events {
		if e.Op == op && e.Type == typ {
			found = append(found, e)
		}
	}
	return found
}

func (r *record) await(t *testing.T, n int, op history.Op, typ history.Type) []history.Event {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if found := r.find(op, typ); len(found) >= n {
			return found
		}
		select {
		case <-r.grown:
		case <-deadline:
			t.Fatalf("fewer than %d events %s %s", n, op, typ)
		}
	}
}

func newInstance(t *testing.T, name string, change ...func(*Config)) (*Instance, *record) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rec := &record{grown: make(chan struct{}, 1)}
	cfg := Config{
		Name: "shop", Command: []string{exe}, Env: []string{"ONCEPROOF_TEST_WORKER=" + name},
		Spec:   worker.Spec{Role: guarantee.Producer, Bootstrap: []string{"127.0.0.1:1"}, Topic: "orders"},
		Record: rec.take, Now: history.Now, LogFile: t.TempDir() + "/shop-0.log",
	}
	for _, c := range change {
		c(&cfg)
	}
	inst, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := inst.Kill(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return inst, rec
}

func mustStart(t *testing.T, inst *Instance) worker.Hello {
	t.Helper()
	hello, err := inst.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return hello
}

func exitOf(t *testing.T, inst *Instance) Exit {
	t.Helper()
	select {
	case e := <-inst.Exited():
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no exit")
		return Exit{}
	}
}
