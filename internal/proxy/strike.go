package proxy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// strike is one request that one rule chose.
type strike struct{ h *Handle }

// wants says whether the rule may concern requests of this kind on connections
// like c, all that can be told from the fixed part of a request's header.
func (h *Handle) wants(c *conn, req requestHeader) bool {
	r := &h.rule
	return (r.API == -1 || r.API == req.api) &&
		(r.Versions == nil || r.Versions.Min <= req.version && req.version <= r.Versions.Max) &&
		(r.Broker < 0 || r.Broker == c.broker) &&
		clientMatches(r.Client, c.client)
}

// needsBody says whether the rule must read the request.
func (h *Handle) needsBody() bool {
	r := &h.rule
	return r.TxnID != "" || r.Topic != "" || r.ClientID != "" || r.Action == Error || r.Action == Hold ||
		r.Action == Duplicate
}

// matches compares what only the body of the request tells.
func (h *Handle) matches(r *request) bool {
	if r.opaque && h.rule.Action == Error {
		return false
	}
	if id := h.rule.ClientID; id != "" && !named(id)(r.clientID) {
		return false
	}
	if id := h.rule.TxnID; id != "" && !slices.ContainsFunc(r.txns, named(id)) {
		return false
	}
	if h.rule.Topic == "" || r.everyTopic() && h.rule.Phase == OnResponse {
		return true
	}
	return slices.ContainsFunc(r.parts, func(p partition) bool { return h.rule.covers(p.topic, p.part) })
}

// named makes what compares names with one, or, behind "~", with an expression that the
// whole name matches. One that is none matches nothing; New refuses it.
func named(want string) func(string) bool {
	pattern, isPattern := strings.CutPrefix(want, "~")
	if !isPattern {
		return func(name string) bool { return name == want }
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return func(string) bool { return false }
	}
	return re.MatchString
}

// covers says whether the rule speaks of a topic-partition; part -1 is a whole topic.
func (r *Rule) covers(topic string, part int32) bool {
	return r.Topic == "" || r.Topic == topic && (r.Part < 0 || part < 0 || r.Part == part)
}

// strikes asks every rule about a request and returns those that chose it, by
// phase, in the order in which the rules were added. Every rule that matches
// counts the request, whatever the others do.
func (c *conn) strikes(rules []*Handle, req requestHeader, r *request) (before, after []*strike) {
	for _, h := range rules {
		if !h.wants(c, req) || h.needsBody() && r == nil || r != nil && !h.matches(r) {
			continue
		}
		if h.rule.Phase == OnResponse && r != nil && r.unanswered() {
			continue // there will be no response to strike
		}
		if !h.chosen() {
			continue
		}
		if h.rule.Phase == OnRequest {
			before = append(before, &strike{h})
		} else {
			after = append(after, &strike{h})
		}
	}
	return before, after
}

// unanswered says whether the broker never responds to r.
func (r *request) unanswered() bool { return r.api == 0 && r.acks == 0 }

// splitDelays keeps every delay and the first other action, and gives the rest back.
func splitDelays(strikes []*strike) (delays []*strike, act *strike) {
	for _, s := range strikes {
		switch {
		case s.h.removed.Load():
		case s.h.rule.Action == Delay:
			delays = append(delays, s)
		case act == nil:
			act = s
		default:
			s.h.missed()
		}
	}
	return delays, act
}

// hit records that s came about.
func (c *conn) hit(s *strike, e *pending) {
	h := e.requestHeader
	text := fmt.Sprintf("%s v%d of %s to broker %d, correlation %d: %s",
		h.name(), h.version, c.client, c.broker, h.corr, s.h.rule.does(s.h.rule.Phase))
	c.struck(s, e, text)
	s.h.hit(Hit{
		T:       c.p.cfg.Now(),
		Client:  c.client,
		Broker:  c.broker,
		API:     h.api,
		Version: h.version,
		Corr:    h.corr,
		Text:    text,
	})
}
