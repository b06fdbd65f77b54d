package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/api/types/container"
)

// namespace is the kernel namespace of a node that a sidecar joins, to do there what the
// node's own image cannot.
type namespace string

const (
	networkNamespace namespace = "sidecar" // its packets: needs NET_ADMIN
	pidNamespace     namespace = "tracer"  // its processes: needs SYS_PTRACE
)

// of lets a sidecar into a namespace of a node's container.
func (s namespace) of(node string) func(*container.HostConfig) {
	if s == networkNamespace {
		return inNetworkOf("container:" + node)
	}
	return func(h *container.HostConfig) {
		h.NetworkMode = "none"
		h.PidMode = container.PidMode("container:" + node)
		h.CapAdd = []string{"SYS_PTRACE"}
	}
}

// runBeside runs one command beside a node.
type runBeside func(ctx context.Context, args ...string) (string, error)

// sidecarOf is m's. Its container is started at the first call for each
// incarnation of m. Call with d.net held.
func (d *docker) sidecarOf(ctx context.Context, m *member, s namespace) (runBeside, error) {
	prog, err := d.program()
	if err == nil && m.beside[s] == "" {
		var id string
		name := fmt.Sprintf("%s-%s-%s-%d", d.run, m.host(), s, m.launches)
		if id, err = d.engine.startSidecar(ctx, prog, d.image, name, d.labels, s.of(m.container)); err == nil {
			if m.beside == nil {
				m.beside = map[namespace]string{}
			}
			m.beside[s] = id
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", s, m.host(), err)
	}
	id := m.beside[s]
	return func(ctx context.Context, args ...string) (string, error) {
		out, err := d.engine.execSidecar(ctx, prog, id, args...)
		if err != nil {
			return "", fmt.Errorf("%s of %s: %w", s, m.host(), err)
		}
		return out, nil
	}, nil
}

// removeSidecars removes those that m has. Call with d.net held.
func (d *docker) removeSidecars(ctx context.Context, m *member) error {
	var errs []error
	if q := m.queue; q != nil {
		m.queue = nil
		_ = q.stop() // an error means that it has ended with its node
	}
	for s, id := range m.beside {
		delete(m.beside, s)
		errs = append(errs, d.engine.removeContainer(ctx, id))
	}
	return errors.Join(errs...)
}
