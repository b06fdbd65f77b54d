package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A dead broker refuses connections. Ours could only accept and reset them, which
// some clients take for a broker that wants TLS, and give up. So while a broker is
// dead, its ports at every door refuse too.
const (
	downPoll   = 50 * time.Millisecond // how soon a broker that is back is seen
	probeLimit = 5 * time.Second       // a busy broker is not a dead one
)

// markDown closes the broker's port on every client listener after a dial was
// refused, and reopens it once the broker answers.
func (p *Proxy) markDown(broker int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.dead[broker] {
		return
	}
	p.dead[broker] = true
	f := &linkFault{link: Link{Broker: broker}}
	p.refused = append(p.refused, f)
	p.eachPort(func(_ *Door, pt *port, id int32) {
		if id == broker {
			pt.refuse()
		}
	})
	p.wg.Go(func() {
		for !p.answers(broker) {
			select {
			case <-p.stop:
				return
			case <-time.After(downPoll):
			}
		}
		p.mu.Lock()
		delete(p.dead, broker)
		p.mu.Unlock()
		p.unrefuse(f)
	})
}

// checkAlive marks a broker down that closed a connection without a response, unless
// it answers now: a container's port forwarder accepts connections for a broker that
// does not listen yet.
func (p *Proxy) checkAlive(broker int32) {
	if !p.answers(broker) {
		p.markDown(broker)
	}
}

// refusedUs says that a dial failed because nobody listens.
func refusedUs(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// answers asks the broker for its API versions.
func (p *Proxy) answers(broker int32) bool {
	addr, err := p.realAddress(broker)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	stopped := make(chan struct{})
	defer func() {
		cancel()
		<-stopped
	}()
	go func() { // Close does not wait for a broker that says nothing
		defer close(stopped)
		select {
		case <-p.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	nc, err := p.cfg.Network.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	defer nc.Close()
	request := binary.BigEndian.AppendUint32(nil, 10)
	request = binary.BigEndian.AppendUint16(request, uint16(kmsg.ApiVersions))
	request = append(request, 0, 0, 0, 0, 0, 1, 0xff, 0xff) // version 0, correlation 1, no client id
	if _, err := nc.Write(request); err != nil {
		return false
	}
	var head [8]byte // length and correlation
	_, err = io.ReadFull(nc, head[:])
	return err == nil
}
