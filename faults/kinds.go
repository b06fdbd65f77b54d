package faults

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/scenarios"
)

// Kinds that act on Kafka's own work rather than on processes and links. Those
// about a group or a transactional id take it as a coordinator target in
// Args.Broker: coordinator(group till), coordinator(txn shop-0).
const (
	KindRoll            scenarios.FaultKind = "roll"             // brokers stop and start one after the other; Args.Broker, "" = all
	KindMoveCoordinator scenarios.FaultKind = "move-coordinator" // of a group or transactional id; no process dies
	KindFence           scenarios.FaultKind = "fence"            // a second instance of a transactional id initialises
	KindEvict           scenarios.FaultKind = "evict"            // a member of a group is removed, and the group rebalances
)

// coordinated parses a coordinator target.
func coordinated(t scenarios.Target, kinds ...scenarios.TargetKind) (keyType, string, error) {
	forms := map[scenarios.TargetKind]string{
		scenarios.TargetGroupCoordinator: "coordinator(group g)",
		scenarios.TargetTxnCoordinator:   "coordinator(txn id)",
	}
	var want []string
	for _, k := range kinds {
		want = append(want, forms[k])
	}
	ref, err := parseTarget(t)
	if err != nil {
		return 0, "", err
	}
	for _, k := range kinds {
		switch {
		case ref.Kind != k:
		case k == scenarios.TargetGroupCoordinator:
			return group, ref.Group, nil
		default:
			return txn, ref.TxnID, nil
		}
	}
	return 0, "", fmt.Errorf("target %q: want %s", t, strings.Join(want, " or "))
}
