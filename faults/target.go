package faults

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// parseTarget parses t by the scenario's grammar.
func parseTarget(t scenario.Target) (scenario.TargetRef, error) {
	ref, err := t.Parse()
	if err != nil {
		return ref, fmt.Errorf("target %q %w", t, err)
	}
	return ref, nil
}

// parseTP splits "topic/partition"; a bare topic has partition -1.
func parseTP(s string) (topic string, part int32, err error) {
	topic, part, err = scenario.ParseTopicPartition(s)
	if err != nil {
		return "", 0, fmt.Errorf("%q %w", s, err)
	}
	return topic, part, nil
}

// onePartition is parseTP for a fault that strikes one; question begins the error.
func onePartition(question, s string) (topic string, part int32, err error) {
	topic, part, err = parseTP(s)
	if err != nil || part < 0 {
		return "", 0, fmt.Errorf("%s Want a topic and a partition, as in orders/0, not %q", question, s)
	}
	return topic, part, nil
}

// TargetText is the target of f as its scenario says it: "broker leader(orders/0)",
// "client till", "Produce of client shop, match 40, response".
func TargetText(f scenario.Fault) string {
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
	if a.Group != "" {
		add("group %s", a.Group)
	}
	if a.TxnID != "" {
		add("transactional id %s", a.TxnID)
	}
	if a.Way != "" {
		add("%s", a.Way)
	}
	if f.StrikesRequest() {
		add("%s", matchText(*f.When.On))
	}
	return strings.Join(parts, ", ")
}

// label is f's kind and target, for errors and for other strikes to name it by.
func label(f scenario.Fault) string {
	return strings.TrimSpace(string(f.Kind) + " " + TargetText(f))
}

// matchText says what a match selects.
func matchText(m scenario.Match) string {
	api := m.Request
	if api == "" {
		api = "any request"
	}
	if m.Version.Given {
		api += " v" + m.Version.String()
	}
	var b strings.Builder
	b.WriteString(api)
	for _, p := range []struct{ label, value string }{
		{"of client", m.Client}, {"as client.id", m.ClientID}, {"of transactional id", m.TxnID},
		{"on", m.TP}, {"to broker", string(m.Broker)},
	} {
		if p.value != "" {
			fmt.Fprintf(&b, " %s %s", p.label, p.value)
		}
	}
	if m.Nth > 0 {
		fmt.Fprintf(&b, ", match %d", m.Nth)
	}
	if m.Times > 0 {
		fmt.Fprintf(&b, ", %d times", m.Times)
	}
	if m.Prob > 0 {
		fmt.Fprintf(&b, ", probability %g", m.Prob)
	}
	if m.Phase != "" {
		fmt.Fprintf(&b, ", %s", m.Phase)
	}
	return b.String()
}
