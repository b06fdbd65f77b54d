package faults

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/harness/proxy"
	"github.com/onceproof/onceproof/scenarios"
)

// isWire says whether f acts on the requests that its trigger matches, so that
// arming it is injecting it. Other faults `on` a request wait for a [Trigger].
func isWire(f scenarios.Fault) bool { return f.When.On != nil && IsWireKind(f.Kind) }

// IsWireKind says whether a fault of this kind with an `on` trigger is a rule on
// the wire: the scheduler injects it when the load begins, and its Effect is the
// first request that it strikes.
func IsWireKind(k scenarios.FaultKind) bool {
	switch k {
	case scenarios.KindDrop, scenarios.KindDelay, scenarios.KindHold, scenarios.KindError,
		scenarios.KindCut, scenarios.KindBlackhole:
		return true
	}
	return false
}

// matchRule turns m into a rule without an action. The broker that m names, if
// any, is resolved now.
func (e *Env) matchRule(ctx context.Context, m scenarios.Match, seed uint64) (proxy.Rule, string, error) {
	r, err := checkMatch(m)
	if err != nil {
		return r, "", err
	}
	r.Seed = seed
	text := matchText(m)
	if m.Client != "" {
		if _, _, err := e.matchInstances(m.Client); err != nil {
			return r, "", err
		}
	}
	if m.Broker != "" {
		id, resolved, err := e.resolveOne(ctx, scenarios.Target(m.Broker), seed)
		if err != nil {
			return r, "", err
		}
		r.Broker = int32(id)
		text += ", to " + resolved
	}
	return r, text, nil
}

// checkMatch is matchRule without what needs the cluster.
func checkMatch(m scenarios.Match) (proxy.Rule, error) {
	r := proxy.Rule{API: -1, Broker: -1, Part: -1, Client: strings.TrimSuffix(m.Client, "/*"), TxnID: m.TxnID, Nth: m.Nth, Prob: m.Prob}
	if m.Request != "" {
		key, err := apiKey(m.Request)
		if err != nil {
			return r, err
		}
		r.API = key
	}
	if m.TP != "" {
		topic, part, err := parseTP(m.TP)
		if err != nil {
			return r, err
		}
		r.Topic, r.Part = topic, part
	}
	if m.Broker != "" {
		if _, err := parseTarget(scenarios.Target(m.Broker)); err != nil {
			return r, err
		}
	}
	if m.Nth < 0 {
		return r, fmt.Errorf("nth: %d: matches are counted from 1", m.Nth)
	}
	if m.Prob < 0 || m.Prob > 1 {
		return r, fmt.Errorf("probability %g: want 0 to 1", m.Prob)
	}
	switch m.Phase {
	case "", "request":
		r.Phase = proxy.OnRequest
	case "response":
		r.Phase = proxy.OnResponse
	default:
		return r, fmt.Errorf("phase %q: want request or response", m.Phase)
	}
	return r, nil
}

// apiKey is the key of an API by the name that Kafka gives its request.
func apiKey(name string) (int16, error) {
	var names []string
	for key := range int16(kmsg.MaxKey + 1) {
		known := kmsg.NameForKey(key)
		if strings.EqualFold(known, name) {
			return key, nil
		}
		if known != "Unknown" {
			names = append(names, known)
		}
	}
	slices.Sort(names)
	return -1, fmt.Errorf("no request is called %q; there are: %s", name, strings.Join(names, ", "))
}

// newNames are error codes whose names Kafka has changed since franz-go took them.
var newNames = map[string]int16{
	"NOT_LEADER_OR_FOLLOWER":       6,
	"NOT_LEADER_FOR_PARTITION":     6,
	"UNKNOWN_SERVER_ERROR":         -1,
	"COORDINATOR_NOT_AVAILABLE":    15,
	"COORDINATOR_LOAD_IN_PROGRESS": 14,
	"NOT_COORDINATOR":              16,
}

// maxErrorCode is above every error code that Kafka has.
const maxErrorCode = 300

// errorCode is the number of an error by the name that Kafka gives it.
func errorCode(name string) (int16, error) {
	if n, err := strconv.ParseInt(name, 10, 16); err == nil && n != 0 && kerr.ErrorForCode(int16(n)) != nil {
		return int16(n), nil
	}
	want := strings.ToUpper(name)
	if c, ok := newNames[want]; ok {
		return c, nil
	}
	for c := int16(1); c < maxErrorCode; c++ {
		if ke, ok := kerr.ErrorForCode(c).(*kerr.Error); ok && ke.Code == c && ke.Message == want {
			return c, nil
		}
	}
	return 0, fmt.Errorf("no error of Kafka is called %q; an example: NOT_LEADER_OR_FOLLOWER", name)
}
