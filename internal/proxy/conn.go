package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
	"github.com/onceproof/onceproof/internal/network"
)

// dialTimeout bounds how long a client waits on a broker that does not even
// refuse, as a packet filter's victim does not.
const dialTimeout = 30 * time.Second

// conn is one client connection and the broker's end of it.
//
//	client ── requests ──> relayUp ── toBroker ──> broker
//	                          │ pending requests
//	client <── toClient ── relayDown <── responses ── broker
//
// Either side may end first:
//
//	open ── client ends, or a rule ends it ──> gone ── nothing pending ──> closed
//	  └──── broker ends ─────────────────────────────────────────────────> closed
type conn struct {
	p      *Proxy
	door   *Door
	id     int64
	client string
	broker int32

	down       net.Conn // to the client
	up         net.Conn // to the broker, once dialled
	toClient   *lane    // all writes to down
	toBroker   *lane    // all writes to up
	q          queue
	clientGone atomic.Bool // the client hears no more: responses are read, but go nowhere
	halfOpen   atomic.Bool // the broker's side was ended, the client's stays
	// heldApart: the client is cut off, and a request of it is on its way by itself,
	// and no cut of its links reaches that one.
	heldApart   atomic.Bool
	gotResponse bool            // the broker has responded at least once; relayDown's
	brokerDone  chan struct{}   // closed when the broker is read no more
	ctx         context.Context // over when the connection was aborted

	cancel context.CancelFunc
	mu     sync.Mutex // between dial and abort
}

func newConn(d *Door, broker int32, client net.Conn) *conn {
	c := &conn{
		p:          d.p,
		door:       d,
		id:         d.p.ids.Add(1),
		client:     d.client,
		broker:     broker,
		down:       client,
		brokerDone: make(chan struct{}),
	}
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
	network.Reset(c.down)
	if c.up != nil {
		c.up.Close()
	}
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
		if refusedUs(err) {
			c.p.markDown(c.broker)
		}
		network.Reset(c.down)
		return
	}
	var wg sync.WaitGroup
	silent := false // the broker ended it and never said a word to what it was asked
	wg.Go(func() {
		err := c.relayDown()
		silent = !c.gotResponse && !c.clientGone.Load() && !c.halfOpen.Load() && !errors.Is(err, errGarbage) &&
			c.q.head() != nil
		c.endDown(err)
		close(c.brokerDone)
	})
	c.endUp(c.relayUp())
	wg.Wait()
	for _, e := range c.q.rest() {
		if e.kind == forwarded {
			c.unanswered(e, history.Info, facts.NotAnswered)
		}
		for _, s := range e.strikes {
			s.h.missed()
		}
	}
	if silent && c.ctx.Err() == nil {
		c.p.checkAlive(c.broker)
	}
}

func (c *conn) dial() error {
	addr, err := c.p.realAddress(c.broker)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTimeout)
	defer cancel()
	up, err := c.p.cfg.Network.DialContext(ctx, "tcp", addr)
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
	errClosesAfterReply = errors.New("the connection was ended")
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
	if err != errClosesAfterReply { // which the client hears of after what is due before
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
	c.clientGone.Store(true)
	if orderly {
		c.toClient.drain()
		c.down.Close()
		return
	}
	network.Reset(c.down)
}

// swallow reads src to its end, which it returns.
func swallow(src io.Reader) error {
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	return io.EOF
}
