//go:build !no_new_strategies

package main

import "github.com/IBM/sarama"

var strategies = map[string]sarama.BalanceStrategy{
	"RangeAssignor": sarama.NewBalanceStrategyRange(), "range": sarama.NewBalanceStrategyRange(),
	"RoundRobinAssignor": sarama.NewBalanceStrategyRoundRobin(), "roundrobin": sarama.NewBalanceStrategyRoundRobin(),
	"StickyAssignor": sarama.NewBalanceStrategySticky(), "sticky": sarama.NewBalanceStrategySticky(),
}
