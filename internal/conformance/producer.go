package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

func produces(h *worker.Hello) bool { return slices.Contains(h.Roles, guarantee.Producer) }

func transacts(h *worker.Hello) bool {
	return slices.Contains(h.Commits, guarantee.CommitTxn) || slices.Contains(h.Commits, guarantee.CommitTxnOutside)
}

var producerTests = []test{
	{name: "producer: each send is reported, and lies where its ok says", ask: produces, run: reportsSends},
	{name: "producer: keeps the rate, and a stop flushes", ask: produces, run: keepsRate},
	{name: "producer: an invoke is out before its call, whenever it is killed", ask: produces, run: survivesKills},
	{name: "producer: an unknown outcome is info, never fail", ask: produces, run: reportsUnknown},
	{name: "producer: waits when nobody reads its events, and loses none", ask: produces, run: feelsBackPressure},
	{name: "producer: transactions", ask: func(h *worker.Hello) bool { return produces(h) && transacts(h) }, run: sendsTransactions},
	{name: "producer: SIGTERM is a graceful end", ask: produces, run: obeysTerm},
}

func processTests(h *worker.Hello) []test {
	return []test{
		{name: "process: ends when stdin does", run: func(b *bench) error { return endsWithStdin(b, anyRole(h)) }},
		{name: "process: an unknown property is refused", run: func(b *bench) error { return refusesUnknown(b, anyRole(h)) }},
	}
}

func reportsSends(b *bench) error {
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in", Max: 500, Size: 200})
	if err != nil {
		return err
	}
	exit, err := w.ended()
	if err != nil {
		return err
	}
	if exit.Code != 0 {
		return fmt.Errorf("after max records it ended with exit code %d %s: %q", exit.Code, exit.Signal, exit.LastLines)
	}
	records, err := b.log("in", kgo.ReadUncommitted())
	if err != nil {
		return err
	}
	if len(records) != 500 {
		return fmt.Errorf("max is 500, the log has %d records", len(records))
	}
	if err := agree(w.journal.all(), records); err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, r := range records {
		if r.bytes != 200 {
			return fmt.Errorf("size is 200, the value at %s@%d has %d bytes", r.tp, r.off, r.bytes)
		}
		keys[r.key] = true
	}
	if len(keys) != 500 {
		return fmt.Errorf("500 records have %d different keys; each has its own", len(keys))
	}
	return nil
}

// agree checks the sends among events against the log: what was acknowledged is
// where its ok says, and what is in the log was invoked.
func agree(events []history.Event, records []logged) error {
	at := map[string]logged{}
	for _, r := range records {
		at[fmt.Sprintf("%s@%d", r.tp, r.off)] = r
	}
	invoked := map[int64]history.Event{}
	values := map[string]bool{}
	for _, e := range events {
		if e.Op != history.OpSend {
			continue
		}
		if e.Type == history.Invoke {
			invoked[e.ID] = e
			for _, v := range e.Val {
				values[v.String()] = true
			}
		}
		if e.Type != history.OK || len(e.Off) == 0 {
			continue
		}
		for i, off := range e.Off {
			place := fmt.Sprintf("%s@%d", e.TP, off)
			if got, want := at[place].value, invoked[e.ID].Val[i].String(); got != want {
				return fmt.Errorf("send %d of %s was acknowledged at %s, where the log has %q", e.ID, want, place, got)
			}
		}
	}
	for _, r := range records {
		if !values[r.value] {
			return fmt.Errorf("the log has %q at %s@%d, which was never invoked", r.value, r.tp, r.off)
		}
	}
	return nil
}

func keepsRate(b *bench) error {
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in", Rate: 200})
	if err != nil {
		return err
	}
	if err := w.await("100 acknowledgements", count(100, history.OpSend, history.OK)); err != nil {
		return err
	}
	if err := w.pace(200); err != nil {
		return err
	}
	if err := w.inst.Stop(b.ctx); err != nil {
		return err
	}
	invoked, ended := w.journal.find(history.OpSend, history.Invoke), w.journal.find(history.OpSend, history.OK)
	if len(invoked) != len(ended) {
		return fmt.Errorf("stopped with %d sends invoked and %d acknowledged; a stop flushes", len(invoked), len(ended))
	}
	return nil
}

// pace checks that 200 records take a second at 200/s. A busy machine may stretch that,
// and what comes after is hurried, so one time of several has to be right.
func (w *running) pace(rate int) error {
	var took time.Duration
	for range 8 {
		sends := w.journal.find(history.OpSend, history.Invoke)
		if err := w.await("more sends", count(len(sends)+rate, history.OpSend, history.Invoke)); err != nil {
			return err
		}
		took = time.Duration(w.journal.find(history.OpSend, history.Invoke)[len(sends)+rate-1].T - sends[len(sends)-1].T)
		if took >= 800*time.Millisecond && took <= 1300*time.Millisecond {
			return nil
		}
	}
	return fmt.Errorf("rate is %d/s, but %[1]d records never took a second, the last time %v", rate, took.Round(time.Millisecond))
}

func survivesKills(b *bench) error {
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in", Rate: 3000})
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if err := w.await("acknowledgements", count(len(w.journal.find(history.OpSend, history.OK))+200, history.OpSend, history.OK)); err != nil {
			return err
		}
		if err := w.inst.Kill(b.ctx); err != nil {
			return err
		}
		if e, err := w.ended(); err != nil || e.Signal != "SIGKILL" {
			return fmt.Errorf("killed, it ended with %d %s: %w", e.Code, e.Signal, err)
		}
		if n == 3 {
			break
		}
		if err := w.restart(); err != nil {
			return err
		}
	}
	records, err := b.log("in", kgo.ReadUncommitted())
	if err != nil {
		return err
	}
	for _, proc := range []string{"shop/0/1", "shop/0/2", "shop/0/3"} {
		var events []history.Event
		var own []logged
		for _, e := range w.journal.all() {
			if e.Proc == proc {
				events = append(events, e)
			}
		}
		for _, r := range records {
			if strings.HasPrefix(r.value, proc+"#") {
				own = append(own, r)
			}
		}
		if err := agree(events, own); err != nil {
			return err
		}
	}
	return nil
}

// reportsUnknown has the broker write and answer REQUEST_TIMED_OUT.
func reportsUnknown(b *bench) error {
	fault := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: -1})
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in", Rate: 50, Config: properties(
		"acks", "all", "enable.idempotence", "false", "retries", "0", "request.timeout.ms", "1000",
		"delivery.timeout.ms", "2000", "linger.ms", "0")})
	if err != nil {
		return err
	}
	if err := fault.Wait(b.ctx, 5); err != nil {
		return fmt.Errorf("waited for produce requests: %w", err)
	}
	// A library that retries without end reports nothing, which is right too.
	deadline := time.Now().Add(5 * time.Second)
	told := func(events []history.Event) bool {
		return count(5, history.OpSend, history.Info)(events) || count(1, history.OpSend, history.Fail)(events) || time.Now().After(deadline)
	}
	for !told(w.journal.all()) {
		if b.pause(lookPause); b.ctx.Err() != nil {
			return context.Cause(b.ctx)
		}
	}
	if f := w.journal.find(history.OpSend, history.Fail); len(f) > 0 {
		return fmt.Errorf("send %d of %v is reported as fail with %+v, but the broker wrote it; nobody can know, so it is info", f[0].ID, f[0].Val, f[0].Err)
	}
	for _, e := range w.journal.find(history.OpSend, history.Info) {
		if e.Err == nil || e.Err.Name == "" {
			return fmt.Errorf("send %d has an unknown outcome and no err", e.ID)
		}
	}
	fault.Remove()
	return w.inst.Kill(b.ctx)
}

func feelsBackPressure(b *bench) error {
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in"})
	if err != nil {
		return err
	}
	if err := w.await("acknowledgements", count(500, history.OpSend, history.OK)); err != nil {
		return err
	}
	w.journal.block()
	end := func() int64 { return b.cluster.PartitionInfo("in", 0).HighWatermark }
	still, last := 0, end()
	for deadline := time.Now().Add(12 * time.Second); still < 8; {
		if time.Now().After(deadline) {
			return errors.New("it goes on sending though nobody has read its events for 12 s")
		}
		if b.pause(100 * time.Millisecond); b.ctx.Err() != nil {
			return context.Cause(b.ctx)
		}
		if now := end(); now == last {
			still++
		} else {
			still, last = 0, now
		}
	}
	w.journal.unblock()
	if err := w.await("it to go on", count(len(w.journal.find(history.OpSend, history.OK))+100, history.OpSend, history.OK)); err != nil {
		return err
	}
	if err := w.inst.Stop(b.ctx); err != nil {
		return err
	}
	records, err := b.log("in", kgo.ReadUncommitted())
	if err != nil {
		return err
	}
	return agree(w.journal.all(), records)
}

func sendsTransactions(b *bench) error {
	w, err := b.start("shop", worker.Spec{Role: guarantee.Producer, Topic: "in", Max: 60, Transaction: 20, Config: properties("transactional.id", "shop")})
	if err != nil {
		return err
	}
	exit, err := w.ended()
	if err != nil {
		return err
	}
	if exit.Code != 0 {
		return fmt.Errorf("after max records it ended with exit code %d %s: %q", exit.Code, exit.Signal, exit.LastLines)
	}
	if n := len(w.journal.find(history.OpCommit, history.OK)); n != 3 {
		return fmt.Errorf("60 records in transactions of 20: %d commits", n)
	}
	if n := len(w.journal.find(history.OpInitProducer, history.OK)); n != 1 {
		return fmt.Errorf("init-producer is reported %d times, want once", n)
	}
	if err := inTransactions(w.journal.all()); err != nil {
		return err
	}
	records, err := b.log("in", kgo.ReadCommitted())
	if err != nil {
		return err
	}
	if len(records) != 60 {
		return fmt.Errorf("60 records were committed, read_committed returns %d", len(records))
	}
	for i, r := range records {
		if want := fmt.Sprint(i/20 + 1); r.txn != want {
			return fmt.Errorf("record %s at %d has header %s %q, want %q", r.value, r.off, worker.HeaderTxn, r.txn, want)
		}
	}
	return agree(w.journal.all(), records)
}

// inTransactions checks that each transaction begins, sends, and ends in this
// order, and that all its sends have ended when its commit is invoked.
func inTransactions(events []history.Event) error {
	begun, ended := map[int64]bool{}, map[int64]bool{}
	open := map[int64]int64{} // send -> transaction
	for _, e := range events {
		switch {
		case e.Op == history.OpBegin:
			begun[e.Txn] = true
		case e.Op == history.OpSend && e.Type == history.Invoke:
			if !begun[e.Txn] || ended[e.Txn] {
				return fmt.Errorf("send %d in transaction %d, which is not open", e.ID, e.Txn)
			}
			open[e.ID] = e.Txn
		case e.Op == history.OpSend:
			delete(open, e.ID)
		case e.Op == history.OpCommit && e.Type == history.Invoke:
			for id, txn := range open {
				if txn == e.Txn {
					return fmt.Errorf("commit of transaction %d is invoked while send %d has no end", txn, id)
				}
			}
			ended[e.Txn] = true
		case e.Op == history.OpAbort && e.Type == history.Invoke:
			ended[e.Txn] = true
		}
	}
	return nil
}

// raw starts the program without client.Instance, to treat it as that never would.
func (b *bench) raw(spec worker.Spec) (cmd *exec.Cmd, stdin io.WriteCloser, lines *bufio.Scanner, err error) {
	cmd = exec.CommandContext(b.ctx, b.suite.command[0], b.suite.command[1:]...)
	if stdin, err = cmd.StdinPipe(); err != nil {
		return nil, nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	if spec.Config == nil {
		spec.Config = properties()
	}
	spec.Protocol, spec.Proc, spec.Bootstrap = worker.ProtocolVersion, "shop/0/1", b.cluster.ListenAddrs()
	line, err := json.Marshal(spec)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, err
	}
	if _, err := stdin.Write(append(line, '\n')); err != nil {
		return nil, nil, nil, err
	}
	lines = bufio.NewScanner(stdout)
	lines.Buffer(nil, worker.MaxLine)
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte(`"hello"`)) {
			return cmd, stdin, lines, nil
		}
	}
	return nil, nil, nil, errors.Join(errors.New("no hello"), lines.Err(), cmd.Wait())
}

func obeysTerm(b *bench) error {
	cmd, _, lines, err := b.raw(worker.Spec{Role: guarantee.Producer, Topic: "in", Rate: 100})
	if err != nil {
		return err
	}
	asked, closed := false, false
	for lines.Scan() {
		var e history.Event
		if err := history.ParseLine(lines.Bytes(), &e); err != nil {
			return err
		}
		if e.Op == history.OpSend && e.Type == history.OK && !asked {
			asked = true // a second one may well mean "at once"
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				return err
			}
		}
		closed = closed || e.Op == history.OpClose && e.Type == history.OK
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("after SIGTERM: %w", err)
	}
	if !closed {
		return errors.New("after SIGTERM it ended without close")
	}
	return nil
}

func endsWithStdin(b *bench, spec worker.Spec) error {
	cmd, stdin, lines, err := b.raw(spec)
	if err != nil {
		return err
	}
	if err := stdin.Close(); err != nil {
		return err
	}
	start := time.Now()
	for lines.Scan() {
	}
	_ = cmd.Wait() // whatever its exit code, it has ended
	if took := time.Since(start); took > 5*time.Second || b.ctx.Err() != nil {
		return fmt.Errorf("it lived on for %v after its stdin ended; its harness is gone then", took.Round(time.Millisecond))
	}
	return nil
}

func refusesUnknown(b *bench, spec worker.Spec) error {
	spec.Config["no.such.property"] = "1"
	w, err := b.start("refuse", spec)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(w.hello.Refused, func(s string) bool { return strings.Contains(s, "no.such.property") }) {
		return fmt.Errorf("refused is %q, without no.such.property", w.hello.Refused)
	}
	return w.inst.Stop(b.ctx)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
