package native

import "github.com/onceproof/onceproof/history"

// code is an error code of Kafka's protocol.
type code int16

// The codes that brokers of this model answer with.
const (
	none                code = 0
	notLeader           code = 6
	requestTimedOut     code = 7
	messageTooLarge     code = 10
	coordinatorLoading  code = 14
	notCoordinator      code = 16
	notEnoughReplicas   code = 19
	illegalGeneration   code = 22
	unknownMember       code = 25
	rebalanceInProgress code = 27
	outOfOrderSequence  code = 45
	duplicateSequence   code = 46
	invalidEpoch        code = 47
	invalidTxnState     code = 48
	invalidPIDMapping   code = 49
	concurrentTxns      code = 51
	unstableOffset      code = 88
	memberIDRequired    code = 79
	producerFenced      code = 90
	fencedMemberEpoch   code = 110
	staleMemberEpoch    code = 113
)

var codeNames = map[code]string{
	notLeader: "NOT_LEADER_OR_FOLLOWER", requestTimedOut: "REQUEST_TIMED_OUT", messageTooLarge: "MESSAGE_TOO_LARGE",
	coordinatorLoading: "COORDINATOR_LOAD_IN_PROGRESS", notCoordinator: "NOT_COORDINATOR",
	notEnoughReplicas: "NOT_ENOUGH_REPLICAS", illegalGeneration: "ILLEGAL_GENERATION",
	unknownMember: "UNKNOWN_MEMBER_ID", rebalanceInProgress: "REBALANCE_IN_PROGRESS",
	outOfOrderSequence: "OUT_OF_ORDER_SEQUENCE_NUMBER", duplicateSequence: "DUPLICATE_SEQUENCE_NUMBER",
	invalidEpoch: "INVALID_PRODUCER_EPOCH", invalidTxnState: "INVALID_TXN_STATE",
	invalidPIDMapping: "INVALID_PRODUCER_ID_MAPPING", concurrentTxns: "CONCURRENT_TRANSACTIONS",
	unstableOffset: "UNSTABLE_OFFSET_COMMIT", memberIDRequired: "MEMBER_ID_REQUIRED",
	producerFenced: "PRODUCER_FENCED", fencedMemberEpoch: "FENCED_MEMBER_EPOCH", staleMemberEpoch: "STALE_MEMBER_EPOCH",
}

// retriable are the codes that Kafka's clients try again after.
var retriable = map[code]bool{
	notLeader: true, requestTimedOut: true, coordinatorLoading: true, notCoordinator: true, notEnoughReplicas: true,
	concurrentTxns: true, unstableOffset: true,
}

// fencing are the codes that say that somebody else has taken over.
var fencing = map[code]bool{invalidEpoch: true, producerFenced: true, fencedMemberEpoch: true}

// asError is the error as a history tells it; nil for none.
func (c code) asError() *history.Error {
	if c == none {
		return nil
	}
	e := &history.Error{Name: codeNames[c], Code: int16(c)}
	switch {
	case fencing[c]:
		e.Class = history.Fenced
	case retriable[c]:
		e.Class = history.Retriable
	}
	return e
}
