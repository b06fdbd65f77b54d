package history

// FormatName and FormatMajor identify the format in a history's first line.
// A reader refuses a newer major version.
const (
	FormatName  = "onceproof-history"
	FormatMajor = 1
)

// Header is the first line of a history: all that a checker needs to know about
// the run besides its events.
type Header struct {
	Format   string            `json:"format"` // "onceproof-history/1"
	Scenario string            `json:"scenario"`
	Seed     uint64            `json:"seed"`
	Backend  string            `json:"backend"` // docker, embedded, external
	Image    string            `json:"image,omitempty"`
	Served   int               `json:"served,omitempty"` // runs that the cluster has had before, cleaned; 0: it is new
	Started  string            `json:"started"`          // RFC 3339, wall clock
	StartT   int64             `json:"start-t"`          // CLOCK_MONOTONIC at Started
	Control  bool              `json:"control,omitempty"`
	Topics   []TopicInfo       `json:"topics"`
	Clients  []ClientInfo      `json:"clients"`
	Broker   map[string]string `json:"broker-config,omitempty"`
	Expect   map[string]string `json:"expect,omitempty"` // guarantee -> verdict; not named = holds
	Tool     string            `json:"tool,omitempty"`   // the program that recorded: "onceproof v0.3.0 (commit 1f2e3d4c5b6a)"
}

// TopicInfo describes one topic of the run.
type TopicInfo struct {
	Name       string            `json:"name"`
	Partitions int32             `json:"partitions"`
	Replicas   int16             `json:"replicas"`
	Config     map[string]string `json:"config,omitempty"`
}

// ClientInfo describes one client of the scenario, all its instances alike.
type ClientInfo struct {
	Name    string            `json:"name"`
	Role    string            `json:"role"`              // producer, consumer, processor
	Program bool              `json:"program,omitempty"` // no worker: what it did is deduced from the wire
	Library string            `json:"library"`
	Version string            `json:"version,omitempty"`
	Count   int               `json:"count"`
	Topic   string            `json:"topic,omitempty"`  // what a producer writes
	Input   string            `json:"input,omitempty"`  // what a consumer or processor reads
	Output  string            `json:"output,omitempty"` // what a processor writes
	Makes   map[string]string `json:"makes,omitempty"`  // how many records each input of a program makes, by topic
	Aside   string            `json:"aside,omitempty"`  // its retry or dead-letter topic
	Commit  string            `json:"commit,omitempty"` // commit pattern
	Habits  []string          `json:"habits,omitempty"` // what its application does wrong
	Retry   int               `json:"retry,omitempty"`  // how often its application sends again what failed
	Config  map[string]string `json:"config,omitempty"` // effective, Java names
	Lines   map[string]string `json:"lines,omitempty"`  // property -> "file:line" in the scenario, for verdicts that name a line
}
