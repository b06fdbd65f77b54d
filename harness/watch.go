package harness

import (
	"context"
	"sync"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/facts"
)

const (
	statusEvery = time.Second
	watchEvery  = 250 * time.Millisecond
)

// watch records leaders and broker states as they change, and reports progress,
// until the function that it returns is called.
func (r *run) watch(ctx context.Context, began time.Time) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for pause(ctx, statusEvery) {
			r.status.tick(time.Since(began), r.fleet.progress())
		}
	})
	wg.Go(func() {
		w := watcher{run: r, leaders: make(map[history.TopicPartition]leader), states: make(map[cluster.BrokerID]cluster.State), controller: -1}
		for {
			w.look(ctx)
			if !pause(ctx, watchEvery) {
				return
			}
		}
	})
	wg.Go(func() { r.recordLevels(ctx) })
	wg.Go(func() { r.watchSilence(ctx) })
	return func() {
		cancel()
		wg.Wait()
		r.status.tick(time.Since(began), r.fleet.progress())
	}
}

type leader struct{ id, epoch int32 }

// watcher remembers what it saw last, so that only changes are recorded.
type watcher struct {
	run     *run
	leaders map[history.TopicPartition]leader
	states  map[cluster.BrokerID]cluster.State

	controller int32
}

func (w *watcher) look(ctx context.Context) {
	for _, b := range w.run.cluster.Brokers() {
		if w.states[b.ID] != b.State {
			w.states[b.ID] = b.State
			e := history.Event{Op: history.OpBroker}
			facts.Broker.Set(&e, int32(b.ID))
			facts.State.Set(&e, string(b.State))
			w.record(e)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resp, err := w.run.admin.metadata(ctx, topicNames(w.run.cfg.Scenario))
	if err != nil {
		return // no broker answers just now; the next look tells
	}
	if id := w.run.admin.controller(ctx, resp); id >= 0 && id != w.controller {
		w.controller = id
		e := history.Event{Op: history.OpController}
		facts.Controller.Set(&e, id)
		w.record(e)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if t.Topic == nil || p.ErrorCode != 0 {
				continue
			}
			tp, now := history.TopicPartition{Topic: *t.Topic, Part: p.Partition}, leader{p.Leader, p.LeaderEpoch}
			if last, ok := w.leaders[tp]; ok && last == now {
				continue
			}
			w.leaders[tp] = now
			e := history.Event{Op: history.OpLeader, TP: tp}
			facts.Leader.Set(&e, now.id)
			facts.Epoch.Set(&e, now.epoch)
			w.record(e)
		}
	}
}

func (w *watcher) record(e history.Event) {
	e.T, e.Src, e.Proc, e.Type = history.Now(), history.SrcHarness, "harness", history.Info
	w.run.rec.record(e)
}
