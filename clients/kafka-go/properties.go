package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

// config is what the properties set. The library has no transactions, no
// idempotence, no commits in the background outside its own reader, and no
// metadata in commits.
type config struct {
	writer    *kafka.Writer
	group     kafka.ConsumerGroupConfig
	reader    kafka.ReaderConfig
	transport *kafka.Transport
	dialer    *kafka.Dialer
}

var properties = map[string]func(c *config, v string) error{
	"client.id": func(c *config, v string) error {
		c.transport.ClientID, c.dialer.ClientID = v, v
		return nil
	},
	"acks": func(c *config, v string) error {
		return choose(v, &c.writer.RequiredAcks, map[string]kafka.RequiredAcks{"all": kafka.RequireAll, "-1": kafka.RequireAll, "1": kafka.RequireOne, "0": kafka.RequireNone})
	},
	"retries": number(func(c *config, n int) { c.writer.MaxAttempts = min(n, math.MaxInt32-1) + 1 }),
	"retry.backoff.ms": millis(func(c *config, d time.Duration) {
		c.writer.WriteBackoffMin, c.writer.WriteBackoffMax = d, max(d, c.writer.WriteBackoffMax)
	}),
	"request.timeout.ms":  millis(func(c *config, d time.Duration) { c.writer.WriteTimeout, c.writer.ReadTimeout = d, d }),
	"linger.ms":           millis(func(c *config, d time.Duration) { c.writer.BatchTimeout = max(d, time.Nanosecond) }), // 0 is its default, a second
	"batch.size":          number(func(c *config, n int) { c.writer.BatchBytes = int64(n) }),
	"metadata.max.age.ms": millis(func(c *config, d time.Duration) { c.transport.MetadataTTL = d }),
	"socket.connection.setup.timeout.ms": millis(func(c *config, d time.Duration) {
		c.transport.DialTimeout, c.dialer.Timeout = d, d
	}),
	"connections.max.idle.ms": millis(func(c *config, d time.Duration) { c.transport.IdleTimeout = d }),
	"compression.type": func(c *config, v string) error {
		return choose(v, &c.writer.Compression, map[string]kafka.Compression{"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd})
	},
	"session.timeout.ms":    millis(func(c *config, d time.Duration) { c.group.SessionTimeout = d }),
	"heartbeat.interval.ms": millis(func(c *config, d time.Duration) { c.group.HeartbeatInterval = d }),
	"max.poll.interval.ms":  millis(func(c *config, d time.Duration) { c.group.RebalanceTimeout = d }), // the nearest
	"fetch.min.bytes":       number(func(c *config, n int) { c.reader.MinBytes = n }),
	"fetch.max.bytes":       number(func(c *config, n int) { c.reader.MaxBytes = n }),
	"fetch.max.wait.ms":     millis(func(c *config, d time.Duration) { c.reader.MaxWait = d }),
	"isolation.level": func(c *config, v string) error {
		return choose(v, &c.reader.IsolationLevel, map[string]kafka.IsolationLevel{"read_committed": kafka.ReadCommitted, "read_uncommitted": kafka.ReadUncommitted})
	},
	"auto.offset.reset": func(c *config, v string) error {
		return choose(v, &c.group.StartOffset, map[string]int64{"earliest": kafka.FirstOffset, "latest": kafka.LastOffset})
	},
	"partition.assignment.strategy": func(c *config, v string) error {
		c.group.GroupBalancers = nil
		for name := range strings.SplitSeq(v, ",") {
			var b kafka.GroupBalancer
			if err := choose(strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:]), &b, map[string]kafka.GroupBalancer{
				"RangeAssignor": kafka.RangeGroupBalancer{}, "range": kafka.RangeGroupBalancer{},
				"RoundRobinAssignor": kafka.RoundRobinGroupBalancer{}, "roundrobin": kafka.RoundRobinGroupBalancer{},
			}); err != nil {
				return err
			}
			c.group.GroupBalancers = append(c.group.GroupBalancers, b)
		}
		return nil
	},
	"group.id": ignored, "key.serializer": ignored, "value.serializer": ignored, "key.deserializer": ignored,
	"value.deserializer": ignored, "bootstrap.servers": ignored, "onceproof.key": ignored,
}

// only are properties with one value that the library can honour.
var only = map[string]struct{ value, why string }{
	"enable.idempotence": {"false", "kafka-go has no idempotence"},
	"enable.auto.commit": {"false", "the group that this worker uses commits nothing by itself"},
}

// ignored is what the worker knows of elsewhere, or has no choice about.
func ignored(*config, string) error { return nil }

func choose[T any](v string, to *T, from map[string]T) error {
	t, known := from[v]
	if !known {
		return fmt.Errorf("%q is none of %s", v, strings.Join(slices.Sorted(maps.Keys(from)), ", "))
	}
	*to = t
	return nil
}

func number(set func(*config, int)) func(*config, string) error {
	return func(c *config, v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no whole number from 0 to %d", v, math.MaxInt32)
		}
		set(c, int(n))
		return nil
	}
}

func millis(set func(*config, time.Duration)) func(*config, string) error {
	return number(func(c *config, n int) { set(c, time.Duration(n)*time.Millisecond) })
}

func configure(spec *worker.Spec) (*config, map[string]string, []string, error) {
	c := &config{transport: &kafka.Transport{}, dialer: &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true}}
	c.writer = &kafka.Writer{Addr: kafka.TCP(spec.Bootstrap...), Transport: c.transport, Async: true}
	c.group = kafka.ConsumerGroupConfig{ID: spec.Config["group.id"], Brokers: spec.Bootstrap, Topics: []string{spec.Input}, Dialer: c.dialer}
	c.reader = kafka.ReaderConfig{Brokers: spec.Bootstrap, Topic: spec.Input, Dialer: c.dialer}
	var refused []string
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		v := spec.Config[name]
		if o, one := only[name]; one {
			if v != o.value {
				refused = append(refused, name+": "+o.why)
			}
			continue
		}
		set, known := properties[name]
		if !known {
			refused = append(refused, name+": kafka-go has nothing like it")
			continue
		}
		if err := set(c, v); err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, effective(c, spec), refused, nil
}

// effective is the configuration with the defaults that the library's
// documentation gives.
func effective(c *config, spec *worker.Spec) map[string]string {
	all := map[string]string{
		"acks":               map[kafka.RequiredAcks]string{kafka.RequireAll: "all", kafka.RequireOne: "1", kafka.RequireNone: "0"}[c.writer.RequiredAcks],
		"enable.idempotence": "false", "retries": "9", "linger.ms": "1000", "request.timeout.ms": "10000", "compression.type": "none",
	}
	if spec.Role != guarantee.Producer {
		maps.Copy(all, map[string]string{
			"isolation.level": "read_uncommitted", "auto.offset.reset": "earliest", "session.timeout.ms": "30000", "heartbeat.interval.ms": "3000",
			"max.poll.interval.ms": "30000", "enable.auto.commit": "false", "partition.assignment.strategy": "range,roundrobin",
		})
	}
	for name, v := range spec.Config {
		if _, known := properties[name]; known && !strings.HasSuffix(name, "serializer") && name != "onceproof.key" && name != "acks" {
			all[name] = v
		}
	}
	return all
}
