package faults_test

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/faults"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

func ExampleStrike() {
	ctx := context.Background()
	c, _, err := cluster.Start(ctx, cluster.Spec{Name: "example", Backend: "embedded", Brokers: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	var tick int64
	env := &faults.Env{Cluster: c, Now: func() int64 { tick++; return tick }}

	f := scenario.Fault{Kind: scenario.KindKill, Args: scenario.FaultArgs{Broker: "broker(2)"}}
	strike, err := faults.New(f, env, 7, faults.Options{Now: env.Now, Record: func(f faults.Fact) {
		fmt.Println(f.Step, f.Resolved, "is", f.To)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	strike.Inject(ctx)
	strike.Effect(ctx)
	strike.Recover(ctx)
	strike.Gone(ctx)
	// Output:
	// inject broker 2 is struck
	// effect broker 2 is seen
	// recover broker 2 is healing
	// gone broker 2 is over
}
