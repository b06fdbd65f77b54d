package proxy

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// relayUp passes requests to the broker until one side ends.
func (c *conn) relayUp() error {
	in := newFrameReader(c.down)
	defer in.release()
	for {
		size, err := in.size(leastRequest)
		if err != nil {
			return err
		}
		h, err := parseHeader(in.buffered())
		if err != nil {
			return err
		}
		c.p.stats.requests[h.api].Add(1)
		if err := c.request(in, h, size); err != nil {
			return err
		}
	}
}

// request passes one request on, or does what the rules say.
func (c *conn) request(in *frameReader, h requestHeader, size int) error {
	e := &pending{requestHeader: h}
	var r *request
	rules := *c.p.rules.Load()
	wanted, body := c.wanted(rules, h)
	witness := c.p.cfg.Record != nil && witnessed(h.api)
	if !wanted && witness && streamsProduce(h, size) {
		head, err := c.produceHead(in, h, size)
		if err != nil {
			return err
		}
		return c.streamProduce(in, e, head.acks, size)
	}
	if body || witness {
		frame, err := in.fill(size)
		if err != nil {
			return err
		}
		if r, err = parseRequest(h, frame[:size], &c.p.topics); err != nil {
			return err
		}
	} else if h.api == int16(kmsg.Fetch) && c.p.cfg.Record != nil {
		head, err := in.fill(min(size, 512)) // up to the isolation level: a client id is short
		if err != nil {
			return err
		}
		e.committed = isolationOf(head[:min(size, len(head))], h) == 1
	} else if h.api == int16(kmsg.Produce) {
		var err error
		if r, err = c.produceHead(in, h, size); err != nil {
			return err
		}
	}
	if witness {
		e.seen = c.witness(r)
	}
	silent := r != nil && r.unanswered()
	if wanted {
		before, after := c.strikes(rules, h, r)
		e.strikes = after
		e.keepFor(after, r)
		delays, act := splitDelays(before)
		for _, s := range delays {
			c.hit(s, e)
			if !c.sleep(s.h) {
				c.unanswered(e, history.Fail, facts.NotSent)
				return errReset
			}
		}
		if act != nil {
			return c.strikeRequest(act, in, e, r, size)
		}
	}
	if !silent {
		c.q.push(e)
	}
	return in.pass(c.toBroker, size)
}

// wanted says whether any rule may concern requests like req on c, and whether
// one of those must read them.
func (c *conn) wanted(rules []*Handle, req requestHeader) (wanted, body bool) {
	for _, h := range rules {
		if h.wants(c, req) {
			wanted = true
			body = body || h.needsBody()
		}
	}
	return wanted, body
}

// produceHead reads the beginning of a Produce request, to know whether it will
// be answered.
func (c *conn) produceHead(in *frameReader, h requestHeader, size int) (*request, error) {
	for n := min(size, 256); ; n = min(size, 2*n) {
		b, err := in.fill(n)
		if err != nil {
			return nil, err
		}
		cur := cursor{buf: b[:min(size, len(b))]}
		skipRequestHeader(&cur, h)
		_, acks := produceHead(&cur, h)
		if !cur.bad {
			return &request{requestHeader: h, acks: acks}, nil
		}
		if n == size || n > readBuffer {
			return nil, fmt.Errorf("%w: a Produce v%d request ends in its middle", errGarbage, h.version)
		}
	}
}

// sleep waits for a rule's delay. It is false if the connection ended meanwhile.
func (c *conn) sleep(h *Handle) bool { return c.sleepUnless(h, c.brokerDone) }

// sleepUnless is sleep for what no longer cares for the connection's broker if
// over is nil.
func (c *conn) sleepUnless(h *Handle, over <-chan struct{}) bool {
	t := time.NewTimer(h.rule.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-h.released:
		return true
	case <-over: // of a request: its broker is gone
		return false
	case <-c.ctx.Done():
		return false
	}
}

// strikeRequest does what the rule of s says with the request that in stands
// before. r is its body if the rule needed it.
func (c *conn) strikeRequest(s *strike, in *frameReader, e *pending, r *request, size int) error {
	for _, later := range e.strikes {
		later.h.missed() // the broker will not answer this one
	}
	e.strikes = nil
	switch s.h.rule.Action {
	case Drop:
		c.hit(s, e)
		c.unanswered(e, history.Fail, facts.NotSent)
		return c.closeAfterReply(e)
	case Cut:
		c.hit(s, e)
		c.unanswered(e, history.Fail, facts.NotSent)
		return errReset
	case Blackhole:
		c.hit(s, e)
		c.unanswered(e, history.Fail, facts.NotSent)
		// What follows on this connection is swallowed too: a broker takes a
		// connection's requests one after the other.
		return swallow(c.down)
	case Hold:
		c.hit(s, e)
		if s.h.rule.Redial {
			return c.sendOverOwnConn(s, e, r)
		}
		return c.hold(s, in, e, size, r.unanswered())
	case Error:
		if r.unanswered() {
			c.hit(s, e)
			c.unanswered(e, history.Fail, facts.NotSent)
			in.discard(size)
			return nil
		}
		answer := errorAnswer(r, s.h.rule.Code, c.door)
		c.hit(s, e)
		c.unanswered(e, history.Fail, facts.NotSent)
		in.discard(size)
		e.kind, e.answer = answered, answer
		if c.q.push(e) {
			c.flush(e)
		}
		return nil
	}
	return nil
}

// closeAfterReply ends the connection to the client once the responses before e are
// out.
func (c *conn) closeAfterReply(e *pending) error {
	e.kind = closesAfterReply
	if c.q.push(e) {
		c.flush(e)
	}
	return errClosesAfterReply
}

// hold keeps the request, cuts the client off, and forwards the request later.
func (c *conn) hold(s *strike, in *frameReader, e *pending, size int, silent bool) error {
	if !c.drain() { // earlier responses still reach the client
		return errReset
	}
	c.hangUp(true)
	c.heldApart.Store(true)
	if !c.sleep(s.h) {
		c.unanswered(e, history.Fail, facts.NotSent)
		return errReset
	}
	if !silent {
		c.q.push(e)
	}
	if err := in.pass(c.toBroker, size); err != nil {
		return err
	}
	return errClosesAfterReply
}

// drain waits until nothing is pending. It is false if the broker's side ended
// before.
func (c *conn) drain() bool {
	select {
	case <-c.q.empty():
		return true
	case <-c.brokerDone:
		return false
	}
}

// flush writes the answers that are due from e on, the head of the queue, until
// one must come from the broker.
func (c *conn) flush(e *pending) {
	for ; e != nil && e.kind != forwarded; e = c.q.pop() {
		if e.kind == closesAfterReply {
			c.hangUp(true)
		} else if _, err := c.toClient.Write(e.answer); err != nil {
			c.hangUp(false)
		}
	}
}
