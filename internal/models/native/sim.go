package native

import (
	"container/heap"
	"errors"
	"iter"
	"math/rand/v2"
)

// Durations are in nanoseconds, as in a history.
const (
	microsecond = int64(1000)
	millisecond = 1000 * microsecond
	second      = 1000 * millisecond
)

// sim is the clock, the queue of what is to happen, and the source of draws.
type sim struct {
	now   int64
	last  int64 // stamp given last
	seq   uint64
	queue eventQueue
	rng   *rand.Rand
}

type event struct {
	at  int64
	seq uint64
	do  func()
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	old := *q
	n := len(old) - 1
	e := old[n]
	old[n] = event{}
	*q = old[:n]
	return e
}

func newSim(seed uint64) *sim {
	return &sim{now: 1_000_000 * millisecond, rng: rand.New(rand.NewPCG(seed, 0x6e6174697665))}
}

// after runs do so many nanoseconds from now.
func (s *sim) after(d int64, do func()) {
	s.seq++
	heap.Push(&s.queue, event{s.now + max(d, 0), s.seq, do})
}

// stamp is the time of one event: no two are equal, and their order is the order
// in which things happened.
func (s *sim) stamp() int64 {
	s.last = max(s.last+1, s.now)
	return s.last
}

// between draws a duration, evenly.
func (s *sim) between(low, high int64) int64 {
	if high <= low {
		return low
	}
	return low + s.rng.Int64N(high-low+1)
}

// chance is true in a share p of the draws.
func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }

// runUntil lets everything happen until done says so or nothing is left to happen.
func (s *sim) runUntil(done func() bool) {
	for !done() && len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.now = max(s.now, e.at)
		e.do()
	}
}

// errKilled unwinds a thread whose process ended.
var errKilled = errors.New("killed")

// thread is a coroutine of a client process, which reads like the client's code.
// It runs until it waits for something; then the simulation goes on.
type thread struct {
	p      *process
	ticket uint64 // number of the current wait: what comes for an earlier one is stale
	yield  func(struct{}) bool
	next   func() (struct{}, bool)
	stop   func()
	over   bool
}

// spawn starts body as a thread of p.
func (p *process) spawn(body func(t *thread)) *thread {
	t := &thread{p: p}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			t.over = true
			if r := recover(); r != nil && r != errKilled {
				panic(r)
			}
		}()
		t.yield = yield
		body(t)
	})
	p.threads = append(p.threads, t)
	p.run(func() { t.next() })
	return t
}

// park waits until someone wakes the thread with the ticket it has now.
func (t *thread) park() {
	if !t.yield(struct{}{}) {
		panic(errKilled)
	}
}

// wake resumes a wait, unless it has ended already.
func (t *thread) wake(ticket uint64) {
	t.p.run(func() {
		if t.ticket == ticket && !t.over {
			t.ticket++
			t.next()
		}
	})
}

// sleep waits for d; a frozen process sleeps longer.
func (t *thread) sleep(d int64) {
	ticket := t.ticket
	t.p.w.after(d, func() { t.wake(ticket) })
	t.park()
}

// wait waits until a call of the function that begin is given, or for at most limit;
// it is false then. begin may call it at once, from an event, or never.
func (t *thread) wait(limit int64, begin func(done func())) bool {
	ticket, ok := t.ticket, false
	begin(func() {
		if !ok {
			ok = true
			t.wake(ticket)
		}
	})
	if limit > 0 {
		t.p.w.after(limit, func() { t.wake(ticket) })
	}
	t.park()
	return ok
}
