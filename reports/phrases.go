package reports

import "github.com/onceproof/onceproof/guarantee"

// promises says each guarantee in a sentence.
var promises = map[guarantee.Guarantee]string{
	guarantee.NoLoss:       "What was acknowledged or committed is in the log, and every consumed input is accounted for.",
	guarantee.NoDuplicates: "One send is one record, and one input has one committed effect.",
	guarantee.Order:        "The log and every reader keep the order in which one producer sent.",
	guarantee.Isolation:    "Readers of committed data see committed data only.",
	guarantee.Atomicity:    "A transaction's outputs and offsets appear all together or not at all.",
	guarantee.Agreement:    "An offset holds one record, whoever reads it.",
	guarantee.Offsets:      "A committed offset is kept, never goes back, and is where the next reader starts.",
	guarantee.Fencing:      "A producer or member that was replaced can no longer write or commit.",
	guarantee.Progress:     "Once the faults are over, clients get going again and no transaction hangs.",
}

// phrase says what an anomaly did, for n = 1 and for more.
type phrase struct{ one, many string }

var phrases = map[guarantee.Anomaly]phrase{
	guarantee.LostWrite:             {"1 acknowledged message is not in the log", "%s acknowledged messages are not in the log"},
	guarantee.LostInput:             {"1 input was committed as done but has no output", "%s inputs were committed as done but have no output"},
	guarantee.TruncatedLog:          {"1 log lost its tail", "%s logs lost their tail"},
	guarantee.DuplicateWrite:        {"1 message was written twice", "%s messages were written twice"},
	guarantee.DuplicateOutput:       {"1 input took effect twice", "%s inputs took effect twice"},
	guarantee.OverlappingInput:      {"1 input was committed by two transactions", "%s inputs were committed by two transactions"},
	guarantee.ReorderedWrite:        {"1 message was written out of order", "%s messages were written out of order"},
	guarantee.RealtimeReorder:       {"1 message stands behind one that was sent after it was acknowledged", "%s messages stand behind ones that were sent after they were acknowledged"},
	guarantee.NonmonotonicPoll:      {"1 poll went backwards", "%s polls went backwards"},
	guarantee.SkippedPoll:           {"1 poll skipped records", "%s polls skipped records"},
	guarantee.NonmonotonicSend:      {"1 send was given an offset before an earlier one", "%s sends were given offsets before earlier ones"},
	guarantee.AbortedRead:           {"1 aborted record was read as committed", "%s aborted records were read as committed"},
	guarantee.DirtyRead:             {"1 record was read before its transaction committed", "%s records were read before their transaction committed"},
	guarantee.IntermediateRead:      {"1 read saw part of a transaction", "%s reads saw part of a transaction"},
	guarantee.ReadAboveLSO:          {"1 record was read above the last stable offset", "%s records were read above the last stable offset"},
	guarantee.PhantomRead:           {"1 record that nobody sent was read", "%s records that nobody sent were read"},
	guarantee.TornTransaction:       {"1 transaction committed in part", "%s transactions committed in part"},
	guarantee.OutputWithoutOffset:   {"1 output was committed without its input's offset", "%s outputs were committed without their input's offset"},
	guarantee.OffsetWithoutOutput:   {"1 offset was committed without its output", "%s offsets were committed without their output"},
	guarantee.StrayMarker:           {"1 late end decided the next transaction", "%s late ends decided the next transaction"},
	guarantee.LostCommit:            {"1 committed transaction is not in the log", "%s committed transactions are not in the log"},
	guarantee.GhostCommit:           {"1 aborted transaction was committed", "%s aborted transactions were committed"},
	guarantee.InconsistentOffset:    {"1 offset holds two different records", "%s offsets hold two different records"},
	guarantee.OffsetRegression:      {"1 committed offset went back", "%s committed offsets went back"},
	guarantee.OffsetLost:            {"1 committed offset is gone", "%s committed offsets are gone"},
	guarantee.NonlinearizableOffset: {"1 partition's committed offsets fit no order of events", "%s partitions' committed offsets fit no order of events"},
	guarantee.PositionMismatch:      {"1 consumer did not start at its committed offset", "%s consumers did not start at their committed offset"},
	guarantee.ZombieWrite:           {"1 write of a fenced producer was accepted", "%s writes of fenced producers were accepted"},
	guarantee.ZombieCommit:          {"1 commit of a fenced producer was accepted", "%s commits of fenced producers were accepted"},
	guarantee.DoubleOwner:           {"1 partition had two owners at once", "%s partitions had two owners at once"},
	guarantee.HangingTransaction:    {"1 transaction hangs open", "%s transactions hang open"},
	guarantee.StuckConsumer:         {"1 consumer is stuck", "%s consumers are stuck"},
	guarantee.NoRecovery:            {"1 client did not recover after the faults", "%s clients did not recover after the faults"},
}
