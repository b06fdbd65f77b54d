package faults

import (
	"testing"
	"time"

	"github.com/onceproof/onceproof/scenarios"
)

// TestResourceFaultsConformOnDocker: brokers whose disks are volumes of their own.
func TestResourceFaultsConformOnDocker(t *testing.T) {
	env := startDockerOf(t, 3, 0, 128<<20)
	for _, f := range []scenarios.Fault{
		{Kind: scenarios.KindSkew, Args: scenarios.FaultArgs{Broker: "leader(orders/0)", Ahead: time.Hour}},
		{Kind: scenarios.KindSlowDisk, Args: scenarios.FaultArgs{Broker: "follower(orders/0)", Delay: span(200*time.Millisecond, 200*time.Millisecond)}},
		{Kind: scenarios.KindFreezeDisk, Args: scenarios.FaultArgs{Broker: "follower(orders/0)"}},
	} {
		t.Run(string(f.Kind), func(t *testing.T) { conform(t, env, f) })
	}
	load(t, env, "orders", 0)
	t.Run("impair", func(t *testing.T) {
		conform(t, env, scenarios.Fault{Kind: scenarios.KindImpair, Args: scenarios.FaultArgs{
			From: "broker(1)", To: "broker(2)", Delay: span(100*time.Millisecond, 150*time.Millisecond), Loss: 0.1, Rate: 64 << 10,
		}})
	})
	t.Run("fill", func(t *testing.T) {
		conform(t, env, scenarios.Fault{Kind: scenarios.KindFillDisk, Args: scenarios.FaultArgs{Broker: "leader(orders/0)"}})
	})
}
