package checker

import (
	"strings"

	"github.com/onceproof/onceproof/history"
)

// notProof are Kafka's error codes after which a send or an EndTxn may have
// happened all the same, with the way in which it can.
var notProof = map[int16]string{
	-1: "UNKNOWN_SERVER_ERROR: the broker failed somewhere, perhaps after the append",
	5:  "LEADER_NOT_AVAILABLE: said of the metadata, not of an earlier attempt",
	6:  "NOT_LEADER_OR_FOLLOWER: an earlier attempt may have been appended and replicated (KAFKA-13574)",
	7:  "REQUEST_TIMED_OUT: appended, but not replicated in time",
	13: "NETWORK_EXCEPTION: the response was lost, not the request",
	14: "COORDINATOR_LOAD_IN_PROGRESS: an earlier attempt may have been written",
	15: "COORDINATOR_NOT_AVAILABLE: the coordinator may have written the decision before it went",
	16: "NOT_COORDINATOR: the coordinator may have written the decision before it moved",
	19: "NOT_ENOUGH_REPLICAS: refused this time, but an earlier attempt may have been appended",
	20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND: it is in the leader's log",
	45: "OUT_OF_ORDER_SEQUENCE_NUMBER: an earlier attempt of this very batch may be in the log",
	46: "DUPLICATE_SEQUENCE_NUMBER: it is in the log",
	47: "INVALID_PRODUCER_EPOCH: an earlier attempt may have been appended before the epoch was bumped",
	48: "INVALID_TXN_STATE: an earlier EndTxn may have decided the transaction",
	49: "INVALID_PRODUCER_ID_MAPPING: the id expired after an earlier attempt",
	51: "CONCURRENT_TRANSACTIONS: the decision may be under way",
	56: "KAFKA_STORAGE_ERROR: the append may have reached the disk",
	59: "UNKNOWN_PRODUCER_ID: an earlier attempt may be in the log",
	90: "PRODUCER_FENCED: an earlier attempt, or the newer instance, may have decided",
}

// notProofNames are words in library errors that carry no code.
var notProofNames = []string{
	"timeout", "timedout", "timed out", "timed_out", "deadline", "canceled", "cancelled", "network", "disconnect",
	"transport", "connection", "broken pipe", "reset", "eof", "fenced", "outofordersequence", "out_of_order",
	"notleader", "not_leader", "unknownserver", "unknown_server", "unknownproducer", "invalidproducerepoch",
	"invalid_producer_epoch", "afterappend", "after_append", "coordinator", "purge", "inflight", "in-flight", "abort",
}

// certain says whether an operation that a worker calls failed has certainly
// not happened. When the error is of a kind that is no proof, it may have.
func certain(e *history.Event) bool {
	if e.Err == nil {
		return true
	}
	if e.Err.Code != 0 {
		_, open := notProof[e.Err.Code]
		return !open
	}
	if e.Err.Class == history.Fenced {
		return false
	}
	name := strings.ToLower(e.Err.Name)
	for _, w := range notProofNames {
		if strings.Contains(name, w) {
			return false
		}
	}
	return true
}

func isFenced(err *history.Error) bool {
	if err.Class == history.Fenced || err.Code == 90 || err.Code == 47 || err.Code == 82 {
		return true
	}
	return strings.Contains(strings.ToLower(err.Name), "fenced")
}

// gracefulExit reads the note of an exit event: exit code 0 or a wanted end.
func gracefulExit(note string) bool {
	n := strings.ToLower(note)
	if strings.Contains(n, "signal") || strings.Contains(n, "kill") {
		return false
	}
	return n == "" || n == "0" || strings.Contains(n, "exit 0") || strings.Contains(n, "code 0") ||
		strings.Contains(n, "status 0") || strings.Contains(n, "graceful") || strings.Contains(n, "stopped")
}
