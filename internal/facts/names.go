package facts

// Told is what became of a response on its last yards to the client.
type Told string

// What a client was told.
const (
	Passed      Told = "passed"
	Dropped     Told = "dropped"      // by a rule, or the client was cut off before
	Replaced    Told = "replaced"     // by a rule's error code, which is ToldCode
	NotAnswered Told = "not-answered" // the connection ended first
	NotSent     Told = "not-sent"     // a rule kept the request from the broker
	Unreadable  Told = "unreadable"   // no response of that API and version
)

// Facts of each wire event.
const (
	API     = Text[string]("api") // as Kafka spells it
	Version = Number[int16]("version")
	Broker  = Number[int32]("broker") // also of OpBroker
	Conn    = Number[int64]("conn")
	Corr    = Number[int32]("corr") // correlation id
)

// Facts of responses, and of what a rule did.
const (
	ToldClient = Text[Told]("told")
	ToldCode   = Number[int16]("told-code")
	Struck     = Text[string]("struck") // what a rule did, in words
	ByFault    = Text[string]("fault")  // whose rule it was: fault/<step>
)

// Facts of producers' and transactions' requests.
const (
	TxnID        = Text[string]("txn-id")
	TimeoutMs    = Number[int32]("timeout-ms")
	NextPID      = Number[int64]("next-pid") // of EndTxn from version 5 on
	NextEpoch    = Number[int16]("next-epoch")
	Acks         = Number[int16]("acks")
	Bytes        = Number[int]("bytes") // of a batch
	Records      = Number[int32]("records")
	BaseSequence = Number[int32]("base-sequence")
	LastDelta    = Number[int32]("last-delta") // offset of the last record, relative to the first
	CRC          = Number[uint32]("crc")
)

// Facts of groups' requests.
const (
	Generation       = Number[int32]("generation") // or member epoch
	Member           = Text[string]("member")
	Members          = Texts("members") // of LeaveGroup
	Instance         = Text[string]("instance")
	IsLeader         = Flag("leader") // of JoinGroup
	Protocol         = Text[string]("protocol")
	SessionTimeoutMs = Number[int32]("session-timeout-ms")
	Owns             = Texts("owns")     // topic/partition
	Assigned         = Texts("assigned") // topic/partition
)

// Facts of what a Fetch response gave.
const (
	Batches       = Number[int]("batches")
	HighWatermark = Number[int64]("high-watermark")
	LastStable    = Number[int64]("last-stable")
	Committed     = Flag("committed") // the client asked for read_committed
)

// Facts of faults.
const (
	Kind     = Text[string]("kind")
	Target   = Text[string]("target")   // as the scenario says it
	Resolved = Text[string]("resolved") // whom it struck
	SeenBy   = Text[string]("by")       // what showed the effect, or its end
	Began    = Number[int64]("began")   // ns of CLOCK_MONOTONIC, when the step began
	InFlight = Counts("in-flight")      // requests under way just before, by API
	Brokers  = Numbers("brokers")       // that it struck
	Clients  = Texts("clients")         // instances that it struck
	TxnIDs   = Texts("transactional-ids")
)

// Facts of what the harness sees of the cluster.
const (
	State      = Text[string]("state")
	Controller = Number[int32]("controller")
	Leader     = Number[int32]("leader") // of a partition
	Epoch      = Number[int32]("epoch")
	OfProc     = Text[string]("proc") // the incarnation that the harness speaks of
)
