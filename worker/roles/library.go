package roles

import (
	"context"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// Library is what a worker knows of its Kafka library. Main calls Configure, then
// Open, the calls of the role, and Close at a graceful end. Calls come from one
// goroutine, or, within Consume, from those that call Group.Handle, one at a time.
type Library interface {
	Name() (library, version string)
	Commits() []string
	// Configure translates spec.Config. A value that makes no sense is an error; a
	// property that the library lacks is refused, with the reason.
	Configure(spec *worker.Spec) (effective map[string]string, refused []string, err error)
	Open() error
	Close() error
	// Explain tells err as the library does. Its class says what it means.
	Explain(err error) *history.Error
	// Certain says whether err proves that the record was not written.
	Certain(err error) bool

	// Send hands a record over. done is called once, with the offset -1 where the
	// library does not tell.
	Send(m *Message, done func(part int32, off int64, err error))
	// Flush returns when every Send is done.
	Flush() error

	InitTransactions() error
	Begin() error
	Commit() error
	Abort() error
	SendOffsets([]Offset) error

	// Consume reads topic in the group until ctx ends, and returns when Handle is
	// not running and the group is left.
	Consume(ctx context.Context, topic string, g Group) error
	// Mark says that records are processed, for the library's own commits.
	Mark([]Record)
	CommitOffsets([]Offset) error
	// Rewind goes back to what is committed after a transaction did not commit, and
	// tells from where; a library that joins its group anew for that tells nothing.
	Rewind([]Record) []Offset
}

// Hosted may be implemented by a Library that reports its offset commits, and the
// offsets that it adds to transactions, by itself: because it commits in the
// background, or learns more of a commit than one error. Host is called once, before
// Configure.
type Hosted interface {
	Host(Host)
}

// Host is what a Hosted Library may ask of its worker. Safe for concurrent use.
type Host interface {
	// Printer takes the events of commits.
	Printer() *Printer
	// Token is a new one, for the metadata of one commit.
	Token() string
	// Txn is the number of the open transaction, 0 without one.
	Txn() int64
	// Told is Group.Told, for a library that is in its group before Consume.
	Told(op history.Op, tps []history.TopicPartition)
	// Fail notes an error that a callback saw, after which the worker ends.
	Fail(err error)
	// Ended is why the worker must end; nil while it need not.
	Ended() error
	// Context is done when the worker must end at once.
	Context() context.Context
}

// Abandoner may be implemented by a Library that has something to release when the
// worker ends without Close.
type Abandoner interface {
	Abandon()
}

// Identified may be implemented by a Library that knows which producer it is after
// InitTransactions.
type Identified interface {
	Identity() (pid int64, epoch int16)
}

// Asker may be implemented by a Library that knows whether its last Commit, which
// failed, asked the coordinator for anything. If not, the commit certainly failed.
type Asker interface {
	Asked() bool
}

// Session may be implemented by a Library that adds the offsets to a transaction and
// commits it in one call, and after an abort goes back to what is committed by itself.
type Session interface {
	// InSession says whether the spec has transactions with offsets go that way.
	InSession() bool
	// CommitSession returns an error if the client is finished.
	CommitSession() (SessionEnd, error)
	// GoOn moves the position behind records after a session that did not commit.
	GoOn([]Record)
}

// SessionEnd is how a session's transaction ended. One that did not commit was
// aborted, for Cause; NotAsked says that its commit was certainly not asked for.
type SessionEnd struct {
	Committed bool
	NotAsked  bool
	Cause     error
}

// Metadata may be implemented by a Library whose commits do not carry the token
// as it is given: it returns what the broker will have, "" for nothing.
type Metadata interface {
	Metadata(token string) string
}

// Group is what a Library tells of its group.
type Group interface {
	// Told reports partitions that came or went.
	Told(op history.Op, tps []history.TopicPartition)
	// Handle processes records, in the order of each partition, and commits them.
	// After an error the worker ends.
	Handle([]Record) error
	// Failed reports an error of the library's consumer.
	Failed(err error)
	// FailedAt is Failed where the library knows of which partition.
	FailedAt(tp history.TopicPartition, err error)
}

// AtOnce is how many records a library that hands them out one by one is to be asked
// for before they are handled: one where the pattern has each on its own. More would
// be the worker's own store, which goes on when their partition is long lost.
func AtOnce(commit string, most int) int {
	if commit == guarantee.CommitAuto || commit == guarantee.CommitEach {
		return 1
	}
	return most
}

// Message is a record to write.
type Message struct {
	Topic      string
	Key, Value []byte
	Headers    []Header
}

// Header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is one that was read.
type Record struct {
	TP         history.TopicPartition
	Off        int64
	Key, Value []byte
	Headers    []Header
	Epoch      int32 // of the leader that it was read from, where the library tells
	Own        any   // the library's own record

	id     history.Value // the value id in Value, once it was looked for
	looked bool
}

// Offset is the next one to read of a partition, with its token.
type Offset struct {
	TP    history.TopicPartition
	Off   int64
	Epoch int32 // of the leader that the record before it was read from, where the library tells
	Meta  string
}
