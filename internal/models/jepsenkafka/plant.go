package jepsenkafka

// plant is one rule of Kafka that is broken once.
type plant struct{}
