package proxy

import (
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// witnessedRequest is a request that the history knows of, until its outcome is
// known too. Produce, AddPartitionsToTxn, OffsetCommit and the like have an event for
// each partition; all events of one request share its id.
type witnessedRequest struct {
	id  int64
	txn string // transactional id; "" if the request names none

	mu     sync.Mutex      // between the two directions of a long Produce
	events []history.Event // as recorded at the request
	closed bool            // the outcome is recorded
}

// witnessed says whether requests of an API are recorded. docs/proxy.md has the
// fields of each.
func witnessed(api int16) bool {
	switch kmsg.Key(api) {
	case kmsg.Produce,
		kmsg.InitProducerID,
		kmsg.AddPartitionsToTxn,
		kmsg.AddOffsetsToTxn,
		kmsg.TxnOffsetCommit,
		kmsg.EndTxn,
		kmsg.OffsetCommit,
		kmsg.OffsetFetch,
		kmsg.JoinGroup,
		kmsg.SyncGroup,
		kmsg.LeaveGroup,
		kmsg.Heartbeat,
		kmsg.ConsumerGroupHeartbeat:
		return true
	}
	return false
}

// routine requests are recorded only once their response says something new.
func routine(api int16) bool {
	switch kmsg.Key(api) {
	case kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat, kmsg.OffsetFetch:
		return true
	}
	return false
}

// event is what all wire events of one request have in common.
func (c *conn) event(h requestHeader, id int64, typ history.Type, op history.Op) history.Event {
	e := history.Event{T: c.p.cfg.Now(), Src: history.SrcWire, Proc: c.client, Type: typ, Op: op, ID: id}
	facts.API.Set(&e, h.name())
	facts.Version.Set(&e, h.version)
	facts.Broker.Set(&e, c.broker)
	facts.Conn.Set(&e, c.id)
	facts.Corr.Set(&e, h.corr)
	return e
}

// sight records a request that is about to be passed on or struck.
func (c *conn) witness(r *request) *witnessedRequest {
	s := &witnessedRequest{id: c.p.requests.Add(1)}
	e := c.event(r.requestHeader, s.id, history.Invoke, history.OpRequest)
	if len(r.txns) > 0 {
		s.txn = r.txns[0]
	}
	if b, ok := r.body.(*kmsg.ConsumerGroupHeartbeatRequest); ok && b.Topics != nil { // said only when it has changed
		owns := []string{}
		for _, t := range b.Topics {
			owns = append(owns, c.p.partitionsOf(t.TopicID, t.Partitions)...)
		}
		slices.Sort(owns)
		facts.Owns.Set(&e, owns)
	}
	s.events = requestEvents(e, r)
	if !routine(r.api) {
		c.record(s.events)
	}
	return s
}

func (c *conn) record(events []history.Event) {
	for _, e := range events {
		c.p.cfg.Record(e)
	}
}

// answered records the broker's response to a request that was sighted.
func (c *conn) answered(p *pending, frame []byte, told facts.Told, toldCode int16) {
	if p.seen == nil {
		return
	}
	resp := kmsg.ResponseForKey(p.api)
	resp.SetVersion(p.version)
	cur := cursor{buf: frame}
	skipResponseHeader(&cur, p.requestHeader)
	if cur.bad || len(frame) > maxDecode || resp.ReadFrom(frame[cur.off:]) != nil {
		c.unanswered(p, history.Info, facts.Unreadable)
		return
	}
	if kmsg.Key(p.api) == kmsg.OffsetFetch {
		c.record(c.fetchedOffsets(p, resp.(*kmsg.OffsetFetchResponse), told, toldCode))
		return
	}
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	p.seen.closed = true
	now, news := c.p.cfg.Now(), !routine(p.api)
	results := c.p.results(resp)
	for i := range p.seen.events {
		e := &p.seen.events[i]
		e.T, e.Type, e.Op = now, history.OK, history.OpResponse
		e.Data = maps.Clone(e.Data) // the request's event may still be on its way to the file
		facts.ToldClient.Set(e, told)
		if told == facts.Replaced {
			facts.ToldCode.Set(e, toldCode)
		}
		news = c.p.outcome(e, resp) || news
		partitionOutcome(e, results)
	}
	if news {
		c.record(p.seen.events)
	}
}

// unanswered records that no response to a sighted request was seen: fail if the
// broker certainly never got it, info if nobody knows.
func (c *conn) unanswered(p *pending, typ history.Type, told facts.Told) {
	if p.seen == nil || routine(p.api) {
		return
	}
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	if p.seen.closed {
		return
	}
	p.seen.closed = true
	now := c.p.cfg.Now()
	for i := range p.seen.events {
		e := &p.seen.events[i]
		e.T, e.Type, e.Op = now, typ, history.OpResponse
		e.Data = maps.Clone(e.Data)
		facts.ToldClient.Set(e, told)
	}
	c.record(p.seen.events)
}

// struck records a rule's hit.
func (c *conn) struck(s *strike, p *pending, text string) {
	if c.p.cfg.Record == nil {
		return
	}
	op, id := history.OpRequest, int64(0)
	if s.h.rule.Phase == OnResponse {
		op = history.OpResponse
	}
	txn := ""
	if p.seen != nil {
		id, txn = p.seen.id, p.seen.txn
	}
	e := c.event(p.requestHeader, id, history.Info, op)
	if s.h.rule.Label != "" {
		facts.ByFault.Set(&e, s.h.rule.Label)
	}
	if txn != "" {
		facts.TxnID.Set(&e, txn)
	}
	facts.Struck.Set(&e, text)
	c.p.cfg.Record(e)
}

// setErr puts a response's error code into its event.
func setErr(e *history.Event, code int16) {
	if code == 0 {
		return
	}
	e.Err = &history.Error{Name: "UNKNOWN_SERVER_ERROR", Code: code}
	if k := kerr.TypedErrorForCode(code); k != nil {
		e.Err.Name = k.Message
		if k.Retriable {
			e.Err.Class = history.Retriable
		}
	}
	switch code {
	case kerr.ProducerFenced.Code, kerr.InvalidProducerEpoch.Code, kerr.FencedInstanceID.Code, kerr.FencedMemberEpoch.Code:
		e.Err.Class = history.Fenced
	}
}
