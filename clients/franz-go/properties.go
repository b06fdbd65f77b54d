package franzgo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// property is one of the Java client's, and how this library is told about it.
// set gets the value; get reads the client's effective one, and may be nil where
// settings.effective knows better.
type property struct {
	set func(s *settings, value string) error
	get func(s *settings, cl *kgo.Client) string
}

var properties = map[string]property{
	// Both.
	"client.id":               text(func(v string) kgo.Opt { return kgo.ClientID(v) }, kgo.ClientID),
	"client.rack":             text(func(v string) kgo.Opt { return kgo.Rack(v) }, kgo.Rack),
	"connections.max.idle.ms": millis(func(d time.Duration) kgo.Opt { return kgo.ConnIdleTimeout(d) }, kgo.ConnIdleTimeout),
	"metadata.max.age.ms": {
		set: func(s *settings, v string) error {
			d, err := parseMillis(v)
			s.add(kgo.MetadataMaxAge(d), kgo.MetadataMinAge(min(d, 5*time.Second)))
			return err
		},
		get: option(kgo.MetadataMaxAge),
	},
	"request.timeout.ms": {
		// A produce request waits for the broker's timeout and this overhead: twice the value.
		set: func(s *settings, v string) error {
			d, err := parseMillis(v)
			s.add(kgo.RequestTimeoutOverhead(d), kgo.ProduceRequestTimeout(d))
			return err
		},
		get: option(kgo.ProduceRequestTimeout),
	},
	"default.api.timeout.ms":             millis(func(d time.Duration) kgo.Opt { return kgo.RetryTimeout(d) }, kgo.RetryTimeout),
	"socket.connection.setup.timeout.ms": millis(func(d time.Duration) kgo.Opt { return kgo.DialTimeout(d) }, kgo.DialTimeout),
	"retry.backoff.ms": {set: func(s *settings, v string) error {
		d, err := parseMillis(v)
		s.add(kgo.RetryBackoffFn(func(int) time.Duration { return d }))
		return err
	}},
	"key.serializer":     ignored,
	"value.serializer":   ignored,
	"key.deserializer":   ignored,
	"value.deserializer": ignored,
	"bootstrap.servers":  ignored, // the spec's bootstrap says where

	// Producer.
	"acks": {set: func(s *settings, v string) error {
		switch v {
		case "all", "-1":
			s.acks = "all"
		case "0", "1":
			s.acks = v
		default:
			return fmt.Errorf("%q is none of all, -1, 1, 0", v)
		}
		return nil
	}},
	"enable.idempotence": {set: func(s *settings, v string) error {
		b, err := parseBool(v)
		s.idempotence = &b
		return err
	}},
	"max.in.flight.requests.per.connection": {set: func(s *settings, v string) (err error) {
		s.inFlight, err = parseInt(v, 1)
		return err
	}},
	"retries":             number(0, func(n int) kgo.Opt { return kgo.RecordRetries(n) }, kgo.RecordRetries),
	"delivery.timeout.ms": millis(func(d time.Duration) kgo.Opt { return kgo.RecordDeliveryTimeout(d) }, kgo.RecordDeliveryTimeout),
	"linger.ms":           millis(func(d time.Duration) kgo.Opt { return kgo.ProducerLinger(d) }, kgo.ProducerLinger),
	"batch.size":          number(1, func(n int) kgo.Opt { return kgo.ProducerBatchMaxBytes(int32(n)) }, kgo.ProducerBatchMaxBytes),
	"buffer.memory":       number(1, func(n int) kgo.Opt { return kgo.MaxBufferedBytes(n) }, kgo.MaxBufferedBytes),
	"compression.type": {
		set: func(s *settings, v string) error {
			codec, known := map[string]kgo.CompressionCodec{
				"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
				"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
			}[v]
			if !known {
				return fmt.Errorf("%q is none of none, gzip, snappy, lz4, zstd", v)
			}
			s.add(kgo.ProducerBatchCompression(codec))
			return nil
		},
	},
	"partitioner.class": {set: func(s *settings, v string) error {
		if className(v) != "RoundRobinPartitioner" {
			s.refuse("partitioner.class", "only RoundRobinPartitioner has its like in franz-go")
			return nil
		}
		s.add(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		return nil
	}},
	"transactional.id": {set: func(s *settings, v string) error {
		if v == "" {
			return fmt.Errorf("is empty")
		}
		s.txnID = v
		return nil
	}},
	"transaction.timeout.ms": millis(func(d time.Duration) kgo.Opt { return kgo.TransactionTimeout(d) }, kgo.TransactionTimeout),
	"onceproof.key": {set: func(s *settings, v string) error {
		if _, err := parseInt(v, 1); err != nil && v != "unique" && v != "none" {
			return fmt.Errorf("%q is none of unique, none, or a number of keys", v)
		}
		s.key = v
		return nil
	}},

	// Consumer.
	"isolation.level": {
		set: func(s *settings, v string) error {
			switch v {
			case "read_committed":
				s.add(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			case "read_uncommitted":
				s.add(kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
			default:
				return fmt.Errorf("%q is none of read_committed, read_uncommitted", v)
			}
			return nil
		},
	},
	"group.id": {set: func(s *settings, v string) error {
		s.group = v
		return nil
	}},
	"group.instance.id":     text(func(v string) kgo.Opt { return kgo.InstanceID(v) }, kgo.InstanceID),
	"session.timeout.ms":    millis(func(d time.Duration) kgo.Opt { return kgo.SessionTimeout(d) }, kgo.SessionTimeout),
	"heartbeat.interval.ms": millis(func(d time.Duration) kgo.Opt { return kgo.HeartbeatInterval(d) }, kgo.HeartbeatInterval),
	// The library has no poll interval; what a member may take to rejoin is the nearest.
	"max.poll.interval.ms": millis(func(d time.Duration) kgo.Opt { return kgo.RebalanceTimeout(d) }, kgo.RebalanceTimeout),
	"max.poll.records": {set: func(s *settings, v string) (err error) {
		s.maxPoll, err = parseInt(v, 1)
		return err
	}},
	"auto.offset.reset": {
		set: func(s *settings, v string) error {
			offset, known := map[string]kgo.Offset{
				"earliest": kgo.NewOffset().AtStart(), "latest": kgo.NewOffset().AtEnd(), "none": kgo.NoResetOffset(),
			}[v]
			if !known {
				return fmt.Errorf("%q is none of earliest, latest, none", v)
			}
			s.add(kgo.ConsumeResetOffset(offset))
			return nil
		},
	},
	"enable.auto.commit": {set: func(s *settings, v string) error {
		b, err := parseBool(v)
		s.autoCommit = &b
		return err
	}},
	"auto.commit.interval.ms": millis(func(d time.Duration) kgo.Opt { return kgo.AutoCommitInterval(d) }, kgo.AutoCommitInterval),
	"partition.assignment.strategy": {set: func(s *settings, v string) error {
		for name := range strings.SplitSeq(v, ",") {
			balancer, known := map[string]kgo.GroupBalancer{
				"RangeAssignor": kgo.RangeBalancer(), "range": kgo.RangeBalancer(),
				"RoundRobinAssignor": kgo.RoundRobinBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
				"StickyAssignor": kgo.StickyBalancer(), "sticky": kgo.StickyBalancer(),
				"CooperativeStickyAssignor": kgo.CooperativeStickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
			}[className(strings.TrimSpace(name))]
			if !known {
				return fmt.Errorf("%q is none of range, roundrobin, sticky, cooperative-sticky, nor their Java classes", name)
			}
			s.balancers = append(s.balancers, balancer)
		}
		return nil
	}},
	"group.protocol": {set: func(s *settings, v string) error {
		v = strings.ToLower(v)
		if v != "classic" && v != "consumer" {
			return fmt.Errorf("%q is none of classic, consumer", v)
		}
		if v == "consumer" && serverSide() == nil {
			s.refuse("group.protocol", "this version of franz-go has the classic protocol alone")
			return nil
		}
		s.protocol = v
		return nil
	}},
	"group.remote.assignor": {set: func(s *settings, v string) error {
		if v != "uniform" && v != "range" {
			return fmt.Errorf("%q is none of uniform, range", v)
		}
		s.assignor = v
		return nil
	}},
	"fetch.min.bytes":           number(0, func(n int) kgo.Opt { return kgo.FetchMinBytes(int32(n)) }, kgo.FetchMinBytes),
	"fetch.max.bytes":           number(1, func(n int) kgo.Opt { return kgo.FetchMaxBytes(int32(n)) }, kgo.FetchMaxBytes),
	"max.partition.fetch.bytes": number(1, func(n int) kgo.Opt { return kgo.FetchMaxPartitionBytes(int32(n)) }, kgo.FetchMaxPartitionBytes),
	"fetch.max.wait.ms":         millis(func(d time.Duration) kgo.Opt { return kgo.FetchMaxWait(d) }, kgo.FetchMaxWait),
	"check.crcs": {set: func(s *settings, v string) error {
		b, err := parseBool(v)
		if err == nil && !b {
			s.add(kgo.DisableFetchCRCValidation())
		}
		return err
	}},
	"allow.auto.create.topics": {set: func(s *settings, v string) error {
		b, err := parseBool(v)
		if err == nil && b {
			s.add(kgo.AllowAutoTopicCreation())
		}
		return err
	}},
}

// ignored properties name what a worker has no choice about: records are bytes.
var ignored = property{set: func(*settings, string) error { return nil }}

func text(opt func(string) kgo.Opt, of any) property {
	return property{
		set: func(s *settings, v string) error {
			s.add(opt(v))
			return nil
		},
		get: option(of),
	}
}

func number(least int, opt func(int) kgo.Opt, of any) property {
	return property{
		set: func(s *settings, v string) error {
			n, err := parseInt(v, least)
			if err == nil {
				s.add(opt(n))
			}
			return err
		},
		get: option(of),
	}
}

func millis(opt func(time.Duration) kgo.Opt, of any) property {
	return property{
		set: func(s *settings, v string) error {
			d, err := parseMillis(v)
			if err == nil {
				s.add(opt(d))
			}
			return err
		},
		get: option(of),
	}
}

// option reads an option back from the client. An option without a value that
// Java could name ("" or unlimited) is left out.
func option(of any) func(*settings, *kgo.Client) string {
	return func(_ *settings, cl *kgo.Client) string {
		switch v := cl.OptValue(of).(type) {
		case time.Duration:
			return strconv.FormatInt(v.Milliseconds(), 10)
		case string:
			return v
		case int64:
			if v == math.MaxInt64 {
				return strconv.Itoa(math.MaxInt32) // how Java writes "no limit"
			}
			return strconv.FormatInt(v, 10)
		case int, int32:
			return fmt.Sprint(v)
		}
		return ""
	}
}

// className is the last part of a Java class name.
func className(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }

func parseInt(s string, least int) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || int(n) < least {
		return 0, fmt.Errorf("%q is no whole number from %d to %d", s, least, math.MaxInt32)
	}
	return int(n), nil
}

func parseMillis(s string) (time.Duration, error) {
	n, err := parseInt(s, 0)
	return time.Duration(n) * time.Millisecond, err
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}
