package roles

import (
	"errors"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Reopener is implemented by a Library that can take a new producer in the place
// of one that was fenced, beside the consumer that it has.
type Reopener interface {
	Reopen() error
}

// Memberless is implemented by a Library that can send offsets into a transaction
// without the group's metadata.
type Memberless interface {
	SendOffsetsWithoutGroup([]Offset) error
}

// habits are those that a worker around lib can have.
func habits(lib Library) []string {
	all := []string{guarantee.HabitDedupInMemory, guarantee.HabitHandOff}
	if !slices.Contains(lib.Commits(), guarantee.CommitTxn) {
		return all
	}
	all = append(all, guarantee.HabitNoRewind, guarantee.HabitIgnoreSendErrors)
	if _, ok := lib.(Reopener); ok {
		all = append(all, guarantee.HabitSwallowFatal)
	}
	if _, ok := lib.(Memberless); ok {
		all = append(all, guarantee.HabitNoGroupMetadata)
	}
	return all
}

func (w *job) has(habit string) bool { return slices.Contains(w.spec.Habits, habit) }

// sendOffsets is how the application sends offsets into its transactions.
func (w *job) sendOffsets() func([]Offset) error {
	if m, ok := w.lib.(Memberless); ok && w.has(guarantee.HabitNoGroupMetadata) {
		return m.SendOffsetsWithoutGroup
	}
	return w.lib.SendOffsets
}

// swallow takes a fatal error for one more failure: with a new producer the
// application goes on behind the records whose transaction was fenced. Any other
// error it returns.
func (w *job) swallow(err error) error {
	r, ok := w.lib.(Reopener)
	if !ok || err == nil || w.ctx.Err() != nil || !w.has(guarantee.HabitSwallowFatal) || !w.finished(err) {
		return err
	}
	if err := r.Reopen(); err != nil {
		return errors.Join(errFatal, err)
	}
	w.mu.Lock()
	w.fatal = nil
	w.mu.Unlock()
	return w.initProducer()
}

// handOff has records processed by another thread.
func (w *job) handOff(records []Record) error {
	w.thread.Go(func() {
		for i := range records {
			if w.ended() != nil {
				return
			}
			if err := w.work(records[i : i+1]); err != nil {
				w.fail(err)
			}
		}
	})
	return nil
}

// again says whether the application has processed r before, and remembers it.
func (w *job) again(r *Record) bool {
	if !w.has(guarantee.HabitDedupInMemory) {
		return false
	}
	if w.done[r.input()] {
		return true
	}
	if w.done == nil {
		w.done = map[history.Input]bool{}
	}
	w.done[r.input()] = true
	return false
}
