// Package scenario holds the declarative scenario: its types, its strict
// loading with file, line and column in every error, its JSON Schema, and the
// scenarios that ship with onceproof.
//
//	scenarios ──> plan ──> harness ──> history ──> checker ──> reports
package scenario

import "time"

// Scenario is one experiment: a cluster, the clients on it, the faults that
// strike, and what is expected of each guarantee.
type Scenario struct {
	APIVersion string
	Metadata   Metadata
	Cluster    Cluster
	Clients    []Client
	Run        Run
	Trace      map[string]Trace // by topic: how inputs are found again in what programs made of them
	Faults     []Fault
	Expect     map[string]string // guarantee -> verdict or Any; every guarantee not named is expected to hold
	Control    *Control
	Fixed      *Control // the same with its mistake mended, which must hold
	File       string   // where it was read from; "builtin:<name>" for shipped ones
}

// Metadata names and explains a scenario. Description may have several lines;
// its first is what `list` shows.
type Metadata struct {
	Name        string
	Description string
	Labels      []string
	Bug         *Bug // nil: not of the corpus of real bugs
}

// Bug is the defect that a scenario of scenarios/bugs/ reproduces, and how often
// it was seen: with the affected version, and with the fixed one, which the
// scenario's Fixed puts in its place.
type Bug struct {
	Issue     string // where it was reported, or the release notes that tell of it
	Affected  string // what has it, such as "franz-go v1.0.0 to v1.22.1"
	Fixed     string // the first version without it
	Rate      string // runs in which what is expected was seen: "5 of 5"
	FixedRate string // runs of the fixed twin in which anything was violated: "0 of 5"
}

// Cluster says what to run against.
type Cluster struct {
	Backend     string // auto, docker, embedded, external
	Brokers     int
	Controllers int   // isolated controllers; 0 = combined mode
	Disk        int64 // bytes of each broker's own volume; 0 = the engine's disk
	Image       string
	Config      map[string]string // broker properties
	Topics      []Topic
	Bootstrap   []string // external only
	ConfigPos   map[string]Pos
}

// Topic is created before the clients start.
type Topic struct {
	Name       string
	Partitions int32
	Replicas   int16
	Config     map[string]string
	Pos        Pos
}

// Guarantees and verdicts as the scenario file spells them; the checker's
// constants have the same text.
var (
	Guarantees = []string{"no-loss", "no-duplicates", "order", "isolation", "atomicity", "agreement", "offsets", "fencing", "progress"}
	Verdicts   = []string{"holds", "violated", "not-exercised", "unknown", Any}
)

// Any stands in Expect for a guarantee on which the scenario makes no claim:
// whatever its verdict, it is as expected.
const Any = "any"

// Client is one worker program, run Count times.
type Client struct {
	Name        string
	Role        string
	Library     string   // franz-go, or the name of a folder in clients/
	Command     []string // a worker of the user's instead: any program that speaks the worker protocol
	Program     []string // any program, which knows nothing of us; judged by what the wire and the audit show
	Count       int
	Rate        float64 // records a second and instance; 0 = as fast as it goes
	Size        int     // bytes that a record's value is padded to; 0 = the worker's default
	Max         int64   // records after which an instance of a producer is done, counted from its start; 0 = never
	Topic       string  // producer
	Input       string  // consumer, processor
	Output      string  // processor
	Commit      string
	Transaction int // records a transaction (producer with transactional.id; 0 = none)
	Process     Process
	Retry       Retry
	Habits      []string          // what the application's own code does wrong
	Config      map[string]string // the Java client's property names
	Unsupported string            // "error" (default) or "warn": a property the adapter cannot honour
	Makes       map[string]string // how many records one input makes, by topic (program)
	Fold        *Fold             // what the results of a program that aggregates must be
	App         Application       // how a program is run
	Pos         Pos
	LibraryPos  Pos               // of library, zero if it is not given
	ConfigPos   map[string]Pos    // where each property stands, and commit, habits and retry
	ConfigFile  map[string]string // where ConfigPos is, if not in the scenario's own file
}

// Process shapes the application's work on one input.
type Process struct {
	Min, Max time.Duration // drawn evenly for each record
	Fail     float64       // share of inputs whose processing fails, 0..1; drawn from the value, so a retry of the same attempt number draws the same
}

// Retry is what the application does about a failed send or a failed
// processing: Attempts more tries, then the record is put aside in Topic.
type Retry struct {
	Attempts int
	Backoff  time.Duration
	Topic    string // where a record is put that failed to the last; "" = given up
}

// Run shapes the run in time.
type Run struct {
	Duration time.Duration // load, faults included
	Warmup   time.Duration // before the first fault; part of Duration
	Drain    time.Duration // at most, after heal
	Seed     uint64
	HasSeed  bool
	StopOn   string // "" or "violation"
}

// Control is the same scenario with a few changes, which must be found
// violated: it shows that the checker could have fired.
type Control struct {
	Description string
	Cluster     map[string]string            // broker properties replaced, and the image
	Clients     map[string]map[string]string // client -> field or property -> value ("" removes a property)
	Requests    map[string]string            // request that a fault strikes -> the one that it strikes here
	Expect      map[string]string
	ClientsPos  map[string]map[string]Pos // where each change stands
}

// What a scenario file leaves open.
const (
	DefaultLibrary = "franz-go"
	DefaultWarmup  = time.Second
	DefaultDrain   = 30 * time.Second
)

// Pos is a place in a scenario file; zero if there is none.
type Pos struct{ Line, Col int }
