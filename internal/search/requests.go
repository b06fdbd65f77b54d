package search

import (
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// requests are those that a client's role and properties make it send.
func requests(c scenario.Client) []string {
	var out []string
	transactional := c.Config["transactional.id"] != ""
	if c.Role != guarantee.Consumer {
		out = append(out, "Produce")
	}
	if transactional {
		out = append(out, "InitProducerId", "EndTxn")
	}
	if c.Role == guarantee.Producer {
		return out
	}
	out = append(out, "Fetch", "OffsetFetch")
	if c.Config["group.protocol"] == "consumer" {
		out = append(out, "ConsumerGroupHeartbeat")
	} else {
		out = append(out, "JoinGroup", "SyncGroup", "Heartbeat")
	}
	if c.Commit == guarantee.CommitTxn {
		return append(out, "TxnOffsetCommit")
	}
	return append(out, "OffsetCommit")
}

// refusals are the errors with which a broker refuses a request that it did not
// act on, as it does while leaders and coordinators move.
var refusals = map[string][]string{
	"Produce":         {"NOT_LEADER_OR_FOLLOWER"},
	"Fetch":           {"NOT_LEADER_OR_FOLLOWER"},
	"InitProducerId":  {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS"},
	"EndTxn":          {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS"},
	"TxnOffsetCommit": {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"OffsetCommit":    {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"OffsetFetch":     {"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS"},
	"JoinGroup":       {"NOT_COORDINATOR"},
	"SyncGroup":       {"NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"},
	"Heartbeat":       {"NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"},
}

// rare are requests that a client sends when it starts: one more of them comes after
// a crash.
var rare = []string{"InitProducerId", "JoinGroup", "SyncGroup", "OffsetFetch"}

// unordered is the request that is taken in place of a newer one when it comes late,
// whoever sends it (mistakes/late-commit): no search is needed for that.
const unordered = "OffsetCommit"

// needs is what has c send a rare request, nil for one that comes by itself.
func needs(c scenario.Client, request string) func(d dice) scenario.Fault {
	if !slices.Contains(rare, request) {
		return nil
	}
	often := "Fetch"
	if c.Role == guarantee.Producer {
		often = "Produce"
	}
	return func(d dice) scenario.Fault {
		return scenario.Fault{
			Kind: scenario.KindCrash, When: onRequest(c.Name, often, scenario.PhaseResponse)(d),
			Args: scenario.FaultArgs{Client: c.Name}, For: scenario.Span{Min: grain, Max: grain},
		}
	}
}

// repeated are requests that a client sends again, as they were, when an answer is
// lost: what may come twice without anybody breaking the protocol.
var repeated = []string{"Produce", "InitProducerId", "TxnOffsetCommit", "EndTxn", "OffsetCommit"}
