package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/scenarios"
)

// nothing is what a fault leaves whose end is proved before the run goes on.
const nothing = ""

// left says of each kind of fault what it may leave in the brokers once it is healed,
// its end was proved, and topics, groups and transactional ids were deleted. A kind
// that is not here leaves nobody knows what.
var left = map[scenarios.FaultKind]string{
	// Of the run's own processes and connections, which end with it. To a broker they
	// are a client that comes, is slow, or goes.
	scenarios.KindCrash:     nothing,
	scenarios.KindCut:       nothing,
	scenarios.KindDrop:      nothing,
	scenarios.KindDelay:     nothing,
	scenarios.KindHold:      nothing,
	scenarios.KindError:     nothing,
	scenarios.KindDuplicate: nothing,
	scenarios.KindBlackhole: nothing,
	scenarios.KindThrottle:  nothing,
	scenarios.KindHalfOpen:  nothing,
	scenarios.KindReset:     nothing,

	// A process that starts again on its data is the broker that it was: it has its log,
	// its id and its vote, and its replicas are in sync before anybody gets the cluster.
	scenarios.KindKill:    nothing,
	scenarios.KindStop:    nothing,
	scenarios.KindRestart: nothing,
	scenarios.KindRoll:    nothing,
	scenarios.KindPause:   nothing,

	// The packet filter is deleted, and every pair of brokers is seen to replicate.
	scenarios.KindPartition: nothing,
	scenarios.KindShrinkISR: nothing,

	// Of a topic, a group or a transactional id, which are deleted. (An internal topic is
	// not: see Leaves.)
	scenarios.KindMoveLeader:    nothing,
	scenarios.KindReassign:      nothing,
	scenarios.KindElect:         nothing,
	scenarios.KindEvict:         nothing,
	scenarios.KindDeleteOffsets: nothing,
	scenarios.KindFence:         nothing,
	scenarios.KindExpire:        nothing,

	scenarios.KindMoveCoordinator: "an internal topic whose replicas have another order",
	scenarios.KindWipe:            "a disk that has forgotten what the broker had voted and stored",
	scenarios.KindFillDisk:        "a log that could not be written for a while",
	scenarios.KindSlowDisk:        "a broker whose system calls were changed while it ran",
	scenarios.KindFreezeDisk:      "a broker whose system calls were changed while it ran",
	scenarios.KindSkew:            "timestamps and timers of a clock that went wrong",
	scenarios.KindImpair:          "a packet queue beside a broker",
	scenarios.KindStarve:          "timers that went off late for want of a processor",
	scenarios.KindSqueeze:         "a page cache that was thrown away",
}

// Leaves tells what the faults of s may leave in brokers that healing and cleaning do
// not take away, "" if nothing: then another run may have them.
func Leaves(s *scenarios.Scenario) string {
	for _, f := range everyFault(s) {
		what, known := left[f.Kind]
		switch {
		case !known:
			return fmt.Sprintf("nobody knows what %s leaves in brokers", f.Kind)
		case what != nothing:
			return fmt.Sprintf("%s left %s", f.Kind, what)
		case f.Kind == scenarios.KindElect && f.Args.Unclean:
			return "an unclean election left replicas that differ"
		case strings.HasPrefix(f.Args.TP, "__"):
			return fmt.Sprintf("%s struck %s, which stays", f.Kind, f.Args.TP)
		}
	}
	if s.Cluster.Config["unclean.leader.election.enable"] == "true" && slices.ContainsFunc(everyFault(s), strikesBrokers) {
		return "an election that may have been unclean left replicas that differ"
	}
	return ""
}
