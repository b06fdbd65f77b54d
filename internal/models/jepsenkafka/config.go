package jepsenkafka

import (
	"math"
	"math/rand/v2"
)

// Mode is how a history's clients come to their partitions.
type Mode string

// The two values of Jepsen's :sub-via.
const (
	ByAssign    Mode = "assign"
	BySubscribe Mode = "subscribe"
)

// Config is one workload: what Jepsen's options, the cluster and chance decide.
// Chances are between 0 and 1, for each operation or step that they concern.
type Config struct {
	Seed        uint64
	Mode        Mode
	Ops         int  // operations before the final polls
	Threads     int  // Jepsen's :concurrency
	Txn         bool // Jepsen's :txn?: each operation is a transaction of up to four steps
	Keys        int  // keys in use at one time
	KeyWrites   int  // sends after which a key is replaced by a new one
	Partitions  int  // of each topic: a subscription to one key brings its topic's others too
	Batch       int  // max.poll.records
	Eager       bool // the eager rebalance protocol instead of the cooperative one
	RebalanceOn bool // rebalances are told in :rebalance-log
	Latest      bool // auto.offset.reset=latest
	KeepProcess bool // an operation of unknown outcome does not end its process
	Rereads     bool // an assign may seek keys that the process has already to their beginning
	FinalBy     int  // threads that read everything in the end
	Unfinished  bool // the history ends before the final polls: Jepsen would call it invalid (unseen)
	Untold      bool // rebalances within an operation go untold: Jepsen would call its jumps int-poll-skip
	CutFinal    bool // the final polls are left out where everything was read before

	Sub       float64 // an operation is an assign or subscribe
	Crash     float64 // an operation is a crash
	Abort     float64 // each step of a transaction aborts
	Unknown   float64 // a commit or a send outside transactions has an unknown outcome
	Fence     float64 // the coordinator aborts a transaction that is under way
	NoOffset  float64 // an acknowledgement does not tell the offset
	Stall     float64 // a thread stops for a while
	Rebalance float64 // a step makes the group rebalance
	Slow      float64 // a poll returns nothing though there is something
	LateMark  float64 // a transaction's markers are written later, at each partition in its own time
	Debug     float64 // an operation is debug-topic-partitions
	Nemesis   float64 // a step begins or ends a fault
	Gap       float64 // the broker puts a record of its own into the log
}

// Size is a range of operations.
type Size struct{ Least, Most int }

// AnySize is from tiny to large.
var AnySize = Size{5, 20000}

// draw takes a size so that each order of magnitude is equally likely.
func (s Size) draw(r *rand.Rand) int {
	low, high := math.Log(float64(s.Least)), math.Log(float64(s.Most)+1)
	return min(s.Most, int(math.Exp(low+r.Float64()*(high-low))))
}

// Draw takes a workload by chance; the same seed gives the same.
func Draw(seed uint64, mode Mode, size Size) Config {
	r := rand.New(rand.NewPCG(seed, 1))
	some := func(p, most float64) float64 {
		if r.Float64() < p {
			return r.Float64() * r.Float64() * most
		}
		return 0
	}
	c := Config{
		Seed: seed, Mode: mode, Ops: size.draw(r), Threads: 1 + r.IntN(8), Txn: r.Float64() < 0.7,
		Keys: 1 + r.IntN(6), KeyWrites: 4 + r.IntN(200), Partitions: 1 + r.IntN(4),
		Batch: 1 + r.IntN([]int{3, 20, 500}[r.IntN(3)]), Eager: r.IntN(2) == 0,
		RebalanceOn: r.Float64() < 0.6, Latest: r.Float64() < 0.15, KeepProcess: r.Float64() < 0.15,
		Rereads: mode == ByAssign && r.Float64() < 0.2, CutFinal: r.Float64() < 0.2,
		Sub: 0.01 + r.Float64()*r.Float64()*0.4, Crash: some(0.6, 0.1), Abort: some(0.6, 0.2),
		Unknown: some(0.7, 0.3), Fence: some(0.4, 0.1), NoOffset: some(0.4, 0.3), Stall: some(0.6, 0.1),
		Rebalance: some(0.6, 0.1), Slow: some(0.7, 0.8), LateMark: some(0.7, 1), Debug: some(0.3, 0.05),
		Gap: some(0.3, 0.1),
	}
	c.Nemesis = some(0.5, 0.05)
	c.FinalBy = 1 + r.IntN(c.Threads)
	if mode == ByAssign {
		c.Rebalance, c.RebalanceOn = 0, false
	}
	return c
}
