package reports

import (
	"github.com/onceproof/onceproof/history"
	eventfacts "github.com/onceproof/onceproof/internal/facts"
)

// Requests that only a coordinator answers. Who answered them, as the proxy saw
// it, is the coordinator.
var (
	groupRequests = map[string]bool{
		"JoinGroup": true, "SyncGroup": true, "LeaveGroup": true, "Heartbeat": true, "ConsumerGroupHeartbeat": true,
		"OffsetCommit": true, "OffsetFetch": true, "TxnOffsetCommit": true,
	}
	txnRequests = map[string]bool{"InitProducerID": true, "InitProducerId": true, "AddPartitionsToTxn": true, "AddOffsetsToTxn": true, "EndTxn": true}
)

// notCoordinator are the codes by which a broker says that it is not, or not yet.
var notCoordinator = map[int16]bool{14: true, 15: true, 16: true} // LOADING, NOT_AVAILABLE, NOT_COORDINATOR

// coordinate follows which broker coordinates each group and transactional id.
func (a *aggregate) coordinate(t int64, e *history.Event) {
	if e.Op != history.OpResponse || e.Type != history.OK || eventfacts.ToldClient.Get(e) != eventfacts.Passed {
		return
	}
	if e.Err != nil && notCoordinator[e.Err.Code] {
		return
	}
	api, name := eventfacts.API.Get(e), ""
	switch {
	case groupRequests[api] && e.Group != "":
		name = "group " + e.Group
	case txnRequests[api] && eventfacts.TxnID.Get(e) != "":
		name = "txn " + eventfacts.TxnID.Get(e)
	default:
		return
	}
	a.coordinators.of(name).next(t, Span{State: numberOf(eventfacts.Broker, e)})
}
