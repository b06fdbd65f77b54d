package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/onceproof/onceproof/internal/facts"
)

// relayDown passes responses to the client until one side ends.
func (c *conn) relayDown() error {
	in := newFrameReader(c.up)
	defer in.release()
	for {
		size, err := in.size(4)
		if err != nil {
			return err
		}
		corr := int32(binary.BigEndian.Uint32(in.buffered()[4:]))
		e := c.q.head()
		if e == nil || e.kind != forwarded || e.corr != corr {
			return fmt.Errorf("%w: a response with correlation id %d that no request waits for", errGarbage, corr)
		}
		if err = c.response(in, e, size); err != nil {
			return err
		}
		c.gotResponse = true
		c.flush(c.q.pop())
	}
}

// response passes one response on, or does what the rules say.
func (c *conn) response(in *frameReader, e *pending, size int) error {
	act, err := c.delayResponse(e)
	if err != nil {
		return err
	}
	witness := c.fetchWitness(e)
	if act == nil && e.seen == nil && (c.clientGone.Load() || !carriesAddresses(e.requestHeader)) &&
		(witness == nil || size > readBuffer) {
		return c.passDown(in, size)
	}
	if act == nil && e.seen == nil && streamsFetch(e.requestHeader, size) {
		err := streamFetch(in, c.toClient, size, c.door, witness)
		if errors.Is(err, errLane) {
			c.hangUp(false) // in the middle of a frame: nothing more can be read
		}
		return err
	}
	frame, err := in.fill(size)
	if err != nil {
		if act != nil {
			act.h.missed()
		}
		return err
	}
	defer in.discard(size)
	return c.wholeResponse(e, act, frame[:size])
}

// delayResponse waits for the rules that delay e's response, and returns the one
// that does more. A client that is gone cannot be struck.
func (c *conn) delayResponse(e *pending) (act *strike, err error) {
	delays, act := splitDelays(e.strikes)
	e.strikes = nil
	for _, s := range delays {
		if c.clientGone.Load() {
			s.h.missed()
			continue
		}
		c.hit(s, e)
		if !c.sleep(s.h) {
			return nil, errReset
		}
	}
	if act != nil && c.clientGone.Load() {
		act.h.missed()
		return nil, nil
	}
	return act, nil
}

// wholeResponse is response for a frame that somebody has to look at.
func (c *conn) wholeResponse(e *pending, act *strike, frame []byte) error {
	if c.clientGone.Load() {
		c.answered(e, frame, facts.Dropped, 0)
		return nil
	}
	if act != nil && act.h.rule.Action == Duplicate {
		return c.repeat(act, e, frame)
	}
	if act != nil && act.h.rule.Action != Error {
		c.answered(e, frame, facts.Dropped, 0)
		c.strikeResponse(act, e)
		return nil
	}
	out, err := rewrite(frame, e.requestHeader, c.door)
	if err != nil {
		return err
	}
	told, code := facts.Passed, int16(0)
	if act != nil {
		switch replaced, err := c.replace(&act.h.rule, e.requestHeader, out); {
		case errors.Is(err, errGarbage):
			return err
		case err != nil:
			act.h.missed() // too long to be replaced
		default:
			out, told, code = replaced, facts.Replaced, act.h.rule.Code
		}
	}
	c.answered(e, frame, told, code)
	if witness := c.fetchWitness(e); witness != nil && told == facts.Passed {
		witnessFetch(frame, e.requestHeader, witness)
	}
	if told == facts.Replaced {
		c.hit(act, e)
	}
	if _, err := c.toClient.Write(out); err != nil {
		c.hangUp(false)
	}
	return nil
}

// passDown passes a response to the client as it comes, or to nobody.
func (c *conn) passDown(in *frameReader, size int) error {
	if c.clientGone.Load() {
		return in.pass(io.Discard, size)
	}
	left, err := in.passSome(c.toClient, size)
	if errors.Is(err, errLane) {
		c.hangUp(false)
		return in.pass(io.Discard, left)
	}
	return err
}

// replace puts the rule's error code into a response.
func (c *conn) replace(rule *Rule, h requestHeader, frame []byte) ([]byte, error) {
	return replaceError(h, frame, rule.Code, func(topic string, id [16]byte, part int32) bool {
		if topic == "" {
			topic = c.p.topics.name(id)
		}
		return rule.covers(topic, part)
	})
}

// strikeResponse does what the rule of s says with a response, which goes
// nowhere.
func (c *conn) strikeResponse(s *strike, e *pending) {
	c.hit(s, e)
	switch s.h.rule.Action {
	case Drop:
		c.hangUp(true)
	case Cut:
		c.hangUp(false)
	case Blackhole:
		// What follows towards the client goes nowhere either: TCP loses no
		// response from between others.
		c.clientGone.Store(true)
	}
}
