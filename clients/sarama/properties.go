package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

// properties are Java's names and what they are in sarama.Config.
var properties = map[string]func(c *sarama.Config, v string) error{
	"client.id":   func(c *sarama.Config, v string) error { c.ClientID = v; return nil },
	"client.rack": func(c *sarama.Config, v string) error { c.RackID = v; return nil },
	"acks": func(c *sarama.Config, v string) error {
		acks, known := map[string]sarama.RequiredAcks{"all": sarama.WaitForAll, "-1": sarama.WaitForAll, "1": sarama.WaitForLocal, "0": sarama.NoResponse}[v]
		if !known {
			return fmt.Errorf("%q is none of all, -1, 1, 0", v)
		}
		c.Producer.RequiredAcks = acks
		return nil
	},
	"enable.idempotence":                    boolean(func(c *sarama.Config) *bool { return &c.Producer.Idempotent }),
	"max.in.flight.requests.per.connection": number(func(c *sarama.Config) *int { return &c.Net.MaxOpenRequests }),
	"retries":                               number(func(c *sarama.Config) *int { return &c.Producer.Retry.Max }),
	"retry.backoff.ms":                      millis(func(c *sarama.Config) *time.Duration { return &c.Producer.Retry.Backoff }),
	"request.timeout.ms":                    millis(func(c *sarama.Config) *time.Duration { return &c.Producer.Timeout }),
	"linger.ms":                             millis(func(c *sarama.Config) *time.Duration { return &c.Producer.Flush.Frequency }),
	"batch.size":                            number(func(c *sarama.Config) *int { return &c.Producer.Flush.Bytes }),
	"transaction.timeout.ms":                millis(func(c *sarama.Config) *time.Duration { return &c.Producer.Transaction.Timeout }),
	"session.timeout.ms":                    millis(func(c *sarama.Config) *time.Duration { return &c.Consumer.Group.Session.Timeout }),
	"heartbeat.interval.ms":                 millis(func(c *sarama.Config) *time.Duration { return &c.Consumer.Group.Heartbeat.Interval }),
	"max.poll.interval.ms":                  millis(func(c *sarama.Config) *time.Duration { return &c.Consumer.Group.Rebalance.Timeout }), // the nearest
	"auto.commit.interval.ms":               millis(func(c *sarama.Config) *time.Duration { return &c.Consumer.Offsets.AutoCommit.Interval }),
	"enable.auto.commit":                    boolean(func(c *sarama.Config) *bool { return &c.Consumer.Offsets.AutoCommit.Enable }),
	"metadata.max.age.ms":                   millis(func(c *sarama.Config) *time.Duration { return &c.Metadata.RefreshFrequency }),
	"fetch.max.wait.ms":                     millis(func(c *sarama.Config) *time.Duration { return &c.Consumer.MaxWaitTime }),
	"socket.connection.setup.timeout.ms":    millis(func(c *sarama.Config) *time.Duration { return &c.Net.DialTimeout }),
	"allow.auto.create.topics":              boolean(func(c *sarama.Config) *bool { return &c.Metadata.AllowAutoTopicCreation }),
	"max.request.size":                      number(func(c *sarama.Config) *int { return &c.Producer.MaxMessageBytes }),
	"fetch.min.bytes":                       number32(func(c *sarama.Config) *int32 { return &c.Consumer.Fetch.Min }),
	"max.partition.fetch.bytes":             number32(func(c *sarama.Config) *int32 { return &c.Consumer.Fetch.Default }),
	"group.instance.id":                     func(c *sarama.Config, v string) error { c.Consumer.Group.InstanceId = v; return nil },
	"transactional.id": func(c *sarama.Config, v string) error {
		c.Producer.Transaction.ID = v
		c.Producer.Idempotent, c.Net.MaxOpenRequests, c.Producer.RequiredAcks = true, 1, sarama.WaitForAll // what it asks for
		return nil
	},
	"compression.type": func(c *sarama.Config, v string) error { return c.Producer.Compression.UnmarshalText([]byte(v)) },
	"fetch.max.bytes": func(c *sarama.Config, v string) error {
		field := reflect.ValueOf(&c.Consumer.Fetch).Elem().FieldByName("MaxBytes")
		if !field.IsValid() {
			return errLacks
		}
		return number32(func(*sarama.Config) *int32 { return field.Addr().Interface().(*int32) })(c, v)
	},
	"isolation.level": func(c *sarama.Config, v string) error {
		level, known := map[string]sarama.IsolationLevel{"read_committed": sarama.ReadCommitted, "read_uncommitted": sarama.ReadUncommitted}[v]
		if !known {
			return fmt.Errorf("%q is none of read_committed, read_uncommitted", v)
		}
		c.Consumer.IsolationLevel = level
		return nil
	},
	"auto.offset.reset": func(c *sarama.Config, v string) error {
		at, known := map[string]int64{"earliest": sarama.OffsetOldest, "latest": sarama.OffsetNewest}[v]
		if !known {
			return fmt.Errorf("%q is none of earliest, latest", v)
		}
		c.Consumer.Offsets.Initial = at
		return nil
	},
	"partition.assignment.strategy": func(c *sarama.Config, v string) error {
		c.Consumer.Group.Rebalance.GroupStrategies = nil
		for name := range strings.SplitSeq(v, ",") {
			name = strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:])
			strategy, known := strategies[name]
			if !known {
				return fmt.Errorf("%q is none of range, roundrobin, sticky, nor their Java classes", name)
			}
			c.Consumer.Group.Rebalance.GroupStrategies = append(c.Consumer.Group.Rebalance.GroupStrategies, strategy)
		}
		return nil
	},
	"group.id": ignored, "key.serializer": ignored, "value.serializer": ignored, "key.deserializer": ignored,
	"value.deserializer": ignored, "bootstrap.servers": ignored, "onceproof.key": ignored,
}

// errLacks is about what not each version has.
var errLacks = errors.New("not in this version")

// ignored is what the worker knows of elsewhere, or has no choice about.
func ignored(*sarama.Config, string) error { return nil }

func number(field func(*sarama.Config) *int) func(*sarama.Config, string) error {
	return func(c *sarama.Config, v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no whole number from 0 to %d", v, math.MaxInt32)
		}
		*field(c) = int(n)
		return nil
	}
}

func number32(field func(*sarama.Config) *int32) func(*sarama.Config, string) error {
	return func(c *sarama.Config, v string) error {
		var n int
		err := number(func(*sarama.Config) *int { return &n })(c, v)
		*field(c) = int32(n)
		return err
	}
}

func millis(field func(*sarama.Config) *time.Duration) func(*sarama.Config, string) error {
	return func(c *sarama.Config, v string) error {
		var n int
		err := number(func(*sarama.Config) *int { return &n })(c, v)
		*field(c) = time.Duration(n) * time.Millisecond
		return err
	}
}

func boolean(field func(*sarama.Config) *bool) func(*sarama.Config, string) error {
	return func(c *sarama.Config, v string) (err error) {
		if *field(c), err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		return nil
	}
}

// configure translates spec.Config, and tells the effective configuration.
func configure(spec *worker.Spec) (*sarama.Config, map[string]string, []string, error) {
	c := sarama.NewConfig()
	c.Producer.Return.Successes = true
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.AutoCommit.Enable = spec.Commit == guarantee.CommitAuto
	c.Producer.Partitioner = sarama.NewHashPartitioner
	var refused []string
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		set, known := properties[name]
		if !known {
			refused = append(refused, name+": unknown to sarama's worker")
			continue
		}
		switch err := set(c, spec.Config[name]); {
		case errors.Is(err, errLacks):
			refused = append(refused, name+": this version of sarama lacks it")
		case err != nil:
			return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if spec.Config["enable.idempotence"] == "true" {
		// Asked for by name, the library demands what goes with it by name too; a
		// user writes it down as its error says, where it was not set otherwise.
		if _, set := spec.Config["max.in.flight.requests.per.connection"]; !set {
			c.Net.MaxOpenRequests = 1
		}
		if _, set := spec.Config["acks"]; !set {
			c.Producer.RequiredAcks = sarama.WaitForAll
		}
	}
	return c, effective(c, spec), refused, c.Validate()
}

func effective(c *sarama.Config, spec *worker.Spec) map[string]string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	all := map[string]string{
		"client.id":                             c.ClientID,
		"acks":                                  map[sarama.RequiredAcks]string{sarama.WaitForAll: "all", sarama.WaitForLocal: "1", sarama.NoResponse: "0"}[c.Producer.RequiredAcks],
		"enable.idempotence":                    strconv.FormatBool(c.Producer.Idempotent),
		"max.in.flight.requests.per.connection": strconv.Itoa(c.Net.MaxOpenRequests),
		"retries":                               strconv.Itoa(c.Producer.Retry.Max),
		"request.timeout.ms":                    ms(c.Producer.Timeout),
		"linger.ms":                             ms(c.Producer.Flush.Frequency),
		"compression.type":                      c.Producer.Compression.String(),
	}
	if c.Producer.Transaction.ID != "" {
		all["transactional.id"] = c.Producer.Transaction.ID
		all["transaction.timeout.ms"] = ms(c.Producer.Transaction.Timeout)
	}
	if spec.Role == guarantee.Producer {
		return all
	}
	all["group.id"] = spec.Config["group.id"]
	all["isolation.level"] = map[sarama.IsolationLevel]string{sarama.ReadCommitted: "read_committed", sarama.ReadUncommitted: "read_uncommitted"}[c.Consumer.IsolationLevel]
	all["auto.offset.reset"] = map[int64]string{sarama.OffsetOldest: "earliest", sarama.OffsetNewest: "latest"}[c.Consumer.Offsets.Initial]
	all["enable.auto.commit"] = strconv.FormatBool(c.Consumer.Offsets.AutoCommit.Enable)
	all["auto.commit.interval.ms"] = ms(c.Consumer.Offsets.AutoCommit.Interval)
	all["fetch.min.bytes"] = strconv.Itoa(int(c.Consumer.Fetch.Min))
	all["max.partition.fetch.bytes"] = strconv.Itoa(int(c.Consumer.Fetch.Default))
	all["fetch.max.wait.ms"] = ms(c.Consumer.MaxWaitTime)
	all["session.timeout.ms"] = ms(c.Consumer.Group.Session.Timeout)
	all["heartbeat.interval.ms"] = ms(c.Consumer.Group.Heartbeat.Interval)
	var names []string
	for _, s := range c.Consumer.Group.Rebalance.GroupStrategies {
		names = append(names, s.Name())
	}
	all["partition.assignment.strategy"] = strings.Join(names, ",")
	return all
}
