package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// dialTimeout bounds how long a client waits on a broker that does not even
// refuse, as a packet filter's victim does not.
const dialTimeout = 30 * time.Second

// conn is one client connection and the broker's end of it.
//
//	client ── requests ──> up() ──────────────> broker
//	                        │ pending requests
//	client <── responses ── down() <─────────── broker
type conn struct {
	p      *Proxy
	door   *Door
	id     int64
	client string
	broker int32

	down     net.Conn // to the client
	up       net.Conn // to the broker, once dialled
	toClient *lane    // all writes to down
	toBroker *lane    // all writes to up
	q        queue
	gone     atomic.Bool     // the client hears no more: responses are read, but go nowhere
	halfOpen atomic.Bool     // the broker's side was ended, the client's stays
	deaf     chan struct{}   // closed when the broker is read no more
	ctx      context.Context // over when the connection was aborted

	cancel context.CancelFunc
	mu     sync.Mutex // between dial and abort
}

func newConn(d *Door, broker int32, client net.Conn) *conn {
	c := &conn{p: d.p, door: d, id: d.p.ids.Add(1), client: d.client, broker: broker, down: client, deaf: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.toClient, c.toBroker = newLane(c.ctx, d.p.cfg.Now, true), newLane(c.ctx, d.p.cfg.Now, false)
	c.toClient.dst = client
	return c
}

// abort ends the connection at once: the client's side is reset, the broker's is
// closed.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	reset(c.down)
	if c.up != nil {
		c.up.Close()
	}
}

// reset closes nc so that the other side sees a connection reset.
func reset(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	nc.Close()
}

// run serves the connection until both of its sides are closed.
func (c *conn) run() {
	defer c.toBroker.join()
	defer c.toClient.join()
	defer c.cancel()
	if c.halfOpen.Load() {
		swallow(c.down)
		c.down.Close()
		return
	}
	if err := c.dial(); err != nil {
		if c.ctx.Err() == nil {
			c.p.stats.undialled.Add(1)
		}
		reset(c.down)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		c.endDown(c.relayDown())
		close(c.deaf)
	})
	c.endUp(c.relayUp())
	wg.Wait()
	for _, e := range c.q.rest() {
		if e.kind == forwarded {
			c.unanswered(e, history.Info, notAnswered)
		}
		for _, s := range e.strikes {
			s.h.missed()
		}
	}
}

func (c *conn) dial() error {
	addr, err := c.p.realAddress(c.broker)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTimeout)
	defer cancel()
	up, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		up.Close()
		return c.ctx.Err()
	}
	c.up, c.toBroker.dst = up, up
	if c.halfOpen.Load() {
		up.Close()
	}
	return nil
}

var (
	// errFarewell says that a rule ends the connection in order.
	errFarewell = errors.New("the connection was ended")
	// errReset says that a rule ends the connection, and not in order.
	errReset = errors.New("the connection was reset")
)

// endUp ends the way to the broker after reading from the client ended with err.
// The broker still gets what was passed on, and is listened to until it has
// answered: a request in flight is not lost with its client.
func (c *conn) endUp(err error) {
	if c.halfOpen.Load() {
		swallow(c.down) // until the client has enough, or the fault is healed
	}
	if errors.Is(err, errGarbage) {
		c.p.stats.unparsed.Add(1)
	}
	if err != errFarewell { // which the client hears of after what is due before
		c.hangUp(err == io.EOF)
	}
	c.drain()
	c.toBroker.drain()
	c.up.Close()
}

// endDown ends the way to the client after reading from the broker ended with
// err, which decides how the client sees it.
func (c *conn) endDown(err error) {
	if c.halfOpen.Load() {
		return
	}
	if errors.Is(err, errGarbage) {
		c.p.stats.unparsed.Add(1)
	}
	c.hangUp(err == io.EOF)
	c.up.Close()
}

// hangUp closes the client's side, in order or with a reset. What the broker
// says from now on goes nowhere.
func (c *conn) hangUp(orderly bool) {
	c.gone.Store(true)
	if orderly {
		c.toClient.drain()
		c.down.Close()
		return
	}
	reset(c.down)
}

// relayUp passes requests to the broker until one side ends.
func (c *conn) relayUp() error {
	in := newFrameReader(c.down)
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
	wanted, body := c.wanted(rules, h.api)
	witness := c.p.cfg.Record != nil && witnessed(h.api)
	if body || witness {
		frame, err := in.fill(size)
		if err != nil {
			return err
		}
		if r, err = parseRequest(h, frame[:size], &c.p.topics); err != nil {
			return err
		}
	} else if h.api == int16(kmsg.Produce) {
		var err error
		if r, err = c.produceHead(in, h, size); err != nil {
			return err
		}
	}
	if witness {
		e.sight = c.sight(r)
	}
	silent := r != nil && r.unanswered()
	if wanted {
		before, after := c.strikes(rules, h.api, r)
		e.strikes = after
		delays, act := one(before)
		for _, s := range delays {
			c.hit(s, e)
			if !c.sleep(s.h) {
				c.unanswered(e, history.Fail, notSent)
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

// wanted says whether any rule may concern requests of api on c, and whether
// one of those must read them.
func (c *conn) wanted(rules []*Handle, api int16) (wanted, body bool) {
	for _, h := range rules {
		if h.wants(c, api) {
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
func (c *conn) sleep(h *Handle) bool {
	t := time.NewTimer(h.rule.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-h.released:
		return true
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
		c.unanswered(e, history.Fail, notSent)
		return c.farewell(e)
	case Cut:
		c.hit(s, e)
		c.unanswered(e, history.Fail, notSent)
		return errReset
	case Blackhole:
		c.hit(s, e)
		c.unanswered(e, history.Fail, notSent)
		// What follows on this connection is swallowed too: a broker takes a
		// connection's requests one after the other.
		return swallow(c.down)
	case Hold:
		c.hit(s, e)
		return c.hold(s, in, e, size, r.unanswered())
	case Error:
		if r.unanswered() {
			c.hit(s, e)
			c.unanswered(e, history.Fail, notSent)
			in.discard(size)
			return nil
		}
		answer, err := errorAnswer(r, s.h.rule.Code, c.door)
		if err != nil {
			return err
		}
		c.hit(s, e)
		c.unanswered(e, history.Fail, notSent)
		in.discard(size)
		e.kind, e.answer = answered, answer
		if c.q.push(e) {
			c.flush(e)
		}
		return nil
	}
	return nil
}

// farewell ends the connection to the client once the responses before e are
// out.
func (c *conn) farewell(e *pending) error {
	e.kind = farewell
	if c.q.push(e) {
		c.flush(e)
	}
	return errFarewell
}

// hold keeps the request, cuts the client off, and forwards the request later.
func (c *conn) hold(s *strike, in *frameReader, e *pending, size int, silent bool) error {
	if !c.drain() { // earlier responses still reach the client
		return errReset
	}
	c.hangUp(true)
	if !c.sleep(s.h) {
		c.unanswered(e, history.Fail, notSent)
		return errReset
	}
	if !silent {
		c.q.push(e)
	}
	if err := in.pass(c.toBroker, size); err != nil {
		return err
	}
	return errFarewell
}

// drain waits until nothing is pending. It is false if the broker's side ended
// before.
func (c *conn) drain() bool {
	select {
	case <-c.q.empty():
		return true
	case <-c.deaf:
		return false
	}
}

// flush writes the answers that are due from e on, the head of the queue, until
// one must come from the broker.
func (c *conn) flush(e *pending) {
	for ; e != nil && e.kind != forwarded; e = c.q.pop() {
		if e.kind == farewell {
			c.hangUp(true)
		} else if _, err := c.toClient.Write(e.answer); err != nil {
			c.hangUp(false)
		}
	}
}

// relayDown passes responses to the client until one side ends.
func (c *conn) relayDown() error {
	in := newFrameReader(c.up)
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
		c.flush(c.q.pop())
	}
}

// response passes one response on, or does what the rules say.
func (c *conn) response(in *frameReader, e *pending, size int) error {
	delays, act := one(e.strikes)
	e.strikes = nil
	for _, s := range delays {
		c.hit(s, e)
		if !c.sleep(s.h) {
			return errReset
		}
	}
	if act == nil && e.sight == nil && (c.gone.Load() || !carriesAddresses(e.requestHeader)) {
		return c.passDown(in, size)
	}
	if act == nil && e.sight == nil && streams(e.requestHeader, size) {
		err := streamFetch(in, c.toClient, size, c.door)
		if errors.Is(err, errLane) {
			c.hangUp(false) // in the middle of a frame: nothing more can be read
		}
		return err
	}
	frame, err := in.fill(size)
	if err != nil {
		return err
	}
	frame = frame[:size]
	defer in.discard(size)
	switch {
	case c.gone.Load():
		c.answered(e, frame, toldNobody, 0)
		if act != nil {
			act.h.missed()
		}
		return nil
	case act == nil:
		c.answered(e, frame, toldClient, 0)
	case act.h.rule.Action != Error:
		c.answered(e, frame, toldNobody, 0)
		c.strikeResponse(act, e)
		return nil
	default:
		c.answered(e, frame, toldError, act.h.rule.Code)
	}
	out, err := rewrite(frame, e.requestHeader, c.door)
	if err == nil && act != nil {
		out, err = c.replace(act, e, out)
	}
	if err != nil {
		return err
	}
	if _, err := c.toClient.Write(out); err != nil {
		c.hangUp(false)
	}
	return nil
}

// passDown passes a response to the client as it comes, or to nobody.
func (c *conn) passDown(in *frameReader, size int) error {
	if c.gone.Load() {
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
func (c *conn) replace(s *strike, e *pending, frame []byte) ([]byte, error) {
	rule := &s.h.rule
	out, err := replaceError(e.requestHeader, frame, rule.Code, func(topic string, id [16]byte, part int32) bool {
		if topic == "" {
			topic = c.p.topics.name(id)
		}
		return rule.covers(topic, part)
	})
	if err == nil {
		c.hit(s, e)
	}
	return out, err
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
		c.gone.Store(true)
	}
}

// swallow reads src to its end, which it returns.
func swallow(src io.Reader) error {
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	return io.EOF
}
