package jepsenkafka

// Type says how an entry of the history relates to its operation.
type Type string

// The four types of Jepsen's operations.
const (
	Invoke Type = "invoke"
	OK     Type = "ok"
	Fail   Type = "fail" // it certainly did not happen
	Info   Type = "info" // nobody knows
)

// Func is what an operation does.
type Func string

// The operations of jepsen.tests.kafka.
const (
	Assign    Func = "assign"
	Subscribe Func = "subscribe"
	Send      Func = "send" // a transaction of sends only
	Poll      Func = "poll" // a transaction of polls only
	Txn       Func = "txn"
	Crash     Func = "crash"
	Debug     Func = "debug-topic-partitions"
)

// NoOffset stands for an offset that the client was not told.
const NoOffset int64 = -1

// Pair is one record as a poll returns it. Values are unique for each key.
type Pair struct {
	Offset int64
	Value  int64
}

// Batch is what one poll returned of one key.
type Batch struct {
	Key   int
	Pairs []Pair
}

// MicroOp is one step of an operation: a send or a poll.
type MicroOp struct {
	IsSend bool
	Key    int   // of a send
	Value  int64 // of a send
	Acked  bool  // the send's acknowledgement has come: [offset value] instead of value
	Offset int64 // of an acknowledged send, or NoOffset
	Polled []Batch
	Done   bool // the poll has returned
}

// Rebalance is one entry of an operation's rebalance log.
type Rebalance struct {
	Type string // revoked, assigned or lost
	Keys []int
}

// Op is one entry of a history: an invocation or a completion.
type Op struct {
	Type      Type
	F         Func
	Process   int // Nemesis for the nemesis
	Time      int64
	Micro     []MicroOp
	Keys      []int // of assign, subscribe and debug-topic-partitions
	Seek      bool  // :seek-to-beginning? true
	End       bool  // :end-process? true
	Error     string
	Rebalance []Rebalance
	Fault     string // what the nemesis did, in EDN
	Invoked   int    // of a completion: the index of its invocation
}

// Nemesis is the process of operations that hurt the cluster.
const Nemesis = -1

// History is what Jepsen recorded, in the order of time.
type History struct {
	Config Config
	Ops    []Op
}

// reads calls f for each record that the operation's polls returned.
func (o *Op) reads(f func(key int, p Pair)) {
	for _, m := range o.Micro {
		for _, b := range m.Polled {
			for _, p := range b.Pairs {
				f(b.Key, p)
			}
		}
	}
}

// sends calls f for each send of the operation.
func (o *Op) sends(f func(m *MicroOp)) {
	for i := range o.Micro {
		if o.Micro[i].IsSend {
			f(&o.Micro[i])
		}
	}
}
