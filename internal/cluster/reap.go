package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Reap removes the containers and networks of onceproof processes that ended
// without removing them (SIGKILL, power loss), and returns their names. Those of
// living processes are left alone. Start does it first; without an engine there
// is nothing to reap, and the error wraps ErrUnavailable.
func Reap(ctx context.Context) (removed []string, err error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	removed, err = e.reap(ctx)
	return removed, errors.Join(err, e.close())
}

func (e *engine) reap(ctx context.Context) (removed []string, err error) {
	me := self()
	ours := make(client.Filters).Add("label", labelPID)
	cs, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("%w: list containers: %w", ErrUnavailable, err)
	}
	var errs []error
	for _, c := range cs.Items {
		if o, ok := ownerOf(c.Labels); !ok || !o.dead(me) {
			continue
		}
		name := c.ID
		if len(c.Names) > 0 {
			name = strings.TrimPrefix(c.Names[0], "/")
		}
		if err := e.removeContainer(ctx, c.ID); err != nil {
			errs = append(errs, fmt.Errorf("container %s: %w", name, err))
			continue
		}
		removed = append(removed, "container "+name)
	}
	ns, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return removed, fmt.Errorf("%w: list networks: %w", ErrUnavailable, errors.Join(append(errs, err)...))
	}
	for _, n := range ns.Items {
		if o, ok := ownerOf(n.Labels); !ok || !o.dead(me) {
			continue
		}
		if err := e.removeNetwork(ctx, n.ID); err != nil {
			errs = append(errs, fmt.Errorf("network %s: %w", n.Name, err))
			continue
		}
		removed = append(removed, "network "+n.Name)
	}
	return removed, errors.Join(errs...)
}

// removeContainer kills and removes; one that is gone, or that somebody else is
// removing at this moment, is as wanted.
func (e *engine) removeContainer(ctx context.Context, id string) error {
	_, err := e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress") {
		return nil
	}
	return err
}

func (e *engine) removeNetwork(ctx context.Context, id string) error {
	_, err := e.api.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
