package faults

import (
	"context"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// matchRule turns m into a rule without an action. The broker that m names, if
// any, is resolved now.
func (e *Env) matchRule(ctx context.Context, m scenario.Match, seed uint64) (proxy.Rule, string, error) {
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
		id, resolved, err := e.resolveOne(ctx, m.Broker, seed)
		if err != nil {
			return r, "", err
		}
		r.Broker = int32(id)
		text += ", to " + resolved
	}
	return r, text, nil
}

// checkMatch is matchRule without what needs the cluster.
func checkMatch(m scenario.Match) (proxy.Rule, error) {
	r := proxy.Rule{
		API: -1, Broker: -1, Part: -1, Client: strings.TrimSuffix(m.Client, "/*"), ClientID: m.ClientID, TxnID: m.TxnID,
		Nth: m.Nth, Times: m.Times, Prob: m.Prob,
	}
	if m.Version.Given {
		r.Versions = &proxy.Versions{Min: m.Version.Min, Max: m.Version.Max}
	}
	if m.Request != "" {
		key, ok := scenario.APIKey(m.Request)
		if !ok {
			return r, fmt.Errorf(
				"no request of Kafka's protocol is called %q; some are Produce, OffsetCommit, EndTxn", m.Request,
			)
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
		if _, err := parseTarget(m.Broker); err != nil {
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
	case "", scenario.PhaseRequest:
		r.Phase = proxy.OnRequest
	case scenario.PhaseResponse:
		r.Phase = proxy.OnResponse
	default:
		return r, fmt.Errorf("phase %q: want request or response", m.Phase)
	}
	return r, nil
}
