package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Standing is what a configuration says about an anomaly.
type Standing string

const (
	Promised  Standing = "promised"  // the anomaly breaks a promise
	Permitted Standing = "permitted" // the configuration allows it under the faults of its kind
	Expected  Standing = "expected"  // the configuration brings it about as soon as its fault strikes
)

// Forfeit is the reason why a configuration does not promise the absence of an
// anomaly. The zero value is a promise.
type Forfeit struct {
	Standing Standing
	Property string
	Value    string
	Line     string // "file:line" where the property is set; "" if it is a default
	Why      string
}

// String is one line: where, what, and why that forfeits the promise.
func (f Forfeit) String() string {
	if f.Standing == "" || f.Standing == Promised {
		return ""
	}
	s := fmt.Sprintf("%s=%s: %s", f.Property, f.Value, f.Why)
	if f.Line != "" {
		return f.Line + ": " + s
	}
	return s
}

// clause is one cell of the configuration → guarantee matrix: a setting that
// forfeits the absence of some anomalies.
type clause struct {
	property  string
	anomalies []guarantee.Anomaly
	standing  Standing
	bad       func(s settings) bool
	why       string
}

// settings are what one client's promise rests on.
type settings struct {
	client *history.ClientInfo
	header *history.Header
}

// defaults are the Java client's, where neither the scenario nor the library
// says otherwise.
var defaults = map[string]string{
	"acks":                                  "all",
	"enable.idempotence":                    "true",
	"max.in.flight.requests.per.connection": "5",
	"isolation.level":                       "read_uncommitted",
	"enable.auto.commit":                    "true",
	"auto.offset.reset":                     "latest",
	"min.insync.replicas":                   "1",
	"unclean.leader.election.enable":        "false",
}

func (s settings) get(property string) string {
	switch property {
	case "commit":
		return s.client.Commit
	case "habits":
		return strings.Join(s.client.Habits, ",")
	case "retry":
		return strconv.Itoa(s.client.Retry)
	case "offsets.topic.replication.factor", "offsets.retention.minutes":
		return s.header.Broker[property]
	case "min.insync.replicas", "unclean.leader.election.enable", "replicas", "transaction.partition.verification.enable":
		return s.topic(property)
	}
	if v, ok := s.client.Config[property]; ok {
		return v
	}
	if property == "enable.idempotence" && s.get("acks") != "all" && s.get("acks") != "-1" {
		return "false"
	}
	return defaults[property]
}

// topic is a property of the topic that the client writes, else of the brokers.
func (s settings) topic(property string) string {
	name := s.client.Topic
	if name == "" {
		name = s.client.Output
	}
	for _, t := range s.header.Topics {
		if t.Name != name {
			continue
		}
		if property == "replicas" {
			return fmt.Sprint(t.Replicas)
		}
		if v, ok := t.Config[property]; ok {
			return v
		}
	}
	if v, ok := s.header.Broker[property]; ok {
		return v
	}
	return defaults[property]
}

func (s settings) is(property string, values ...string) bool {
	v := s.get(property)
	for _, w := range values {
		if strings.EqualFold(v, w) {
			return true
		}
	}
	return false
}

func (s settings) commitsInTxn() bool { return s.client.Commit == "transaction" }

func (s settings) has(habit string) bool { return slices.Contains(s.client.Habits, habit) }

const weekOfMinutes = 7 * 24 * 60 // Kafka's default of offsets.retention.minutes

var readsOnlyCommitted = []guarantee.Anomaly{guarantee.AbortedRead, guarantee.DirtyRead, guarantee.IntermediateRead, guarantee.ReadAboveLSO}

// matrix is the configuration → guarantee matrix. The first clause that applies
// to the client and the anomaly counts; docs/checker.md shows it as a table.
var matrix = []clause{
	{"habits", []guarantee.Anomaly{guarantee.LostInput, guarantee.OffsetWithoutOutput}, Expected, func(s settings) bool { return s.has("no-rewind") },
		"after an abort the application goes on behind records that it never processed"},
	{"habits", []guarantee.Anomaly{guarantee.LostInput, guarantee.OffsetWithoutOutput}, Expected, func(s settings) bool { return s.has("ignore-send-errors") },
		"a transaction is committed without the output whose send failed"},
	{"habits", []guarantee.Anomaly{guarantee.LostInput, guarantee.OffsetWithoutOutput}, Expected, func(s settings) bool { return s.has("swallow-fatal") },
		"after a fencing the application goes on behind records whose transaction was aborted"},
	{"habits", []guarantee.Anomaly{guarantee.DuplicateOutput, guarantee.OverlappingInput, guarantee.ZombieCommit, guarantee.OffsetRegression, guarantee.NonlinearizableOffset}, Expected, func(s settings) bool { return s.has("no-group-metadata") },
		"the coordinator cannot tell the offsets of a member that was replaced from its successor's"},
	{"retry", []guarantee.Anomaly{guarantee.DuplicateWrite, guarantee.ReorderedWrite}, Expected, func(s settings) bool { return s.client.Retry > 0 && s.client.Role == "producer" },
		"a send that the application makes again is a new one to the broker, whatever became of the first"},
	{"transactional.id", []guarantee.Anomaly{guarantee.StuckConsumer}, Expected, func(s settings) bool {
		id := s.client.Config["transactional.id"]
		return id != "" && s.client.Count > 1 && !strings.Contains(id, "${")
	}, "instances that share an id fence each other"},
	{"offsets.topic.replication.factor", []guarantee.Anomaly{guarantee.OffsetLost, guarantee.PositionMismatch, guarantee.LostInput, guarantee.DuplicateOutput, guarantee.OverlappingInput, guarantee.OffsetWithoutOutput}, Permitted, func(s settings) bool {
		return s.header.Broker["offsets.topic.replication.factor"] == "1"
	}, "the only replica of the committed offsets may be lost"},
	{"offsets.retention.minutes", []guarantee.Anomaly{guarantee.OffsetLost, guarantee.PositionMismatch, guarantee.LostInput, guarantee.DuplicateOutput, guarantee.OverlappingInput, guarantee.OffsetWithoutOutput}, Permitted, func(s settings) bool {
		n, err := strconv.Atoi(s.header.Broker["offsets.retention.minutes"])
		return err == nil && n < weekOfMinutes
	}, "a group that is away for longer finds its committed offsets gone"},
	{"acks", []guarantee.Anomaly{guarantee.LostWrite, guarantee.TruncatedLog}, Expected, func(s settings) bool { return s.is("acks", "0") },
		"nothing is acknowledged, so nothing that is lost is noticed"},
	{"acks", []guarantee.Anomaly{guarantee.LostWrite, guarantee.TruncatedLog, guarantee.RealtimeReorder, guarantee.NonmonotonicSend, guarantee.InconsistentOffset}, Permitted, func(s settings) bool { return s.is("acks", "1") },
		"what only the leader has is lost when it fails"},
	{"replicas", []guarantee.Anomaly{guarantee.LostWrite, guarantee.TruncatedLog}, Permitted, func(s settings) bool { return s.is("replicas", "1") },
		"the only replica may be lost"},
	{"unclean.leader.election.enable", []guarantee.Anomaly{guarantee.LostWrite, guarantee.TruncatedLog, guarantee.NonmonotonicSend, guarantee.InconsistentOffset, guarantee.OffsetLost}, Permitted, func(s settings) bool { return s.is("unclean.leader.election.enable", "true") },
		"a replica that lags may become leader, and what it lacks is lost"},
	{"min.insync.replicas", []guarantee.Anomaly{guarantee.LostWrite, guarantee.TruncatedLog}, Permitted, func(s settings) bool {
		return s.is("min.insync.replicas", "1") && len(s.header.Topics) > 0 && !s.is("replicas", "1")
	}, "with the other replicas out of sync, acks=all is the leader alone"},
	{"enable.idempotence", []guarantee.Anomaly{guarantee.DuplicateWrite}, Expected, func(s settings) bool { return s.is("enable.idempotence", "false") },
		"a retry after a lost response is written again"},
	{"max.in.flight.requests.per.connection", []guarantee.Anomaly{guarantee.ReorderedWrite, guarantee.NonmonotonicSend}, Permitted, func(s settings) bool {
		return s.is("enable.idempotence", "false") && !s.is("max.in.flight.requests.per.connection", "1")
	}, "without idempotence, a batch that is retried may land behind a later one"},
	{"commit", []guarantee.Anomaly{guarantee.LostInput}, Expected, func(s settings) bool { return s.is("commit", "before-processing") },
		"a crash between commit and processing skips the input"},
	{"enable.auto.commit", []guarantee.Anomaly{guarantee.LostInput}, Permitted, func(s settings) bool {
		return s.is("commit", "auto") || s.client.Commit == "" && s.is("enable.auto.commit", "true")
	}, "offsets are committed whether or not their records were processed"},
	{"auto.offset.reset", []guarantee.Anomaly{guarantee.LostInput, guarantee.PositionMismatch, guarantee.OffsetWithoutOutput}, Permitted, func(s settings) bool { return s.client.Input != "" && s.is("auto.offset.reset", "latest") },
		"where no committed offset is found, what is there already is skipped"},
	{"commit", []guarantee.Anomaly{guarantee.DuplicateOutput}, Expected, func(s settings) bool {
		return s.is("commit", "after-each-record", "after-batch", "auto")
	}, "a crash, or a rebalance, between processing and commit repeats the input: at least once"},
	{"commit", []guarantee.Anomaly{guarantee.NonlinearizableOffset, guarantee.OffsetRegression}, Permitted, func(s settings) bool {
		return s.client.Commit != "" && !s.commitsInTxn()
	}, "a commit that comes late is taken in place of a newer one: nothing orders a member's commits"},
	{"commit", []guarantee.Anomaly{guarantee.DuplicateOutput, guarantee.OverlappingInput, guarantee.OutputWithoutOffset, guarantee.LostInput}, Expected, func(s settings) bool { return s.is("commit", "transaction-offsets-outside") },
		"outputs and offsets are committed apart"},
	{"transactional.id", []guarantee.Anomaly{guarantee.ZombieWrite, guarantee.ZombieCommit, guarantee.DuplicateOutput, guarantee.HangingTransaction, guarantee.StuckConsumer}, Permitted, func(s settings) bool {
		id := s.client.Config["transactional.id"]
		return strings.Contains(id, "${random}") || strings.Contains(id, "${incarnation}")
	}, "an id that differs at each start fences nobody"},
	{"isolation.level", readsOnlyCommitted, Expected, func(s settings) bool {
		return s.client.Input != "" && s.is("isolation.level", "read_uncommitted")
	}, "records of open and aborted transactions are returned"},
	{"isolation.level", []guarantee.Anomaly{guarantee.DuplicateOutput, guarantee.LostInput}, Permitted, func(s settings) bool {
		return s.commitsInTxn() && s.is("isolation.level", "read_uncommitted")
	}, "inputs that are aborted later are processed"},
	{"transaction.partition.verification.enable", []guarantee.Anomaly{guarantee.HangingTransaction, guarantee.StrayMarker}, Permitted, func(s settings) bool {
		return s.is("transaction.partition.verification.enable", "false")
	}, "a record that arrives after its transaction's end opens it again (KIP-890)"},
}

// Standings says what the configuration of one client in a run promises about an
// anomaly. A client that the header does not name promises everything.
func Standings(h *history.Header, client string, kind guarantee.Anomaly) Forfeit {
	for i := range h.Clients {
		if h.Clients[i].Name != client {
			continue
		}
		s := settings{&h.Clients[i], h}
		for _, c := range matrix {
			if !c.covers(kind) || !c.bad(s) {
				continue
			}
			v := s.get(c.property)
			if c.property == "transactional.id" {
				v = s.client.Config[c.property]
			}
			return Forfeit{Standing: c.standing, Property: c.property, Value: v, Line: s.client.Lines[c.property], Why: c.why}
		}
	}
	return Forfeit{Standing: Promised}
}

func (c *clause) covers(kind guarantee.Anomaly) bool {
	for _, a := range c.anomalies {
		if a == kind {
			return true
		}
	}
	return false
}

// permitted is the configuration line that forfeits a guarantee that was found
// violated, "" if the configuration promised it to at least one of the clients
// that the witnesses speak of.
func permitted(found []Finding) string {
	line := ""
	for _, f := range found {
		for _, w := range f.Witnesses {
			if w.Forfeit == "" {
				return ""
			}
			if line == "" {
				line = w.Forfeit
			}
		}
	}
	return line
}

func (j *judge) forfeit(kind guarantee.Anomaly, client string) string {
	return Standings(&j.header, client, kind).String()
}
