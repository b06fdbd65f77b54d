package jepsenkafka

// Plant is one rule of Kafka that is broken once in an otherwise legal history.
type Plant struct {
	Name   string
	Modes  []Mode        // where Jepsen's rules, or Kafka's, forbid it
	Jepsen string        // Jepsen's name for it; "" if its checker does not see it
	Ours   string        // onceproof's name where Jepsen has none
	adjust func(*Config) // makes the occasion likelier
	rare   bool          // occasions are few: it strikes at one of the first
	// Shown says whether the history shows it; nil where Jepsen's rules say.
	shown func(*rules) bool
}

// Shows says whether the history shows what was planted.
func (p Plant) Shows(h *History) bool {
	r := apply(h)
	if p.shown != nil {
		return p.shown(r)
	}
	return r.found[p.Jepsen] > 0
}

// Plants are all of them.
var Plants = []Plant{
	{Name: plantLost, Modes: both, Jepsen: LostWrite},
	{Name: plantLostUntold, Modes: both, Jepsen: Unseen, adjust: noOffsets},
	{Name: plantLostLast, Modes: both, Jepsen: Unseen},
	{Name: plantTruncated, Modes: both, Jepsen: InconsistentOffsets},
	{Name: plantTorn, Modes: both, Jepsen: LostWrite, adjust: unknownTxns, rare: true},
	{Name: plantTornUntold, Modes: both, Ours: "torn-transaction", adjust: unknownTxns, rare: true, shown: tornVisibly},
	{Name: plantHanging, Modes: both, Jepsen: Unseen, adjust: unknownTxns, rare: true},
	{Name: plantDuplicate, Modes: both, Jepsen: Duplicate},
	{Name: plantLateDuplicate, Modes: both, Jepsen: Duplicate},
	{Name: plantForeign, Modes: both, Jepsen: InconsistentOffsets, adjust: unknownSends},
	{Name: plantPhantom, Modes: both, Jepsen: NoWriter, Ours: "phantom-read"},
	{Name: plantAborted, Modes: both, Jepsen: AbortedRead, adjust: aborts},
	{Name: plantAbortedFailed, Modes: both, Ours: "aborted-read", adjust: aborts, shown: abortedVisibly},
	{Name: plantDirty, Modes: both, Jepsen: AbortedRead, adjust: aborts},
	{Name: plantFailedLands, Modes: both, Jepsen: AbortedRead, adjust: failedSends},
	{Name: plantOwnRead, Modes: both, Jepsen: PrecommittedRead, adjust: crowded},
	{Name: plantCircular, Modes: both, Jepsen: CircularFlow, adjust: twoClients, rare: true},
	{Name: plantEarly, Modes: both, Jepsen: CircularRealtime, Ours: "dirty-read", adjust: polls, rare: true},
	{Name: plantBackward, Modes: assigning, Jepsen: NonmonotonicPoll, adjust: polls},
	{Name: plantSkip, Modes: assigning, Jepsen: PollSkip, adjust: polls},
	{Name: plantNoRewind, Modes: assigning, Jepsen: PollSkip, adjust: aborts},
	{Name: plantIntBackward, Modes: both, Jepsen: IntNonmonotonicPoll, adjust: polls},
	{Name: plantIntRepeated, Modes: both, Jepsen: IntNonmonotonicPoll, adjust: polls},
	{Name: plantIntSwapped, Modes: both, Jepsen: IntNonmonotonicPoll, adjust: polls},
	{Name: plantIntSkip, Modes: both, Jepsen: IntPollSkip, adjust: polls},
	{Name: plantIntSkipPolls, Modes: both, Jepsen: IntPollSkip, adjust: polls},
	{Name: plantSendBackward, Modes: both, Jepsen: NonmonotonicSend},
	{Name: plantIntSendBackward, Modes: both, Jepsen: IntNonmonotonicSend, adjust: transactions},
}

// The plants, each by what goes wrong.
const (
	plantLost            = "an acknowledged record is lost"
	plantLostUntold      = "an acknowledged record without an offset is lost"
	plantLostLast        = "the last record of a partition is lost"
	plantTruncated       = "the end of a log is lost and written anew"
	plantTorn            = "a partition of a committed transaction is lost"
	plantTornUntold      = "a partition of a committed transaction is lost, its offsets untold"
	plantHanging         = "a transaction hangs for ever"
	plantDuplicate       = "a record is appended twice"
	plantLateDuplicate   = "a retry is appended later"
	plantForeign         = "a reader finds another value at an offset"
	plantPhantom         = "a reader finds a value that nobody sent"
	plantAborted         = "a reader is given an aborted record"
	plantAbortedFailed   = "an operation that fails is given an aborted record"
	plantDirty           = "a reader is given a record that is aborted later"
	plantFailedLands     = "a refused send is appended"
	plantOwnRead         = "a transaction reads its own send"
	plantCircular        = "two transactions read each other's sends"
	plantEarly           = "a record is read before it is sent"
	plantBackward        = "a position moves back between operations"
	plantSkip            = "a position moves on between operations"
	plantNoRewind        = "a failed operation is not rewound"
	plantIntBackward     = "a position moves back within an operation"
	plantIntRepeated     = "a poll returns a record twice"
	plantIntSwapped      = "a poll returns records in reverse order"
	plantIntSkip         = "a poll leaves a record out"
	plantIntSkipPolls    = "a position moves on within an operation"
	plantSendBackward    = "a process's sends are appended in reverse order"
	plantIntSendBackward = "a transaction's sends are appended in reverse order"
)

var (
	both      = []Mode{ByAssign, BySubscribe}
	assigning = []Mode{ByAssign}
)

func atLeast(p *float64, least float64) { *p = max(*p, least) }

func noOffsets(c *Config)    { c.NoOffset = 0.4 }
func transactions(c *Config) { c.Txn = true }
func unknownTxns(c *Config)  { c.Txn, c.Keys = true, max(c.Keys, 2); atLeast(&c.Unknown, 0.2) }
func unknownSends(c *Config) { c.Txn = false; atLeast(&c.Unknown, 0.2) }
func failedSends(c *Config)  { c.Txn = false; atLeast(&c.Abort, 0.1) }
func aborts(c *Config)       { c.Txn = true; atLeast(&c.Abort, 0.1); polls(c) }

// polls makes polls return more. In Jepsen an unknown outcome always ends the
// process; where it does not, nothing is known of the consumer's position.
func polls(c *Config) {
	c.Slow /= 4
	c.Batch, c.Keys = max(c.Batch, 3), min(c.Keys, 3)
	c.KeepProcess = false
}

func crowded(c *Config) {
	polls(c)
	c.Txn, c.Keys, c.Threads = true, min(c.Keys, 2), max(c.Threads, 2)
}

// twoClients leaves two clients that have half of the partitions each, and little
// else.
func twoClients(c *Config) {
	polls(c)
	c.Txn, c.Keys, c.KeyWrites, c.Partitions, c.Threads = true, 2, 1<<20, 2, 2
	c.Crash, c.Rebalance, c.Stall, c.LateMark, c.Slow = 0, 0, 0, 0, 0
	c.Abort, c.Unknown, c.Fence, c.Latest = min(c.Abort, 0.02), min(c.Unknown, 0.02), 0, false
}

// PlantIn runs the workload with the plant, broken at one of its first occasions.
// It says whether the occasion came.
func (p Plant) PlantIn(c Config) (*History, bool) {
	after := int(c.Seed % uint64(1+c.Ops/4))
	if p.rare {
		after = int(c.Seed % 3)
	}
	c.CutFinal = false
	if p.adjust != nil {
		p.adjust(&c)
	}
	w := newWorld(c)
	w.planted.name, w.planted.after = p.Name, after
	w.run()
	h := &History{Config: c, Ops: w.ops}
	if p.Name == plantEarly {
		return h, readEarly(h, after)
	}
	return h, w.planted.done
}

// planted is the state of a plant in a world.
type planted struct {
	name  string
	after int // occasions to let go by
	done  bool
	op    *Op // the operation that it is about
}

// strikes says whether the named plant strikes at this occasion.
func (w *world) strikes(name string) bool {
	p := &w.planted
	if p.name != name || p.done {
		return false
	}
	if p.after > 0 {
		p.after--
		return false
	}
	p.done = true
	return true
}

// place is where the history tells of a send.
type place struct{ op, micro int }
