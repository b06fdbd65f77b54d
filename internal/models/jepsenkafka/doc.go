// Package jepsenkafka simulates a Kafka cluster under Jepsen's workload
// jepsen.tests.kafka, and writes the histories that Jepsen would have recorded.
//
// It is the second, independent model by which `onceproof check --format
// jepsen-edn` is proved: it was written from Kafka's protocol (KIP-98, KIP-129,
// KIP-429, KIP-447, KIP-848) and from Jepsen's workload and client alone, without
// sight of the package checker or of its model, so that it shares none of their
// assumptions.
//
//	Draw(seed, mode) ──> Config ──> Simulate ──> History ──> WriteEDN
//	                                   │             └────> Violations: Jepsen's own rules
//	                                   └── Plant: one rule of Kafka broken once
//
// Without a plant a history is legal, by Kafka's rules and by Jepsen's.
package jepsenkafka
