// Package worker holds the worker protocol (docs/worker-protocol.md): what the
// harness and a worker, a program around one Kafka client library, tell each other.
//
//	harness ── Spec on stdin ──> worker ── history events on stdout ──> history
//
// Package roles does the rest for a worker that is written in Go.
package worker

// ProtocolVersion is the worker protocol's version.
const ProtocolVersion = 1

// Spec is the one JSON line that a worker reads from stdin before anything else.
type Spec struct {
	Protocol    int               `json:"protocol"`
	Proc        string            `json:"proc"` // name/instance/incarnation: the Proc of the values that it sends
	Role        string            `json:"role"`
	Bootstrap   []string          `json:"bootstrap"`
	Config      map[string]string `json:"config"` // the Java client's names; ${…} already expanded; no bootstrap.servers
	Topic       string            `json:"topic,omitempty"`
	Input       string            `json:"input,omitempty"`
	Output      string            `json:"output,omitempty"`
	Commit      string            `json:"commit,omitempty"`
	Transaction int               `json:"transaction,omitempty"` // records a transaction of a producer
	Rate        float64           `json:"rate,omitempty"`        // records a second; 0 = no limit
	Max         int64             `json:"max,omitempty"`         // a producer stops by itself after so many; 0 = never
	Size        int               `json:"size,omitempty"`        // bytes a record's value is padded to; 0 = 128
	Seed        uint64            `json:"seed"`
	Process     Process           `json:"process"`
	Retry       Retry             `json:"retry"`
	Habits      []string          `json:"habits,omitempty"`
	Strict      bool              `json:"strict"` // a property that cannot be honoured is an error
}

// Process is scenarios.Process on the wire; times in nanoseconds.
type Process struct {
	MinNS int64   `json:"min-ns,omitempty"`
	MaxNS int64   `json:"max-ns,omitempty"`
	Fail  float64 `json:"fail,omitempty"`
}

// Retry is scenarios.Retry on the wire.
type Retry struct {
	Attempts  int    `json:"attempts,omitempty"`
	BackoffNS int64  `json:"backoff-ns,omitempty"`
	Topic     string `json:"topic,omitempty"`
}

// Hello is the first line that a worker prints: {"hello":{…}}. Every later line
// is a history event without src and proc.
type Hello struct {
	Protocol  int               `json:"protocol"`
	Library   string            `json:"library"`
	Version   string            `json:"version"`
	Roles     []string          `json:"roles"`
	Commits   []string          `json:"commits"`             // commit patterns that it can do
	Habits    []string          `json:"habits,omitempty"`    // habits that it can have
	Effective map[string]string `json:"effective,omitempty"` // configuration after the library's own defaults, Java names
	Refused   []string          `json:"refused,omitempty"`   // properties that it cannot honour
}

// Command on stdin after the Spec: {"stop":true} asks for a graceful end.
type Command struct {
	Stop bool `json:"stop"`
}

// Header names on records, and where the value id stands: the record's value is
// the value id ("shop/0/1#41"), a line feed, then padding.
const (
	HeaderFrom = "onceproof-from" // history.Input.String() of the input of an output record
	HeaderTxn  = "onceproof-txn"  // the transaction number within the process, where there is one
)

// MaxLine bounds one line that a worker prints, in bytes, line feed included.
const MaxLine = 1 << 20
