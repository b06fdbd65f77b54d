package faults

import (
	"slices"
	"testing"

	"github.com/onceproof/onceproof/internal/cluster"
)

func TestABrokerIsNotAwaitedWhereNobodyIsLeftToCopyFrom(t *testing.T) {
	two := []cluster.BrokerID{1, 2}
	v := &view{parts: map[string]map[int32]partition{
		"orders": {
			0: {leader: 1, replicas: two, isr: two},
			1: {leader: 1, replicas: two, isr: []cluster.BrokerID{1}},
			2: {leader: 1, replicas: []cluster.BrokerID{1}, isr: []cluster.BrokerID{1}},
		},
		"__consumer_offsets": {2: {leader: -1, replicas: []cluster.BrokerID{2}}},
	}}
	behind, orphaned, replicated := v.lagging(2)
	if !slices.Equal(behind, []string{"orders/1"}) || !slices.Equal(orphaned, []string{"__consumer_offsets/2"}) ||
		replicated != 3 {
		t.Errorf("behind %v, orphaned %v of %d", behind, orphaned, replicated)
	}
}
