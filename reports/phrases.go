package reports

import "github.com/onceproof/onceproof/checker"

// promises says each guarantee in a sentence.
var promises = map[checker.Guarantee]string{
	checker.NoLoss:       "What was acknowledged or committed is in the log, and every consumed input is accounted for.",
	checker.NoDuplicates: "One send is one record, and one input has one committed effect.",
	checker.Order:        "The log and every reader keep the order in which one producer sent.",
	checker.Isolation:    "Readers of committed data see committed data only.",
	checker.Atomicity:    "A transaction's outputs and offsets appear all together or not at all.",
	checker.Agreement:    "An offset holds one record, whoever reads it.",
	checker.Offsets:      "A committed offset is kept, never goes back, and is where the next reader starts.",
	checker.Fencing:      "A producer or member that was replaced can no longer write or commit.",
	checker.Progress:     "Once the faults are over, clients get going again and no transaction hangs.",
}

// phrase says what an anomaly did, for n = 1 and for more.
type phrase struct{ one, many string }

var phrases = map[checker.Anomaly]phrase{
	checker.LostWrite:             {"1 acknowledged message is not in the log", "%s acknowledged messages are not in the log"},
	checker.LostInput:             {"1 input was committed as done but has no output", "%s inputs were committed as done but have no output"},
	checker.TruncatedLog:          {"1 log lost its tail", "%s logs lost their tail"},
	checker.DuplicateWrite:        {"1 message was written twice", "%s messages were written twice"},
	checker.DuplicateOutput:       {"1 input took effect twice", "%s inputs took effect twice"},
	checker.OverlappingInput:      {"1 input was committed by two transactions", "%s inputs were committed by two transactions"},
	checker.ReorderedWrite:        {"1 message was written out of order", "%s messages were written out of order"},
	checker.RealtimeReorder:       {"1 message stands behind one that was sent after it was acknowledged", "%s messages stand behind ones that were sent after they were acknowledged"},
	checker.NonmonotonicPoll:      {"1 poll went backwards", "%s polls went backwards"},
	checker.SkippedPoll:           {"1 poll skipped records", "%s polls skipped records"},
	checker.NonmonotonicSend:      {"1 send was given an offset before an earlier one", "%s sends were given offsets before earlier ones"},
	checker.AbortedRead:           {"1 aborted record was read as committed", "%s aborted records were read as committed"},
	checker.DirtyRead:             {"1 record was read before its transaction committed", "%s records were read before their transaction committed"},
	checker.IntermediateRead:      {"1 read saw part of a transaction", "%s reads saw part of a transaction"},
	checker.ReadAboveLSO:          {"1 record was read above the last stable offset", "%s records were read above the last stable offset"},
	checker.PhantomRead:           {"1 record that nobody sent was read", "%s records that nobody sent were read"},
	checker.TornTransaction:       {"1 transaction committed in part", "%s transactions committed in part"},
	checker.OutputWithoutOffset:   {"1 output was committed without its input's offset", "%s outputs were committed without their input's offset"},
	checker.OffsetWithoutOutput:   {"1 offset was committed without its output", "%s offsets were committed without their output"},
	checker.StrayMarker:           {"1 late end decided the next transaction", "%s late ends decided the next transaction"},
	checker.LostCommit:            {"1 committed transaction is not in the log", "%s committed transactions are not in the log"},
	checker.GhostCommit:           {"1 aborted transaction was committed", "%s aborted transactions were committed"},
	checker.InconsistentOffset:    {"1 offset holds two different records", "%s offsets hold two different records"},
	checker.OffsetRegression:      {"1 committed offset went back", "%s committed offsets went back"},
	checker.OffsetLost:            {"1 committed offset is gone", "%s committed offsets are gone"},
	checker.NonlinearizableOffset: {"1 partition's committed offsets fit no order of events", "%s partitions' committed offsets fit no order of events"},
	checker.PositionMismatch:      {"1 consumer did not start at its committed offset", "%s consumers did not start at their committed offset"},
	checker.ZombieWrite:           {"1 write of a fenced producer was accepted", "%s writes of fenced producers were accepted"},
	checker.ZombieCommit:          {"1 commit of a fenced producer was accepted", "%s commits of fenced producers were accepted"},
	checker.DoubleOwner:           {"1 partition had two owners at once", "%s partitions had two owners at once"},
	checker.HangingTransaction:    {"1 transaction hangs open", "%s transactions hang open"},
	checker.StuckConsumer:         {"1 consumer is stuck", "%s consumers are stuck"},
	checker.NoRecovery:            {"1 client did not recover after the faults", "%s clients did not recover after the faults"},
}
