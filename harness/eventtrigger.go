package harness

import (
	"context"
	"strings"
	"sync"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

// eventTrigger waits for the event of the history that triggers a fault. The event is
// seen when it is recorded: the worker has already gone on.
type eventTrigger struct {
	match scenario.Match
	topic string
	part  int32 // -1 = all

	mu   sync.Mutex
	left int // matches to come, the one that counts among them
	met  chan history.Event
}

func newEventTrigger(m scenario.Match) (*eventTrigger, error) {
	o := &eventTrigger{match: m, part: -1, left: max(1, m.Nth), met: make(chan history.Event, 1)}
	if m.TP != "" {
		var err error
		if o.topic, o.part, err = scenario.ParseTopicPartition(m.TP); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// see takes every event of the run, in order.
func (o *eventTrigger) see(e *history.Event) {
	if !o.matches(e) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left--; o.left == 0 {
		o.met <- *e
	}
}

func (o *eventTrigger) matches(e *history.Event) bool {
	m := &o.match
	return e.Src == history.SrcClient && string(e.Op) == m.Event &&
		(string(e.Type) == m.Type || m.Type == "" && e.Type != history.Invoke) &&
		(m.Client == "" || strings.HasPrefix(e.Proc, m.Client+"/")) &&
		(o.topic == "" || o.topic == e.TP.Topic && (o.part < 0 || o.part == e.TP.Part))
}

// wait returns the event.
func (o *eventTrigger) wait(ctx context.Context) (history.Event, error) {
	select {
	case e := <-o.met:
		return e, nil
	case <-ctx.Done():
		return history.Event{}, context.Cause(ctx)
	}
}
