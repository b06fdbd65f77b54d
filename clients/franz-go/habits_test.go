package franzgo

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// TestHabits strikes a transaction once for each habit, and sees what becomes of
// the first of five inputs, each in a transaction of its own.
func TestHabits(t *testing.T) {
	refused := kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "receipts", Err: kerr.InvalidRecord, Count: 1}
	fenced := kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced, Count: 1}
	for _, c := range []struct {
		habit   string
		fault   kfake.Fault
		first   int // outputs of the first input in committed transactions
		commits int
		starts  int // of a producer
	}{
		{"", refused, 1, 5, 1},
		{guarantee.HabitNoRewind, refused, 0, 4, 1},
		{guarantee.HabitIgnoreSendErrors, refused, 0, 5, 1},
		{guarantee.HabitSwallowFatal, fenced, 0, 4, 2},
		{guarantee.HabitNoGroupMetadata, refused, 1, 5, 1},
		{guarantee.HabitDedupInMemory, refused, 0, 5, 1}, // aborted, and taken for done
	} {
		t.Run("habit "+c.habit, func(t *testing.T) {
			t.Parallel()
			cl := cluster(t, "orders", "receipts")
			fill(t, cl, "orders", 5)
			cl.Fault(c.fault)
			spec := worker.Spec{
				Role: guarantee.Processor, Bootstrap: cl.ListenAddrs(), Input: "orders", Output: "receipts", Commit: guarantee.CommitTxn,
				Config: map[string]string{"group.id": "g", "transactional.id": "t", "linger.ms": "0", "max.poll.records": "1"},
			}
			if c.habit != "" {
				spec.Habits = []string{c.habit}
			}
			r := start(t, spec)
			atEnd := func(e *history.Event) bool {
				return e.Op == history.OpSendOffsets && e.Type == history.OK && e.Off[0] == 5
			}
			r.await(1, atEnd)
			if code := r.stop(); code != 0 {
				t.Fatalf("exit code %d: %s", code, r.stderr.String())
			}
			committed := map[int64]bool{}
			for _, e := range r.find(is(history.OpCommit, history.OK)) {
				committed[e.Txn] = true
			}
			first := 0
			for _, e := range r.find(is(history.OpSend, history.OK)) {
				if e.From[0].Off == 0 && committed[e.Txn] {
					first++
				}
			}
			if starts := len(r.find(is(history.OpInitProducer, history.OK))); first != c.first || len(committed) != c.commits || starts != c.starts {
				t.Errorf("%d outputs of the first input, %d commits, %d producers; want %d, %d, %d", first, len(committed), starts, c.first, c.commits, c.starts)
			}
		})
	}
}

// TestHandOff sees what is committed while another thread has not begun on it.
func TestHandOff(t *testing.T) {
	for _, commit := range []string{guarantee.CommitAuto, guarantee.CommitBatch} {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			cl := cluster(t, "orders", "receipts")
			fill(t, cl, "orders", 5)
			r := start(t, worker.Spec{
				Role: guarantee.Processor, Bootstrap: cl.ListenAddrs(), Input: "orders", Output: "receipts", Commit: commit,
				Habits: []string{guarantee.HabitHandOff}, Process: worker.Process{MinNS: 300e6, MaxNS: 300e6},
				Config: map[string]string{"group.id": "g", "linger.ms": "0", "auto.commit.interval.ms": "100"},
			})
			r.await(1, func(e *history.Event) bool {
				return e.Op == history.OpCommitOffsets && e.Type == history.OK && e.Off[0] == 5
			})
			if n := len(r.find(is(history.OpProcess, history.OK))); n == 5 {
				t.Error("all was done when all was committed")
			}
			if code := r.stop(); code != 0 {
				t.Fatalf("exit code %d: %s", code, r.stderr.String())
			}
			if n := len(r.find(is(history.OpSend, history.OK))); n != 5 {
				t.Errorf("%d outputs at the end, want 5: a graceful end does what was handed over", n)
			}
		})
	}
}
