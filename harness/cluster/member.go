package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// stopTimeout is what an orderly shutdown of a broker may take.
const stopTimeout = 60 * time.Second

// member is one node of a docker cluster and its container.
type member struct {
	node
	container string // id
	log       *nodeLog

	op    sync.Mutex // held by what changes its state
	state State      // guarded by docker.mu
}

// launch starts m's container, with its output copied from the first byte until
// it ends.
func (d *docker) launch(ctx context.Context, m *member) error {
	api := d.engine.api
	out, err := api.ContainerAttach(ctx, m.container, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("%w: output of %s: %w", ErrUnavailable, m.host(), err)
	}
	d.setState(m, Running)
	d.streams.Go(func() {
		defer out.Close()
		stdcopy.StdCopy(m.log, m.log, out.Reader) // ends with the container
		d.setState(m, Stopped)
	})
	if _, err := api.ContainerStart(ctx, m.container, client.ContainerStartOptions{}); err != nil {
		out.Close()
		text := err.Error()
		if strings.Contains(text, "port is already allocated") || strings.Contains(text, "address already in use") {
			err = fmt.Errorf("%w: %w", errPortTaken, err)
		}
		return fmt.Errorf("%w: start %s: %w", ErrUnavailable, m.host(), err)
	}
	return nil
}

func (d *docker) setState(m *member, s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.state = s
}

func (d *docker) stateOf(m *member) State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return m.state
}

// ended returns an error if a node that should be starting has ended.
func (d *docker) ended() error {
	for _, m := range d.members {
		if d.stateOf(m) != Stopped {
			continue
		}
		code := "unknown"
		ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
		defer cancel()
		if r, err := d.engine.api.ContainerInspect(ctx, m.container, client.ContainerInspectOptions{}); err == nil && r.Container.State != nil {
			code = fmt.Sprint(r.Container.State.ExitCode)
			if r.Container.State.OOMKilled {
				code += ", out of memory"
			}
		}
		return fmt.Errorf("%s ended while the cluster was starting (exit code %s); its last lines:%s", m.host(), code, m.log.tail())
	}
	return nil
}

// lookup finds a node, broker or isolated controller.
func (d *docker) lookup(id BrokerID) (*member, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	var have []string
	for _, m := range d.members {
		if m.id == id {
			return m, nil
		}
		have = append(have, fmt.Sprint(m.id))
	}
	return nil, fmt.Errorf("no node %d: there are %s", id, strings.Join(have, ", "))
}

// Kill sends SIGKILL and waits until the process is gone. A frozen broker dies too.
func (d *docker) Kill(ctx context.Context, id BrokerID) error {
	return d.end(ctx, id, "SIGKILL")
}

// Stop sends SIGTERM, on which a broker hands its leaderships over, and waits
// until the process is gone.
func (d *docker) Stop(ctx context.Context, id BrokerID) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return d.end(ctx, id, "SIGTERM")
}

func (d *docker) end(ctx context.Context, id BrokerID, signal string) error {
	m, err := d.lookup(id)
	if err != nil {
		return err
	}
	m.op.Lock()
	defer m.op.Unlock()
	if s := d.stateOf(m); s == Stopped || s == Paused && signal != "SIGKILL" {
		return fmt.Errorf("%s to %s: it is %s", signal, m.host(), s)
	}
	// The engine delivers no signal to a frozen container. (It would be thawed
	// for a SIGKILL by newer engines; all of them can thaw one first.)
	if d.stateOf(m) == Paused {
		if _, err := d.engine.api.ContainerUnpause(ctx, m.container, client.ContainerUnpauseOptions{}); err != nil {
			return fmt.Errorf("thaw %s to kill it: %w", m.host(), err)
		}
	}
	if _, err := d.engine.api.ContainerKill(ctx, m.container, client.ContainerKillOptions{Signal: signal}); err != nil {
		return fmt.Errorf("%s to %s: %w", signal, m.host(), err)
	}
	return d.waitEnd(ctx, m)
}

func (d *docker) waitEnd(ctx context.Context, m *member) error {
	w := d.engine.api.ContainerWait(ctx, m.container, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-w.Result:
	case err := <-w.Error:
		return fmt.Errorf("wait for the end of %s: %w", m.host(), err)
	}
	d.setState(m, Stopped)
	return nil
}

// Start starts a killed or stopped broker on its data, at its old address.
func (d *docker) Start(ctx context.Context, id BrokerID) error {
	m, err := d.lookup(id)
	if err != nil {
		return err
	}
	m.op.Lock()
	defer m.op.Unlock()
	if s := d.stateOf(m); s != Stopped {
		return fmt.Errorf("start %s: it is %s", m.host(), s)
	}
	return d.launch(ctx, m)
}

// Pause freezes all of a broker's threads, as SIGSTOP would.
func (d *docker) Pause(ctx context.Context, id BrokerID) error {
	return d.toggle(ctx, id, Running, Paused, func(m *member) error {
		_, err := d.engine.api.ContainerPause(ctx, m.container, client.ContainerPauseOptions{})
		return err
	})
}

// Resume lets a frozen broker go on.
func (d *docker) Resume(ctx context.Context, id BrokerID) error {
	return d.toggle(ctx, id, Paused, Running, func(m *member) error {
		_, err := d.engine.api.ContainerUnpause(ctx, m.container, client.ContainerUnpauseOptions{})
		return err
	})
}

func (d *docker) toggle(ctx context.Context, id BrokerID, from, to State, do func(*member) error) error {
	m, err := d.lookup(id)
	if err != nil {
		return err
	}
	m.op.Lock()
	defer m.op.Unlock()
	if s := d.stateOf(m); s != from {
		return fmt.Errorf("%s is %s, not %s", m.host(), s, from)
	}
	if err := do(m); err != nil {
		return fmt.Errorf("make %s %s: %w", m.host(), to, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.state == from { // it did not end meanwhile
		m.state = to
	}
	return nil
}
