package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

const actAsWorker = "ONCEPROOF_FAULTS_TEST_WORKER"

// TestMain lets the test binary be the least worker: it says hello and does
// nothing until it is told to stop.
func TestMain(m *testing.M) {
	if os.Getenv(actAsWorker) == "" {
		os.Exit(m.Run())
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	in.Scan() // the spec
	fmt.Printf(
		`{"hello":{"protocol":%d,"library":"none","version":"1","roles":["producer","consumer","processor"],"commits":["after-batch"]}}`+"\n",
		worker.ProtocolVersion,
	)
	for in.Scan() {
		if strings.Contains(in.Text(), `"stop"`) {
			fmt.Printf(`{"t":%d,"type":"invoke","op":"close","id":1}`+"\n", history.Now())
			fmt.Printf(`{"t":%d,"type":"ok","op":"close","id":1}`+"\n", history.Now())
			return
		}
	}
}

// startWorkers adds n running instances of the client till.
func startWorkers(t *testing.T, env *Env, n int) {
	t.Helper()
	for i := range n {
		w, err := process.New(process.Config{
			Name: "till", Instance: i, Command: []string{os.Args[0]}, Env: []string{actAsWorker + "=1"},
			Spec: worker.Spec{
				Protocol: worker.ProtocolVersion, Role: guarantee.Consumer, Commit: guarantee.CommitBatch,
				Bootstrap: []string{"127.0.0.1:1"}, Input: "orders", Config: map[string]string{"group.id": "till"},
			},
			LogFile: filepath.Join(t.TempDir(), "log"), Record: func(history.Event) {}, Now: env.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := w.Kill(context.Background()); err != nil {
				t.Error(err)
			}
		})
		env.Clients = append(env.Clients, w)
	}
}

func clock() func() int64 {
	began := time.Now()
	return func() int64 { return int64(time.Since(began)) }
}

func TestProcessFaultsConform(t *testing.T) {
	env := &Env{Now: history.Now}
	startWorkers(t, env, 2)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till"}},
		{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till/1"}},
		{Kind: scenario.KindPause, Args: scenario.FaultArgs{Client: "till"}},
		{Kind: scenario.KindStop, Args: scenario.FaultArgs{Client: "till/*"}},
		{Kind: scenario.KindRestart, Args: scenario.FaultArgs{Client: "till/0"}},
	} {
		t.Run(string(f.Kind)+" "+TargetText(f), func(t *testing.T) { conform(t, env, f) })
	}
}

// greeted knows whether the current incarnation has said hello.
type greeted struct {
	*process.Instance
	up atomic.Bool
}

func (g *greeted) Running() bool { return g.up.Load() }

func (g *greeted) Start(ctx context.Context) (worker.Hello, error) {
	hello, err := g.Instance.Start(ctx)
	if err == nil {
		g.up.Store(true)
	}
	return hello, err
}

func (g *greeted) Kill(ctx context.Context) error {
	g.up.Store(false)
	return g.Instance.Kill(ctx)
}

// TestFaultsMeetAClientThatEndsByItself: the harness starts such a client again,
// before, while and after a fault strikes it.
func TestFaultsMeetAClientThatEndsByItself(t *testing.T) {
	for _, kind := range []scenario.FaultKind{scenario.KindCrash, scenario.KindPause} {
		t.Run(string(kind), func(t *testing.T) {
			env := &Env{Now: history.Now}
			startWorkers(t, env, 1)
			till := &greeted{Instance: env.Clients[0]}
			till.up.Store(true)
			env.fakeInstances = []instance{till}
			ctx := t.Context()
			f := scenario.Fault{Kind: kind, Args: scenario.FaultArgs{Client: "till"}}

			if err := till.Kill(ctx); err != nil { // it ended …
				t.Fatal(err)
			}
			s := newStrike(t, env, f, 1, nil)
			injected := make(chan error)
			go func() { injected <- take(t, s, stepInject) }()
			if _, err := till.Start(ctx); err != nil { // … and is started again
				t.Fatal(err)
			}
			if err := <-injected; err != nil {
				t.Fatal(err)
			}
			if err := take(t, s, stepEffect); err != nil {
				t.Fatal(err)
			}
			if kind == scenario.KindPause {
				if err := till.Kill(ctx); err != nil { // somebody else ended it in its sleep
					t.Fatal(err)
				}
			}
			if _, err := till.Start(ctx); err != nil {
				t.Fatal(err)
			}
			if err := s.Recover(ctx); err != nil {
				t.Errorf("recover of a client that runs again: %v", err)
			}
			if seen, err := s.Gone(ctx); err != nil || !strings.Contains(seen, "till/0/3") {
				t.Errorf("gone: %q, %v; want the third incarnation", seen, err)
			}
		})
	}
}

func TestCrashOfAClientThatDoesNotRun(t *testing.T) {
	env := &Env{Now: history.Now}
	startWorkers(t, env, 1)
	if err := env.Clients[0].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newStrike(t, env, scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till"}}, 1, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*pollGap)
	defer cancel()
	if _, err := s.Inject(ctx); !errors.Is(err, errNoTarget) || !strings.Contains(err.Error(), "till/0 does not run") {
		t.Errorf("error %v, want ErrNoTarget: till/0 does not run", err)
	}
}

// TestCrashDuringPause: the zombie dies in its sleep; whichever fault is healed
// last lets the instance run.
func TestCrashDuringPause(t *testing.T) {
	for _, order := range []string{"pause first", "crash first"} {
		t.Run(order, func(t *testing.T) {
			env := &Env{Now: history.Now}
			startWorkers(t, env, 1)
			pause := newStrike(
				t, env, scenario.Fault{Kind: scenario.KindPause, Args: scenario.FaultArgs{Client: "till"}}, 1, nil,
			)
			crash := newStrike(
				t, env, scenario.Fault{Kind: scenario.KindCrash, Args: scenario.FaultArgs{Client: "till"}}, 1, nil,
			)
			for _, s := range []*Strike{pause, crash} {
				for _, step := range []history.Op{stepInject, stepEffect} {
					if err := take(t, s, step); err != nil {
						t.Fatal(err)
					}
				}
			}
			healed := []*Strike{pause, crash}
			if order == "crash first" {
				healed = []*Strike{crash, pause}
			}
			for i, s := range healed {
				if err := s.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				seen, err := s.Gone(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if left := strings.Contains(seen, "left to"); left != (i == 0) {
					t.Errorf("healed as number %d: %q", i+1, seen)
				}
			}
			if got := env.Clients[0].Proc(); got != "till/0/2" {
				t.Errorf("incarnation %s after both, want till/0/2", got)
			}
		})
	}
}

func TestClientNames(t *testing.T) {
	env := &Env{fakeInstances: []instance{named("shop/0"), named("shop/1"), named("till/0")}}
	for _, tc := range []struct {
		name string
		want string // of resolveInstances with seed 1; "" = no target
		all  string // of matchInstances
	}{
		{"shop/1", "shop/1", "shop/1"},
		{"shop/*", "shop/0 shop/1", "shop/0 shop/1"},
		{"till", "till/0", "till/0"},
		{"shop", "shop/1", "shop/0 shop/1"},
		{"shp", "", ""},
		{"shop/2", "", ""},
	} {
		names := func(found []instance, err error) string {
			if err != nil {
				return ""
			}
			var names []string
			for _, i := range found {
				names = append(names, i.Name())
			}
			return strings.Join(names, " ")
		}
		one, _, err := env.resolveInstances(tc.name, 1)
		if got := names(one, err); got != tc.want {
			t.Errorf("process faults on %q strike %q, want %q", tc.name, got, tc.want)
		}
		all, _, err := env.matchInstances(tc.name)
		if got := names(all, err); got != tc.all {
			t.Errorf("link faults on %q strike %q, want %q", tc.name, got, tc.all)
		}
	}
}
