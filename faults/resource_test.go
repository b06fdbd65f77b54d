package faults

import (
	"testing"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// TestResourceFaultsConformOnDocker: brokers whose disks are volumes of their own.
func TestResourceFaultsConformOnDocker(t *testing.T) {
	env := startDockerOf(t, 3, 0, 128<<20)
	for _, f := range []scenario.Fault{
		{Kind: scenario.KindSkew, Args: scenario.FaultArgs{Broker: "leader(orders/0)", Ahead: time.Hour}},
		{Kind: scenario.KindSlowDisk, Args: scenario.FaultArgs{Broker: "follower(orders/0)", Delay: span(200*time.Millisecond, 200*time.Millisecond)}},
		{Kind: scenario.KindFreezeDisk, Args: scenario.FaultArgs{Broker: "follower(orders/0)"}},
	} {
		t.Run(string(f.Kind), func(t *testing.T) { conform(t, env, f) })
	}
	load(t, env, "orders", 0)
	t.Run("impair", func(t *testing.T) {
		conform(t, env, scenario.Fault{Kind: scenario.KindImpair, Args: scenario.FaultArgs{
			From: "broker(1)", To: "broker(2)", Delay: span(100*time.Millisecond, 150*time.Millisecond), Loss: 0.1, Rate: 64 << 10,
		}})
	})
	t.Run("fill", func(t *testing.T) {
		conform(t, env, scenario.Fault{Kind: scenario.KindFillDisk, Args: scenario.FaultArgs{Broker: "leader(orders/0)"}})
	})
}
