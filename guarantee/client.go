package guarantee

// Roles of a client.
const (
	Producer  = "producer"
	Consumer  = "consumer"
	Processor = "processor" // consume, process, produce
)

// Commit patterns of a consumer or processor: when it commits its offsets.
const (
	CommitAuto       = "auto"
	CommitBefore     = "before-processing"
	CommitEach       = "after-each-record"
	CommitBatch      = "after-batch"
	CommitTxn        = "transaction"
	CommitTxnOutside = "transaction-offsets-outside" // transactional output, offsets committed by the consumer
)

// Habits: what an application's own code does wrong, and no property can correct.
const (
	HabitNoRewind         = "no-rewind"          // continues after an abort without seeking back to the aborted inputs
	HabitIgnoreSendErrors = "ignore-send-errors" // commits a transaction in which a send failed
	HabitSwallowFatal     = "swallow-fatal"      // continues with a new producer after a fatal error such as ProducerFenced
	HabitNoGroupMetadata  = "no-group-metadata"  // sends offsets to the transaction without group metadata (KIP-447)
	HabitDedupInMemory    = "dedup-in-memory"    // skips what this process has processed before
	HabitHandOff          = "hand-off"           // hands polled records to another thread, and commits meanwhile
)
