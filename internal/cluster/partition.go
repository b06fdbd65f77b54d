package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/moby/moby/client"
)

// listenerPorts are those of Link.Listener.
var listenerPorts = map[string]uint16{"replication": replicaPort, "controller": controllerPort}

// dropArg names a peer for the sidecar, or one listener's packets of it.
func dropArg(ip netip.Addr, listener string) string {
	if port, one := listenerPorts[listener]; one {
		return netip.AddrPortFrom(ip, port).String()
	}
	return ip.String()
}

// Block makes exactly these links drop their packets: each
// receiver's network namespace drops what comes from the sender. Clients are not
// touched: they come from elsewhere. A broker that is down gets its part of the
// rules when it starts.
func (d *docker) Block(ctx context.Context, links []Link) error {
	for _, l := range links {
		for _, id := range []BrokerID{l.From, l.To} {
			if _, err := d.lookup(id); err != nil {
				return fmt.Errorf("block %d to %d: %w", l.From, l.To, err)
			}
		}
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	d.net.Lock()
	defer d.net.Unlock()
	if d.life.Err() != nil {
		return errClosed
	}
	d.blocked = slices.Clone(links)
	return d.applyBlocked(ctx)
}

// Blocked tells whether nothing comes back from the port that To replicates by to
// From's namespace. So it is too if only the way back is blocked.
func (d *docker) Blocked(ctx context.Context, l Link) (bool, error) {
	to, err := d.lookup(l.To)
	if err != nil {
		return false, err
	}
	from, err := d.lookup(l.From)
	if err != nil {
		return false, err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	ip, err := d.address(ctx, to)
	if err != nil {
		return false, err
	}
	port := replicaPort
	if !to.broker || l.Listener == "controller" {
		port = controllerPort
	}
	out, err := d.look(ctx, from, "reach", netip.AddrPortFrom(ip, uint16(port)).String())
	return out == "false", err
}

// look is inNamespace for a command that changes nothing. Many run side by side:
// a peer that drops packets takes a second and a half to be found silent, and one
// after the other they would outlast the time that a fault has to show its effect.
func (d *docker) look(ctx context.Context, m *member, args ...string) (string, error) {
	run, err := func() (runBeside, error) {
		d.net.Lock()
		defer d.net.Unlock()
		if d.life.Err() != nil {
			return nil, errClosed
		}
		if d.stateOf(m) == Stopped {
			return nil, fmt.Errorf("what does %s see? It is stopped", m.host())
		}
		return d.sidecarOf(ctx, m, networkNamespace)
	}()
	if err != nil {
		return "", err
	}
	return run(ctx, args...)
}

// applyBlocked brings every running node's packet filter in line with d.blocked.
// Call with d.net held.
func (d *docker) applyBlocked(ctx context.Context) error {
	ips, err := d.addresses(ctx, len(d.blocked) > 0)
	if err != nil {
		return err
	}
	return each(d.members, func(m *member) error {
		if d.stateOf(m) == Stopped {
			return nil // its namespace is gone, and the rules with it
		}
		args := []string{"drop"}
		for _, l := range d.blocked {
			if ip, up := ips[l.From]; up && l.To == m.id {
				args = append(args, dropArg(ip, l.Listener))
			}
		}
		if len(args) == 1 && m.beside[networkNamespace] == "" {
			return nil // nothing was ever dropped there
		}
		_, err := d.inNamespace(ctx, m, args...)
		if err != nil && d.stateOf(m) == Stopped { // it ended meanwhile
			return nil
		}
		return err
	})
}

// addresses are those of the running nodes, none where nobody is to be told apart.
func (d *docker) addresses(ctx context.Context, wanted bool) (map[BrokerID]netip.Addr, error) {
	ips := map[BrokerID]netip.Addr{}
	for _, m := range d.members {
		if !wanted || d.stateOf(m) == Stopped {
			continue
		}
		ip, err := d.address(ctx, m)
		if err != nil {
			return nil, err
		}
		ips[m.id] = ip
	}
	return ips, nil
}

// address is a running node's on the cluster's network. It may change when a
// node starts again.
func (d *docker) address(ctx context.Context, m *member) (netip.Addr, error) {
	r, err := d.engine.api.ContainerInspect(ctx, m.container, client.ContainerInspectOptions{})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("address of %s: %w", m.host(), err)
	}
	if n := r.Container.NetworkSettings; n != nil && n.Networks[d.run] != nil && n.Networks[d.run].IPAddress.IsValid() {
		return n.Networks[d.run].IPAddress, nil
	}
	return netip.Addr{}, fmt.Errorf("%s has no address: it is %s", m.host(), d.stateOf(m))
}

// inNamespace runs one sidecar command in m's network namespace and returns what
// it printed. Call with d.net held.
func (d *docker) inNamespace(ctx context.Context, m *member, args ...string) (string, error) {
	run, err := d.sidecarOf(ctx, m, networkNamespace)
	if err != nil {
		return "", err
	}
	return run(ctx, args...)
}
