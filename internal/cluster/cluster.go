// Package cluster starts and strikes the Kafka cluster of one run: real KRaft
// brokers in containers, kfake in this process, or a cluster that is already
// there, behind one interface.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// BrokerID is Kafka's node id.
type BrokerID int32

// ErrUnsupported is wrapped by what a backend cannot do.
var ErrUnsupported = errors.New("not supported by this backend")

// ErrUnavailable is wrapped by Start when there is no engine, no image, or the
// cluster does not come up: an infrastructure failure, exit code 3.
var ErrUnavailable = errors.New("cluster unavailable")

// Spec says what to start.
type Spec struct {
	Name        string // of the run; labels everything that is started
	Backend     string // auto, docker, embedded, external
	Brokers     int
	Controllers int   // isolated controllers; 0 = combined
	Disk        int64 // bytes of each node's own disk, in memory; 0 = the engine's. Docker only
	Image       string
	Config      map[string]string
	Topics      []Topic      // created once the brokers are ready
	Bootstrap   []string     // external
	LogDir      string       // broker logs are captured here
	Progress    func(string) // one line now and then; may be nil
}

// Topic is created by Start.
type Topic struct {
	Name       string
	Partitions int32
	Replicas   int16
	Config     map[string]string
}

// State of a broker, as the backend knows it (not as its peers see it).
type State string

const (
	Running State = "running"
	Stopped State = "stopped"
	Paused  State = "paused"
)

// Broker is one broker and where it really listens. The address is for the
// harness and the proxy only, and stays the same across restarts.
type Broker struct {
	ID    BrokerID
	Addr  string // host:port
	State State
}

// Cluster is a running cluster. Its methods may be called concurrently.
//
// The optional abilities below (Killer, Pauser, …) are what faults ask for; a
// backend that lacks one does not implement it.
type Cluster interface {
	Backend() string
	Brokers() []Broker
	io.Closer // stops and removes everything; errors are joined
}

// Need is an ability of this machine's container engine that not every engine has.
type Need string

// Needs of faults, as their table names them.
const (
	PacketFilter   Need = "packet-filter"   // nftables in a broker's network namespace
	PacketQueue    Need = "packet-queue"    // nfnetlink_queue in it
	PatchedProcess Need = "patched-process" // ptrace of a broker's process
	OwnDisk        Need = "own-disk"        // a volume for each broker: Spec.Disk
)

// Prober tries before a run what the machine may lack.
type Prober interface {
	// Probe returns nil if the cluster has what need says, else an error that wraps
	// ErrUnsupported and says why and what to do.
	Probe(need Need) error
}

// Killer kills brokers and starts them again with their data.
type Killer interface {
	Kill(ctx context.Context, id BrokerID) error  // SIGKILL, or as near as the backend gets
	Stop(ctx context.Context, id BrokerID) error  // SIGTERM, waits for the end
	Start(ctx context.Context, id BrokerID) error // after Kill or Stop; returns when the process runs, not when it is ready
}

// Pauser freezes brokers.
type Pauser interface {
	Pause(ctx context.Context, id BrokerID) error
	Resume(ctx context.Context, id BrokerID) error
}

// Link is one direction between two nodes: of all their packets, or of those of one
// listener's connections, whichever of the two opened them.
type Link struct {
	From, To BrokerID
	Listener string // "replication", "controller", or "" = all
}

// Quorum tells the controllers that are no brokers.
type Quorum interface{ Controllers() []BrokerID }

// Partitioner drops packets between brokers. Block replaces the set of blocked
// links; an empty set heals and leaves no rule behind.
type Partitioner interface {
	Block(ctx context.Context, links []Link) error
	// Blocked probes, from inside From's network namespace, whether To's
	// replication port is reachable.
	Blocked(ctx context.Context, l Link) (bool, error)
}

// Wiper empties the data directory of a stopped broker, as a new disk would: it
// starts again formatted, with its old id and nothing else.
type Wiper interface {
	Wipe(ctx context.Context, id BrokerID) error
	// Wiped tells how often the broker has started on a directory emptied so.
	Wiped(id BrokerID) int
}

// LeaderMover moves the leadership of a partition to a broker that holds a replica.
type LeaderMover interface {
	MoveLeader(ctx context.Context, topic string, partition int32, to BrokerID) error
}

// Start starts the cluster of spec and returns when every broker is registered
// and has answered and the topics exist. It returns a line that says which
// backend was chosen and why. On error nothing is left behind.
func Start(ctx context.Context, spec Spec) (c Cluster, chosen string, err error) {
	if err := spec.check(); err != nil {
		return nil, "", err
	}
	switch spec.Backend {
	case "embedded":
		c, err := startEmbedded(ctx, spec)
		return result(c, "embedded, as asked", err)
	case "docker":
		c, why, err := openDocker(ctx, spec)
		return result(c, why, err)
	case "external":
		c, err := startExternal(ctx, spec)
		return result(c, "external: "+strings.Join(spec.Bootstrap, ", "), err)
	case "auto", "":
		return startAuto(ctx, spec)
	}
	return nil, "", fmt.Errorf("backend %q: there are auto, docker, embedded, external", spec.Backend)
}

// check finds what no cluster of ours could be.
func (spec Spec) check() error {
	if spec.Backend == "external" {
		return nil
	}
	if spec.Brokers < 1 {
		return fmt.Errorf("%d brokers: at least 1 is needed", spec.Brokers)
	}
	return errors.Join(checkTopics(spec.Topics, spec.Brokers), checkConfig(spec.Config))
}
