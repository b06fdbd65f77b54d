//go:build no_new_strategies

package main

import "github.com/IBM/sarama"

// strategies are the library's own instances, which all of its groups share.
var strategies = map[string]sarama.BalanceStrategy{
	"RangeAssignor": sarama.BalanceStrategyRange, "range": sarama.BalanceStrategyRange,
	"RoundRobinAssignor": sarama.BalanceStrategyRoundRobin, "roundrobin": sarama.BalanceStrategyRoundRobin,
	"StickyAssignor": sarama.BalanceStrategySticky, "sticky": sarama.BalanceStrategySticky,
}
