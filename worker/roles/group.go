package roles

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

const (
	pollLine   = 1000 // records in one line of a poll, at most
	maxIDBytes = 200  // a first line longer than this is no value id
)

// group reports what the library tells of its group, and handles its records one
// batch at a time.
type group struct {
	w  *job
	mu sync.Mutex
}

func (w *job) consume() error {
	defer w.thread.Wait()
	if err := w.lib.Consume(w.stop, w.spec.Input, &group{w: w}); err != nil && w.stop.Err() == nil {
		if w.finished(err) {
			return fmt.Errorf("%w: consume: %w", errFatal, err)
		}
		return fmt.Errorf("consume: %w", err)
	}
	return nil
}

func (g *group) Told(op history.Op, tps []history.TopicPartition) {
	var lines []*history.Event
	for _, tp := range tps {
		lines = append(lines, &history.Event{Type: history.Info, Op: op, Group: g.w.group, TP: tp})
	}
	if len(lines) > 0 {
		g.w.print.Tell(lines...)
		g.w.print.Nudge()
	}
}

func (g *group) Failed(err error) { g.FailedAt(history.TopicPartition{}, err) }

func (g *group) FailedAt(tp history.TopicPartition, err error) {
	g.w.print.Tell(&history.Event{Type: history.Fail, Op: history.OpPoll, TP: tp, Err: g.w.lib.Explain(err)})
	g.w.print.Nudge()
	if g.w.finished(err) {
		g.w.fail(err)
	}
}

func (g *group) Handle(records []Record) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.w.ended(); err != nil {
		return err
	}
	g.w.polled(records)
	err := g.w.handle(records)
	if err != nil {
		g.w.mu.Lock()
		g.w.fatal = err
		g.w.mu.Unlock()
	}
	return err
}

func (w *job) polled(records []Record) {
	var lines []*history.Event
	for i := range records {
		r := &records[i]
		if n := len(lines); n == 0 || len(lines[n-1].Off) == pollLine || lines[n-1].TP != r.TP {
			lines = append(lines, &history.Event{Type: history.OK, Op: history.OpPoll, TP: r.TP})
		}
		e := lines[len(lines)-1]
		e.Off, e.Val = append(e.Off, r.Off), append(e.Val, r.val())
		if from := r.lineage(); from != (history.Input{}) || e.From != nil {
			for len(e.From) < len(e.Off)-1 {
				e.From = append(e.From, history.Input{})
			}
			e.From = append(e.From, from)
		}
	}
	w.print.Tell(lines...)
	w.print.Nudge()
}

// val is the value id in the record's first line; zero for somebody else's.
func (r *Record) val() history.Value {
	if !r.looked {
		r.id, r.looked = r.find(), true
	}
	return r.id
}

func (r *Record) find() history.Value {
	line, _, found := bytes.Cut(r.Value[:min(len(r.Value), maxIDBytes)], []byte{'\n'})
	v, err := history.ParseValue(string(line))
	if !found || err != nil {
		return history.Value{}
	}
	return v
}

func (r *Record) lineage() history.Input {
	for _, h := range r.Headers {
		if h.Key == worker.HeaderFrom {
			if in, err := history.ParseInput(string(h.Value)); err == nil {
				return in
			}
		}
	}
	return history.Input{}
}

func (r *Record) input() history.Input { return history.Input{TP: r.TP, Off: r.Off} }

// handle processes records and commits them, in the order that the pattern says.
func (w *job) handle(records []Record) error {
	commit := func(some []Record) error {
		if err := w.commit(history.OpCommitOffsets, some, w.lib.CommitOffsets); w.finished(err) {
			return fmt.Errorf("%w: commit offsets: %w", errFatal, err)
		}
		return w.ctx.Err() // what was not committed comes again
	}
	work := w.work
	if w.has(guarantee.HabitHandOff) {
		work = w.handOff
	}
	switch w.spec.Commit {
	case guarantee.CommitTxn, guarantee.CommitTxnOutside:
		return w.handleTransaction(records, commit)
	case guarantee.CommitBefore:
		if err := commit(records); err != nil {
			return err
		}
		return w.work(records)
	case guarantee.CommitEach:
		for i := range records {
			if err := w.work(records[i : i+1]); err != nil {
				return err
			}
			if err := commit(records[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	case guarantee.CommitBatch:
		if err := work(records); err != nil {
			return err
		}
		return commit(records)
	}
	if err := work(records); err != nil {
		return err
	}
	w.lib.Mark(records)
	return nil
}

func (w *job) handleTransaction(records []Record, commit func([]Record) error) error {
	if err := w.begin(); err != nil {
		return err
	}
	if err := w.process(records); err != nil {
		return err
	}
	var staged []Record
	if w.spec.Commit == guarantee.CommitTxn {
		staged = records
	}
	outcome, err := w.endTransaction(staged)
	switch {
	case err != nil:
		return w.swallow(err)
	case outcome != history.OK && w.has(guarantee.HabitNoRewind):
		if s := w.session(); s != nil {
			s.GoOn(records)
		}
		return nil
	case outcome != history.OK:
		var lines []*history.Event
		for _, o := range w.lib.Rewind(records) {
			lines = append(lines, &history.Event{Type: history.Info, Op: history.OpSeek, TP: o.TP, Off: []int64{o.Off}})
		}
		if len(lines) > 0 {
			w.print.Tell(lines...)
			w.print.Nudge()
		}
		return nil
	case staged == nil:
		return commit(records)
	}
	w.lib.Mark(records)
	return nil
}

// commit reports a commit of the offsets behind records, and makes it.
func (w *job) commit(op history.Op, records []Record, call func([]Offset) error) error {
	if _, itself := w.lib.(Hosted); itself {
		return call(behind(records))
	}
	token := w.token()
	told := token
	if m, ok := w.lib.(Metadata); ok {
		told = m.Metadata(token)
	}
	offsets := behind(records)
	var lines []*history.Event
	for i := range offsets {
		o := &offsets[i]
		o.Meta = token
		lines = append(lines, &history.Event{
			Op: op, Group: w.group, TP: o.TP, Meta: told, Txn: w.inTxn.Load(), Off: []int64{o.Off},
		})
	}
	w.print.Invoke(lines...)
	if err := w.print.Flush(); err != nil {
		return err
	}
	err := call(offsets)
	for _, e := range lines {
		if e.Type = history.OK; err != nil {
			e.Type, e.Err = history.Info, w.lib.Explain(err)
		}
		w.print.End(e)
	}
	return err
}

// behind are the offsets behind records, one a partition, in the order in which the
// partitions appear.
func behind(records []Record) []Offset {
	var offsets []Offset
	at := map[history.TopicPartition]int{}
	for i := range records {
		r := &records[i]
		n, seen := at[r.TP]
		if !seen {
			n = len(offsets)
			at[r.TP] = n
			offsets = append(offsets, Offset{TP: r.TP})
		}
		offsets[n].Off, offsets[n].Epoch = r.Off+1, r.Epoch
	}
	return offsets
}

// work processes records and waits until their outputs are acknowledged.
func (w *job) work(records []Record) error {
	if err := w.process(records); err != nil {
		return err
	}
	if err := w.out.settle(); err != nil {
		return err
	}
	return w.print.Flush()
}

// process is the application's work on each record: a side effect, which is the
// line that reports it, and for a processor an output.
func (w *job) process(records []Record) error {
	for i := range records {
		if err := w.processOne(&records[i]); err != nil {
			return err
		}
		if len(w.out.queued) >= Burst {
			if err := w.out.release(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *job) processOne(r *Record) error {
	if w.again(r) {
		return nil
	}
	for try := 0; ; try++ {
		took, fails := w.draw(r, try)
		if err := w.rest(took); err != nil {
			return err
		}
		e := &history.Event{Type: history.OK, Op: history.OpProcess, Txn: w.inTxn.Load(), From: []history.Input{r.input()}}
		if v := r.val(); v != (history.Value{}) {
			e.Val = []history.Value{v}
		}
		if !fails {
			w.print.Tell(e)
			if w.spec.Output != "" {
				w.out.add(history.OpSend, w.spec.Output, w.next(), r.Key, r.input())
			}
			return nil
		}
		e.Type, e.Err = history.Fail, &history.Error{Name: "ProcessingFailed", Text: "attempt " + strconv.Itoa(try+1)}
		w.print.Tell(e)
		if try >= w.spec.Retry.Attempts {
			if w.spec.Retry.Topic != "" {
				w.out.add(history.OpSetAside, w.spec.Retry.Topic, w.next(), r.Key, r.input())
			}
			return nil
		}
		if err := w.rest(time.Duration(w.spec.Retry.BackoffNS)); err != nil {
			return err
		}
	}
}

// rest waits for d; what was done before it is told, and sent, before.
func (w *job) rest(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if err := w.out.release(); err != nil {
		return err
	}
	if err := w.print.Flush(); err != nil {
		return err
	}
	if !w.wait(d) {
		return w.ctx.Err()
	}
	return nil
}

// draw says how long an attempt takes and whether it fails, the same in every
// incarnation.
func (w *job) draw(r *Record, try int) (took time.Duration, fails bool) {
	p := w.spec.Process
	if p.MaxNS <= 0 && p.Fail <= 0 {
		return time.Duration(p.MinNS), false
	}
	name := r.val().String()
	if name == "" {
		name = r.input().String()
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	h.Write([]byte{byte(try)})
	rng := rand.New(rand.NewPCG(w.spec.Seed, h.Sum64()))
	fails = rng.Float64() < p.Fail
	took = time.Duration(p.MinNS)
	if p.MaxNS > p.MinNS {
		took += time.Duration(rng.Int64N(p.MaxNS - p.MinNS + 1))
	}
	return took, fails
}
