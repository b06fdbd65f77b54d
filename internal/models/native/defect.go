package native

// Defect is one way in which a world is wrong: a broker, coordinator or client that
// does not do what its specification says. The zero value is a correct world.
type Defect int

const (
	Correct Defect = iota

	// no-loss
	ForgetsAcknowledged // a new leader lacks records that were acknowledged
	SkipsAtStart        // a consumer begins behind the committed offset
	ReadsUnreplicated   // consumers are given what a new leader then lacks

	// no-duplicates
	NoDedup       // a repeated batch is written again
	UnstableFetch // the committed offset is given while a transaction has a newer one pending

	// order
	NoSequenceCheck // a batch is taken though one before it is missing
	SkipsRecord     // a consumer jumps over a record
	RereadsBatch    // a consumer is given a batch again

	// isolation
	IgnoresAborts // read_committed returns aborted records
	StableIsHigh  // read_committed reads up to the high watermark
	ShowsMarkers  // control records are given to applications

	// atomicity
	TornMarkers           // some partitions of a committed transaction are aborted
	DropsPendingOffsets   // a committed transaction's offsets are forgotten
	AppliesAbortedOffsets // an aborted transaction's offsets are committed
	CommitBecomesAbort    // a commit is acknowledged and an abort is written
	AbortBecomesCommit    // an abort is acknowledged and a commit is written
	ExpiredIsCommitted    // what the coordinator ends by itself is committed

	// agreement
	WrongOffsetTold    // an acknowledgement names the next record's offset
	TwoRecordsAtOffset // a consumer is given another record than the log holds there

	// offsets
	CommitsApart      // an offset commit is applied behind later ones
	ForgetsCommits    // an acknowledged offset commit is forgotten
	FetchesOldOffsets // a fetch of a committed offset returns an older one
	IgnoresCommitted  // a consumer does not begin at the committed offset

	// fencing
	NoEpochCheck      // requests of an older producer epoch are taken
	NoGenerationCheck // commits of members that were replaced are taken
	AssignsTwice      // a partition is given to every member

	// progress
	LosesMarker        // a transaction is over, and a partition never gets its marker
	RebalanceNeverEnds // a rebalance waits for ever
	NeverElects        // a partition whose leader died gets no other

	NeverEvicts // members that are gone keep their partitions
	AcksEarly   // acks=all is answered before it is replicated
)
