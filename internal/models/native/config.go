package native

import (
	"fmt"
	"strconv"

	"github.com/onceproof/onceproof/history"
)

// Config is one world: its clients, its brokers, and what strikes them.
type Config struct {
	Seed     uint64
	Brokers  int
	Topics   []history.TopicInfo
	Clients  []*client
	Faults   []*fault
	Defect   Defect
	Load     int64 // how long producers send
	MaxLines int   // the load ends early at so many lines

	MinInSync        int
	Latency          int64 // one way, at most
	Replication      int64
	MarkerDelay      int64
	RequestTimeout   int64
	APITimeout       int64 // how long a client asks again
	DeliveryTimeout  int64
	RebalanceTimeout int64
	Session          int64
	Heartbeat        int64
	FetchWait        int64
	FetchMax         int // records a partition and fetch
	PollMax          int
	BatchMax         int
	Work             int64 // on one input, at most
	AutoCommit       int64
	Drain            int64
	FirstEpoch       int16
	FirstOffset      int64

	Sticky           bool
	Cooperative      bool
	MarkersKeepEpoch bool // KIP-890 markers carry the transaction's own epoch
	LeaderMarkers    bool // control records that decide nothing
	PositionCommits  bool // commits reach behind control records
	TellsFetched     bool // workers tell of committed offsets that they were given
	TellsPID         bool
	SecondReader     bool
}

// The roles and commit patterns of clients.
const (
	producerRole  = "producer"
	consumerRole  = "consumer"
	processorRole = "processor"

	commitTxn     = "transaction"
	commitOutside = "transaction-offsets-outside"
	commitBefore  = "before-processing"
	commitEach    = "after-each-record"
	commitBatch   = "after-batch"
	commitAuto    = "auto"
)

// client is a client of the scenario; its instances are alike.
type client struct {
	Name       string
	Role       string
	Program    bool
	Count      int
	Topic      string
	Input      string
	Output     string
	Group      string
	Commit     string
	TxnID      string // with ${instance}
	Committed  bool   // isolation.level=read_committed
	Idempotent bool
	Acks       int // -1 all
	InFlight   int
	V2         bool // KIP-890
	KIP848     bool
	TxnTimeout int64
	Pause      int64 // between two sends
	Burst      int   // records at once
	Aborts     float64
}

func (c *client) acks() int { return c.Acks }

func (c *client) produceVersion() int {
	if c.V2 {
		return 12
	}
	return 9
}

func (c *client) txnOffsetVersion() int {
	if c.V2 {
		return 5
	}
	return 3
}

// info is what the header says of the client.
func (c *client) info(cfg *Config) history.ClientInfo {
	i := history.ClientInfo{Name: c.Name, Role: c.Role, Program: c.Program, Library: "model", Version: "1", Count: c.Count,
		Topic: c.Topic, Input: c.Input, Output: c.Output, Commit: c.Commit, Config: map[string]string{}}
	set := func(name string, value string) { i.Config[name] = value }
	ms := func(d int64) string { return strconv.FormatInt(d/millisecond, 10) }
	if c.Role != consumerRole {
		set("acks", "all")
		if c.Acks >= 0 {
			set("acks", strconv.Itoa(c.Acks))
		}
		set("enable.idempotence", strconv.FormatBool(c.Idempotent || c.TxnID != ""))
		set("max.in.flight.requests.per.connection", strconv.Itoa(c.InFlight))
		set("retries", "2147483647")
		set("delivery.timeout.ms", ms(cfg.DeliveryTimeout))
		set("request.timeout.ms", ms(cfg.RequestTimeout))
	}
	if c.TxnID != "" {
		set("transactional.id", c.TxnID)
		set("transaction.timeout.ms", ms(c.TxnTimeout))
	}
	if c.Group != "" {
		set("group.id", c.Group)
		set("isolation.level", "read_uncommitted")
		if c.Committed {
			set("isolation.level", "read_committed")
		}
		set("auto.offset.reset", "earliest")
		set("enable.auto.commit", strconv.FormatBool(c.Commit == commitAuto))
		set("auto.commit.interval.ms", ms(cfg.AutoCommit))
		set("group.protocol", "classic")
		if c.KIP848 {
			set("group.protocol", "consumer")
		} else {
			set("session.timeout.ms", ms(cfg.Session))
			set("heartbeat.interval.ms", ms(cfg.Heartbeat))
			set("partition.assignment.strategy", "range")
			if cfg.Cooperative {
				set("partition.assignment.strategy", "cooperative-sticky")
			}
		}
		set("max.poll.records", strconv.Itoa(cfg.PollMax))
		set("max.poll.interval.ms", "60000")
	}
	return i
}

// header is the history's first line.
func (c *Config) header() history.Header {
	h := history.Header{Scenario: "model", Seed: c.Seed, Backend: "docker", Started: "2026-01-01T00:00:00Z",
		StartT: 1_000_000 * millisecond, Topics: c.Topics, Tool: "model",
		Broker: map[string]string{"min.insync.replicas": strconv.Itoa(c.MinInSync),
			"group.consumer.session.timeout.ms": fmt.Sprint(c.Session / millisecond)}}
	for _, cl := range c.Clients {
		h.Clients = append(h.Clients, cl.info(c))
	}
	return h
}
