package native

import (
	"fmt"
	"math/rand/v2"
)

// plant is a defect, the guarantees that it may break, and the world that it needs.
type plant struct {
	Defect    Defect
	Name      string
	Breaks    []string // guarantees
	Kinds     []string // anomalies, one of which must be found
	configure func(d *drawing)
}

// Plants are the defects that a judge must find.
var Plants = []plant{
	{ForgetsAcknowledged, "a new leader lacks what was acknowledged", []string{"no-loss"},
		[]string{"lost-write", "truncated-log"}, withKills},
	{ReadsUnreplicated, "consumers are given what is not replicated", []string{"agreement", "no-loss"},
		[]string{"truncated-log", "inconsistent-offset"}, withKills},
	{AcksEarly, "acks=all is answered before it is replicated", []string{"no-loss"},
		[]string{"lost-write", "truncated-log"}, withKills},
	{SkipsAtStart, "a consumer begins behind the committed offset", []string{"no-loss"},
		[]string{"lost-input"}, withCrashes},
	{NoDedup, "a repeated batch is written again", []string{"no-duplicates"},
		[]string{"duplicate-write"}, withLostAnswers},
	{UnstableFetch, "the committed offset is given though a transaction has a newer one pending", []string{"no-duplicates"},
		[]string{"overlapping-input", "duplicate-output"}, withZombies},
	{NoSequenceCheck, "a batch is taken though one before it is missing", []string{"order"},
		[]string{"reordered-write", "nonmonotonic-send"}, withLostRequests},
	{SkipsRecord, "a consumer jumps over a record", []string{"order", "no-loss"},
		[]string{"skipped-poll", "intermediate-read"}, withReaders},
	{RereadsBatch, "a consumer is given a batch again", []string{"order"},
		[]string{"nonmonotonic-poll"}, withReaders},
	{IgnoresAborts, "read_committed returns aborted records", []string{"isolation"},
		[]string{"aborted-read"}, withAborts},
	{StableIsHigh, "read_committed reads up to the high watermark", []string{"isolation"},
		[]string{"dirty-read", "read-above-lso", "aborted-read", "intermediate-read"}, withAborts},
	{ShowsMarkers, "control records are given to applications", []string{"isolation"},
		[]string{"phantom-read"}, withAborts},
	{TornMarkers, "some partitions of a committed transaction are aborted", []string{"atomicity"},
		[]string{"torn-transaction"}, withAborts},
	{DropsPendingOffsets, "a committed transaction's offsets are forgotten", []string{"atomicity", "offsets", "no-duplicates"},
		[]string{"output-without-offset", "duplicate-output", "overlapping-input", "offset-lost", "nonlinearizable-offset"}, withCrashes},
	{AppliesAbortedOffsets, "an aborted transaction's offsets are committed", []string{"atomicity"},
		[]string{"offset-without-output"}, withAbortedOffsets},
	{CommitBecomesAbort, "a commit is acknowledged and an abort is written", []string{"atomicity"},
		[]string{"lost-commit"}, withAborts},
	{AbortBecomesCommit, "an abort is acknowledged and a commit is written", []string{"atomicity"},
		[]string{"ghost-commit"}, withAborts},
	{ExpiredIsCommitted, "what the coordinator ends by itself is committed", []string{"atomicity"},
		[]string{"ghost-commit"}, withExpiry},
	{WrongOffsetTold, "an acknowledgement names the next record's offset", []string{"agreement"},
		[]string{"inconsistent-offset"}, nil},
	{TwoRecordsAtOffset, "a consumer is given another record than the log holds", []string{"agreement"},
		[]string{"inconsistent-offset"}, withReaders},
	{CommitsApart, "an offset commit is applied behind later ones", []string{"offsets"},
		[]string{"offset-lost", "nonlinearizable-offset", "offset-regression"}, withCrashedReaders},
	{ForgetsCommits, "an acknowledged offset commit is forgotten", []string{"offsets"},
		[]string{"offset-lost", "nonlinearizable-offset"}, withCrashedReaders},
	{FetchesOldOffsets, "a fetch of a committed offset returns an older one", []string{"offsets"},
		[]string{"nonlinearizable-offset"}, withCrashedReaders},
	{IgnoresCommitted, "a consumer does not begin at the committed offset", []string{"offsets"},
		[]string{"position-mismatch"}, withCrashedReaders},
	{NoEpochCheck, "requests of an older producer epoch are taken", []string{"fencing"},
		[]string{"zombie-write", "zombie-commit"}, withZombieIDs},
	{NoGenerationCheck, "commits of members that were replaced are taken", []string{"fencing"},
		[]string{"zombie-commit"}, withZombies},
	{LosesMarker, "a partition never gets its marker", []string{"progress"},
		[]string{"hanging-transaction"}, withLastMarker},
	{RebalanceNeverEnds, "a rebalance waits for ever", []string{"progress"},
		[]string{"stuck-consumer"}, withCrashes},
	{NeverEvicts, "members that are gone keep their partitions", []string{"progress"},
		[]string{"stuck-consumer"}, withLostMembers},
	{NeverElects, "a partition whose leader died gets no other", []string{"progress"},
		[]string{"no-recovery", "stuck-consumer"}, withLostLeader},
}

// DrawPlant draws a world with a defect in it.
func DrawPlant(seed uint64, p *plant) *Config {
	d := &drawing{rand.New(rand.NewPCG(seed, uint64(1000+p.Defect))), &Config{Seed: seed, Defect: p.Defect}}
	d.timing()
	d.cluster(pick(d, 3, 3, 1))
	d.producers()
	d.processors()
	d.ledger()
	if p.configure != nil {
		p.configure(d)
	}
	return d.cfg
}

// reset takes out all clients, for a world of one kind.
func (d *drawing) reset(clients ...*client) {
	d.cfg.Clients = clients
}

func (d *drawing) shop(txn bool) *client {
	c := &client{Name: "shop", Role: producerRole, Count: 1, Topic: "orders", Acks: -1, Idempotent: true, InFlight: 5,
		Pause: d.between(5, 30) * millisecond, Burst: 1 + d.IntN(6)}
	if txn {
		c.TxnID, c.V2, c.TxnTimeout, c.Aborts = "shop-${instance}", d.chance(0.5), 3*second, 0.3
	}
	return c
}

func (d *drawing) till(count int) *client {
	return &client{Name: "till", Role: processorRole, Count: count, Input: "orders", Output: "receipts", Group: "till",
		Acks: -1, Idempotent: true, InFlight: 5, Committed: true, Commit: commitTxn, TxnID: "till-${instance}",
		V2: d.chance(0.5), KIP848: d.chance(0.5), TxnTimeout: 10 * second}
}

func (d *drawing) reader(count int) *client {
	return &client{Name: "ledger", Role: consumerRole, Count: count, Input: "orders", Group: "ledger", Committed: true,
		Commit: pick(d, commitBatch, commitEach), KIP848: d.chance(0.5)}
}

// often adds a fault several times over the load.
func (d *drawing) often(n int, f fault) {
	for i := range n {
		x := f
		x.At = (int64(i) + 1) * d.cfg.Load / int64(n+1)
		d.cfg.Faults = append(d.cfg.Faults, &x)
	}
}

func (d *drawing) long() {
	d.cfg.Load, d.cfg.MaxLines = max(d.cfg.Load, 8*second), 8000
}

func withKills(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false), d.shop(false), d.reader(1))
	d.cfg.Clients[1].Name, d.cfg.Replication = "stall", 20*millisecond
	for i := range 6 {
		d.cfg.Faults = append(d.cfg.Faults, &fault{Kind: "kill", Broker: 1 + i%3, For: 700 * millisecond, At: int64(i+1) * d.cfg.Load / 7})
	}
}

func withCrashes(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false), d.till(2))
	d.cfg.Drain = 60 * second
	d.often(5, fault{Kind: "crash", Seat: "till/0", For: 300 * millisecond})
}

func withLostAnswers(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false), d.reader(1))
	d.often(5, fault{Kind: "drop", API: "Produce", Phase: "response", Seat: "shop/0", Nth: 3})
}

func withLostRequests(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false))
	d.cfg.BatchMax, d.cfg.Clients[0].Pause = 1, 3*millisecond
	d.cfg.Clients[0].Burst = 6
	d.often(8, fault{Kind: "error", API: "Produce", Phase: "request", Seat: "shop/0", Nth: 3, Code: notLeader})
}

func withZombies(d *drawing) {
	d.long()
	d.cluster(3)
	d.cfg.Load = 12 * second
	d.cfg.Session, d.cfg.Heartbeat = second, 200*millisecond
	d.reset(d.shop(false), d.till(2))
	if d.cfg.Defect == NoGenerationCheck {
		d.often(4, fault{Kind: "pause-on", API: "Produce", Phase: "response", Seat: "till/0", Nth: 2, For: 2500 * millisecond})
	} else {
		d.often(4, fault{Kind: "crash-on", API: "EndTxn", Phase: "request", Seat: "till/0", Nth: 2, For: 300 * millisecond})
		d.often(4, fault{Kind: "delay", API: "EndTxn", Phase: "request", Seat: "till/1", Nth: 2, By: 2500 * millisecond})
	}
}

func withReaders(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(d.chance(0.3)), d.reader(2))
	d.cfg.Load = 14 * second
}

func withAborts(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(true), d.reader(1), d.shop(false))
	d.cfg.Clients[0].Burst, d.cfg.Clients[2].Name = 6, "stall"
	d.cfg.Topics[0].Partitions = 3
}

func withLastMarker(d *drawing) {
	withAborts(d)
	d.cfg.Drain = 30 * second
}

func withAbortedOffsets(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false), d.till(2))
	d.often(6, fault{Kind: "drop-crash", API: "EndTxn", Phase: "request", Seat: "till/0", Nth: 2, For: 300 * millisecond})
}

func withExpiry(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(true), d.reader(1))
	d.cfg.Clients[0].Burst = 6
	d.often(5, fault{Kind: "crash-on", API: "Produce", Phase: "response", Seat: "shop/0", Nth: 3, For: 300 * millisecond})
}

func withCrashedReaders(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(false), d.reader(2))
	d.cfg.TellsFetched = true
	d.often(8, fault{Kind: "crash", Seat: "ledger/0", For: 300 * millisecond})
	d.often(5, fault{Kind: "crash", Seat: "ledger/1", For: 300 * millisecond})
}

func withZombieIDs(d *drawing) {
	d.long()
	d.cluster(3)
	d.reset(d.shop(true), d.reader(1))
	d.cfg.Clients[0].TxnTimeout, d.cfg.TellsPID = 10*second, true
	d.often(4, fault{Kind: "hold-crash", API: "Produce", Phase: "request", Seat: "shop/0", Nth: 3, For: 100 * millisecond, By: 1500 * millisecond})
}

func withLostMembers(d *drawing) {
	d.long()
	d.cluster(3)
	d.cfg.Drain = 60 * second
	d.reset(d.shop(false), d.till(2))
	d.often(2, fault{Kind: "crash", Seat: "till/0", For: 300 * millisecond})
}

func withLostLeader(d *drawing) {
	d.cluster(3)
	d.long()
	d.cfg.Load, d.cfg.MaxLines, d.cfg.Drain = 30*second, 60000, 60*second
	d.reset(d.shop(false), d.reader(1))
	d.cfg.Clients[0].Pause = 60 * millisecond
	d.cfg.Faults = append(d.cfg.Faults, &fault{Kind: "kill", Broker: 1, At: second, For: second})
	d.cfg.Faults = append(d.cfg.Faults, &fault{Kind: "kill", Broker: 2, At: 3 * second, For: second})
	d.cfg.Faults = append(d.cfg.Faults, &fault{Kind: "kill", Broker: 3, At: 5 * second, For: second})
	d.cfg.Topics[0].Partitions, d.cfg.DeliveryTimeout = 1, 5*second
}

// String names a plant in tables.
func (p *plant) String() string { return fmt.Sprintf("%v: %s", p.Breaks[0], p.Name) }
