package native

import (
	"fmt"
	"math/rand/v2"

	"github.com/onceproof/onceproof/history"
)

// drawing draws a world.
type drawing struct {
	*rand.Rand
	cfg *Config
}

func (d *drawing) chance(p float64) bool { return d.Float64() < p }

func (d *drawing) between(low, high int64) int64 { return low + d.Int64N(high-low+1) }

// pick is one of several.
func pick[T any](d *drawing, from ...T) T { return from[d.IntN(len(from))] }

// Draw draws a correct world from a seed: a few clients of any kind, a few faults.
func Draw(seed uint64) *Config {
	d := &drawing{rand.New(rand.NewPCG(seed, 0x64726177)), &Config{Seed: seed}}
	c := d.cfg
	d.timing()
	d.cluster(pick(d, 1, 3, 3, 3))
	d.producers()
	d.processors()
	d.ledger()
	d.faults()
	return c
}

// cluster draws brokers and topics.
func (d *drawing) cluster(brokers int) {
	c := d.cfg
	c.Brokers, c.MinInSync, c.Topics = brokers, min(2, brokers), nil
	for _, name := range []string{"orders", "receipts"} {
		c.Topics = append(c.Topics, history.TopicInfo{Name: name, Partitions: int32(1 + d.IntN(3)), Replicas: int16(min(3, brokers))})
	}
}

// timing draws how fast everything is.
func (d *drawing) timing() {
	c := d.cfg
	c.Load = d.between(2, 12) * second
	c.MaxLines = int(d.between(200, 6000))
	c.Latency = pick(d, int64(100), 500, 3000) * microsecond
	c.Replication = pick(d, int64(1), 5, 20) * millisecond
	c.MarkerDelay = pick(d, int64(1), 10, 80) * millisecond
	c.RequestTimeout = pick(d, int64(500), 1000, 3000) * millisecond
	c.APITimeout = 20 * second
	c.DeliveryTimeout = pick(d, int64(5), 30, 120) * second
	c.RebalanceTimeout = pick(d, int64(1), 3) * second
	c.Session = pick(d, int64(1), 2, 4) * second
	c.Heartbeat = c.Session / 5
	c.FetchWait = pick(d, int64(20), 100, 400) * millisecond
	c.FetchMax = pick(d, 5, 50, 500)
	c.PollMax = pick(d, 1, 10, 500)
	c.BatchMax = pick(d, 1, 3, 20)
	c.Work = pick(d, int64(0), 1, 4) * millisecond
	if c.FetchMax > 50 && (c.PollMax > 50 || c.Work > 0) {
		c.FetchMax = 50 // a transaction of one poll must be over before transaction.timeout.ms
	}
	c.AutoCommit = pick(d, int64(200), 1000) * millisecond
	c.Drain = pick(d, int64(30), 300, 300, 300) * second
	c.FirstEpoch = pick[int16](d, 0, 0, 0, 7, maxEpoch-3)
	c.FirstOffset = pick(d, int64(0), 0, 0, 17)
	c.Sticky, c.Cooperative = d.chance(0.5), d.chance(0.5)
	c.MarkersKeepEpoch = d.chance(0.5)
	c.LeaderMarkers = d.chance(0.1)
	c.PositionCommits = d.chance(0.3)
	c.TellsFetched, c.TellsPID = d.chance(0.6), d.chance(0.7)
	c.SecondReader = d.chance(0.5)
}

func (d *drawing) producers() {
	for i := range 1 + d.IntN(2) {
		p := &client{Name: fmt.Sprintf("shop%d", i), Role: producerRole, Count: 1 + d.IntN(2), Topic: "orders", Acks: -1,
			Idempotent: true, InFlight: pick(d, 1, 5), Pause: d.between(5, 80) * millisecond, Burst: 1 + d.IntN(6)}
		p.Program = d.chance(0.25)
		if d.chance(0.35) {
			p.TxnID, p.V2 = p.Name+"-${instance}", d.chance(0.5)
			p.TxnTimeout = pick(d, int64(3), 10) * second
			p.Aborts = pick(d, 0.0, 0.1, 0.4)
		}
		d.cfg.Clients = append(d.cfg.Clients, p)
	}
}

func (d *drawing) processors() {
	if d.chance(0.15) {
		return
	}
	p := &client{Name: "till", Role: processorRole, Count: 1 + d.IntN(3), Input: "orders", Output: "receipts", Group: "till",
		Acks: -1, Idempotent: true, InFlight: 5, Committed: true, Commit: commitTxn, TxnID: "till-${instance}",
		V2: d.chance(0.5), KIP848: d.chance(0.5), TxnTimeout: pick(d, int64(3), 10) * second}
	if p.Program = d.chance(0.2); !p.Program && d.chance(0.3) { // without transactions: at least or at most once
		p.TxnID, p.V2, p.Committed = "", false, d.chance(0.5)
		p.Commit = pick(d, commitEach, commitBatch, commitBefore, commitAuto)
	}
	d.cfg.Clients = append(d.cfg.Clients, p)
}

func (d *drawing) ledger() {
	if d.chance(0.3) {
		return
	}
	c := &client{Name: "ledger", Role: consumerRole, Count: 1 + d.IntN(2), Input: pick(d, "orders", "receipts"), Group: "ledger",
		Committed: true, Commit: pick(d, commitBatch, commitEach, commitBefore, commitAuto), KIP848: d.chance(0.5)}
	c.Program = d.chance(0.2)
	d.cfg.Clients = append(d.cfg.Clients, c)
}

// faults draws what strikes.
func (d *drawing) faults() {
	c := d.cfg
	if d.chance(0.1) {
		return
	}
	var seats []string
	var of []*client
	for _, cl := range c.Clients {
		for i := range cl.Count {
			seats, of = append(seats, fmt.Sprintf("%s/%d", cl.Name, i)), append(of, cl)
		}
	}
	for range 1 + d.IntN(6) {
		i := d.IntN(len(seats))
		f := &fault{At: d.between(100, c.Load/millisecond) * millisecond, For: d.between(100, 4000) * millisecond, Seat: seats[i]}
		f.Nth = 1 + d.IntN(20)
		switch d.IntN(10) {
		case 0, 1:
			f.Kind = pick(d, "crash", "pause", "stop")
		case 2:
			f.Kind = pick(d, "kill", "kill", "pause-broker")
			f.Seat, f.Broker = "", 1+d.IntN(c.Brokers)
			if f.Kind == "pause-broker" { // until its leaderships have moved: what waits there is refused then
				f.For = d.between(2500, 4000) * millisecond
				if c.Brokers == 1 {
					f.Kind = "kill"
				}
			}
		case 3:
			f.Kind = pick(d, "cut", "blackhole", "delay-link")
			f.Broker, f.By = d.IntN(c.Brokers+1), d.between(1, 200)*millisecond
			if of[i].late() {
				f.For = min(f.For, c.RequestTimeout/3)
			}
		case 4:
			f.Kind, f.For = pick(d, "move-leader", "move-coordinator", "fence", "evict"), 0
			if f.Kind == "evict" && of[i].Group == "" {
				f.Kind = "move-leader"
			}
		default:
			d.rule(f, of[i])
		}
		c.Faults = append(c.Faults, f)
	}
}

// rule draws what strikes a request on the wire.
func (d *drawing) rule(f *fault, c *client) {
	f.API = pick(d, c.apis()...)
	f.Phase = pick(d, "request", "response")
	f.At, f.By = f.At/2, d.between(1, 2500)*millisecond
	switch kinds := []string{"drop", "delay", "error", "hold", "crash-on", "pause-on"}; {
	case f.Phase == "response":
		f.Kind = pick(d, "drop", "delay", "error", "crash-on", "pause-on")
	default:
		f.Kind = pick(d, kinds...)
	}
	if !d.maybeLate(f.API, c) {
		f.By = min(f.By, d.cfg.RequestTimeout/3)
		if f.Kind == "hold" {
			f.Kind = "drop"
		}
	}
	f.Code = pick(d, requestTimedOut, notLeader, notEnoughReplicas)
	if f.API != "Produce" {
		f.Code = pick(d, notCoordinator, coordinatorLoading)
	}
	if f.API == "Fetch" {
		f.Code = notLeader
	}
}

// late says whether some request of the client must not come behind its own retry.
func (c *client) late() bool {
	return c.Group != "" && c.Commit != commitTxn || c.TxnID != "" && !c.V2
}

// maybeLate says whether a request may come late without breaking a promise. Up to
// transaction protocol 1 a late EndTxn or TxnOffsetCommit is taken for one of the
// next transaction (KAFKA-17754), and nothing orders the OffsetCommits of a member.
func (d *drawing) maybeLate(api string, c *client) bool {
	switch api {
	case "EndTxn", "TxnOffsetCommit", "AddPartitionsToTxn":
		return c.V2
	case "OffsetCommit":
		return false
	}
	return true
}
