package reports

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
	eventfacts "github.com/onceproof/onceproof/internal/facts"
)

// Timeline is a run in a few hundred kilobytes, whatever its length. Times are
// microseconds since the history's start.
type Timeline struct {
	Duration int64    `json:"duration"`
	Phases   []Span   `json:"phases"`
	Faults   []Strike `json:"faults"`
	Brokers  []Lane   `json:"brokers"`
	Leaders  []Lane   `json:"leaders"`
	Coords   []Lane   `json:"coordinators"` // "group till", "txn till-0": the broker that coordinates it
	Clients  []Lane   `json:"clients"`
	Txns     []Lane   `json:"txns"`  // same names as Clients; those without transactions are left out
	Owned    []Lane   `json:"owned"` // partitions that a group's member owned; same names as Clients
	Curves   Curves   `json:"curves"`
	Moments  []Moment `json:"moments"` // single operations around the witnesses
	Left     []string `json:"left"`    // what was left out, in words
}

// Lane is a row of the timeline.
type Lane struct {
	Name  string `json:"name"`
	Spans []Span `json:"spans"`
}

// Span is a bar. What the fields beside the times mean depends on the lane:
// a broker's state, the leader's id, an incarnation, a transaction's outcome.
type Span struct {
	From  int64  `json:"f"`
	To    int64  `json:"t"`
	State string `json:"s,omitempty"`
	Text  string `json:"x,omitempty"`
	End   int64  `json:"e,omitempty"` // transactions: when its end was asked for
	N     int64  `json:"n,omitempty"` // transactions: how many this bar stands for, if more than one
	Bad   int64  `json:"b,omitempty"` // … and how many of them did not commit
}

// Strike is a fault: zero times never came.
type Strike struct {
	Step     int    `json:"step"`
	Kind     string `json:"kind"`
	Target   string `json:"target"`
	Resolved string `json:"resolved"`
	Inject   int64  `json:"f"`
	Effect   int64  `json:"e"`
	Gone     int64  `json:"t"`
	Stall    int64  `json:"stall,omitempty"`  // the longest silence of one client that overlaps it
	InFlight string `json:"wire,omitempty"`   // requests under way when it struck
	Armed    bool   `json:"-"`                // it waits for a request to strike
	Failed   string `json:"failed,omitempty"` // which of its steps, and why
}

// Moment is one operation's event near a witness.
type Moment struct {
	T    int64  `json:"t"`
	Lane string `json:"l"`
	Op   string `json:"o"`
	Type string `json:"y"`
	Text string `json:"x"`
}

// source is what Aggregate reads; *history.Reader is one.
type source interface {
	Next(*history.Event) error
}

// Aggregate reads the history once, in bounded memory: curves are binned, bars
// merged until they fit, and single operations kept around r's witnesses only.
// On an error the timeline holds everything before it.
func Aggregate(src source, h history.Header, r *checker.Report) (*Timeline, error) {
	a := newAggregate(h, r)
	var e history.Event
	for {
		err := src.Next(&e)
		if errors.Is(err, io.EOF) {
			return a.timeline(), nil
		}
		if err != nil {
			return a.timeline(), fmt.Errorf("read the history: %w", err)
		}
		a.add(&e)
	}
}

// aggregate gathers a timeline event by event.
type aggregate struct {
	start   int64
	started bool
	last    int64 // the latest time seen, ns
	phases  spans
	brokers lanes
	leaders lanes
	clients lanes

	coordinators lanes

	owned   lanes
	txns    bars
	strikes strikes
	curves  curves
	moments moments
	stalls  stalls
	procs   map[string]*process
}

func newAggregate(h history.Header, r *checker.Report) *aggregate {
	if r == nil {
		r = &checker.Report{}
	}
	return &aggregate{
		start: h.StartT, procs: map[string]*process{},
		brokers: lanes{keep: map[string]bool{}}, leaders: lanes{keep: witnessed(r, func(e checker.WitnessEvent) string { return e.TP })},
		clients: lanes{keep: witnessed(r, func(e checker.WitnessEvent) string { return instance(e.Proc) })},
		txns:    newBars(r), strikes: strikes{at: map[int]int{}}, curves: newCurves(), moments: newMoments(r), stalls: newStalls(),
	}
}

// witnessed gathers a property of all events of witnesses.
func witnessed(r *checker.Report, of func(checker.WitnessEvent) string) map[string]bool {
	keep := map[string]bool{}
	for _, g := range r.Guarantees {
		for _, f := range g.Anomalies {
			for _, w := range f.Witnesses {
				for _, e := range w.Events {
					keep[of(e)] = true
				}
			}
		}
	}
	return keep
}

func (a *aggregate) add(e *history.Event) {
	if !a.started && a.start == 0 { // a history of another tool
		a.start = e.T
	}
	a.started = true
	t := max(0, e.T-a.start) // the cluster may have started before the clock of the run
	a.last = max(a.last, t)
	switch e.Src {
	case history.SrcClient:
		a.client(t, e)
	case history.SrcFault:
		a.strikes.add(t, e)
	case history.SrcWire:
		a.coordinate(t, e)
	case history.SrcHarness:
		a.harness(t, e)
	}
}

func (a *aggregate) harness(t int64, e *history.Event) {
	switch e.Op {
	case history.OpPhase:
		a.phases.next(t, Span{State: e.Note})
	case history.OpBroker:
		a.brokers.of("broker "+numberOf(eventfacts.Broker, e)).next(t, Span{State: eventfacts.State.Get(e)})
	case history.OpLeader:
		a.leaders.of(partition(e.TP)).next(t, Span{State: numberOf(eventfacts.Leader, e), Text: "epoch " + numberOf(eventfacts.Epoch, e)})
	case history.OpWatermarks:
		a.curves.level(t, e)
	case history.OpSpawn:
		a.spawn(t, e.Proc, a.process(e.Proc))
	case history.OpExit:
		p := a.process(e.Proc)
		a.clients.of(p.instance).end(t, "exited", e.Note)
		a.txns.exit(t, p.instance)
		p.dead, p.pending, p.owns = true, nil, nil
		a.own(t, p)
	}
}

func partition(tp history.TopicPartition) string {
	if tp.Part < 0 {
		return tp.Topic
	}
	return tp.Topic + "/" + strconv.Itoa(int(tp.Part))
}

// timeline closes what is still open and picks the lanes that fit.
func (a *aggregate) timeline() *Timeline {
	tl := &Timeline{Duration: micro(a.last), Owned: []Lane{}}
	tl.Phases = a.phases.closed(a.last)
	tl.Faults = a.strikes.all(&tl.Left)
	for i := range tl.Faults {
		f := &tl.Faults[i]
		f.Stall = micro(a.stalls.felt(f.Inject*1000, max(f.Inject, f.Gone)*1000))
	}
	tl.Brokers = a.brokers.all(a.last, maxBrokers, "broker", &tl.Left)
	tl.Leaders = a.leaders.all(a.last, maxLeaders, "partition", &tl.Left)
	tl.Coords = a.coordinators.all(a.last, maxLeaders, "coordinated group or transactional id", &tl.Left)
	tl.Clients = a.clients.all(a.last, maxClients, "client", &tl.Left)
	for _, l := range tl.Clients {
		if s := a.owned.byName[l.Name]; s != nil && len(s.all) > 0 {
			tl.Owned = append(tl.Owned, Lane{l.Name, s.closed(a.last)})
		}
	}
	tl.Txns = a.txns.all(a.last, tl.Clients)
	tl.Curves = a.curves.all(a.last)
	tl.Moments = a.moments.all(&tl.Left)
	return tl
}

func micro(ns int64) int64 { return ns / 1000 }

// numberOf writes a number that an event may have, "" if it does not.
func numberOf(k eventfacts.Number[int32], e *history.Event) string {
	if n, ok := k.Of(e); ok {
		return strconv.Itoa(int(n))
	}
	return ""
}
