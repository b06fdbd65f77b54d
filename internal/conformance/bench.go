package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/worker"
)

// bench is what one case works on: a cluster of its own and the workers that the
// case starts.
type bench struct {
	ctx     context.Context
	suite   *suite
	cluster *kfake.Cluster
	workers []*running
}

// newBench makes a cluster with the topics in (one partition), in4 (four), out
// and aside.
func newBench(ctx context.Context, s *suite) (*bench, error) {
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(1, "in", "out", "aside"), kfake.SeedTopics(4, "in4"),
		kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	)
	if err != nil {
		return nil, fmt.Errorf("embedded cluster: %w", err)
	}
	if err := cluster.OfferAsBrokersDo(ctx, c, c.ListenAddrs()[0]); err != nil {
		c.Close()
		return nil, fmt.Errorf("embedded cluster: %w", err)
	}
	return &bench{ctx: ctx, suite: s, cluster: c}, nil
}

func (b *bench) close() error {
	var errs []error
	for _, w := range b.workers {
		w.journal.unblock()
		errs = append(errs, w.inst.Kill(context.WithoutCancel(b.ctx)))
	}
	b.cluster.Close()
	return errors.Join(errs...)
}

// running is a started program and what it reported.
type running struct {
	b       *bench
	inst    *process.Instance
	hello   worker.Hello
	journal *journal
}

// start starts the program as instance 0 of the named client.
func (b *bench) start(name string, spec worker.Spec) (*running, error) {
	w := &running{b: b, journal: newJournal()}
	spec.Bootstrap = b.cluster.ListenAddrs()
	var err error
	w.inst, err = process.New(process.Config{
		Name: name, Command: b.suite.command, Spec: spec,
		LogFile: filepath.Join(b.suite.dir, fmt.Sprintf("%p-%s.log", b, name)),
		Record:  w.journal.record, Now: history.Now, StopWait: 30 * time.Second, // on a machine that has other work too
	})
	if err != nil {
		return w, err
	}
	b.workers = append(b.workers, w)
	return w, w.restart()
}

func (w *running) restart() (err error) {
	w.hello, err = w.inst.Start(w.b.ctx)
	return err
}

// await waits until ok is true of the events, or says what was waited for. A
// worker that ends by a breach of the protocol ends the wait.
func (w *running) await(what string, ok func(events []history.Event) bool) error {
	for {
		events, grown := w.journal.look()
		if ok(events) {
			return nil
		}
		select {
		case <-grown:
		case e := <-w.inst.Exited():
			if e.Err != nil {
				return e.Err
			}
			if events, _ := w.journal.look(); ok(events) {
				return nil
			}
			return fmt.Errorf("waited for %s, but it ended with exit code %d %s; last lines of its stderr: %q", what, e.Code, e.Signal, e.LastLines)
		case <-w.b.ctx.Done():
			return w.gaveUp(what)
		}
		if len(events) > manyEvents {
			w.b.pause(lookPause) // looking through them again for each new one would take all the time
		}
	}
}

const (
	manyEvents = 1000
	lookPause  = 20 * time.Millisecond
)

// pause waits for d, or the end of the case.
func (b *bench) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.ctx.Done():
	}
}

// ended waits for the worker's own end.
func (w *running) ended() (process.Exit, error) {
	select {
	case e := <-w.inst.Exited():
		return e, e.Err
	case <-w.b.ctx.Done():
		return process.Exit{}, w.gaveUp("its own end")
	}
}

// gaveUp says what was waited for in vain, and what the worker reported last.
func (w *running) gaveUp(what string) error {
	last := ""
	events := w.journal.all()
	for _, e := range events[max(0, len(events)-lastEvents):] {
		last += "\n\t" + string(history.MarshalLine(nil, &e))
	}
	return fmt.Errorf("waited for %s: %w; its last events:%s", what, context.Cause(w.b.ctx), last)
}

const lastEvents = 5

// journal keeps the events of one worker.
type journal struct {
	mu      sync.Mutex
	events  []history.Event
	grown   chan struct{} // closed and replaced when events grow
	blocked chan struct{} // not nil: record waits for it
}

func newJournal() *journal { return &journal{grown: make(chan struct{})} }

func (j *journal) record(e history.Event) {
	j.mu.Lock()
	blocked := j.blocked
	j.mu.Unlock()
	if blocked != nil {
		<-blocked
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Each(func(e *history.Event) { j.events = append(j.events, *e) })
	close(j.grown)
	j.grown = make(chan struct{})
}

func (j *journal) look() ([]history.Event, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.events, j.grown
}

func (j *journal) all() []history.Event {
	events, _ := j.look()
	return events
}

func (j *journal) find(op history.Op, types ...history.Type) []history.Event {
	var found []history.Event
	for _, e := range j.all() {
		for _, typ := range types {
			if e.Op == op && e.Type == typ {
				found = append(found, e)
			}
		}
	}
	return found
}

func (j *journal) block() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.blocked = make(chan struct{})
}

func (j *journal) unblock() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.blocked != nil {
		close(j.blocked)
		j.blocked = nil
	}
}

// count returns a condition: n events of op and type at least.
func count(n int, op history.Op, typ history.Type) func([]history.Event) bool {
	return func(events []history.Event) bool {
		found := 0
		for _, e := range events {
			if e.Op == op && e.Type == typ {
				found++
			}
		}
		return found >= n
	}
}

// logged is one record as it lies in the log.
type logged struct {
	tp    history.TopicPartition
	off   int64
	key   string
	value string // its first line
	from  string
	txn   string
	bytes int
}

// log reads a topic to its end.
func (b *bench) log(topic string, level kgo.IsolationLevel) ([]logged, error) {
	ends := map[int32]int64{}
	starts := map[int32]kgo.Offset{}
	for _, p := range b.cluster.PartitionInfos(topic) {
		if p.LastStableOffset != p.HighWatermark {
			return nil, fmt.Errorf("%s/%d has an open transaction at its end: last stable offset %d, high watermark %d", topic, p.Partition, p.LastStableOffset, p.HighWatermark)
		}
		if p.HighWatermark > 0 {
			ends[p.Partition], starts[p.Partition] = p.HighWatermark, kgo.NewOffset().At(0)
		}
	}
	if len(ends) == 0 {
		return nil, nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.FetchIsolationLevel(level),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var records []logged
	for len(ends) > 0 {
		fetches := cl.PollFetches(b.ctx)
		if err := b.ctx.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, context.Cause(b.ctx))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, recordOf(r))
			}
		})
	}
	return records, nil
}

func recordOf(r *kgo.Record) logged {
	l := logged{
		tp: history.TopicPartition{Topic: r.Topic, Part: r.Partition}, off: r.Offset,
		key: string(r.Key), value: firstLine(string(r.Value)), bytes: len(r.Value),
	}
	for _, h := range r.Headers {
		switch h.Key {
		case worker.HeaderFrom:
			l.from = string(h.Value)
		case worker.HeaderTxn:
			l.txn = string(h.Value)
		}
	}
	return l
}

// fill writes n records with value ids of "shop/0/1", in turn over the topic's partitions.
func (b *bench) fill(topic string, n int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression())) // a codec is no part of the protocol
	if err != nil {
		return err
	}
	defer cl.Close()
	parts := len(b.cluster.PartitionInfos(topic))
	var records []*kgo.Record
	for i := range n {
		v := history.Value{Proc: "shop/0/1", N: int64(i + 1)}
		records = append(records, &kgo.Record{
			Topic: topic, Partition: int32(i % parts), Key: []byte("k" + strconv.Itoa(i)), Value: []byte(v.String() + "\n....."),
		})
	}
	return cl.ProduceSync(b.ctx, records...).FirstErr()
}

// group returns properties of a consumer group, with more added. The waits that a
// library has by default are not what is tried, and add up: kafka-go keeps a record
// for a second to fill its batch, sarama's commits queue behind fetches that wait for
// half a second.
func group(more ...string) map[string]string {
	cfg := map[string]string{
		"group.id": "till", "auto.offset.reset": "earliest", "isolation.level": "read_committed",
		"session.timeout.ms": "45000", "heartbeat.interval.ms": "500", "auto.commit.interval.ms": "200",
		"fetch.max.wait.ms": "100", "linger.ms": "0",
	}
	maps.Copy(cfg, properties(more...))
	return cfg
}

func properties(pairs ...string) map[string]string {
	cfg := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		cfg[pairs[i]] = pairs[i+1]
	}
	return cfg
}
