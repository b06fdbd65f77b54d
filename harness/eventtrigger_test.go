package harness

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

func TestOccasionIsTheNthEventThatMatches(t *testing.T) {
	event := func(proc string, op history.Op, typ history.Type, topic string, part int32) *history.Event {
		return &history.Event{Src: history.SrcClient, Proc: proc, Op: op, Type: typ, TP: history.TopicPartition{Topic: topic, Part: part}}
	}
	for _, tc := range []struct {
		name  string
		match scenario.Match
		see   []*history.Event
		want  int // which of them is the occasion; -1 = none
	}{
		{"an end, not a beginning", scenario.Match{Event: "commit"}, []*history.Event{event("till/0/1", "commit", "invoke", "", 0), event("till/0/1", "commit", "info", "", 0)}, 1},
		{"the type asked for", scenario.Match{Event: "commit", Type: "invoke"}, []*history.Event{event("till/0/1", "commit", "ok", "", 0), event("till/0/1", "commit", "invoke", "", 0)}, 1},
		{"the third", scenario.Match{Event: "send", Type: "ok", Nth: 3}, []*history.Event{event("a/0/1", "send", "ok", "", 0), event("a/1/1", "send", "ok", "", 0), event("a/0/1", "send", "ok", "", 0), event("a/0/1", "send", "ok", "", 0)}, 2},
		{"one instance, whatever its incarnation", scenario.Match{Event: "poll", Client: "till/1"}, []*history.Event{event("till/0/1", "poll", "ok", "", 0), event("till/10/1", "poll", "ok", "", 0), event("till/1/3", "poll", "ok", "", 0)}, 2},
		{"a client, no longer name", scenario.Match{Event: "poll", Client: "till"}, []*history.Event{event("tills/0/1", "poll", "ok", "", 0), event("till/0/1", "poll", "ok", "", 0)}, 1},
		{"a partition", scenario.Match{Event: "revoked", TP: "orders/1"}, []*history.Event{event("a/0/1", "revoked", "info", "orders", 0), event("a/0/1", "revoked", "info", "orders", 1)}, 1},
		{"a topic", scenario.Match{Event: "revoked", TP: "orders"}, []*history.Event{event("a/0/1", "revoked", "info", "other", 0), event("a/0/1", "revoked", "info", "orders", 7)}, 1},
		{"another operation", scenario.Match{Event: "abort"}, []*history.Event{event("a/0/1", "commit", "ok", "", 0)}, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, err := newEventTrigger(tc.match)
			if err != nil {
				t.Fatal(err)
			}
			got := -1
			for i, e := range tc.see {
				o.see(e)
				over, cancel := context.WithCancel(t.Context())
				cancel()
				select {
				case <-o.met:
					got = i
				default:
					if _, err := o.wait(over); !errors.Is(err, context.Canceled) {
						t.Errorf("waiting until the run is over: %v", err)
					}
				}
			}
			if got != tc.want {
				t.Errorf("the occasion was event %d, want %d", got, tc.want)
			}
		})
	}
}

// TestEventsOfScenariosAreTheHistorys: scenarios cannot import the history, so here is
// where its list of events is compared.
func TestEventsOfScenariosAreTheHistorys(t *testing.T) {
	want := []string{}
	for _, op := range []history.Op{
		history.OpInitProducer, history.OpBegin, history.OpSend, history.OpPoll, history.OpProcess, history.OpSendOffsets, history.OpCommit,
		history.OpAbort, history.OpCommitOffsets, history.OpFetchOffsets, history.OpAssigned, history.OpRevoked, history.OpLost, history.OpSeek,
		history.OpSetAside, history.OpClose,
	} {
		want = append(want, string(op))
	}
	if !slices.Equal(scenario.Events, want) {
		t.Errorf("scenarios.Events is %q, want %q", scenario.Events, want)
	}
}
