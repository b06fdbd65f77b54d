package harness

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/lineage"
	"github.com/onceproof/onceproof/worker"
)

// auditBatch is the most records that one audit event speaks of, auditWidth the
// most partitions that are read at a time.
const (
	auditBatch = 500
	auditWidth = 8
)

// audit reads, after heal and drain, what the brokers now hold: every partition
// whole, as the log is and as two read_committed consumers see it, every group's
// stable offsets, and every open transaction. It resolves most outcomes that the
// clients could not know.
func (r *run) audit(ctx context.Context) error {
	err := r.auditAll(ctx)
	done := auditEvent(history.OpAuditDone)
	if err != nil {
		done.Type, done.Err = history.Fail, &history.Error{Name: "audit incomplete", Text: err.Error()}
	}
	r.rec.record(done)
	return err
}

func (r *run) auditAll(ctx context.Context) error {
	topics, err := r.topics(ctx)
	if err != nil {
		return err
	}
	marks, err := r.admin.watermarks(ctx, topics)
	if err != nil {
		return err
	}
	second, err := newSecondReader(r.admin.in, r.admin.seeds)
	if err != nil {
		return err
	}
	defer second.close()
	if r.deducer != nil {
		r.sources = newSources(r.cfg.Scenario, r.deducer)
	}
	if err := r.auditPartitions(ctx, marks, second); err != nil {
		return err
	}
	if r.sources != nil {
		if err := r.sources.astray(r.cfg.Scenario.File); err != nil {
			return err
		}
		r.recordLineage()
		if err := r.recordFolds(ctx); err != nil {
			return err
		}
	}
	if err := r.auditOpen(ctx, marks); err != nil {
		return err
	}
	for _, g := range groups(r.cfg.Scenario) {
		offsets, err := r.admin.stableOffsets(ctx, g.id)
		if err != nil {
			return err
		}
		for tp, c := range offsets {
			e := auditEvent(history.OpOffset)
			e.Group, e.TP, e.Meta = g.id, tp, c.meta
			if c.pending {
				e.Type, e.Err = history.Info, &history.Error{Name: kerr.UnstableOffsetCommit.Message, Code: kerr.UnstableOffsetCommit.Code}
			} else {
				e.Off = []int64{c.off}
			}
			r.rec.record(e)
		}
	}
	return nil
}

// auditPartitions reads auditWidth partitions at a time.
func (r *run) auditPartitions(ctx context.Context, marks []watermark, second *secondReader) error {
	policies, err := r.policies(ctx, marks)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, auditWidth)
	errs := make(chan error, len(marks))
	for _, m := range marks {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			a := partitionAudit{record: r.rec.record, admin: r.admin, second: second, mark: m, producers: make(map[int64]*producerTail)}
			if r.deducer != nil {
				log, err := r.admin.batches(ctx, m)
				if err != nil {
					errs <- err
					return
				}
				a.identity, a.policy = r.sources.of(m, log), policies[m.tp.Topic]
			}
			errs <- a.run(ctx)
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// auditOpen lists transactions that are still open on the partitions' leaders.
func (r *run) auditOpen(ctx context.Context, marks []watermark) error {
	var set kadm.TopicsSet
	for _, m := range marks {
		set.Add(m.tp.Topic, m.tp.Part)
	}
	described, err := r.admin.kadm.DescribeProducers(ctx, set)
	if err != nil {
		return fmt.Errorf("describe producers: %w", err)
	}
	for _, p := range described.SortedProducers() {
		if p.CurrentTxnStartOffset < 0 {
			continue
		}
		e := auditEvent(history.OpOpenTxn)
		e.TP = history.TopicPartition{Topic: p.Topic, Part: p.Partition}
		e.PID, e.Epoch, e.HasPID, e.Off = p.ProducerID, p.ProducerEpoch, true, []int64{p.CurrentTxnStartOffset}
		r.rec.record(e)
	}
	return nil
}

func auditEvent(op history.Op) history.Event {
	return history.Event{T: history.Now(), Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: op}
}

// partitionAudit reads one partition in three ways.
type partitionAudit struct {
	record    func(history.Event)
	admin     *admin
	second    *secondReader
	mark      watermark
	producers map[int64]*producerTail
	identity  *identity // nil where every client is a worker
	policy    string    // cleanup.policy of a topic that is not the scenario's; "" = its
	plainLast int64     // offset of the last record outside any transaction, -1 if none
}

// producerTail is a producer's undecided records at the end of what was read, and
// the last offset that its committed transactions reach.
type producerTail struct {
	open          []int64
	committedLast int64
}

func (a *partitionAudit) run(ctx context.Context) error {
	e := auditEvent(history.OpWatermarks)
	e.TP, e.Off = a.mark.tp, []int64{a.mark.start, a.mark.lso, a.mark.high}
	if a.policy != "" {
		e.Data = map[string]any{"cleanup.policy": a.policy}
	}
	a.record(e)
	if err := a.log(ctx); err != nil {
		return err
	}
	last := a.lastVisible()
	if err := a.visibleByFirst(ctx, last); err != nil {
		return err
	}
	return a.visibleBySecond(ctx, last)
}

// log records every record and marker, in offset order.
func (a *partitionAudit) log(ctx context.Context) error {
	a.plainLast = -1
	b := &batch{op: history.OpLog, tp: a.mark.tp, record: a.record, identity: a.identity}
	var bad error
	err := a.admin.scan(ctx, a.mark, a.mark.start, a.mark.high-1, false, func(r *kgo.Record) {
		if r.Attrs.IsControl() {
			b.flush()
			if err := a.marker(r); err != nil {
				bad = errors.Join(bad, err)
			}
			return
		}
		a.follow(r)
		b.add(r.Offset, recordOf(r), producer{r.ProducerID, r.ProducerEpoch, r.Attrs.IsTransactional()})
	})
	b.flush()
	if a.identity != nil {
		for _, p := range a.producers {
			a.identity.hide(p.open)
		}
		a.identity.done()
	}
	return errors.Join(err, bad)
}

// follow keeps what is needed to know the last visible record.
func (a *partitionAudit) follow(r *kgo.Record) {
	if !r.Attrs.IsTransactional() {
		a.plainLast = r.Offset
		return
	}
	p := a.producers[r.ProducerID]
	if p == nil {
		p = &producerTail{committedLast: -1}
		a.producers[r.ProducerID] = p
	}
	p.open = append(p.open, r.Offset)
}

// marker records a control record: its key is a version and a type, 0 for abort
// and 1 for commit (KIP-98).
func (a *partitionAudit) marker(r *kgo.Record) error {
	if len(r.Key) < 4 {
		return fmt.Errorf("%s@%d: a control record with a key of %d bytes", a.mark.tp, r.Offset, len(r.Key))
	}
	e := auditEvent(history.OpMarker)
	e.TP, e.Off, e.PID, e.Epoch, e.HasPID = a.mark.tp, []int64{r.Offset}, r.ProducerID, r.ProducerEpoch, true
	kind := binary.BigEndian.Uint16(r.Key[2:])
	switch kind {
	case 0:
		e.Marker = "abort"
	case 1:
		e.Marker = "commit"
	default:
		return nil // leader change and snapshot markers decide no transaction
	}
	if p := a.producers[r.ProducerID]; p != nil {
		if kind == 1 && len(p.open) > 0 {
			p.committedLast = p.open[len(p.open)-1]
		} else if kind == 0 && a.identity != nil {
			a.identity.hide(p.open)
		}
		p.open = p.open[:0]
	}
	a.record(e)
	return nil
}

// lastVisible is the last record below the last stable offset that a
// read_committed consumer must show, -1 if there is none. Where no transaction is
// open every producer's fate is known; where one is, records above its first
// offset are left out.
func (a *partitionAudit) lastVisible() int64 {
	last := int64(-1)
	for _, off := range append([]int64{a.plainLast}, a.committedLasts()...) {
		if off < a.mark.lso {
			last = max(last, off)
		}
	}
	return last
}

func (a *partitionAudit) committedLasts() []int64 {
	var all []int64
	for _, p := range a.producers {
		all = append(all, p.committedLast)
	}
	return all
}

func (a *partitionAudit) visibleByFirst(ctx context.Context, last int64) error {
	if a.mark.lso == a.mark.high {
		last = a.mark.high - 1 // a record or a marker: either is shown to us
	}
	b := &batch{op: history.OpVisible, tp: a.mark.tp, note: "franz-go", record: a.record, identity: a.identity}
	err := a.admin.scan(ctx, a.mark, a.mark.start, last, true, func(r *kgo.Record) {
		if !r.Attrs.IsControl() {
			b.add(r.Offset, recordOf(r), producer{})
		}
	})
	b.flush()
	return err
}

func (a *partitionAudit) visibleBySecond(ctx context.Context, last int64) error {
	if a.mark.high == a.mark.start {
		return nil
	}
	b := &batch{op: history.OpVisible, tp: a.mark.tp, note: "sarama", record: a.record, identity: a.identity}
	err := a.second.read(ctx, a.mark, a.mark.start, last, func(m *sarama.ConsumerMessage) {
		rec := audited{value: m.Value}
		for _, h := range m.Headers {
			if string(h.Key) == worker.HeaderFrom {
				rec.from = string(h.Value)
			}
		}
		b.add(m.Offset, rec, producer{})
	})
	b.flush()
	return err
}

func recordOf(r *kgo.Record) audited {
	rec := audited{key: r.Key, value: r.Value}
	for _, h := range r.Headers {
		if h.Key == worker.HeaderFrom {
			rec.from = string(h.Value)
		}
		rec.headers = append(rec.headers, lineage.Header{Name: h.Key, Value: h.Value})
	}
	return rec
}

// producer is who wrote a record, as its batch says.
type producer struct {
	id    int64
	epoch int16
	inTxn bool
}

// batch gathers consecutive records of one producer into one event.
type batch struct {
	op       history.Op
	tp       history.TopicPartition
	note     string
	record   func(history.Event)
	identity *identity // nil where every client is a worker

	by    producer
	off   []int64
	val   []history.Value
	from  []history.Input
	lined bool // some record in it names its input
}

func (b *batch) add(off int64, r audited, by producer) {
	if len(b.off) == auditBatch || by != b.by {
		b.flush()
	}
	b.by = by
	val := b.valueOf(off, r)
	in, err := history.ParseInput(r.from)
	if err != nil {
		in = history.Input{}
	}
	b.lined = b.lined || in != history.Input{}
	b.off, b.val, b.from = append(b.off, off), append(b.val, val), append(b.from, in)
}

// valueOf is which send a record is.
func (b *batch) valueOf(off int64, r audited) history.Value {
	switch {
	case b.identity == nil:
		return firstLine(r.value)
	case b.op != history.OpLog:
		return b.identity.again(off, r.value)
	}
	v := b.identity.in(off, b.by.id, r.value)
	b.identity.add(off, v, r)
	return v
}

func (b *batch) flush() {
	if len(b.off) == 0 {
		return
	}
	e := auditEvent(b.op)
	e.TP, e.Note, e.Off, e.Val = b.tp, b.note, b.off, b.val
	if b.lined {
		e.From = b.from
	}
	if b.op == history.OpLog {
		e.PID, e.Epoch, e.HasPID, e.InTxn = b.by.id, b.by.epoch, true, b.by.inTxn
	}
	b.record(e)
	b.off, b.val, b.from, b.lined = nil, nil, nil, false
}
