package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
)

// Disks fills nodes' disks. Only a node with a disk of its own (Spec.Disk) has one
// that can be full while others write.
type Disks interface {
	// Fill leaves not a byte, and tells how many it took.
	Fill(ctx context.Context, id BrokerID) (took int64, err error)
	// Free gives back what Fill took; nothing, where it took nothing.
	Free(ctx context.Context, id BrokerID) error
	// Space tells what is left.
	Space(ctx context.Context, id BrokerID) (int64, error)
}

// diskOf is where a node's own disk is mounted, in its container and its keeper's: not
// above the data, which the node may not own there, and by its number, so that one
// keeper can have all of them.
func diskOf(id BrokerID) string { return fmt.Sprintf("/onceproof-disk-%d", id) }

// own is a volume in memory of so many bytes, which the engine makes with the container
// and removes with the last that uses it.
func own(id BrokerID, size int64) mount.Mount {
	return mount.Mount{Type: mount.TypeVolume, Target: diskOf(id), VolumeOptions: &mount.VolumeOptions{
		NoCopy: true,
		DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{
			"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%d,mode=1777", size),
		}},
	}}
}

// startKeeper starts a container beside the nodes that has all their disks: what is in
// memory lasts only while somebody has it, and nodes come and go.
func (d *docker) startKeeper(ctx context.Context) error {
	prog, err := d.program()
	if err != nil {
		return fmt.Errorf("keeper of the disks: %w: %w", ErrUnavailable, err)
	}
	var nodes []string
	for _, m := range d.members {
		nodes = append(nodes, m.container)
	}
	d.keeper, err = d.engine.startSidecar(ctx, prog, d.image, d.run+"-keeper", d.labels, func(h *container.HostConfig) {
		h.NetworkMode = "none"
		h.VolumesFrom = nodes
	})
	if err != nil {
		return fmt.Errorf("%w: keeper of the disks: %w", ErrUnavailable, err)
	}
	return nil
}

// keep runs one command of the keeper on a node's disk.
func (d *docker) keep(ctx context.Context, id BrokerID, command string) (string, error) {
	m, err := d.lookup(id)
	if err != nil {
		return "", err
	}
	if d.keeper == "" {
		return "", fmt.Errorf("%s of %s's disk: %w: it is the engine's own, which others write to; give it one of its own with cluster.disk, such as 256MiB", command, m.host(), ErrUnsupported)
	}
	prog, err := d.program()
	if err != nil {
		return "", err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	out, err := d.engine.execSidecar(ctx, prog, d.keeper, command, diskOf(id))
	if err != nil {
		return "", fmt.Errorf("disk of %s: %w", m.host(), err)
	}
	return out, nil
}

// Fill writes one file until there is no room.
func (d *docker) Fill(ctx context.Context, id BrokerID) (int64, error) {
	return bytesOf(d.keep(ctx, id, "fill"))
}

// Free removes that file.
func (d *docker) Free(ctx context.Context, id BrokerID) error {
	_, err := d.keep(ctx, id, "free")
	return err
}

// Space asks the file system.
func (d *docker) Space(ctx context.Context, id BrokerID) (int64, error) {
	return bytesOf(d.keep(ctx, id, "space"))
}

func bytesOf(out string, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(out), 10, 64)
}
