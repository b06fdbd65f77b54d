package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Target is Kafka's words for whom a fault strikes, resolved at strike time:
// broker(2), leader(t/p), follower(t/p), controller, coordinator(group g),
// coordinator(txn id), any, minority, majority, all. "" = not given.
type Target string

// TargetKind is the first word of a target.
type TargetKind string

const (
	TargetBroker           TargetKind = "broker"
	TargetLeader           TargetKind = "leader"
	TargetFollower         TargetKind = "follower"
	TargetController       TargetKind = "controller"
	TargetGroupCoordinator TargetKind = "group-coordinator"
	TargetTxnCoordinator   TargetKind = "txn-coordinator"
	TargetAny              TargetKind = "any"
	TargetMinority         TargetKind = "minority"
	TargetMajority         TargetKind = "majority"
	TargetAll              TargetKind = "all"
)

// TargetRef is a target in its parts; which are set depends on Kind.
type TargetRef struct {
	Kind   TargetKind
	Broker int32
	Topic  string
	Part   int32
	Group  string
	TxnID  string
}

const targetForms = "broker(2), leader(topic/0), follower(topic/0), controller, coordinator(group g), coordinator(txn id), any, minority, majority, all"

const targetPattern = `^(broker\([0-9]+\)|(leader|follower)\([A-Za-z0-9._-]+/[0-9]+\)|controller|coordinator\((group|txn) [^)]+\)|any|minority|majority|all)$`

var targetWord = regexp.MustCompile(`^([a-z]+)(?:\((.*)\))?$`)

// Parse takes t apart. It knows the grammar only, not what exists.
func (t Target) Parse() (TargetRef, error) {
	m := targetWord.FindStringSubmatch(string(t))
	if m == nil {
		return TargetRef{}, fmt.Errorf("is no target; there is %s", targetForms)
	}
	word, arg, called := m[1], m[2], strings.Contains(string(t), "(")
	switch word {
	case "any", "minority", "majority", "all", "controller":
		if called {
			return TargetRef{}, fmt.Errorf("takes nothing in brackets; write %s", word)
		}
		return TargetRef{Kind: TargetKind(word)}, nil
	case "broker":
		id, err := strconv.ParseInt(arg, 10, 32)
		if err != nil || id < 0 {
			return TargetRef{}, fmt.Errorf("names no broker; write broker(2)")
		}
		return TargetRef{Kind: TargetBroker, Broker: int32(id)}, nil
	case "leader", "follower":
		topic, part, err := ParseTopicPartition(arg)
		if err != nil || part < 0 {
			return TargetRef{}, fmt.Errorf("names no partition; write %s(topic/0)", word)
		}
		return TargetRef{Kind: TargetKind(word), Topic: topic, Part: part}, nil
	case "coordinator":
		of, id, _ := strings.Cut(arg, " ")
		switch {
		case of == "group" && id != "":
			return TargetRef{Kind: TargetGroupCoordinator, Group: id}, nil
		case of == "txn" && id != "":
			return TargetRef{Kind: TargetTxnCoordinator, TxnID: id}, nil
		}
		return TargetRef{}, fmt.Errorf("says not whose coordinator; write coordinator(group g) or coordinator(txn id)")
	}
	words := []string{"broker", "leader", "follower", "controller", "coordinator", "any", "minority", "majority", "all"}
	if n := Nearest(word, words); n != "" {
		return TargetRef{}, fmt.Errorf("is no target; did you mean %q?", n+strings.TrimPrefix(string(t), word))
	}
	return TargetRef{}, fmt.Errorf("is no target; there is %s", targetForms)
}

// ParseTopicPartition parses "topic/3"; a bare topic has partition -1.
func ParseTopicPartition(s string) (topic string, partition int32, err error) {
	topic, part, ok := strings.Cut(s, "/")
	if !topicRE.MatchString(topic) {
		return "", 0, fmt.Errorf("is no topic or topic/partition")
	}
	if !ok {
		return topic, -1, nil
	}
	p, err := strconv.ParseInt(part, 10, 32)
	if err != nil || p < 0 {
		return "", 0, fmt.Errorf("has no partition after its /; write %s/0", topic)
	}
	return topic, int32(p), nil
}

var topicRE = regexp.MustCompile(topicPattern)

// ParseClient parses "till" (instance -1) or "till/1".
func ParseClient(s string) (client string, instance int, err error) {
	client, inst, ok := strings.Cut(s, "/")
	if !ok {
		return client, -1, nil
	}
	n, err := strconv.ParseUint(inst, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("has no instance after its /; write %s/0", client)
	}
	return client, int(n), nil
}
