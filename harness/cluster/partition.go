package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Block makes exactly these links drop their packets, for all ports: each
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

// Blocked tells whether a connection from within From's namespace to the port
// that To replicates by fails. It fails too if only the way back is blocked.
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
	d.net.Lock()
	defer d.net.Unlock()
	if d.life.Err() != nil {
		return false, errClosed
	}
	ip, err := d.address(ctx, to)
	if err != nil {
		return false, err
	}
	port := replicaPort
	if !to.broker {
		port = controllerPort
	}
	out, err := d.inNamespace(ctx, from, "reach", netip.AddrPortFrom(ip, uint16(port)).String())
	return out == "false", err
}

// applyBlocked brings every running node's packet filter in line with d.blocked.
// Call with d.net held.
func (d *docker) applyBlocked(ctx context.Context) error {
	ips := map[BrokerID]netip.Addr{}
	for _, m := range d.members {
		if len(d.blocked) == 0 || d.stateOf(m) == Stopped {
			continue
		}
		ip, err := d.address(ctx, m)
		if err != nil {
			return err
		}
		ips[m.id] = ip
	}
	return each(d.members, func(m *member) error {
		if d.stateOf(m) == Stopped {
			return nil // its namespace is gone, and the rules with it
		}
		args := []string{"drop"}
		for _, l := range d.blocked {
			if ip, up := ips[l.From]; up && l.To == m.id {
				args = append(args, ip.String())
			}
		}
		if len(args) == 1 && m.sidecar == "" {
			return nil // nothing was ever dropped there
		}
		_, err := d.inNamespace(ctx, m, args...)
		if err != nil && d.stateOf(m) == Stopped { // it ended meanwhile
			return nil
		}
		return err
	})
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
// it printed. The sidecar's container is started at the first command for each
// incarnation of m. Call with d.net held.
func (d *docker) inNamespace(ctx context.Context, m *member, args ...string) (string, error) {
	what := fmt.Sprintf("%s beside %s", strings.Join(args, " "), m.host())
	prog, err := d.program()
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if m.sidecar == "" {
		if err := d.startSidecar(ctx, m, prog); err != nil {
			return "", fmt.Errorf("sidecar of %s: %w", m.host(), err)
		}
	}
	api := d.engine.api
	x, err := api.ExecCreate(ctx, m.sidecar, client.ExecCreateOptions{
		User: "0", Cmd: append(slices.Clone(prog.argv), args...), AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	att, err := api.ExecAttach(ctx, x.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer att.Close()
	stop := context.AfterFunc(ctx, att.Close)
	defer stop()
	var out, errOut bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errOut, att.Reader); err != nil {
		return "", fmt.Errorf("%s: %w", what, errors.Join(err, ctx.Err()))
	}
	done, err := api.ExecInspect(ctx, x.ID, client.ExecInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if done.ExitCode != 0 {
		return "", fmt.Errorf("%s: exit code %d: %s", what, done.ExitCode, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// startSidecar starts a container that shares m's network namespace and may
// change its packet filter. It has m's image for a file system, and this
// process's own program, copied, as the only thing that runs.
func (d *docker) startSidecar(ctx context.Context, m *member, prog program) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := making(ctx)
	defer cancel()
	c, err := d.engine.provider.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image:      d.image,
		Name:       fmt.Sprintf("%s-%s-sidecar-%d", d.run, m.host(), m.launches),
		Entrypoint: append(slices.Clone(prog.argv), "hold"),
		Env:        map[string]string{sidecarEnv: "1"},
		Labels:     maps.Clone(d.labels),
		ConfigModifier: func(c *container.Config) {
			c.User = "0"
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.NetworkMode = container.NetworkMode("container:" + m.container)
			h.CapAdd = []string{"NET_ADMIN"}
			h.LogConfig.Type = "none"
		},
	})
	if c != nil {
		m.sidecar = c.GetContainerID()
	}
	if err != nil {
		return errors.Join(err, d.removeSidecar(ctx, m))
	}
	r, w := io.Pipe()
	var copying sync.WaitGroup
	copying.Go(func() { w.CloseWithError(prog.archive(w)) })
	_, err = d.engine.api.CopyToContainer(ctx, m.sidecar, client.CopyToContainerOptions{DestinationPath: "/", Content: r})
	r.Close()
	copying.Wait()
	if err == nil {
		_, err = d.engine.api.ContainerStart(ctx, m.sidecar, client.ContainerStartOptions{})
	}
	if err != nil {
		return errors.Join(err, d.removeSidecar(ctx, m))
	}
	return nil
}

// removeSidecar removes m's sidecar, if it has one. Call with d.net held.
func (d *docker) removeSidecar(ctx context.Context, m *member) error {
	if m.sidecar == "" {
		return nil
	}
	id := m.sidecar
	m.sidecar = ""
	return d.engine.removeContainer(ctx, id)
}
