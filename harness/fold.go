package harness

import (
	"cmp"
	"context"
	"sync"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/lineage"
	"github.com/onceproof/onceproof/internal/scenario"
)

// folding gathers what the fold of one client needs while partitions are read side by
// side.
type folding struct {
	lineage.Folding
	client scenario.Client

	mu    sync.Mutex
	parts []*lineage.FoldPart
	from  []watermark // of the inputs
}

func newFoldings(s *scenario.Scenario) (all []*folding) {
	for _, c := range s.Clients {
		if f := c.Fold; f != nil {
			all = append(all, &folding{client: c, Folding: lineage.Folding{By: f.By.Path, What: f.What.Path, Of: f.Of.Path, With: f.With}})
		}
	}
	return all
}

// foldPart is one partition of one fold.
type foldPart struct {
	*folding
	part *lineage.FoldPart
}

// foldsOf are the folds that a partition takes part in.
func (s *sources) foldsOf(m watermark) (all []foldPart) {
	for _, f := range s.folds {
		var p *lineage.FoldPart
		switch m.tp.Topic {
		case f.client.Fold.From:
			p = f.Inputs(m.tp)
			f.mu.Lock()
			f.from = append(f.from, m)
			f.mu.Unlock()
		case f.client.Output:
			p = f.Results(m.tp)
		default:
			continue
		}
		all = append(all, foldPart{f, p})
	}
	return all
}

func (p foldPart) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts = append(p.parts, p.part)
}

// recordFolds records what came of each fold: the keys whose last result is wrong, and
// how much was compared.
func (r *run) recordFolds(ctx context.Context) error {
	for _, f := range r.sources.folds {
		offsets, err := r.admin.stableOffsets(ctx, cmp.Or(f.client.Config["group.id"], f.client.Name))
		if err != nil {
			return err
		}
		v := f.Judge(f.parts, func(tp history.TopicPartition) int64 { return offsets[tp].off })
		e := auditEvent(history.OpFold)
		e.Data = map[string]any{"client": f.client.Name, "keys": v.Keys, "inputs": v.Inputs, "with": f.With, "from": f.client.Fold.From, "deleted": f.deleted()}
		r.rec.record(e)
		for _, w := range v.Wrong {
			e := auditEvent(history.OpFold)
			e.Type = history.Fail
			var last []string
			for _, in := range w.Inputs {
				last = append(last, in.String())
			}
			e.Data = map[string]any{"client": f.client.Name, "key": w.Key, "expected": w.Expected, "found": w.Found, "more": w.More,
				"inputs": w.N, "last": last, "with": f.With, "from": f.client.Fold.From}
			if w.At != (history.Input{}) {
				e.TP, e.Off = w.At.TP, []int64{w.At.Off}
			}
			r.rec.record(e)
		}
	}
	return nil
}

// deleted is how many inputs' offsets the log does not hold any more: Kafka Streams
// deletes what it has read of its repartition topics.
func (f *folding) deleted() (n int64) {
	for _, m := range f.from {
		n += m.start
	}
	return n
}
