package faults

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/internal/proxy"
)

// door is what faults need of the proxy.
type door interface {
	add(proxy.Rule) (hits, error)
	refuse(proxy.Link) (heal func(), cut int, err error)
	shape(proxy.Link, proxy.Shape) (heal func(), err error)
	address(instance string, broker int32) (string, error) // host:port of the instance's door to the broker
}

// hits is what they need of an active rule; *proxy.Handle has it.
type hits interface {
	Wait(ctx context.Context) (proxy.Hit, error)
	Hits() []proxy.Hit
	Spent() <-chan struct{}
	Remove()
	Release()
}

func (e *Env) door() door {
	if e.fakeDoor != nil {
		return e.fakeDoor
	}
	return proxyDoor{e.Proxy}
}

type proxyDoor struct{ p *proxy.Proxy }

func (d proxyDoor) add(r proxy.Rule) (hits, error) {
	h, err := d.p.Add(r)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (d proxyDoor) refuse(l proxy.Link) (func(), int, error) { return d.p.Refuse(l) }

func (d proxyDoor) shape(l proxy.Link, s proxy.Shape) (func(), error) { return d.p.Shape(l, s) }

func (d proxyDoor) address(instance string, broker int32) (string, error) {
	opened, err := d.p.Open(instance) // of a client that has one: the same
	if err != nil {
		return "", err
	}
	addr := opened.Address(broker)
	if addr == "" {
		return "", fmt.Errorf("%s has no door to broker %d", instance, broker)
	}
	return addr, nil
}
