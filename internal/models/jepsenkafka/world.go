package jepsenkafka

import (
	"container/heap"
	"maps"
	"math/rand/v2"
	"slices"
)

// world is the cluster with its clients, and the recorder. It is advanced one step
// of one thread at a time, so that operations overlap.
type world struct {
	c        Config
	r        *rand.Rand
	now      int64
	steps    int
	parts    map[int]*partition
	group    *group
	threads  []*thread
	timers   timers
	ops      []Op
	started  int           // operations so far
	active   []int         // keys in use
	next     int           // the next key
	wrote    map[int]int64 // the last value of each key
	needed   map[int]int64 // the highest offset that was acknowledged or returned
	final    bool
	healed   int             // the step at which the final polls began
	told     map[at]place    // where the history tells of a value's send
	vanished map[int][]int64 // values of sends that never reached the log
	planted  planted
}

// thread is one of Jepsen's workers. Its process number changes whenever its
// client is replaced.
type thread struct {
	id, process int
	consumer    *consumer
	producer    *producer
	op          *Op // the operation under way
	stage       stage
	at          int // the next micro-operation
	txn         *txn
	log         []Rebalance
	outcome     outcome
	invoked     int
	idle        int // steps for which it does nothing
	goal        goal
}

type outcome struct {
	typ   Type
	err   string
	end   bool
	after func() // what happens once the operation is over
}

// Simulate runs the workload and returns its history, which is legal.
func Simulate(c Config) *History {
	w := newWorld(c)
	w.run()
	return &History{Config: c, Ops: w.ops}
}

func newWorld(c Config) *world {
	w := &world{
		c: c, r: rand.New(rand.NewPCG(c.Seed, 2)), parts: map[int]*partition{},
		group: &group{committed: map[int]int64{}, pending: map[int]int{}},
		told:  map[at]place{}, vanished: map[int][]int64{},
		wrote: map[int]int64{}, needed: map[int]int64{},
	}
	for range c.Keys {
		w.active = append(w.active, w.next)
		w.next++
	}
	for id := range c.Threads {
		w.threads = append(w.threads, &thread{id: id, process: id, consumer: newConsumer(), producer: &producer{}})
	}
	return w
}

func newConsumer() *consumer { return &consumer{pos: map[int]int64{}, last: map[int]int64{}} }

// run performs the load and the final polls.
func (w *world) run() {
	for w.started < w.c.Ops || slices.ContainsFunc(w.threads, func(t *thread) bool { return t.op != nil }) {
		w.step(w.threads[w.r.IntN(len(w.threads))])
	}
	if w.c.Unfinished || w.c.CutFinal && len(Violations(&History{Config: w.c, Ops: w.ops})) == 0 {
		return
	}
	w.finalPolls()
}

// step advances the time, whatever is due, and one thread.
func (w *world) step(t *thread) {
	w.steps++
	w.now += 1 + w.r.Int64N(100_000)
	for len(w.timers) > 0 && w.timers[0].at <= w.steps {
		heap.Pop(&w.timers).(timer).run()
	}
	w.expire()
	if w.chance(w.c.Nemesis) {
		w.nemesis()
	}
	if w.c.Mode == BySubscribe && w.chance(w.c.Rebalance) && len(w.group.members) > 0 {
		w.disturb()
	}
	switch {
	case t.idle > 0:
		t.idle--
	case t.op == nil:
		w.invoke(t)
	default:
		w.advance(t)
		if w.chance(w.c.Stall) {
			t.idle = w.r.IntN(30)
		}
	}
}

// nemesis tells of a fault that begins or ends. What it does to clients is drawn
// apart.
func (w *world) nemesis() {
	faults := []Op{
		{F: "start-partition", Fault: ":majority"}, {F: "stop-partition", Fault: "nil"},
		{F: "kill", Fault: "[\"n1\"]"}, {F: "start", Fault: ":all"},
		{F: "pause", Fault: ":one"}, {F: "resume", Fault: ":all"},
	}
	o := faults[w.r.IntN(len(faults))]
	o.Type, o.Process = Info, Nemesis
	o.Invoked = w.record(o)
	o.Fault = "\"done\""
	w.record(o)
}

// disturb makes the group rebalance, or removes a member whose heartbeats were
// late: it goes on as a zombie.
func (w *world) disturb() {
	if w.r.IntN(3) == 0 {
		w.leave(w.group.members[w.r.IntN(len(w.group.members))])
		return
	}
	w.rebalance()
}

func (w *world) chance(p float64) bool { return p > 0 && w.r.Float64() < p }

func (w *world) partition(key int) *partition {
	p := w.parts[key]
	if p == nil {
		p = &partition{}
		w.parts[key] = p
	}
	return p
}

func (w *world) topic(key int) int { return key / w.c.Partitions }

// topics are those that a member subscribes to.
func (w *world) topics() []int {
	seen := map[int]bool{}
	for _, m := range w.group.members {
		for _, topic := range m.topics {
			seen[topic] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// keysOf are the partitions of a topic.
func (w *world) keysOf(topic int) []int {
	var keys []int
	for i := range w.c.Partitions {
		keys = append(keys, topic*w.c.Partitions+i)
	}
	return keys
}

// record adds an entry to the history.
func (w *world) record(o Op) int {
	w.now++
	o.Time = w.now
	w.ops = append(w.ops, o)
	return len(w.ops) - 1
}

// renew replaces the thread's client. The old consumer leaves the group, at once
// or when its session times out; the old producer's open transaction is aborted by
// the coordinator in the end.
func (w *world) renew(t *thread) {
	old := t.consumer.member
	if w.r.IntN(2) == 0 {
		w.leave(old)
	} else {
		w.later(w.patience(), func() { w.leave(old) })
	}
	if x := t.producer.txn; x != nil && x.end == ongoing {
		w.later(w.patience(), func() { w.endTxn(x, aborted) })
	}
	t.process += w.c.Threads
	t.consumer, t.producer = newConsumer(), &producer{}
}

// longest is the most steps after which something late happens.
const longest = 400

// patience is a time after which something late happens.
func (w *world) patience() int { return 1 + w.r.IntN(min(longest, 20+2*w.c.Ops)) }

// timer is something that happens at a step.
type timer struct {
	at, seq int
	run     func()
}

type timers []timer

func (h timers) Len() int { return len(h) }
func (h timers) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h timers) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *timers) Push(x any) { *h = append(*h, x.(timer)) }

// Pop is heap.Interface's.
func (h *timers) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func (w *world) later(steps int, run func()) {
	heap.Push(&w.timers, timer{w.steps + steps, w.steps, run})
}
