package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// nothing is what a fault leaves whose end is proved before the run goes on.
const nothing = ""

// left says of each kind of fault what it may leave in the brokers once it is healed,
// its end was proved, and topics, groups and transactional ids were deleted. A kind
// that is not here leaves nobody knows what.
var leftBehind = map[scenario.FaultKind]string{
	// Of the run's own processes and connections, which end with it. To a broker they
	// are a client that comes, is slow, or goes.
	scenario.KindCrash:     nothing,
	scenario.KindCut:       nothing,
	scenario.KindDrop:      nothing,
	scenario.KindDelay:     nothing,
	scenario.KindHold:      nothing,
	scenario.KindError:     nothing,
	scenario.KindDuplicate: nothing,
	scenario.KindBlackhole: nothing,
	scenario.KindThrottle:  nothing,
	scenario.KindHalfOpen:  nothing,
	scenario.KindReset:     nothing,

	// A process that starts again on its data is the broker that it was: it has its log,
	// its id and its vote, and its replicas are in sync before anybody gets the cluster.
	scenario.KindKill:    nothing,
	scenario.KindStop:    nothing,
	scenario.KindRestart: nothing,
	scenario.KindRoll:    nothing,
	scenario.KindPause:   nothing,

	// The packet filter is deleted, and every pair of brokers is seen to replicate.
	scenario.KindPartition: nothing,
	scenario.KindShrinkISR: nothing,

	// Of a topic, a group or a transactional id, which are deleted. (An internal topic is
	// not: see TaintReason.)
	scenario.KindMoveLeader:    nothing,
	scenario.KindReassign:      nothing,
	scenario.KindElect:         nothing,
	scenario.KindEvict:         nothing,
	scenario.KindDeleteOffsets: nothing,
	scenario.KindFence:         nothing,
	scenario.KindExpire:        nothing,

	scenario.KindMoveCoordinator: "an internal topic whose replicas have another order",
	scenario.KindWipe:            "a disk that has forgotten what the broker had voted and stored",
	scenario.KindFillDisk:        "a log that could not be written for a while",
	scenario.KindSlowDisk:        "a broker whose system calls were changed while it ran",
	scenario.KindFreezeDisk:      "a broker whose system calls were changed while it ran",
	scenario.KindSkew:            "timestamps and timers of a clock that went wrong",
	scenario.KindImpair:          "a packet queue beside a broker",
	scenario.KindStarve:          "timers that went off late for want of a processor",
	scenario.KindSqueeze:         "a page cache that was thrown away",
}

// TaintReason tells what the faults of s may leave in brokers that healing and cleaning do
// not take away, "" if nothing: then another run may have them.
func TaintReason(s *scenario.Scenario) string {
	for _, f := range everyFault(s) {
		what, known := leftBehind[f.Kind]
		switch {
		case !known:
			return fmt.Sprintf("nobody knows what %s leaves in brokers", f.Kind)
		case what != nothing:
			return fmt.Sprintf("%s left %s", f.Kind, what)
		case f.Kind == scenario.KindElect && f.Args.Unclean:
			return "an unclean election left replicas that differ"
		case strings.HasPrefix(f.Args.TP, "__"):
			return fmt.Sprintf("%s struck %s, which stays", f.Kind, f.Args.TP)
		}
	}
	if s.Cluster.Config["unclean.leader.election.enable"] == "true" && slices.ContainsFunc(everyFault(s), needsBackend) {
		return "an election that may have been unclean left replicas that differ"
	}
	return ""
}
