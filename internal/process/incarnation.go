package process

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// eofWait is how long the pipes of an ended process may stay open: only a
// process that left its group could hold them.
const eofWait = 5 * time.Second

// exitSpec is the exit code of a worker that finds its spec wrong.
const exitSpec = 2

// incarnation is one process, from spawn to the last event that it printed.
//
// Three goroutines serve it, and done is closed when all have ended: one reads
// stdout, one reads stderr, and one starts the process, waits for its end, then
// for the other two.
type incarnation struct {
	proc   string
	cfg    *Config
	spec   worker.Spec
	counts *counters
	log    *workerLog
	ledger *ledger // owned by the stdout reader until it ends

	process process
	streams streams

	hello   chan worker.Hello // the one valid hello
	greeted atomic.Bool       // Start has returned it
	ended   chan struct{}     // closed when the process is gone and all that it printed is recorded
	accept  chan bool         // Start's word, once: whether its end is to be delivered
	done    chan struct{}

	end struct {
		wanted atomic.Bool
		asked  atomic.Bool // to end, in order
		mu     sync.Mutex
		breach error // the first breach of the protocol
		exit   Exit
	}
}

// spawn starts the process of spec. deliver gets its end.
func spawn(cfg *Config, spec worker.Spec, args, env []string, counts *counters, deliver func(Exit)) (*incarnation, error) {
	line, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("client: spec of %s: %w", spec.Proc, err)
	}
	inc := &incarnation{
		proc: spec.Proc, cfg: cfg, spec: spec, counts: counts,
		ledger: newLedger(spec.Proc, cfg.Now),
		hello:  make(chan worker.Hello, 1), ended: make(chan struct{}),
		accept: make(chan bool, 1), done: make(chan struct{}),
	}
	if inc.log, err = openLog(cfg.LogFile, spec.Proc); err != nil {
		return nil, err
	}
	if cfg.Main != nil {
		inc.process, inc.streams = newInside(cfg.Main, cfg.Network)
	} else if inc.process, inc.streams, err = newProgram(cfg, args, env); err != nil {
		return nil, errors.Join(fmt.Errorf("client: pipes of %s: %w", spec.Proc, err), inc.log.close())
	}
	started := make(chan error)
	go inc.live(started, deliver)
	if err := <-started; err != nil {
		<-inc.done
		return nil, fmt.Errorf("client: start %s: %w", spec.Proc, err)
	}
	if cfg.Program {
		inc.ledger.closed = true // it reports nothing, and so ends as it likes
		inc.hello <- worker.Hello{Protocol: worker.ProtocolVersion, Library: "program", Roles: []string{spec.Role}, Commits: []string{spec.Commit}}
		inc.streams.in.Close()
		return inc, nil
	}
	inc.greet(append(line, '\n'))
	return inc, nil
}

// greet writes the spec. A process that does not read it is found out by the
// missing hello.
func (inc *incarnation) greet(line []byte) {
	_ = inc.streams.in.SetWriteDeadline(time.Now().Add(inc.cfg.HelloWait))
	if _, err := inc.streams.in.Write(line); err != nil {
		inc.log.note(fmt.Sprintf("the spec could not be written: %v", err))
	}
}

// live starts the process and stays with it to its end.
func (inc *incarnation) live(started chan<- error, deliver func(Exit)) {
	defer close(inc.done)
	pid, err := inc.process.start()
	if err != nil {
		inc.streams.close()
		_ = inc.log.close()
		started <- err
		return
	}
	inc.harness(history.OpSpawn, "", map[string]any{"pid": pid})
	started <- nil

	var readers sync.WaitGroup
	if inc.cfg.Program {
		readers.Go(func() { inc.log.copy(inc.streams.out) })
	} else {
		readers.Go(inc.readEvents)
	}
	readers.Go(func() { inc.log.copy(inc.streams.err) })

	code, signal := inc.process.wait()
	_ = inc.streams.out.SetReadDeadline(time.Now().Add(eofWait))
	_ = inc.streams.err.SetReadDeadline(time.Now().Add(eofWait))
	readers.Wait()
	inc.streams.close()
	inc.settle(code, signal)
	close(inc.ended)
	if <-inc.accept {
		deliver(inc.end.exit)
	}
}

// settle records what the process left open, and how it ended.
func (inc *incarnation) settle(code int, signal string) {
	exit := Exit{Proc: inc.proc, Wanted: inc.end.wanted.Load(), Code: code, Signal: signal}
	how := exit.how()
	for _, e := range inc.ledger.unfinished(inc.cfg.Now(), how) {
		inc.counts.count(&e)
		inc.cfg.Record(e)
	}
	inc.harness(history.OpExit, inc.endNote(&exit), nil)

	inc.end.mu.Lock()
	exit.Err = inc.end.breach
	if exit.Err == nil && !exit.Wanted && exit.Code == 0 && !inc.ledger.closed {
		exit.Err = errors.New("ended by itself with exit code 0 and no close")
	}
	inc.end.mu.Unlock()
	if err := inc.log.close(); err != nil && exit.Err == nil {
		exit.Err = err
	}
	exit.LastLines, exit.LogFile = inc.log.lastLines(), inc.cfg.LogFile
	if exit.Err != nil {
		exit.Err = inc.explain(exit.Err)
	}
	inc.end.exit = exit
}

// endNote is how the history tells of an end. A program that was asked to stop and did
// has ended in order, whatever its exit code: a JVM's is 143 (128 + SIGTERM).
func (inc *incarnation) endNote(e *Exit) string {
	if inc.cfg.Program && inc.end.asked.Load() && e.Signal != "SIGKILL" && e.how() != "exit code 0" {
		return "stopped: " + e.how()
	}
	return e.how()
}

func (inc *incarnation) harness(op history.Op, note string, data map[string]any) {
	inc.cfg.Record(history.Event{
		T: inc.cfg.Now(), Src: history.SrcHarness, Proc: inc.proc,
		Type: history.Info, Op: op, Note: note, Data: data,
	})
}

// breach notes the first breach of the protocol and kills the process.
func (inc *incarnation) breach(err error) {
	inc.end.mu.Lock()
	if inc.end.breach == nil {
		inc.end.breach = err
	}
	inc.end.mu.Unlock()
	inc.kill()
}

// explain adds who it was, where its log lies and its last words to err.
func (inc *incarnation) explain(err error) error {
	e := Exit{Proc: inc.proc, LastLines: inc.log.lastLines(), LogFile: inc.cfg.LogFile}
	return e.Explain(err)
}

func (inc *incarnation) over() bool {
	select {
	case <-inc.done:
		return true
	default:
		return false
	}
}

// kill ends the process; the end itself is seen by live.
func (inc *incarnation) kill() { _ = inc.process.signal(syscall.SIGKILL) }

func (inc *incarnation) freeze(ctx context.Context, stop bool) error {
	verb := "resume"
	if stop {
		verb = "pause"
	}
	if err := inc.process.freeze(ctx, stop, inc.ended); err != nil {
		return fmt.Errorf("client: %s %s: %w", verb, inc.proc, err)
	}
	return nil
}

func (inc *incarnation) awaitEnd(ctx context.Context) error {
	select {
	case <-inc.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("client: wait for the end of %s: %w", inc.proc, ctx.Err())
	}
}

// askToStop writes the stop command; a frozen process is thawed to hear it.
func (inc *incarnation) askToStop() {
	_ = inc.process.signal(syscall.SIGCONT)
	inc.end.asked.Store(true)
	if inc.cfg.Program {
		_ = inc.process.signal(syscall.SIGTERM)
		return
	}
	line, _ := json.Marshal(worker.Command{Stop: true})
	_ = inc.streams.in.SetWriteDeadline(time.Now().Add(inc.cfg.StopWait))
	if _, err := inc.streams.in.Write(append(line, '\n')); err != nil {
		_ = inc.process.signal(syscall.SIGTERM)
	}
}

// stopError tells how a process ended that was asked to.
func (inc *incarnation) stopError() error {
	switch e := &inc.end.exit; {
	case inc.cfg.Program && obeyed(e):
		return nil
	case e.Err != nil:
		return e.Err
	case e.Code != 0:
		return inc.explain(fmt.Errorf("was asked to stop and ended with %s", e.how()))
	case !inc.ledger.closed:
		return inc.explain(errors.New("stopped without reporting close"))
	}
	return nil
}

// obeyed says whether e is a usual answer to SIGTERM: the signal's default action, or
// the exit code by which shells and JVMs tell of it, 128 and the signal's number.
func obeyed(e *Exit) bool {
	return e.Signal == "SIGTERM" || e.Signal == "SIGINT" ||
		e.Code == 128+int(syscall.SIGTERM) || e.Code == 128+int(syscall.SIGINT)
}

// awaitHello waits for the hello and judges what it promises.
func (inc *incarnation) awaitHello(ctx context.Context) (worker.Hello, error) {
	timer := time.NewTimer(inc.cfg.HelloWait)
	defer timer.Stop()
	select {
	case hello := <-inc.hello:
		return hello, inc.fits(&hello)
	case <-inc.ended:
		select {
		case hello := <-inc.hello:
			return hello, inc.fits(&hello)
		default:
		}
		if inc.end.breach != nil {
			return worker.Hello{}, inc.end.breach
		}
		if inc.end.exit.Code == exitSpec {
			return worker.Hello{}, inc.refusal()
		}
		return worker.Hello{}, fmt.Errorf("ended before its hello with %s", inc.end.exit.how())
	case <-timer.C:
		return worker.Hello{}, fmt.Errorf("printed no hello within %v", inc.cfg.HelloWait)
	case <-ctx.Done():
		return worker.Hello{}, fmt.Errorf("wait for its hello: %w", ctx.Err())
	}
}

func (e *Exit) how() string {
	if e.Signal != "" {
		return e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

func (inc *incarnation) fits(h *worker.Hello) error {
	who := h.Library + " " + h.Version
	if !isVersion(h.Version, inc.cfg.Version) {
		return fmt.Errorf("%s: the scenario asks for version %s; build it again", who, inc.cfg.Version)
	}
	if !slices.Contains(h.Roles, inc.spec.Role) {
		return misfit(ErrUnsupported, "%s: role %s: %v; it has %s", who, inc.spec.Role, ErrUnsupported, strings.Join(h.Roles, ", "))
	}
	if inc.spec.Commit != "" && !slices.Contains(h.Commits, inc.spec.Commit) {
		return misfit(ErrUnsupported, "%s: commit %s: %v; it has %s", who, inc.spec.Commit, ErrUnsupported, strings.Join(h.Commits, ", "))
	}
	if inc.spec.Transaction > 0 && !slices.Contains(h.Commits, guarantee.CommitTxn) && !slices.Contains(h.Commits, guarantee.CommitTxnOutside) {
		return misfit(ErrUnsupported, "%s: transactions: %v", who, ErrUnsupported)
	}
	for _, habit := range inc.spec.Habits {
		if !slices.Contains(h.Habits, habit) {
			return misfit(ErrUnsupported, "%s: habit %s: %v; it has %s", who, habit, ErrUnsupported, cmp.Or(strings.Join(h.Habits, ", "), "none"))
		}
	}
	if inc.spec.Strict && len(h.Refused) > 0 {
		return misfit(ErrRefused, "%s: %s: %v; take it out, or say unsupported: warn", who, strings.Join(h.Refused, ", "), ErrRefused)
	}
	return nil
}

// refusal is a worker's end with exit code 2 before its hello: its last words say
// what is wrong with the spec.
func (inc *incarnation) refusal() error {
	why := "it does not say why"
	if lines := inc.log.lastLines(); len(lines) > 0 {
		why = lines[len(lines)-1]
	}
	return misfit(ErrRefused, "ended before its hello with exit code %d, the spec is wrong: %s", exitSpec, why)
}

// parseHello reads a worker's first line.
func parseHello(line []byte) (worker.Hello, error) {
	var first struct {
		Hello *worker.Hello `json:"hello"`
	}
	if err := json.Unmarshal(line, &first); err != nil || first.Hello == nil {
		return worker.Hello{}, fmt.Errorf("its first line is no hello: %.200q", bytes.TrimSpace(line))
	}
	if first.Hello.Protocol != worker.ProtocolVersion {
		return worker.Hello{}, fmt.Errorf("it speaks worker protocol %d, this harness %d", first.Hello.Protocol, worker.ProtocolVersion)
	}
	return *first.Hello, nil
}
