package checker

import "github.com/onceproof/onceproof/guarantee"

// Explanation is what `onceproof explain` and docs/anomalies.md say of an anomaly.
//
// Smallest and Legal are histories in a short notation, one fact a line, which
// docs/anomalies.md explains; a test judges them and finds exactly this anomaly
// in the one, and nothing in the other.
type Explanation struct {
	Anomaly    guarantee.Anomaly
	Guarantee  guarantee.Guarantee
	Jepsen     string // "" where Jepsen has no name for it
	Definition string
	Source     string
	Smallest   []string
	Legal      []string
	Also       []guarantee.Anomaly // what the smallest history shows besides, of necessity
	Evidence   string
	Forfeits   []string // settings after which it is permitted or expected
}

// Explain returns the explanation of an anomaly, false if there is no such anomaly.
func Explain(a guarantee.Anomaly) (Explanation, bool) {
	e, ok := explanations[a]
	if !ok {
		return Explanation{}, false
	}
	e.Anomaly, e.Guarantee, e.Jepsen = a, GuaranteeOf(a), JepsenName(a)
	for _, c := range matrix {
		if c.covers(a) {
			e.Forfeits = append(e.Forfeits, c.property+": "+c.why)
		}
	}
	return e, true
}

// Anomalies is every anomaly, in the order of the guarantees.
func Anomalies() []guarantee.Anomaly {
	var all []guarantee.Anomaly
	for _, g := range guarantee.All {
		all = append(all, breaks[g]...)
	}
	return all
}

var explanations = map[guarantee.Anomaly]Explanation{
	guarantee.LostWrite: {
		Definition: "A send was acknowledged, or its transaction's commit was, and the record is not in the final log.",
		Source:     "Kafka documentation, Guarantees: a committed message is not lost as long as one in-sync replica is alive. Jepsen: lost-write.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "log orders: a#0"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders unknown", "log orders: a#0"},
		Evidence:   "The acknowledgement and the audit's whole log. Records that retention removed are not missed.",
	},
	guarantee.LostInput: {
		Definition: "A group's committed offset lies behind an input that no committed output, processing or set-aside record accounts for.",
		Source:     "Exactly-once as a tiling: every input below the committed offset is accounted for once.",
		Smallest:   []string{"a send 0 orders@0", "p poll orders 0:a#0", "p commit-offset 1", "log orders: a#0", "offset 1"},
		Legal:      []string{"a send 0 orders@0", "p poll orders 0:a#0", "log orders: a#0"},
		Evidence:   "The audit's log (outputs name their inputs) and committed offsets; processing events for groups without outputs.",
	},
	guarantee.TruncatedLog: {
		Definition: "A consumer was given a record that the final log does not hold.",
		Source:     "Kafka documentation, Replication: only committed messages are given to consumers, and those survive.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders unknown", "d poll orders 0:a#0 1:a#1", "log orders: a#0"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders unknown", "d poll orders 0:a#0", "log orders: a#0"},
		Evidence:   "The poll, of whosever record, and the audit's whole log. An acknowledged record is lost-write instead.",
	},
	guarantee.DuplicateWrite: {
		Definition: "One send stands in a topic's log at two offsets, neither of them aborted.",
		Source:     "KIP-98: with idempotence, retries no longer introduce duplicates. Jepsen: duplicate.",
		Smallest:   []string{"a send 0 orders@1", "log orders: a#0 a#0"},
		Legal:      []string{"a send 0 orders@0", "log orders: a#0"},
		Evidence:   "The audit's log; values are unique.",
	},
	guarantee.DuplicateOutput: {
		Definition: "One input has two committed outputs, or, in a group without transactions, two side effects.",
		Source:     "KIP-129: the result of processing is as if each input were processed exactly once.",
		Smallest:   []string{"a send 0 orders@0", "p process 0", "p send 0 receipts@0 from 0", "p dies", "q process 0", "q send 0 receipts@1 from 0", "q commit-offset 1", "log orders: a#0", "log receipts: p#0<0 q#0<0", "offset 1"},
		Legal:      []string{"a send 0 orders@0", "p process 0", "p send 0 receipts@0 from 0", "p commit-offset 1", "log orders: a#0", "log receipts: p#0<0", "offset 1"},
		Evidence:   "The header onceproof-from of each output in the audit's log; processing events.",
	},
	guarantee.OverlappingInput: {
		Definition: "Two committed transactions, one over before the other began, cover the same input of a group.",
		Source:     "KIP-447: offsets are fetched stable, so a successor begins where the last transaction ended.",
		Smallest: []string{"a send 0 orders@0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x commit 1", "y begin 1", "y send 0 receipts@2 from 0 txn 1", "y offset 1 txn 1", "y commit 1",
			"log orders: a#0", "log receipts: x#0<0!7 commit!7 y#0<0!8 commit!8", "offset 1 of e"},
		Legal: []string{"a send 0 orders@0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x abort 1", "y begin 1", "y send 0 receipts@2 from 0 txn 1", "y offset 1 txn 1", "y commit 1",
			"log orders: a#0", "log receipts: x#0<0!7 abort!7 y#0<0!8 commit!8", "offset 1 of e"},
		Also:     []guarantee.Anomaly{guarantee.DuplicateOutput},
		Evidence: "Offsets sent into transactions, and the ends of both transactions.",
	},
	guarantee.ReorderedWrite: {
		Definition: "Of two acknowledged sends of one process to one partition, the later one stands first in the log.",
		Source:     "Kafka documentation, Guarantees: messages of one producer to a partition are appended in the order they are sent.",
		Smallest:   []string{"a begin-send 0 orders", "a begin-send 1 orders", "a acked 0 orders@1", "a acked 1 orders@0", "log orders: a#1 a#0"},
		Legal:      []string{"a begin-send 0 orders", "a begin-send 1 orders", "a acked 1 orders@1", "a acked 0 orders@0", "log orders: a#0 a#1"},
		Evidence:   "The order of the invocations and the audit's log. A value that the application sent twice promises nothing.",
	},
	guarantee.RealtimeReorder: {
		Definition: "A record was acknowledged before another process's send began, and stands behind it in the log.",
		Source:     "A partition is one log with one leader: an append happens between its invocation and its acknowledgement (linearizability of append).",
		Smallest:   []string{"a send 0 orders@1", "b send 0 orders@0", "log orders: b#0 a#0"},
		Legal:      []string{"a begin-send 0 orders", "b send 0 orders@0", "a acked 0 orders@1", "log orders: b#0 a#0"},
		Evidence:   "Times of one monotonic clock, and the audit's log.",
	},
	guarantee.NonmonotonicPoll: {
		Definition: "A consumer was given an offset that is not above the last one it was given, with no seek, rebalance or abort between.",
		Source:     "Kafka documentation, Consumer Position: the position advances with each record. Jepsen: nonmonotonic-poll.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "d poll orders 1:a#1", "d poll orders 0:a#0", "log orders: a#0 a#1"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "d poll orders 1:a#1", "d seek orders 0", "d poll orders 0:a#0", "log orders: a#0 a#1"},
		Evidence:   "Polls of one process, its assignments and seeks; within one poll too.",
	},
	guarantee.SkippedPoll: {
		Definition: "A consumer jumped over a record that it must be given, with no seek, rebalance or abort between; or a reader of the whole log did not get it.",
		Source:     "Kafka documentation, Guarantees: a consumer sees records in the order they are stored in the log. Jepsen: poll-skip.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "a send 2 orders@2", "d poll orders 0:a#0 2:a#2", "log orders: a#0 a#1 a#2"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x abort 1", "x begin 2", "x send 1 receipts@2 txn 2", "x commit 2", "c poll receipts 2:x#1", "log receipts: x#0!7 abort!7 x#1!7 commit!7"},
		Evidence:   "Polls of one process and the audit's log: control records, and aborted ones under read_committed, may be jumped.",
	},
	guarantee.NonmonotonicSend: {
		Definition: "A process was told a smaller offset for the later of two of its sends, and the log does not hold them so.",
		Source:     "As reordered-write, from acknowledgements alone. Jepsen: nonmonotonic-send.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@1 txn 1", "x send 1 receipts@0 txn 1", "x abort 1"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 receipts@1 txn 1", "x abort 1"},
		Evidence:   "Acknowledged offsets of one process in one partition.",
	},
	guarantee.AbortedRead: {
		Definition: "A consumer was given a record of an aborted transaction, or of a send that failed for certain.",
		Source:     "Adya: G1a. KIP-98: under read_committed only committed transactional messages are returned. Jepsen: G1a.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x abort 1", "c poll receipts 0:x#0", "log receipts: x#0!7 abort!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x commit 1", "c poll receipts 0:x#0", "log receipts: x#0!7 commit!7"},
		Evidence:   "The poll, and the abort marker behind the record in the audit's log.",
	},
	guarantee.DirtyRead: {
		Definition: "A consumer under read_committed was given a record before the commit of its transaction was asked.",
		Source:     "Adya: generalises G1b and excludes wr-only G1c, since every write-read edge then goes forward in time. Jepsen: precommitted-read.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "c poll receipts 0:x#0", "x commit 1", "log receipts: x#0!7 commit!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x ask-commit 1", "c poll receipts 0:x#0", "x told commit 1", "log receipts: x#0!7 commit!7"},
		Evidence:   "The end of the poll and the invocation of the commit, on one clock.",
	},
	guarantee.IntermediateRead: {
		Definition: "A consumer under read_committed was given a part of a transaction's records in a partition, jumping over others of them.",
		Source:     "Adya: G1b, within a partition. Between partitions a transaction may be seen in parts: Kafka promises no snapshot.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 receipts@1 txn 1", "x send 2 receipts@2 txn 1", "x commit 1", "c poll receipts 0:x#0 2:x#2", "log receipts: x#0!7 x#1!7 x#2!7 commit!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 receipts@1 txn 1", "x send 2 receipts@2 txn 1", "x commit 1", "c poll receipts 0:x#0", "log receipts: x#0!7 x#1!7 x#2!7 commit!7"},
		Evidence:   "Polls of one process and the audit's log.",
	},
	guarantee.ReadAboveLSO: {
		Definition: "A consumer under read_committed was given a record behind the first record of a transaction that was open.",
		Source:     "KIP-98: under read_committed the consumer reads up to the last stable offset.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "b send 0 receipts@1", "c poll receipts 1:b#0", "x commit 1", "log receipts: x#0!7 b#0 commit!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "b send 0 receipts@1", "x commit 1", "c poll receipts 0:x#0 1:b#0", "log receipts: x#0!7 b#0 commit!7"},
		Evidence:   "The poll, the log's order, and a commit that was asked only later and succeeded; or the last stable offset that the audit found.",
	},
	guarantee.PhantomRead: {
		Definition: "A record that no send was invoked for, or a control record that an application was given as one.",
		Source:     "A log holds what was appended to it, and its control records are not exposed to applications (KIP-98). Jepsen's checker stops at a value that nobody sent; this one reports it.",
		Smallest:   []string{"a send 0 orders@0", "log orders: a#0 a#5"},
		Legal:      []string{"a send 0 orders@0", "a send 5 orders unknown", "log orders: a#0 a#5"},
		Evidence:   "All invocations, polls, and the audit's log with control records. What follows the last send that a killed process told of is not judged, nor is a record of another program that the log holds.",
	},
	guarantee.TornTransaction: {
		Definition: "Of one transaction, records in one partition are committed, and in another aborted or never decided.",
		Source:     "KIP-98: writes to several partitions are atomic.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 other@0 txn 1", "x ask-commit 1", "x told commit 1 unknown", "log receipts: x#0!7 commit!7", "log other: x#1!7 abort!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 other@0 txn 1", "x ask-commit 1", "x told commit 1 unknown", "log receipts: x#0!7 commit!7", "log other: x#1!7 commit!7"},
		Evidence:   "The audit's log of all partitions, with control records.",
	},
	guarantee.OutputWithoutOffset: {
		Definition: "A committed transaction holds an output, but not the offset past its input.",
		Source:     "KIP-98: sendOffsetsToTransaction makes consumed offsets a part of the transaction.",
		Smallest:   []string{"a send 0 orders@0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x commit 1", "x commit-offset 1", "log orders: a#0", "log receipts: x#0<0!7 commit!7", "offset 1 of e"},
		Legal:      []string{"a send 0 orders@0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x commit 1", "log orders: a#0", "log receipts: x#0<0!7 commit!7", "offset 1 of e"},
		Evidence:   "Outputs in the log, offsets sent into their transaction, and the audit's committed offset.",
	},
	guarantee.OffsetWithoutOutput: {
		Definition: "A group that commits offsets in transactions committed one past an input, and no committed output or set-aside record accounts for it.",
		Source:     "KIP-98, as above: the output and the offset are committed together, or neither is.",
		Smallest:   []string{"a send 0 orders@0", "x poll orders 0:a#0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x abort 1", "log orders: a#0", "log receipts: x#0<0!7 abort!7", "offset 1 of e"},
		Legal:      []string{"a send 0 orders@0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x abort 1", "log orders: a#0", "log receipts: x#0<0!7 abort!7"},
		Also:       []guarantee.Anomaly{guarantee.LostInput},
		Evidence:   "As lost-input, which it always is as well.",
	},
	guarantee.StrayMarker: {
		Definition: "A marker decided a transaction before it was over: more of its records follow in the same partition.",
		Source:     "KAFKA-17754 (a delayed EndTxn decides the next transaction), KIP-890.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x send 1 receipts@2 txn 1", "x commit 1", "log receipts: x#0!7 abort!7 x#1!7 commit!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x abort 1", "x begin 2", "x send 1 receipts@2 txn 2", "x commit 2", "log receipts: x#0!7 abort!7 x#1!7 commit!7"},
		Evidence:   "The audit's log with control records, and the client's transaction numbers.",
	},
	guarantee.LostCommit: {
		Definition: "A commit was acknowledged, and the transaction's records are aborted in the log.",
		Source:     "KIP-98: a commit that returned is decided.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x commit 1", "log receipts: x#0!7 abort!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x ask-commit 1", "x told commit 1 unknown", "log receipts: x#0!7 abort!7"},
		Evidence:   "The acknowledged commit and the abort marker in the audit's log.",
	},
	guarantee.GhostCommit: {
		Definition: "A transaction is committed in the log, though its client never asked for that.",
		Source:     "KIP-98: only the client decides for a commit.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@0 txn 1", "x abort 1", "log receipts: x#0!7 commit!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "x ask-commit 1", "x told commit 1 unknown", "x abort 1", "log receipts: x#0!7 commit!7"},
		Evidence:   "All invocations and the commit marker in the audit's log. An abort after a commit of unknown outcome proves nothing.",
	},
	guarantee.InconsistentOffset: {
		Definition: "Two values were seen at one offset, by acknowledgements, readers or the final log.",
		Source:     "Kafka documentation: the offset identifies a record within its partition. Jepsen: inconsistent-offsets.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "d poll orders 0:a#1", "log orders: a#0 a#1"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "d poll orders 0:a#0", "log orders: a#0 a#1"},
		Evidence:   "Any two sightings.",
	},
	guarantee.OffsetRegression: {
		Definition: "An acknowledged commit, invoked after a higher one was acknowledged, moved a group back, with no seek to explain it.",
		Source:     "A group's position moves forward; a successor begins at the committed offset.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p process 1", "p commit-offset 2", "p commit-offset 1", "log orders: a#0 a#1", "offset 1", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p process 1", "p commit-offset 1", "p commit-offset 2", "log orders: a#0 a#1", "offset 2", "no outputs"},
		Evidence:   "Acknowledged commits on one clock, and seeks.",
	},
	guarantee.OffsetLost: {
		Definition: "A commit was acknowledged, and after the end the committed offset is gone or lower, with no later commit to explain it.",
		Source:     "The offsets topic is a log with acks=all: an acknowledged commit is not lost.",
		Smallest:   []string{"a send 0 orders@0", "p process 0", "p commit-offset 1", "log orders: a#0", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "p process 0", "p commit-offset 1 unknown", "log orders: a#0", "no outputs"},
		Evidence:   "Acknowledged commits and the audit's stable committed offset.",
	},
	guarantee.NonlinearizableOffset: {
		Definition: "A fetch returned a committed offset that no order of the commits explains.",
		Source:     "Herlihy and Wing: a group's offset for a partition is a register. Transactional commits apply at their marker (KIP-98).",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "p process 1", "p commit-offset 2", "q told 1", "log orders: a#0 a#1", "offset 2", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "p process 1", "p commit-offset 2 unknown", "q told 1", "log orders: a#0 a#1", "offset 2", "no outputs"},
		Evidence:   "Commits and fetches on one clock.",
	},
	guarantee.PositionMismatch: {
		Definition: "A consumer that took over a partition did not begin at the committed offset that it was told.",
		Source:     "Kafka documentation, Consumer Position: after an assignment the consumer resumes from the last committed offset.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "q assigned orders", "q told 1", "q poll orders 0:a#0", "log orders: a#0 a#1", "offset 1", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "q assigned orders", "q told 1", "q poll orders 1:a#1", "log orders: a#0 a#1", "offset 1", "no outputs"},
		Evidence:   "The offset fetched, the first poll, and the audit's log.",
	},
	guarantee.ZombieWrite: {
		Definition: "A record of a producer's older epoch stands in the log behind its newer epoch.",
		Source:     "KIP-98, KIP-360, KIP-890: requests with an older epoch are rejected.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@1 txn 1", "x ask-commit 1", "x told commit 1 unknown", "log receipts: commit!7.1 x#0!7.0 commit!7.1"},
		Legal:      []string{"x begin 1", "x send 0 receipts@1 txn 1", "x ask-commit 1", "x told commit 1 unknown", "log receipts: commit!7.0 x#0!7.1 commit!7.1"},
		Evidence:   "Producer ids and epochs in the audit's log.",
	},
	guarantee.ZombieCommit: {
		Definition: "A process that had been replaced, in its group or in its transactional.id, committed, and was told of success.",
		Source:     "KIP-447: commits carry the group's generation, and those of an older one are rejected. KIP-98: so are those of an older epoch.",
		Smallest:   []string{"a send 0 orders@0", "p assigned orders", "p process 0", "q assigned orders", "p commit-offset 1", "log orders: a#0", "offset 1", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "p assigned orders", "p process 0", "p commit-offset 1", "p revoked orders", "q assigned orders", "log orders: a#0", "offset 1", "no outputs"},
		Evidence:   "Assignments, producer ids at init, and acknowledged commits, on one clock.",
	},
	guarantee.HangingTransaction: {
		Definition: "After heal and drain a transaction is still open, though its client was told of its end or its timeout has passed.",
		Source:     "KIP-890: hanging transactions hold back the last stable offset for good.",
		Smallest:   []string{"x begin 1", "x send 0 receipts@1 txn 1", "x abort 1", "log receipts: abort!7 x#0!7"},
		Legal:      []string{"x begin 1", "x send 0 receipts@0 txn 1", "log receipts: x#0!7"},
		Evidence:   "The audit's log and its list of open transactions.",
	},
	guarantee.StuckConsumer: {
		Definition: "A group committed nothing of a partition throughout the drain, though a visible record waits there, and the drain was longer than its session timeout. What a commit was to cover whose answer a fault took does not wait while its sender reads on there: without a further record nobody commits again.",
		Source:     "Liveness: after heal, members rejoin and read on.",
		Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "p commit-offset 1", "phase drain", "wait 60s", "phase drain-timeout", "log orders: a#0 a#1", "offset 1", "no outputs"},
		Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "p process 0", "phase drain", "wait 60s", "p commit-offset 1", "phase drain-timeout", "log orders: a#0 a#1", "offset 1", "no outputs"},
		Evidence:   "The harness's phases, polls, commits and the audit's log; the configuration, for a group that never polled or committed anything though it was to. Such a group's progress is unknown if the drain was too short.",
	},
	guarantee.NoRecovery: {
		Definition: "After the last fault was over, sends were made for 10 s and more, and none was acknowledged.",
		Source:     "Liveness: after heal, a partition has a leader again and takes records.",
		Smallest:   []string{"a send 0 orders@0", "fault", "a begin-send 1 orders", "wait 15s", "a begin-send 2 orders", "log orders: a#0"},
		Legal:      []string{"a send 0 orders@0", "fault", "a begin-send 1 orders", "wait 15s", "a send 2 orders@1", "log orders: a#0 a#2"},
		Evidence:   "The fault's end, invocations and acknowledgements.",
	},
}
