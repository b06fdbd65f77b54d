package faults

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/harness/cluster"
	"github.com/onceproof/onceproof/scenarios"
)

// target is a parsed scenarios.Target:
//
//	broker(ID) | leader(TOPIC/PARTITION) | follower(TOPIC/PARTITION) | controller
//	coordinator(group ID) | coordinator(txn ID) | any | minority | majority | all
type target struct {
	word  string
	id    cluster.BrokerID // broker
	topic string           // leader, follower
	part  int32
	kind  string // coordinator: group or txn
	key   string
}

const targetWords = "broker(2), leader(topic/0), follower(topic/0), controller, coordinator(group g), coordinator(txn id), any, minority, majority, all"

func parseTarget(t scenarios.Target) (target, error) {
	text := strings.TrimSpace(string(t))
	word, arg, hasArg := strings.Cut(text, "(")
	if hasArg {
		if !strings.HasSuffix(arg, ")") {
			return target{}, fmt.Errorf("target %q: the bracket is not closed", text)
		}
		arg = strings.TrimSpace(strings.TrimSuffix(arg, ")"))
	}
	word = strings.TrimSpace(word)
	out := target{word: word}
	switch word {
	case "controller", "any", "minority", "majority", "all":
		if hasArg {
			return target{}, fmt.Errorf("target %q: %s takes no argument", text, word)
		}
		return out, nil
	case "broker":
		id, err := strconv.ParseInt(arg, 10, 32)
		if err != nil || id < 0 {
			return target{}, fmt.Errorf("target %q: want a broker's id, as in broker(2)", text)
		}
		out.id = cluster.BrokerID(id)
		return out, nil
	case "leader", "follower":
		topic, part, err := parseTP(arg)
		if err != nil || part < 0 {
			return target{}, fmt.Errorf("target %q: want a topic and a partition, as in %s(orders/0)", text, word)
		}
		out.topic, out.part = topic, part
		return out, nil
	case "coordinator":
		kind, key, _ := strings.Cut(arg, " ")
		key = strings.TrimSpace(key)
		if kind != "group" && kind != "txn" || key == "" {
			return target{}, fmt.Errorf("target %q: want coordinator(group ID) or coordinator(txn ID)", text)
		}
		out.kind, out.key = kind, key
		return out, nil
	}
	return target{}, fmt.Errorf("target %q is none of: %s", text, targetWords)
}

// parseTP splits "topic/partition"; a bare topic has partition -1.
func parseTP(s string) (topic string, part int32, err error) {
	topic, num, ok := strings.Cut(s, "/")
	if topic == "" || strings.ContainsAny(topic, " ()") {
		return "", 0, fmt.Errorf("%q names no topic", s)
	}
	if !ok {
		return topic, -1, nil
	}
	n, err := strconv.ParseInt(num, 10, 32)
	if err != nil || n < 0 {
		return "", 0, fmt.Errorf("%q: want topic/partition", s)
	}
	return topic, int32(n), nil
}

// TargetText is the target of f as its scenario says it: "broker leader(orders/0)",
// "client till", "Produce of client shop, match 40, response".
func TargetText(f scenarios.Fault) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	a := f.Args
	if a.Client != "" {
		add("client %s", a.Client)
	}
	if a.Broker != "" {
		add("broker %s", a.Broker)
	}
	if a.Isolate != "" {
		add("isolate %s", a.Isolate)
	}
	if len(a.Split) > 0 {
		add("split %v", a.Split)
	}
	if a.From != "" && a.Isolate == "" {
		add("from %s", a.From)
	}
	if a.To != "" {
		add("to %s", a.To)
	}
	if a.TP != "" {
		add("%s", a.TP)
	}
	if isWire(f) {
		add("%s", matchText(*f.When.On))
	}
	return strings.Join(parts, ", ")
}

// matchText says what a match selects.
func matchText(m scenarios.Match) string {
	api := m.Request
	if api == "" {
		api = "any request"
	}
	var b strings.Builder
	b.WriteString(api)
	for _, p := range []struct{ label, value string }{
		{"of client", m.Client}, {"of transactional id", m.TxnID}, {"on", m.TP}, {"to broker", string(m.Broker)},
	} {
		if p.value != "" {
			fmt.Fprintf(&b, " %s %s", p.label, p.value)
		}
	}
	if m.Nth > 0 {
		fmt.Fprintf(&b, ", match %d", m.Nth)
	}
	if m.Prob > 0 {
		fmt.Fprintf(&b, ", probability %g", m.Prob)
	}
	if m.Phase != "" {
		fmt.Fprintf(&b, ", %s", m.Phase)
	}
	return b.String()
}
