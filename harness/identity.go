package harness

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/deduce"
	"github.com/onceproof/onceproof/internal/lineage"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// sources knows, for the audit, which send each record is and which input it was made
// from, in a run with programs. A record that the wire knows by producer id, epoch and
// sequence, or by the place that a broker told, is that send, whatever its bytes say:
// programs copy values, and put them into others.
type sources struct {
	deducer *deduce.Deducer
	clients []scenario.Client
	numbers map[string]int             // of clients, by name
	writes  map[string]map[string]bool // topics that each worker writes
	workers []string                   // that send values of their own
	join    *lineage.Join
	traces  map[string]scenario.Trace
	folds   []*folding
	found   map[string]*traced // by topic
}

// traced counts the records in which declared places hold anything.
type traced struct{ records, id, of atomic.Int64 }

func newSources(s *scenario.Scenario, d *deduce.Deducer) *sources {
	src := &sources{deducer: d, clients: s.Clients, numbers: map[string]int{}, writes: map[string]map[string]bool{}, join: lineage.NewJoin(), traces: s.Trace, folds: newFoldings(s), found: map[string]*traced{}}
	for topic := range s.Trace {
		src.found[topic] = &traced{}
	}
	for i, c := range s.Clients {
		src.numbers[c.Name] = i
		if len(c.Program) > 0 || c.Role == guarantee.Consumer && c.Retry.Topic == "" {
			continue
		}
		src.workers = append(src.workers, c.Name)
		src.writes[c.Name] = map[string]bool{c.Topic: true, c.Output: true, c.Retry.Topic: true}
	}
	return src
}

// client is the scenario's client of a process or an instance, "till/0/1" or "till/0".
func clientOf(name string) string {
	client, _, _ := strings.Cut(name, "/")
	return client
}

// byBytes is the send that a record's own bytes name, where a worker may have written
// it: its first line is the value id.
func (s *sources) byBytes(topic string, pid int64, value []byte) history.Value {
	owner := s.deducer.Owner(pid)
	if owner != "" && s.deducer.IsProgram(owner) {
		return history.Value{}
	}
	v := firstLine(value)
	if !s.writes[clientOf(v.Proc)][topic] || owner != "" && !strings.HasPrefix(v.Proc, owner+"/") {
		return history.Value{}
	}
	return v
}

// firstLine is the value id that workers begin their values with.
func firstLine(value []byte) history.Value {
	id, _, _ := bytes.Cut(value, []byte("\n"))
	v, err := history.ParseValue(string(id))
	if err != nil {
		return history.Value{}
	}
	return v
}

// of makes what identifies the records of one partition. log is its batches.
func (s *sources) of(m watermark, log []deduce.Batch) *identity {
	tp := m.tp
	return &identity{sources: s, topic: tp.Topic, values: s.deducer.Assign(log), foreign: map[int64]bool{},
		finder: lineage.NewFinder(s.workers), lineage: s.join.Partition(tp), folds: s.foldsOf(m)}
}

// identity is what is known of the records of one partition.
type identity struct {
	*sources
	topic   string
	values  map[int64]history.Value // of programs' sends, by offset
	foreign map[int64]bool          // nobody's, whatever their bytes say
	finder  *lineage.Finder
	lineage *lineage.Partition
	folds   []foldPart // that the partition takes part in
}

// hide says of records that no read_committed consumer is given them.
func (i *identity) hide(offs []int64) {
	i.lineage.Hide(offs)
	for _, f := range i.folds {
		f.part.Hide(offs)
	}
}

// done hands on what was gathered of the partition.
func (i *identity) done() {
	i.lineage.Done()
	for _, f := range i.folds {
		f.done()
	}
}

// in is which send the record at an offset of the log is.
func (i *identity) in(off, pid int64, value []byte) history.Value {
	if v, ok := i.values[off]; ok {
		return v
	}
	v := i.byBytes(i.topic, pid, value)
	if v == (history.Value{}) {
		i.foreign[off] = true
	}
	return v
}

// again is the same for a reader that does not know who wrote the record.
func (i *identity) again(off int64, value []byte) history.Value {
	if v, ok := i.values[off]; ok {
		return v
	}
	if i.foreign[off] {
		return history.Value{}
	}
	return firstLine(value)
}

// add takes a record of the log into the lineage. One whose header names its input
// needs no more.
func (i *identity) add(off int64, v history.Value, r audited) {
	for _, f := range i.folds {
		f.Add(f.part, off, lineage.Message{Key: r.key, Value: r.value, Headers: r.headers})
	}
	if v == (history.Value{}) {
		return
	}
	client := clientOf(v.Proc)
	n, known := i.numbers[client]
	if !known {
		return
	}
	rec := lineage.Record{Off: off, Writer: n}
	if i.writes[client] != nil { // a worker, which sends values of its own
		rec.Provides = []history.Value{v}
	} else {
		found := i.found(r)
		rec.Provides = found
		if r.from == "" {
			rec.Refers = found
		}
	}
	i.declared(&rec, client, r)
	i.lineage.Add(rec)
}

// declared adds what the scenario's trace of the topic says. What a record declares to
// be made from outweighs what was found in it.
func (i *identity) declared(rec *lineage.Record, client string, r audited) {
	t, ok := i.traces[i.topic]
	if !ok {
		return
	}
	n, m := i.sources.found[i.topic], lineage.Message{Key: r.key, Value: r.value, Headers: r.headers}
	n.records.Add(1)
	if !t.ID.IsZero() {
		if rec.ID = t.ID.Texts(m); len(rec.ID) > 0 {
			n.id.Add(1)
		}
	}
	if t.Of.IsZero() || i.writes[client] != nil {
		return
	}
	of := t.Of.Texts(m)
	if len(of) > 0 {
		n.of.Add(1)
	}
	rec.Refers = nil
	for _, text := range of {
		if found := i.finder.Find(nil, []byte(text)); len(found) > 0 {
			rec.Refers = append(rec.Refers, found...)
		} else {
			rec.Of = append(rec.Of, text)
		}
	}
}

// astray says of a declared place that no record has anything there.
func (s *sources) astray(file string) error {
	var wrong scenario.Errors
	for topic, t := range s.traces {
		n := s.found[topic]
		for _, p := range []struct {
			field string
			path  scenario.Path
			hits  int64
		}{{"id", t.ID, n.id.Load()}, {"of", t.Of, n.of.Load()}} {
			if !p.path.IsZero() && p.hits == 0 && n.records.Load() > 0 {
				wrong = append(wrong, &scenario.Error{File: file, Pos: p.path.Pos, Text: fmt.Sprintf(
					"trace: {%s: {%s: …}}: %s matches nothing in any of the topic's %d records; look at one with kcat or in the report, and mend the place",
					topic, p.field, p.path, n.records.Load())})
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return wrong
}

// found are the value ids in a program's record, wherever they stand.
func (i *identity) found(r audited) []history.Value {
	found := i.finder.Find(nil, r.value)
	found = i.finder.Find(found, r.key)
	for _, h := range r.headers {
		if h.Name != worker.HeaderFrom {
			found = i.finder.Find(found, h.Value)
		}
	}
	return found
}

// audited is a record as either of the audit's readers gets it.
type audited struct {
	key, value []byte
	headers    []lineage.Header
	from       string // what the header onceproof-from says
}

// recordLineage records which input each record of a program was made from, once every
// partition has been read.
func (r *run) recordLineage() {
	if r.sources == nil {
		return
	}
	s := r.sources
	var e history.Event
	flush := func() {
		if len(e.Off) > 0 {
			r.rec.record(e)
		}
		e = auditEvent(history.OpLineage)
	}
	flush()
	s.join.Edges(s.readsOf(), func(edge lineage.Edge) {
		if e.TP != edge.TP || len(e.Off) == auditBatch {
			flush()
			e.TP = edge.TP
		}
		e.Off, e.From = append(e.Off, edge.Off), append(e.From, edge.From)
	})
	flush()
}

// readsOf makes what tells which topics a client reads: its input, and what the wire
// saw it commit offsets of.
func (s *sources) readsOf() func(client int) []string {
	topics := make([][]string, len(s.clients))
	for n, c := range s.clients {
		var instances []string
		for i := range c.Count {
			instances = append(instances, fmt.Sprintf("%s/%d", c.Name, i))
		}
		topics[n] = s.deducer.Reads(instances)
		if c.Input != "" && !slices.Contains(topics[n], c.Input) {
			topics[n] = append(topics[n], c.Input)
		}
	}
	return func(client int) []string {
		if client < 0 {
			return nil
		}
		return topics[client]
	}
}

// topics are those of the scenario, and every other that a client wrote to and that is
// still there.
func (r *run) topics(ctx context.Context) ([]string, error) {
	names := topicNames(r.cfg.Scenario)
	if r.deducer == nil {
		return names, nil
	}
	var others []string
	for _, t := range r.deducer.Written() {
		if !slices.Contains(names, t) {
			others = append(others, t)
		}
	}
	if len(others) == 0 {
		return names, nil
	}
	resp, err := r.admin.metadata(ctx, others)
	if err != nil {
		return nil, fmt.Errorf("look for the topics that programs made: %w", err)
	}
	for _, t := range resp.Topics {
		if t.Topic != nil && t.ErrorCode == 0 {
			names = append(names, *t.Topic)
		}
	}
	return names, nil
}

// policies are the cleanup policies of the topics that are not the scenario's: of what
// is compacted, the log does not tell all.
func (r *run) policies(ctx context.Context, marks []watermark) (map[string]string, error) {
	var others []string
	for _, m := range marks {
		if t := m.tp.Topic; !slices.Contains(topicNames(r.cfg.Scenario), t) && !slices.Contains(others, t) {
			others = append(others, t)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	all, err := r.admin.kadm.DescribeTopicConfigs(ctx, others...)
	if err != nil {
		return nil, fmt.Errorf("describe the topics that programs made: %w", err)
	}
	policies := map[string]string{}
	for _, t := range all {
		for _, c := range t.Configs {
			if c.Key == "cleanup.policy" {
				policies[t.Name] = c.MaybeValue()
			}
		}
	}
	return policies, nil
}
