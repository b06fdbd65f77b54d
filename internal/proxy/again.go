package proxy

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// repeatable says whether clients send requests of an API again, as they were,
// when an answer is lost: what may come twice without anybody breaking the
// protocol.
func repeatable(api int16) bool {
	switch kmsg.Key(api) {
	case kmsg.Produce,
		kmsg.InitProducerID,
		kmsg.AddPartitionsToTxn,
		kmsg.AddOffsetsToTxn,
		kmsg.TxnOffsetCommit,
		kmsg.EndTxn,
		kmsg.OffsetCommit:
		return true
	}
	return false
}

// keepFor keeps r if one of strikes will send it again.
func (e *pending) keepFor(strikes []*strike, r *request) {
	if slices.ContainsFunc(strikes, func(s *strike) bool { return s.h.rule.Action == Duplicate }) {
		kept := *r
		kept.frame = slices.Clone(r.frame)
		e.again = &kept
	}
}

// repeat sends e's request again after the broker answered it with frame, as a
// client does whose connection broke before it heard. Only the second answer
// reaches the client.
func (c *conn) repeat(s *strike, e *pending, frame []byte) error {
	apart, err := c.dialOwnConn()
	if err != nil { // nothing was lost, nothing repeated
		s.h.missed()
		return c.wholeResponse(e, nil, frame)
	}
	defer apart.Close()
	c.answered(e, frame, facts.Dropped, 0)
	c.hit(s, e)
	second := &pending{requestHeader: e.requestHeader}
	if e.seen != nil {
		second.seen = c.witness(e.again)
	}
	answer, err := exchange(apart, e.again.frame, e.corr)
	if err != nil {
		c.unanswered(second, history.Info, facts.NotAnswered)
		c.hangUp(false)
		return nil
	}
	return c.wholeResponse(second, nil, answer)
}

// holdApart cuts the connection on both sides, and sends the request of e later
// over another: a copy of it that took a long way, after whatever the broker makes
// of a connection that broke.
func (c *conn) sendOverOwnConn(s *strike, e *pending, r *request) error {
	frame := slices.Clone(r.frame)
	if !c.drain() {
		c.unanswered(e, history.Fail, facts.NotSent)
		return errReset
	}
	c.hangUp(true)
	c.up.Close()
	c.heldApart.Store(true)
	if !c.sleepUnless(s.h, nil) {
		c.unanswered(e, history.Fail, facts.NotSent)
		return errReset
	}
	apart, err := c.dialOwnConn()
	if err != nil {
		c.unanswered(e, history.Fail, facts.NotSent)
		return errReset
	}
	defer apart.Close()
	if r.unanswered() {
		_, err := apart.Write(frame)
		if err != nil {
			c.unanswered(e, history.Info, facts.NotAnswered)
		}
		return errClosesAfterReply
	}
	answer, err := exchange(apart, frame, e.corr)
	if err != nil {
		c.unanswered(e, history.Info, facts.NotAnswered)
		return errClosesAfterReply
	}
	c.answered(e, answer, facts.Dropped, 0)
	return errClosesAfterReply
}

// dialApart opens a connection of our own to c's broker; it ends with c.
func (c *conn) dialOwnConn() (net.Conn, error) {
	addr, err := c.p.realAddress(c.broker)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTimeout)
	defer cancel()
	nc, err := c.p.cfg.Network.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(c.ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	return ownConn{nc, stop}, nil
}

// apart is a connection whose watch over another's end is taken off when it is
// closed.
type ownConn struct {
	net.Conn
	stop func() bool
}

func (a ownConn) Close() error {
	a.stop()
	return a.Conn.Close()
}

// exchange sends a request frame over nc and returns the response frame.
func exchange(nc net.Conn, frame []byte, corr int32) ([]byte, error) {
	if _, err := nc.Write(frame); err != nil {
		return nil, err
	}
	in := newFrameReader(nc)
	size, err := in.size(4)
	if err != nil {
		return nil, err
	}
	b, err := in.fill(size)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if got := int32(binary.BigEndian.Uint32(b[4:])); got != corr {
		return nil, fmt.Errorf("%w: an answer with correlation id %d to request %d", errGarbage, got, corr)
	}
	return b[:size], nil
}
