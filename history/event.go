// Package history holds the operations of one run: the event type, its
// newline-delimited JSON form in zstd frames, a writer that loses at most its
// last frame in a crash, and a reader for it and for other people's histories.
//
//	clients, proxy, faults, audit ──> history ──> checker, reports
//
// The format is described in docs/history.md.
package history

// Source says who saw an event.
type Source string

const (
	SrcClient  Source = "client"  // a worker, about its own calls
	SrcWire    Source = "wire"    // the proxy, about requests and responses
	SrcFault   Source = "fault"   // the fault engine
	SrcAudit   Source = "audit"   // the reads after heal and drain
	SrcHarness Source = "harness" // the run itself: phases, processes, brokers
)

// Type is the place of an event in its operation.
type Type string

const (
	Invoke Type = "invoke" // stamped before the call
	OK     Type = "ok"     // certainly happened
	Fail   Type = "fail"   // certainly did not happen
	Info   Type = "info"   // nobody knows; also plain information from the harness
)

// Op names what was done.
type Op string

// Operations of clients. A client that processes sends its outputs with Send
// events whose From names the input.
const (
	OpInitProducer  Op = "init-producer"  // InitProducerId; PID and Epoch at ok when the library tells them
	OpBegin         Op = "begin"          // a transaction begins; Txn numbers it within the process
	OpSend          Op = "send"           // invoke: TP (topic; Part -1 if the library chooses), Val, From; ok: TP, Off
	OpPoll          Op = "poll"           // ok: one line a partition, TP, Off, Val, From; all lines of one poll share ID
	OpProcess       Op = "process"        // the application's side effect on one input: From; ok when it is done
	OpSendOffsets   Op = "send-offsets"   // offsets into the transaction: Group, TP, Off (the next offset to read), Meta
	OpCommit        Op = "commit"         // EndTxn commit of Txn
	OpAbort         Op = "abort"          // EndTxn abort of Txn
	OpCommitOffsets Op = "commit-offsets" // Group, TP, Off (the next offset to read), Meta
	OpFetchOffsets  Op = "fetch-offsets"  // ok: Group, TP, Off, Meta
	OpAssigned      Op = "assigned"       // info: Group, TP
	OpRevoked       Op = "revoked"        // info: Group, TP, given back in order
	OpLost          Op = "lost"           // info: Group, TP, taken away
	OpSeek          Op = "seek"           // info: TP, Off
	OpSetAside      Op = "set-aside"      // an input given up on and sent to a retry or dead-letter topic; From
	OpClose         Op = "close"          // graceful end
)

// Operations of the harness, the fault engine and the audit.
const (
	OpPhase      Op = "phase"      // harness, info: Note is the phase's name
	OpSpawn      Op = "spawn"      // harness, info: Proc started
	OpExit       Op = "exit"       // harness, info: Proc ended; Note says how (exit code or signal)
	OpBroker     Op = "broker"     // harness, info: Data {broker, state}
	OpLeader     Op = "leader"     // harness, info: TP, Data {leader, epoch}
	OpController Op = "controller" // harness, info: Data {controller}
	OpInject     Op = "inject"     // fault: Proc "fault/<step>", Data {kind, target, resolved}
	OpEffect     Op = "effect"     // fault: its effect was seen; Data says what by
	OpRecover    Op = "recover"    // fault
	OpGone       Op = "gone"       // fault: its effect was seen to be over
	OpLog        Op = "log"        // audit, ok: read_uncommitted, consecutive records of one producer: TP, Off, Val, From, PID, Epoch, InTxn
	OpMarker     Op = "marker"     // audit, ok: a control record: TP, Off, PID, Epoch, Marker
	OpVisible    Op = "visible"    // audit, ok: read_committed, by library Note: TP, Off, Val, From
	OpOffset     Op = "offset"     // audit, ok: stable committed offset: Group, TP, Off, Meta; no line if none
	OpWatermarks Op = "watermarks" // audit, ok, and harness, info, while the run goes on: TP, Off = [log start, last stable offset, high watermark]
	OpOpenTxn    Op = "open-txn"   // audit, ok: TP, PID, Epoch, Off = [first offset]: a transaction still open
	OpLineage    Op = "lineage"    // audit, ok: what records of programs were made from: TP, Off, From; an Off with several inputs stands there several times
	OpFold       Op = "fold"       // audit: what came of comparing a program's results with the fold over its inputs; Data
	OpAuditDone  Op = "audit-done" // audit: ok when whole; fail with Err when a part is missing
	OpRequest    Op = "request"    // wire, invoke: Data {api, version, broker}; see docs/history.md
	OpResponse   Op = "response"   // wire, ok
	OpFetched    Op = "fetched"    // wire, ok: what a client was given: TP, Off = [first, last], Data {high-watermark, last-stable, committed}
)

// Notes of OpAssigned in an imported history.
const (
	// NoteRebalanceLog marks an assignment that the history's rebalance log tells.
	NoteRebalanceLog = "rebalance-log"
	// NoteUntold marks a moment at which a rebalance may have moved the reader: its
	// group decides what it reads, and the operation tells of no rebalances at all.
	NoteUntold = "untold"
)

// PhaseStopped is the name of the phase in which a load was ended early: at a
// violation, by `run: {stop-on: violation}`.
const PhaseStopped = "stopped-early"

// Class is what a library's error means for the caller.
type Class string

const (
	Retriable Class = "retriable"
	Abortable Class = "abortable" // the transaction must be aborted
	Fatal     Class = "fatal"     // the client must be closed
	Fenced    Class = "fenced"    // another instance took over; also fatal
)

// Error is an error as the library tells it.
type Error struct {
	Name  string `json:"name"` // as the library spells it
	Class Class  `json:"class,omitempty"`
	Code  int16  `json:"code,omitempty"` // Kafka's error code, 0 if it has none
	Text  string `json:"text,omitempty"`
}

// TopicPartition is written "topic/partition" in JSON; a partition that is not
// known yet (-1) is written as the bare topic.
type TopicPartition struct {
	Topic string
	Part  int32
}

// Value identifies one send: the process that made it and its number there.
// It is written "proc#n", and a contiguous run in an array as "proc#a..b".
// Records carry it as the first line of the record's value.
type Value struct {
	Proc string
	N    int64
}

// Input names the record that an output was made from, "topic/partition@offset".
// Records carry it in the header "onceproof-from".
type Input struct {
	TP  TopicPartition
	Off int64
}

// Event is one line of a history. The events of one operation share Proc and ID.
// Slices of one event that are used together (Off, Key, Val, From) have the same
// length, or are empty.
type Event struct {
	T      int64 // ns of the host's CLOCK_MONOTONIC: before the call (invoke) or after its end
	Src    Source
	Proc   string // name/instance/incarnation; "audit", "harness", "fault/<step>" otherwise
	Type   Type
	Op     Op
	ID     int64          // operation number within Proc, from 1
	Txn    int64          // transaction number within Proc, from 1; 0 outside
	Group  string         // consumer group
	TP     TopicPartition // Topic "" if the event speaks of no partition
	Off    []int64
	Key    []string
	Val    []Value
	From   []Input
	PID    int64 // producer id where HasPID
	Epoch  int16
	HasPID bool
	InTxn  bool   // the records are transactional
	Marker string // "commit" or "abort"
	Meta   string // token in an offset commit's metadata
	Err    *Error
	Note   string
	Data   map[string]any // facts of fault, harness and wire events; never read by a hot path

	// Unit is the operation of an imported history that the event is of, from 1; 0
	// in a history of our own. Only a Reader sets it, and it is not written.
	Unit int64

	// Run says that the event stands for len(Val) sends, numbered from ID on, one
	// element each; everything else they share. So a burst costs one line. Only
	// writers see it: a Reader gives each send as an event of its own.
	Run bool
}
