package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

// config is what the properties set.
type config struct {
	producer, consumer kafka.ConfigMap
	maxPoll            int // records handled at once
	acks0              bool
}

// Where a property goes: librdkafka takes most of Java's names as they are.
const (
	toProducer = 1 << iota
	toConsumer
	toBoth = toProducer | toConsumer
)

type property struct {
	to   int
	name string // "" = Java's
}

var properties = map[string]property{
	"acks": {to: toProducer}, "enable.idempotence": {to: toProducer}, "max.in.flight.requests.per.connection": {to: toProducer},
	"retries": {to: toProducer}, "delivery.timeout.ms": {to: toProducer}, "request.timeout.ms": {to: toProducer}, "linger.ms": {to: toProducer},
	"batch.size": {to: toProducer}, "compression.type": {to: toProducer}, "transactional.id": {to: toProducer},
	"transaction.timeout.ms": {to: toProducer}, "retry.backoff.ms": {to: toProducer}, "retry.backoff.max.ms": {to: toProducer},
	"isolation.level": {to: toConsumer}, "group.id": {to: toConsumer}, "group.instance.id": {to: toConsumer}, "group.protocol": {to: toConsumer},
	"group.remote.assignor": {to: toConsumer}, "session.timeout.ms": {to: toConsumer}, "heartbeat.interval.ms": {to: toConsumer},
	"max.poll.interval.ms": {to: toConsumer}, "auto.offset.reset": {to: toConsumer}, "enable.auto.commit": {to: toConsumer},
	"auto.commit.interval.ms": {to: toConsumer}, "fetch.min.bytes": {to: toConsumer}, "fetch.max.bytes": {to: toConsumer},
	"check.crcs": {to: toConsumer}, "client.rack": {to: toConsumer}, "partition.assignment.strategy": {to: toConsumer},
	"fetch.max.wait.ms": {toConsumer, "fetch.wait.max.ms"}, "max.partition.fetch.bytes": {toConsumer, "fetch.message.max.bytes"},
	"client.id": {to: toBoth}, "metadata.max.age.ms": {to: toBoth}, "connections.max.idle.ms": {to: toBoth}, "allow.auto.create.topics": {to: toBoth},
	"reconnect.backoff.ms": {to: toBoth}, "reconnect.backoff.max.ms": {to: toBoth}, "socket.connection.setup.timeout.ms": {to: toBoth},
	"client.dns.lookup": {to: toBoth}, "metadata.recovery.strategy": {to: toBoth}, "metadata.recovery.rebootstrap.trigger.ms": {to: toBoth},
	"enable.metrics.push": {to: toBoth}, "receive.buffer.bytes": {toBoth, "socket.receive.buffer.bytes"},
	"send.buffer.bytes": {toBoth, "socket.send.buffer.bytes"}, "max.request.size": {toProducer, "message.max.bytes"},
	"max.poll.records": {}, "key.serializer": {}, "value.serializer": {}, "key.deserializer": {}, "value.deserializer": {},
	"bootstrap.servers": {}, "onceproof.key": {},
}

// defaults are the library's, from its CONFIGURATION.md.
var (
	producerDefaults = map[string]string{
		"acks": "all", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1000000", "retries": "2147483647",
		"delivery.timeout.ms": "300000", "request.timeout.ms": "30000", "linger.ms": "5", "batch.size": "1000000", "compression.type": "none",
	}
	consumerDefaults = map[string]string{
		"isolation.level": "read_committed", "group.protocol": "classic", "session.timeout.ms": "45000", "heartbeat.interval.ms": "3000",
		"max.poll.interval.ms": "300000", "auto.offset.reset": "latest", "auto.commit.interval.ms": "5000",
		"partition.assignment.strategy": "range,roundrobin", "max.poll.records": "500",
	}
)

var assignors = map[string]string{
	"RangeAssignor": "range", "RoundRobinAssignor": "roundrobin", "CooperativeStickyAssignor": "cooperative-sticky",
	"range": "range", "roundrobin": "roundrobin", "cooperative-sticky": "cooperative-sticky",
}

func configure(spec *worker.Spec) (c *config, effective map[string]string, refused []string, err error) {
	servers := strings.Join(spec.Bootstrap, ",")
	c = &config{
		producer: kafka.ConfigMap{"bootstrap.servers": servers},
		consumer: kafka.ConfigMap{"bootstrap.servers": servers, "enable.auto.commit": strconv.FormatBool(spec.Commit == guarantee.CommitAuto)},
		maxPoll:  500,
		acks0:    spec.Config["acks"] == "0",
	}
	effective = maps.Clone(producerDefaults)
	if spec.Role != guarantee.Producer {
		maps.Copy(effective, consumerDefaults)
		effective["enable.auto.commit"] = strconv.FormatBool(spec.Commit == guarantee.CommitAuto)
	}
	if spec.Config["enable.idempotence"] == "true" || spec.Config["transactional.id"] != "" {
		effective["enable.idempotence"], effective["max.in.flight.requests.per.connection"] = "true", "5"
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		p, known := properties[name]
		if !known {
			refused = append(refused, name+": librdkafka has nothing like it")
			continue
		}
		v := strings.TrimSpace(spec.Config[name])
		switch name {
		case "max.poll.records":
			if c.maxPoll, err = strconv.Atoi(v); err != nil || c.maxPoll < 1 {
				return nil, nil, nil, fmt.Errorf("%s: %q is no whole number from 1", name, v)
			}
		case "partition.assignment.strategy":
			if v, err = assignment(v); err != nil {
				return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		own := name
		if p.name != "" {
			own = p.name
		}
		if p.to&toProducer != 0 {
			c.producer[own] = v
		}
		if p.to&toConsumer != 0 {
			c.consumer[own] = v
		}
		if p.to != 0 || name == "max.poll.records" {
			effective[name] = v
		}
	}
	return c, effective, refused, nil
}

func assignment(v string) (string, error) {
	var names []string
	for name := range strings.SplitSeq(v, ",") {
		own, known := assignors[strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:])]
		if !known {
			return "", fmt.Errorf("%q is none of range, roundrobin, cooperative-sticky, nor their Java classes", name)
		}
		names = append(names, own)
	}
	return strings.Join(names, ","), nil
}
