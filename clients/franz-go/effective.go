package franzgo

import (
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
)

// effective is the configuration after the library's own defaults, under the
// Java client's names.
func (s *settings) effective(cl *kgo.Client) map[string]string {
	all := map[string]string{}
	for name, p := range properties {
		if p.get == nil || !s.concerns(name) {
			continue
		}
		if v := p.get(s, cl); v != "" {
			all[name] = v
		}
	}
	if s.produces() {
		s.effectiveProducer(cl, all)
	}
	if s.spec.Role != guarantee.Producer {
		s.effectiveConsumer(cl, all)
	}
	if all["delivery.timeout.ms"] == "0" {
		delete(all, "delivery.timeout.ms") // the library waits for ever
	}
	if all["buffer.memory"] == "0" {
		delete(all, "buffer.memory")
	}
	return all
}

func (s *settings) produces() bool {
	return s.spec.Role != guarantee.Consumer || s.spec.Retry.Topic != ""
}

// concerns says whether a property means anything for the role.
func (s *settings) concerns(name string) bool {
	switch name {
	case "retries", "delivery.timeout.ms", "linger.ms", "batch.size", "buffer.memory":
		return s.produces()
	case "transaction.timeout.ms":
		return s.txnID != ""
	case "auto.commit.interval.ms":
		return s.spec.Role != guarantee.Producer && s.commitsByItself()
	case "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "group.instance.id",
		"fetch.min.bytes", "fetch.max.bytes", "max.partition.fetch.bytes", "fetch.max.wait.ms", "client.rack":
		return s.spec.Role != guarantee.Producer
	}
	return true
}

func (s *settings) effectiveProducer(cl *kgo.Client, all map[string]string) {
	all["acks"] = "all"
	switch cl.OptValue(kgo.RequiredAcks) {
	case kgo.NoAck():
		all["acks"] = "0"
	case kgo.LeaderAck():
		all["acks"] = "1"
	}
	all["enable.idempotence"] = strconv.FormatBool(s.idempotent())
	all["max.in.flight.requests.per.connection"] = "5"
	if !s.idempotent() {
		all["max.in.flight.requests.per.connection"] = option(kgo.MaxProduceRequestsInflightPerBroker)(s, cl)
	}
	all["compression.type"] = "snappy"
	if v, set := s.spec.Config["compression.type"]; set {
		all["compression.type"] = v
	}
	if s.txnID != "" {
		all["transactional.id"] = s.txnID
	}
}

func (s *settings) effectiveConsumer(cl *kgo.Client, all map[string]string) {
	all["group.id"] = s.group
	all["group.protocol"] = s.protocol
	all["isolation.level"] = "read_uncommitted"
	if cl.OptValue(kgo.FetchIsolationLevel) == int8(1) {
		all["isolation.level"] = "read_committed"
	}
	all["enable.auto.commit"] = strconv.FormatBool(s.commitsByItself())
	all["auto.offset.reset"] = "earliest"
	if v, set := s.spec.Config["auto.offset.reset"]; set {
		all["auto.offset.reset"] = v
	}
	if s.maxPoll > 0 {
		all["max.poll.records"] = strconv.Itoa(s.maxPoll)
	}
	var names []string
	for _, b := range cl.OptValue(kgo.Balancers).([]kgo.GroupBalancer) {
		names = append(names, b.ProtocolName())
	}
	all["partition.assignment.strategy"] = strings.Join(names, ",")
}
