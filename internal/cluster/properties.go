package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Ports inside a node's container.
const (
	clientPort     = 9092
	controllerPort = 9093
	replicaPort    = 9094
)

// firstController numbers isolated controllers, clear of any broker.
const firstController BrokerID = 101

// node is one Kafka process to be: a broker, a controller, or both.
type node struct {
	id         BrokerID
	broker     bool
	controller bool
	port       int // on the host's loopback, where clients reach a broker
}

func (n node) host() string {
	if n.broker {
		return fmt.Sprintf("broker-%d", n.id)
	}
	return fmt.Sprintf("controller-%d", n.id)
}

// layout numbers the nodes of spec; ports has one for each broker.
func layout(spec Spec, ports []int) []node {
	var ns []node
	for i := range spec.Brokers {
		ns = append(ns, node{id: BrokerID(i + 1), broker: true, controller: spec.Controllers == 0, port: ports[i]})
	}
	for i := range spec.Controllers {
		ns = append(ns, node{id: firstController + BrokerID(i), controller: true})
	}
	return ns
}

// wiring is what makes the nodes find each other and clients find them. It is set
// here, and nobody else may.
var wiring = []string{
	"process.roles", "node.id", "broker.id", "controller.quorum.voters", "controller.quorum.bootstrap.servers",
	"listeners", "advertised.listeners", "inter.broker.listener.name", "security.inter.broker.protocol",
	"controller.listener.names", "listener.security.protocol.map", "log.dir", "log.dirs", "metadata.log.dir",
}

// checkConfig finds broker properties that a scenario cannot set.
func checkConfig(config map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(config)) {
		if slices.Contains(wiring, k) {
			return fmt.Errorf("broker property %s: the harness sets it, a scenario cannot", k)
		}
	}
	return nil
}

// properties returns the server.properties of n. What spec.Config says wins over
// what a run merely prefers.
func properties(spec Spec, nodes []node, n node) string {
	few := min(3, spec.Brokers)
	p := map[string]any{
		"auto.create.topics.enable":                                   false,
		"default.replication.factor":                                  few,
		"offsets.topic.replication.factor":                            few,
		"offsets.topic.num.partitions":                                3, // few partitions: the first group and transaction start sooner
		"transaction.state.log.replication.factor":                    few,
		"transaction.state.log.num.partitions":                        3,
		"transaction.state.log.min.isr":                               min(2, spec.Brokers),
		"group.initial.rebalance.delay.ms":                            0,
		"log.cleaner.dedupe.buffer.size":                              4 << 20, // of the heap; the default is 128 MiB
		"num.network.threads":                                         2,
		"num.io.threads":                                              4,
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000, // an expired transaction is aborted a second late, not ten
		"broker.heartbeat.interval.ms":                                500,
		"broker.session.timeout.ms":                                   4000, // a dead broker loses its leaderships after this; Kafka: 9000
		"replica.lag.time.max.ms":                                     6000, // a silent follower leaves the ISR after this; Kafka: 30000
	}
	for k, v := range spec.Config {
		p[k] = v
	}

	var roles, voters, listen, advertise []string
	if n.broker {
		roles = append(roles, "broker")
		listen = append(listen, fmt.Sprintf("CLIENT://:%d", clientPort), fmt.Sprintf("REPLICA://:%d", replicaPort))
		advertise = append(advertise, fmt.Sprintf("CLIENT://%s", loopback(n.port)), fmt.Sprintf("REPLICA://%s:%d", n.host(), replicaPort))
	}
	if n.controller {
		roles = append(roles, "controller")
		listen = append(listen, fmt.Sprintf("CONTROLLER://:%d", controllerPort))
	}
	for _, m := range nodes {
		if m.controller {
			voters = append(voters, fmt.Sprintf("%d@%s:%d", m.id, m.host(), controllerPort))
		}
	}
	p["process.roles"] = strings.Join(roles, ",")
	p["node.id"] = n.id
	p["controller.quorum.voters"] = strings.Join(voters, ",")
	p["listeners"] = strings.Join(listen, ",")
	if n.broker {
		p["advertised.listeners"] = strings.Join(advertise, ",")
		p["inter.broker.listener.name"] = "REPLICA"
	}
	p["controller.listener.names"] = "CONTROLLER"
	p["listener.security.protocol.map"] = "CLIENT:PLAINTEXT,REPLICA:PLAINTEXT,CONTROLLER:PLAINTEXT"
	p["log.dirs"] = dataDir(spec, n)

	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, escapeProperty(fmt.Sprint(p[k])))
	}
	return b.String()
}

// dataDir is where n keeps its log.
func dataDir(spec Spec, n node) string {
	if spec.Disk > 0 {
		return diskOf(n.id) + "/data"
	}
	return "/tmp/onceproof/data"
}

// metaProperties marks the node's directory as formatted for the cluster.
func metaProperties(clusterID string, n node) string {
	return fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d", clusterID, n.id)
}

// escapeProperty keeps a value on one line, as java.util.Properties reads it.
func escapeProperty(v string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(v)
}
