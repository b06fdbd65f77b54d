package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

// drainPoll is how often the brokers are asked how far the groups are: they have
// no event that tells.
const drainPoll = 100 * time.Millisecond

// drain waits until every group has committed past the last record that it could
// read and no transaction holds a last stable offset back, or until the
// scenario's drain time is over. The latter is no failure of the run: it is
// recorded, and the checker's progress guarantee judges it.
func (r *run) drain(ctx context.Context) error {
	limit, stop := context.WithTimeout(ctx, r.cfg.Scenario.Run.Drain)
	defer stop()
	for {
		missing, err := r.undrained(limit)
		if err == nil && len(missing) == 0 {
			r.noteDrain("drained", nil)
			return nil
		}
		if limit.Err() == nil && pause(limit, drainPoll) {
			select {
			case err := <-r.fleet.failed:
				return err
			default:
				continue
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && len(missing) == 0 {
			missing = []string{err.Error()}
		}
		r.noteDrain("drain-timeout", missing)
		r.taint.add("the last run on the one before was not drained")
		r.status.log(fmt.Sprintf("not drained after %s: %s", r.cfg.Scenario.Run.Drain, missing[0]))
		return nil
	}
}

func (r *run) noteDrain(note string, missing []string) {
	e := history.Event{T: history.Now(), Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase, Note: note}
	if len(missing) > 0 {
		e.Data = map[string]any{"missing": missing}
	}
	r.rec.record(e)
}

// undrained says what is still to be waited for.
func (r *run) undrained(ctx context.Context) ([]string, error) {
	topics, err := r.topics(ctx)
	if err != nil {
		return nil, err
	}
	marks, err := r.admin.watermarks(ctx, topics)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, m := range marks {
		if m.lso < m.high {
			missing = append(missing, fmt.Sprintf("a transaction is open on %s at offset %d", m.tp, m.lso))
		}
	}
	missing = append(missing, r.growing(marks)...)
	for _, g := range groups(r.cfg.Scenario) {
		offsets, err := r.admin.stableOffsets(ctx, g.id)
		if err != nil {
			return missing, err
		}
		for _, m := range marks {
			if m.tp.Topic != g.input || m.high == m.start {
				continue
			}
			if offsets[m.tp].pending {
				missing = append(missing, fmt.Sprintf("an open transaction holds an offset of group %s on %s", g.id, m.tp))
				continue
			}
			at := max(offsets[m.tp].off, m.start)
			if at >= m.high {
				continue
			}
			left, err := r.admin.anyRecord(ctx, m, at)
			if err != nil {
				return missing, err
			}
			if left {
				missing = append(missing, fmt.Sprintf("group %s is at offset %d of %d on %s", g.id, at, m.high, m.tp))
			}
		}
	}
	return missing, nil
}

// quietFor is how long what a program without a group writes must not have grown: a
// mirror has no offsets that tell how far it is.
const quietFor = 2 * time.Second

// growing says which outputs of programs without a group still grow, or grew of late.
func (r *run) growing(marks []watermark) (missing []string) {
	for _, c := range r.cfg.Scenario.Clients {
		if len(c.Program) == 0 || c.Role == guarantee.Producer || c.Config["group.id"] != "" {
			continue
		}
		total := int64(0)
		for _, m := range marks {
			if m.tp.Topic != c.Input {
				total += m.high
			}
		}
		if last, ok := r.outputs[c.Name]; !ok || last.total != total {
			r.outputs[c.Name] = growth{total, time.Now()}
		}
		if time.Since(r.outputs[c.Name].since) < quietFor {
			missing = append(missing, fmt.Sprintf("%s has no group, and what it writes still grows", c.Name))
		}
	}
	return missing
}

// growth is how much had been written, and since when it is so much.
type growth struct {
	total int64
	since time.Time
}

// group is a consumer group of the scenario and what it reads.
type group struct{ id, input string }

func groups(s *scenario.Scenario) []group {
	var all []group
	for _, c := range s.Clients {
		id := c.Config["group.id"]
		if g := (group{id, c.Input}); c.Role != guarantee.Producer && id != "" && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

func topicNames(s *scenario.Scenario) []string {
	var names []string
	for _, t := range s.Cluster.Topics {
		names = append(names, t.Name)
	}
	return names
}
