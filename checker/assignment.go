package checker

import (
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// assignments are when members asked for what their group gave them last, as the proxy
// saw it. A worker tells that it was given a partition when the answer arrives, and an
// answer may be so late that another member was given it meanwhile: it replaces only
// who was given it before the question.
type assignments map[member]*assignment

type member struct{ instance, group string }

type assignment struct {
	id, asked int64 // the question under way
	given     int64 // when the one that was answered was asked; 0 = none was
}

func (a assignments) observe(e *history.Event, api string) {
	if api != "SyncGroup" && api != "ConsumerGroupHeartbeat" || e.Group == "" {
		return
	}
	k := member{e.Proc, e.Group}
	m := a[k]
	if m == nil {
		m = &assignment{}
		a[k] = m
	}
	_, given := facts.Assigned.Of(e)
	switch {
	case e.Op == history.OpRequest:
		m.id, m.asked = e.ID, e.T
	case given && e.Err == nil && e.ID == m.id:
		m.given = m.asked
	}
}

// askedBefore is when the instance asked for what it was given by the moment t.
func (a assignments) askedBefore(instance, group string, t int64) int64 {
	if m := a[member{instance, group}]; m != nil && m.given != 0 {
		return min(m.given, t)
	}
	return t
}
