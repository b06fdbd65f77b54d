package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/onceproof/onceproof/internal/cluster/sidecar"
)

// ProcessPatcher changes the code of a running node's process from outside: see
// patch_linux_amd64.go. A patch is gone when the node starts again.
type ProcessPatcher interface {
	// Skew sets the wall clock of a node so much ahead of the host's, in whole seconds;
	// less than 0 is behind. The monotonic clocks stay.
	Skew(ctx context.Context, id BrokerID, ahead time.Duration) error
	// Drag makes each write of a node to a file, and each sync of one, take so much
	// longer; Frozen, until it is set to something else.
	Drag(ctx context.Context, id BrokerID, by time.Duration) error
}

// Frozen is for Drag.
const Frozen = sidecar.Frozen

// java is the number of a node's process in its container.
const java = "1"

// Skew tells the node's process another time.
func (d *docker) Skew(ctx context.Context, id BrokerID, ahead time.Duration) error {
	return d.patchProcess(ctx, id, "skew", java, ahead.String())
}

// Drag makes the node's process sleep before it writes.
func (d *docker) Drag(ctx context.Context, id BrokerID, by time.Duration) error {
	return d.patchProcess(ctx, id, "drag", java, by.String())
}

func (d *docker) patchProcess(ctx context.Context, id BrokerID, args ...string) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		if s := d.stateOf(m); s != Running {
			return fmt.Errorf("%s of %s: it is %s", args[0], m.host(), s)
		}
		run, err := func() (runBeside, error) {
			d.net.Lock()
			defer d.net.Unlock()
			return d.sidecarOf(ctx, m, pidNamespace)
		}()
		if err != nil {
			return err
		}
		_, err = run(ctx, args...)
		return err
	})
}
