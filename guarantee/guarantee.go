// Package guarantee holds the words that scenarios, configurations, verdicts and
// reports share: the guarantees, the verdicts on them, and the anomalies that break
// them. docs/anomalies.md defines each anomaly.
//
//	scenarios ──> plan ──> harness ──> history ──> checker ──> reports
//	    └────────────── all of them speak these words ──────────────┘
package guarantee

// Guarantee is a promise that a configuration may make.
type Guarantee string

const (
	NoLoss       Guarantee = "no-loss"
	NoDuplicates Guarantee = "no-duplicates"
	Order        Guarantee = "order"
	Isolation    Guarantee = "isolation"
	Atomicity    Guarantee = "atomicity"
	Agreement    Guarantee = "agreement"
	Offsets      Guarantee = "offsets"
	Fencing      Guarantee = "fencing"
	Progress     Guarantee = "progress"
)

// All is every guarantee, in the order in which reports show them.
var All = []Guarantee{NoLoss, NoDuplicates, Order, Isolation, Atomicity, Agreement, Offsets, Fencing, Progress}

// Verdict on one guarantee.
type Verdict string

const (
	Holds        Verdict = "holds"         // examined, exercised, nothing found
	Violated     Verdict = "violated"      // with a witness
	NotExercised Verdict = "not-exercised" // nothing in this run could have broken it
	Unknown      Verdict = "unknown"       // could not be decided, with the reason
)

// Anomaly is a way to break a guarantee.
type Anomaly string

const (
	LostWrite             Anomaly = "lost-write"
	LostInput             Anomaly = "lost-input"
	TruncatedLog          Anomaly = "truncated-log"
	DuplicateWrite        Anomaly = "duplicate-write"
	DuplicateOutput       Anomaly = "duplicate-output"
	OverlappingInput      Anomaly = "overlapping-input"
	ReorderedWrite        Anomaly = "reordered-write"
	RealtimeReorder       Anomaly = "realtime-reorder"
	NonmonotonicPoll      Anomaly = "nonmonotonic-poll"
	SkippedPoll           Anomaly = "skipped-poll"
	NonmonotonicSend      Anomaly = "nonmonotonic-send"
	AbortedRead           Anomaly = "aborted-read"
	DirtyRead             Anomaly = "dirty-read"
	IntermediateRead      Anomaly = "intermediate-read"
	ReadAboveLSO          Anomaly = "read-above-lso"
	PhantomRead           Anomaly = "phantom-read"
	TornTransaction       Anomaly = "torn-transaction"
	OutputWithoutOffset   Anomaly = "output-without-offset"
	OffsetWithoutOutput   Anomaly = "offset-without-output"
	StrayMarker           Anomaly = "stray-marker"
	LostCommit            Anomaly = "lost-commit"
	GhostCommit           Anomaly = "ghost-commit"
	InconsistentOffset    Anomaly = "inconsistent-offset"
	OffsetRegression      Anomaly = "offset-regression"
	OffsetLost            Anomaly = "offset-lost"
	NonlinearizableOffset Anomaly = "nonlinearizable-offset"
	PositionMismatch      Anomaly = "position-mismatch"
	ZombieWrite           Anomaly = "zombie-write"
	ZombieCommit          Anomaly = "zombie-commit"
	DoubleOwner           Anomaly = "double-owner"
	HangingTransaction    Anomaly = "hanging-transaction"
	StuckConsumer         Anomaly = "stuck-consumer"
	NoRecovery            Anomaly = "no-recovery"
)
