package conformance

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

const inputs = 40 // records that a case has processed

// groupTests are the cases about consumers and processors: one for each commit
// pattern that the hello claims, and some for the first of them.
func groupTests(h *worker.Hello) []test {
	var tests []test
	for _, role := range []string{guarantee.Consumer, guarantee.Processor} {
		if !slices.Contains(h.Roles, role) {
			continue
		}
		for _, commit := range h.Commits {
			if role == guarantee.Consumer && isTransaction(commit) {
				continue
			}
			tests = append(tests, test{name: role + ": commit " + commit, run: func(b *bench) error { return pattern(b, role, commit) }})
		}
	}
	role := guarantee.Processor
	if !slices.Contains(h.Roles, role) {
		role = guarantee.Consumer
	}
	if !slices.Contains(h.Roles, role) {
		return tests
	}
	plain := slices.DeleteFunc(slices.Clone(h.Commits), func(c string) bool {
		return isTransaction(c) || c == guarantee.CommitAuto || c == guarantee.CommitBefore
	})
	tests = append(tests, test{name: role + ": tells of rebalances", run: func(b *bench) error { return rebalance(b, role, h.Commits[0]) }})
	if len(plain) > 0 {
		tests = append(tests,
			test{name: role + ": what fails to the last is put aside", run: func(b *bench) error { return setAside(b, role, plain[0]) }},
			test{name: role + ": a kill loses no input", run: func(b *bench) error { return killed(b, role, plain[0]) }, long: true})
	}
	if slices.Contains(h.Commits, guarantee.CommitTxn) && role == guarantee.Processor {
		tests = append(tests, test{name: role + ": a fenced one says so and ends", run: fenced, long: true})
	}
	return tests
}

func isTransaction(commit string) bool {
	return commit == guarantee.CommitTxn || commit == guarantee.CommitTxnOutside
}

func groupSpec(role, commit string) worker.Spec {
	spec := worker.Spec{Role: role, Input: "in", Commit: commit, Seed: 1, Config: group()}
	if role == guarantee.Processor {
		spec.Output = "out"
	}
	if isTransaction(commit) {
		spec.Config["transactional.id"] = "till"
	}
	return spec
}

// pattern runs one role with one commit pattern over the inputs, stops it, and
// checks what it reported against the pattern, the log and the group's offsets.
func pattern(b *bench, role, commit string) error {
	if err := b.fill("in", inputs); err != nil {
		return err
	}
	w, err := b.start("till", groupSpec(role, commit))
	if err != nil {
		return err
	}
	if err := w.await("all inputs to be processed", handled(inputs, role, commit)); err != nil {
		return err
	}
	if err := w.inst.Stop(b.ctx); err != nil {
		return err
	}
	events := w.journal.all()
	err = errors.Join(polledAll(events), inOrder(events, role, commit), b.offsets(events), b.outputs(events, role, commit))
	if isTransaction(commit) {
		err = errors.Join(err, inTransactions(events))
	}
	return err
}

// handled returns a condition: n inputs processed, and as far as the pattern
// goes their outputs acknowledged and committed.
func handled(n int, role, commit string) func([]history.Event) bool {
	return func(events []history.Event) bool {
		processed, outputs, committed := map[string]bool{}, 0, int64(0)
		for _, e := range events {
			switch {
			case e.Type != history.OK:
			case e.Op == history.OpProcess:
				for _, in := range e.From {
					processed[in.String()] = true
				}
			case e.Op == history.OpSend:
				outputs++
			case e.Op == history.OpCommitOffsets || e.Op == history.OpSendOffsets:
				committed = max(committed, e.Off[0])
			}
		}
		return len(processed) >= n && (role != guarantee.Processor || outputs >= n) && (commit == guarantee.CommitAuto || committed >= int64(n))
	}
}

func polledAll(events []history.Event) error {
	next := int64(0)
	for _, e := range events {
		if e.Op != history.OpPoll || e.Type != history.OK {
			continue
		}
		for i, off := range e.Off {
			if want := (history.Value{Proc: "shop/0/1", N: off + 1}); e.Val[i] != want {
				return fmt.Errorf("poll of %s@%d returned %q, the log has %q", e.TP, off, e.Val[i], want)
			}
			if off != next {
				return fmt.Errorf("poll returned offset %d, want %d", off, next)
			}
			next++
		}
	}
	if next < inputs {
		return fmt.Errorf("polls returned %d records, want %d", next, inputs)
	}
	return nil
}

// order follows how far each input has come.
type order struct {
	processed map[int64]bool
	acked     map[int64]bool  // its output is acknowledged
	durable   map[int64]bool  // its output's transaction is committed
	inTxn     map[int64]int64 // its output's transaction
	committed int64           // its offset is committed: below this
	invoked   int64
}

// inOrder checks that the steps of the commit pattern come one after another.
func inOrder(events []history.Event, role, commit string) error {
	o := order{processed: map[int64]bool{}, acked: map[int64]bool{}, durable: map[int64]bool{}, inTxn: map[int64]int64{}}
	commits := 0
	for _, e := range events {
		switch {
		case e.Op == history.OpProcess && e.Type == history.OK:
			for _, in := range e.From {
				o.processed[in.Off] = true
				if commit == guarantee.CommitBefore && in.Off >= o.committed {
					return fmt.Errorf("%s was processed before its offset was committed", in)
				}
			}
		case e.Op == history.OpSend && e.Type == history.Invoke:
			if len(e.From) != 1 {
				return fmt.Errorf("send %d of a processor has no from", e.ID)
			}
			if !o.processed[e.From[0].Off] {
				return fmt.Errorf("the output of %s was sent before it was processed", e.From[0])
			}
			o.inTxn[e.From[0].Off] = e.Txn
		case e.Op == history.OpSend && e.Type == history.OK:
			for off, id := range sendsOf(events, e.ID) {
				o.acked[off] = id
			}
		case e.Op == history.OpCommit && e.Type == history.OK:
			for off, txn := range o.inTxn {
				if txn == e.Txn {
					o.durable[off] = true
				}
			}
		case e.Op == history.OpCommitOffsets && e.Type == history.Invoke, e.Op == history.OpSendOffsets && e.Type == history.Invoke:
			if err := o.mayCommit(e.Off[0], role, commit); err != nil {
				return fmt.Errorf("%s %d: %w", e.Op, e.ID, err)
			}
		case e.Op == history.OpCommitOffsets && e.Type == history.OK:
			o.committed = max(o.committed, e.Off[0])
			commits++
		}
	}
	if commit == guarantee.CommitEach && commits < inputs {
		return fmt.Errorf("%d commits for %d records; %s commits each", commits, inputs, commit)
	}
	return nil
}

// sendsOf returns the inputs of the send with this id.
func sendsOf(events []history.Event, id int64) map[int64]bool {
	sent := map[int64]bool{}
	for _, e := range events {
		if e.Op == history.OpSend && e.Type == history.Invoke && e.ID == id {
			for _, in := range e.From {
				sent[in.Off] = true
			}
		}
	}
	return sent
}

// mayCommit checks that what lies before next has gone as far as the pattern
// wants before a commit.
func (o *order) mayCommit(next int64, role, commit string) error {
	if commit == guarantee.CommitAuto || commit == guarantee.CommitBefore {
		return nil
	}
	for off := o.invoked; off < next; off++ {
		switch {
		case !o.processed[off]:
			return fmt.Errorf("offset %d is invoked, but %d is not processed", next, off)
		case role == guarantee.Processor && !o.acked[off]:
			return fmt.Errorf("offset %d is invoked, but the output of %d is not acknowledged", next, off)
		case commit == guarantee.CommitTxnOutside && !o.durable[off]:
			return fmt.Errorf("offset %d is invoked, but the transaction of %d's output is not committed", next, off)
		}
	}
	if commit == guarantee.CommitEach && next > o.invoked+1 {
		return fmt.Errorf("from %d to %d in one commit; %s commits each", o.invoked, next, commit)
	}
	o.invoked = max(o.invoked, next)
	return nil
}

// offsets checks the group's committed offset after a graceful stop, and that it
// carries the token that was reported.
func (b *bench) offsets(events []history.Event) error {
	info := b.cluster.GroupInfo("till")
	if info == nil {
		return errors.New("group till does not exist")
	}
	at, any := info.Commits["in"][0]
	if !any || at.Offset != inputs {
		return fmt.Errorf("after a graceful stop the group is at offset %d of in/0, want %d", at.Offset, inputs)
	}
	meta := ""
	for _, e := range events {
		if (e.Op == history.OpCommitOffsets || e.Op == history.OpSendOffsets) && e.Type == history.OK && e.Off[0] == inputs {
			meta = e.Meta
		}
	}
	for _, e := range events { // an ok need not repeat the token
		if (e.Op == history.OpCommitOffsets || e.Op == history.OpSendOffsets) && e.Type == history.Invoke && e.Off[0] == inputs && e.Meta != "" {
			meta = e.Meta
		}
	}
	if meta != "" && at.Metadata != meta {
		return fmt.Errorf("the last commit's meta is %q, the group has %q", meta, at.Metadata)
	}
	return nil
}

// outputs checks that each input has one visible output that names it.
func (b *bench) outputs(events []history.Event, role, commit string) error {
	if role != guarantee.Processor {
		return nil
	}
	records, err := b.log("out", kgo.ReadCommitted())
	if err != nil {
		return err
	}
	from := map[string]int{}
	for _, r := range records {
		from[r.from]++
		if (r.txn != "") != isTransaction(commit) {
			return fmt.Errorf("record %s has header %s %q", r.value, worker.HeaderTxn, r.txn)
		}
	}
	for i := range inputs {
		in := history.Input{TP: history.TopicPartition{Topic: "in"}, Off: int64(i)}.String()
		if from[in] != 1 {
			return fmt.Errorf("%d visible outputs have header %s %q, want 1", from[in], worker.HeaderFrom, in)
		}
	}
	return agree(events, records)
}

// rebalance has two members of one group.
func rebalance(b *bench, role, commit string) error {
	spec := groupSpec(role, commit)
	spec.Input = "in4"
	first, err := b.start("till", spec)
	if err != nil {
		return err
	}
	if err := first.await("four partitions to be assigned", owns(4)); err != nil {
		return err
	}
	if isTransaction(commit) {
		spec.Config = group("transactional.id", "till-2")
	}
	second, err := b.start("till2", spec)
	if err != nil {
		return err
	}
	if err := second.await("two partitions to be assigned", owns(2)); err != nil {
		return err
	}
	if err := first.await("two partitions to be given back", owns(2)); err != nil {
		return err
	}
	if err := second.inst.Stop(b.ctx); err != nil {
		return err
	}
	if err := first.await("four partitions to be assigned again", owns(4)); err != nil {
		return err
	}
	return first.inst.Stop(b.ctx)
}

// owns returns a condition: the worker has n partitions by what it told.
func owns(n int) func([]history.Event) bool {
	return func(events []history.Event) bool {
		own := map[history.TopicPartition]bool{}
		for _, e := range events {
			switch e.Op {
			case history.OpAssigned:
				own[e.TP] = true
			case history.OpRevoked, history.OpLost:
				delete(own, e.TP)
			}
		}
		return len(own) == n
	}
}

// setAside has processing fail always.
func setAside(b *bench, role, commit string) error {
	if err := b.fill("in", inputs); err != nil {
		return err
	}
	spec := groupSpec(role, commit)
	spec.Process.Fail = 1
	spec.Retry = worker.Retry{Attempts: 2, BackoffNS: int64(time.Millisecond), Topic: "aside"}
	w, err := b.start("till", spec)
	if err != nil {
		return err
	}
	committed := func(events []history.Event) bool {
		return slices.ContainsFunc(events, func(e history.Event) bool {
			return e.Op == history.OpCommitOffsets && e.Type == history.OK && e.Off[0] == inputs
		})
	}
	if err := w.await("all inputs to be put aside and committed", committed); err != nil {
		return err
	}
	if err := w.inst.Stop(b.ctx); err != nil {
		return err
	}
	if n := len(w.journal.find(history.OpProcess, history.Fail)); n != 3*inputs {
		return fmt.Errorf("%d inputs with 2 attempts after the first: process failed %d times, want %d", inputs, n, 3*inputs)
	}
	if n := len(w.journal.find(history.OpSetAside, history.OK)); n != inputs {
		return fmt.Errorf("%d inputs, %d were put aside", inputs, n)
	}
	aside, err := b.log("aside", kgo.ReadCommitted())
	if err != nil {
		return err
	}
	from := map[string]bool{}
	for _, r := range aside {
		from[r.from] = true
	}
	if len(from) != inputs {
		return fmt.Errorf("%d inputs, the retry topic has %d different ones by header %s", inputs, len(from), worker.HeaderFrom)
	}
	return nil
}

// killed kills a worker in the middle, twice, and counts what was processed.
func killed(b *bench, role, commit string) error {
	if err := b.fill("in", inputs); err != nil {
		return err
	}
	spec := groupSpec(role, commit)
	spec.Config["session.timeout.ms"] = "3000" // its successor waits so long, twice
	spec.Process = worker.Process{MinNS: int64(2 * time.Millisecond), MaxNS: int64(6 * time.Millisecond)}
	w, err := b.start("till", spec)
	if err != nil {
		return err
	}
	for n := 1; n <= 2; n++ {
		if err := w.await("some inputs to be processed", count(n*inputs/4, history.OpProcess, history.OK)); err != nil {
			return err
		}
		if err := w.inst.Kill(b.ctx); err != nil {
			return err
		}
		if _, err := w.ended(); err != nil {
			return err
		}
		if err := w.restart(); err != nil {
			return err
		}
	}
	if err := w.await("all inputs to be processed", handled(inputs, role, commit)); err != nil {
		return err
	}
	if err := w.inst.Stop(b.ctx); err != nil {
		return err
	}
	if role != guarantee.Processor {
		return nil
	}
	records, err := b.log("out", kgo.ReadUncommitted())
	if err != nil {
		return err
	}
	return agree(w.journal.all(), records)
}

// fenced has a second instance take over the transactional id.
func fenced(b *bench) error {
	if err := b.fill("in", 100*inputs); err != nil { // more than it gets through before the other comes
		return err
	}
	spec := groupSpec(guarantee.Processor, guarantee.CommitTxn)
	spec.Config["max.poll.records"] = "1"
	spec.Process = worker.Process{MinNS: int64(30 * time.Millisecond)}
	first, err := b.start("till", spec)
	if err != nil {
		return err
	}
	if err := first.await("a commit", count(1, history.OpCommit, history.OK)); err != nil {
		return err
	}
	other := spec
	other.Config = group("transactional.id", "till", "group.id", "other")
	second, err := b.start("till2", other)
	if err != nil {
		return err
	}
	exit, err := first.ended()
	if err != nil {
		return err
	}
	if exit.Code != 3 {
		return fmt.Errorf("fenced, it ended with exit code %d %s, want 3: %q", exit.Code, exit.Signal, exit.LastLines)
	}
	var told []history.Error
	for _, e := range first.journal.all() {
		if e.Err != nil {
			told = append(told, *e.Err)
		}
	}
	// Some libraries do not tell why they are finished.
	if !slices.ContainsFunc(told, func(e history.Error) bool { return e.Class == history.Fenced || e.Class == history.Fatal }) {
		return fmt.Errorf("fenced, it reports no err of class fenced nor fatal, but %+v", told)
	}
	return second.inst.Kill(b.ctx)
}
