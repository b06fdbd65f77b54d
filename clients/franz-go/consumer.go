package franzgo

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

const (
	pollLine   = 1000                   // records in one line of a poll, at most
	pollPause  = 100 * time.Millisecond // after a poll that returned an error
	maxIDBytes = 200                    // a first line longer than this is no value id
)

// input is one polled record.
type input struct {
	r   *kgo.Record
	val history.Value // zero if it carries none
}

func (in *input) tp() history.TopicPartition {
	return history.TopicPartition{Topic: in.r.Topic, Part: in.r.Partition}
}

func (in *input) input() history.Input { return history.Input{TP: in.tp(), Off: in.r.Offset} }

// consume is the consumer role, and the processor's.
func (w *job) consume() error {
	err := w.pollOn()
	if w.thread.Wait(); err == nil {
		err = w.ended()
	}
	return err
}

// pollOn polls until it is told to stop, and handles what comes.
func (w *job) pollOn() error {
	out := &outbox{w: w}
	for w.stop.Err() == nil && w.ended() == nil {
		inputs, err := w.poll()
		if err == nil && len(inputs) > 0 {
			err = w.handle(out, inputs)
		}
		if w.swallows(err) {
			err = w.reopen(inputs)
		}
		if w.sess == nil {
			w.cl.AllowRebalance()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// handle processes the records of one poll and commits them, in the order that
// the commit pattern says.
func (w *job) handle(out *outbox, inputs []input) error {
	if w.has(guarantee.HabitHandOff) {
		return w.handOff(out, inputs)
	}
	switch w.spec.Commit {
	case guarantee.CommitTxn:
		if !w.bySession() {
			return w.byHand(out, inputs)
		}
		return w.session(out, inputs)
	case guarantee.CommitTxnOutside:
		return w.outside(out, inputs)
	case guarantee.CommitBefore:
		return w.first(w.commit(inputs), func() error { return w.work(out, inputs) })
	case guarantee.CommitEach:
		for i := range inputs {
			if err := w.work(out, inputs[i:i+1]); err != nil {
				return err
			}
			if err := w.commit(inputs[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	case guarantee.CommitBatch:
		return w.first(w.work(out, inputs), func() error { return w.commit(inputs) })
	}
	return w.work(out, inputs) // auto: the library commits what the poll before returned
}

// work processes inputs and waits until their outputs are acknowledged.
func (w *job) work(out *outbox, inputs []input) error {
	for i := range inputs {
		if err := w.process(out, &inputs[i]); err != nil {
			return err
		}
	}
	if err := out.settle(); err != nil {
		return err
	}
	return w.print.Flush()
}

// poll returns the next records, and reports them.
func (w *job) poll() ([]input, error) {
	fetches := w.cl.PollRecords(w.stop, w.set.maxPoll)
	if err := w.pollErrors(fetches); err != nil {
		return nil, err
	}
	inputs := make([]input, 0, fetches.NumRecords())
	var lines []*history.Event
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, r := range p.Records {
			if n := len(lines); n == 0 || len(lines[n-1].Off) == pollLine || lines[n-1].TP != (history.TopicPartition{Topic: r.Topic, Part: r.Partition}) {
				lines = append(lines, &history.Event{
					Type: history.OK, Op: history.OpPoll, TP: history.TopicPartition{Topic: r.Topic, Part: r.Partition},
				})
			}
			e := lines[len(lines)-1]
			v := valueOf(r)
			e.Off, e.Val = append(e.Off, r.Offset), append(e.Val, v)
			if from := inputOf(r); from != (history.Input{}) || e.From != nil {
				for len(e.From) < len(e.Off)-1 {
					e.From = append(e.From, history.Input{})
				}
				e.From = append(e.From, from)
			}
			inputs = append(inputs, input{r: r, val: v})
		}
	})
	if len(lines) > 0 {
		w.print.Tell(lines...)
		w.print.Nudge()
	}
	return inputs, nil
}

// pollErrors reports what a poll returned besides records.
func (w *job) pollErrors(fetches kgo.Fetches) error {
	var fatal error
	failed := false
	fetches.EachError(func(topic string, part int32, err error) {
		if w.stop.Err() != nil {
			return
		}
		failed = true
		e := &history.Event{Type: history.Fail, Op: history.OpPoll, Err: errorOf(err)}
		if topic != "" {
			e.TP = history.TopicPartition{Topic: topic, Part: part}
		}
		w.print.Tell(e)
		if isFatal(err) {
			fatal = fatalError{fmt.Errorf("poll: %w", err)}
		}
	})
	if failed {
		w.print.Nudge()
		if fetches.NumRecords() == 0 {
			w.wait(pollPause)
		}
	}
	return errors.Join(fatal, w.ctx.Err())
}

// valueOf is the value id in a record's first line.
func valueOf(r *kgo.Record) history.Value {
	line, _, found := bytes.Cut(r.Value[:min(len(r.Value), maxIDBytes)], []byte{'\n'})
	if !found {
		return history.Value{}
	}
	v, err := history.ParseValue(string(line))
	if err != nil {
		return history.Value{} // somebody else's record
	}
	return v
}

func inputOf(r *kgo.Record) history.Input {
	for _, h := range r.Headers {
		if h.Key == worker.HeaderFrom {
			in, err := history.ParseInput(string(h.Value))
			if err != nil {
				return history.Input{}
			}
			return in
		}
	}
	return history.Input{}
}
