package scenario

import (
	"encoding/json"
	"strings"
	"time"
)

// Fault is one thing that strikes: when, what, whom, and for how long.
//
// A fault with an `on` trigger and a process action (kill, crash, …) strikes
// while the request that triggered it is kept: with phase request the broker
// never sees it, with phase response the client never hears of it. What the
// fault hits is therefore certain, not a race.
type Fault struct {
	Name string
	When Trigger
	Kind FaultKind
	Args FaultArgs
	For  Span // how long until it is healed; zero for faults of one instant
	Pos  Pos

	Random *Random // a mix instead of one action: Kind is ""
}

// Random is a mix of faults. From warm-up on, one of From strikes after each wait; after
// Burst strikes nothing does for as long as Quiet, counted from when all of them are
// healed.
type Random struct {
	From    []Fault // each with an action, and `for` where it needs one; On for wire faults only
	Every   Span
	Burst   int // 0 = there is no quiet
	Quiet   Span
	Seed    uint64 // of this mix alone, where HasSeed
	HasSeed bool
}

// Each returns f, or the faults that its mix draws from.
func (f *Fault) Each() []Fault {
	if f.Random == nil {
		return []Fault{*f}
	}
	return f.Random.From
}

// Trigger says when a fault strikes. Exactly one field is set; none = at once
// when warm-up ends.
type Trigger struct {
	At       *time.Duration // since the load began
	Every    *Span          // drawn anew after each strike
	On       *Match         // a request on the wire, or an event of the history
	Progress *float64       // 0..1 of the run's duration
	After    Causes         // the effects of all faults of these names were seen
}

// Causes are names of faults. One is written as a word, several as a list.
type Causes []string

// MarshalJSON keeps the form that one name has always had: draws depend on it.
func (n Causes) MarshalJSON() ([]byte, error) {
	if len(n) > 1 {
		return json.Marshal([]string(n))
	}
	return json.Marshal(strings.Join(n, ""))
}

// UnmarshalJSON takes both forms.
func (n *Causes) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(n))
	}
	var one string
	if err := json.Unmarshal(text, &one); err != nil || one == "" {
		*n = nil
		return err
	}
	*n = Causes{one}
	return nil
}

// Span is a duration or a range from which one is drawn.
type Span struct{ Min, Max time.Duration }

// Phases of a Match.
const (
	PhaseRequest  = "request"  // before the broker acts
	PhaseResponse = "response" // after it acted, before the client hears
)

// Match selects requests at the proxy, or, with Event, what clients report.
type Match struct {
	Event    string // an operation of the history: commit, revoked, …; with Client, TP, Nth and Type only
	Type     string // of the event: invoke, ok, fail or info; "" = any end of it
	Request  string // API name as Kafka spells it: Produce, EndTxn, …; "" = any
	Version  Versions
	Client   string // client name: all instances; name/instance: one
	ClientID string // Kafka's client.id, as the request says it
	TxnID    string
	TP       string  // topic or topic/partition
	Broker   Target  // whom the request goes to
	Nth      int     // the nth match, from 1; 0 = every match
	Times    int     // so many matches, from the nth or the first on; 0 = one with Nth, else no limit
	Prob     float64 // 0 = always
	Phase    string  // PhaseRequest (default) or PhaseResponse
}

// Versions of a request, both ends included; not Given = any.
type Versions struct {
	Min, Max int16
	Given    bool
}

// Connections over which a held request arrives.
const (
	SameConnection = "same" // the one it was sent over, whose client's side is cut
	NewConnection  = "new"  // one of its own, after both sides were cut
)

// FaultKind names an action, as in the scenario file.
type FaultKind string

const (
	KindKill       FaultKind = "kill"      // SIGKILL a broker; For later it starts again with its data
	KindStop       FaultKind = "stop"      // SIGTERM a broker or ask a client to end; For later it starts again
	KindPause      FaultKind = "pause"     // SIGSTOP a broker or client; For later SIGCONT
	KindRestart    FaultKind = "restart"   // Stop, and start at once
	KindCrash      FaultKind = "crash"     // SIGKILL a client; For later a new incarnation starts
	KindPartition  FaultKind = "partition" // between brokers
	KindCut        FaultKind = "cut"       // connections are cut and refused; with On, the one that carries the request
	KindDrop       FaultKind = "drop"      // with On: the request or response is swallowed and the connection cut
	KindDelay      FaultKind = "delay"     // with On: held for Args.Delay; else link latency
	KindHold       FaultKind = "hold"      // with On: the client is cut off, the request arrives Args.Delay later
	KindError      FaultKind = "error"     // with On: answered by us with Args.Code
	KindDuplicate  FaultKind = "duplicate" // with On: the request is sent again, as after a lost answer
	KindBlackhole  FaultKind = "blackhole" // bytes are swallowed, connections stay open
	KindMoveLeader FaultKind = "move-leader"

	KindRoll            FaultKind = "roll"             // brokers stop and start one after the other
	KindMoveCoordinator FaultKind = "move-coordinator" // of a group or transactional id; no process dies
	KindFence           FaultKind = "fence"            // a second instance of a transactional id initialises
	KindEvict           FaultKind = "evict"            // a member of a group is removed, and the group rebalances
	KindThrottle        FaultKind = "throttle"         // a link passes so many bytes a second
	KindHalfOpen        FaultKind = "half-open"        // the broker's side of a connection ends, the client's stays open
	KindReset           FaultKind = "reset"            // every connection of a link is reset, once
	KindWipe            FaultKind = "wipe"             // SIGKILL a broker and empty its disk; For later it starts again
	KindElect           FaultKind = "elect"            // the preferred leader is elected, or an unclean one
	KindReassign        FaultKind = "reassign"         // a partition's replicas move to other brokers
	KindShrinkISR       FaultKind = "shrink-isr"       // followers are kept from fetching until they are out of sync
	KindExpire          FaultKind = "expire"           // an open transaction is kept from ending until its time is over
	KindStarve          FaultKind = "starve"           // a broker gets little processor time
	KindSqueeze         FaultKind = "squeeze"          // a broker gets little memory
	KindFillDisk        FaultKind = "fill-disk"        // a broker's disk is full
	KindImpair          FaultKind = "impair"           // packets between brokers come late, not at all, or few a second
	KindSlowDisk        FaultKind = "slow-disk"        // a broker's writes take longer
	KindFreezeDisk      FaultKind = "freeze-disk"      // no write of a broker returns
	KindSkew            FaultKind = "skew"             // a broker's clock is ahead or behind
	KindDeleteOffsets   FaultKind = "delete-offsets"   // a group's committed offsets
)

// FaultArgs are the action's arguments; which are used depends on the kind.
type FaultArgs struct {
	Broker  Target    // whom: a broker …
	Client  string    // … or a client: name/instance; name/* for all; name for the one that triggered, else any
	Isolate Target    // partition: this broker from all the others
	Split   [][]int32 // partition: groups of brokers
	From    Target    // partition: one way; with Isolate only "brokers", its default
	To      Target    // partition: one way; move-leader: the new leader, "" = another replica
	Delay   Span      // `by` in the file
	Code    string    // error: Kafka's name of the code
	TP      string    // move-leader
	Group   string    // move-coordinator, evict
	TxnID   string    // move-coordinator, fence
	Way     string    // link faults: ToBroker or ToClient only; "" = both
	Rate    int64     // throttle: bytes a second, of each connection and direction

	Listener string        // partition: OfReplication or OfControllers only; "" = all
	Unclean  bool          // elect: a replica that is not in sync may lead
	Replicas []int32       // reassign: the new replicas, the preferred leader first; nil = one is replaced, drawn
	Keep     int           // shrink-isr: how many stay in sync
	Topic    string        // delete-offsets: of this topic; "" = all
	CPU      float64       // starve: the share of one processor that is left
	Memory   int64         // squeeze: bytes that are left
	Loss     float64       `json:",omitzero"` // impair: the share of packets that does not arrive
	Ahead    time.Duration `json:",omitzero"` // skew: of the host's clock
	Behind   time.Duration `json:",omitzero"`
	Until    string        // hold, delay: until the effect of this fault was seen, at the latest after Delay
	Over     string        // hold: SameConnection (default) or NewConnection
}

// Listeners of a broker, as FaultArgs.Listener says them.
const (
	OfReplication = "replication"
	OfControllers = "controller"
)

// Directions of a link, as FaultArgs.Way says them.
const (
	ToBroker = "to-broker"
	ToClient = "to-client"
)
