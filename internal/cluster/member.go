package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
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

// freezeLimit is what freezing a node may take.
const freezeLimit = 10 * time.Second

// member is one node of a docker cluster and its container.
type member struct {
	node
	container string // id
	log       *nodeLog

	op       sync.Mutex           // held by what changes its state
	launches int                  // how often it was started; guarded by op and docker.net
	state    State                // guarded by docker.mu
	queue    *queue               // of its bad links; guarded by docker.net
	beside   map[namespace]string // ids of the containers beside it; guarded by docker.net
}

// launch starts m's container, with its output copied from the first byte until
// it ends.
func (d *docker) launch(ctx context.Context, m *member) error {
	api := d.engine.api
	out, err := api.ContainerAttach(ctx, m.container, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("%w: output of %s: %w", ErrUnavailable, m.host(), err)
	}
	m.launches++
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
	var have []string
	for _, m := range d.members {
		if m.id == id {
			return m, nil
		}
		have = append(have, fmt.Sprint(m.id))
	}
	return nil, fmt.Errorf("no node %d: there are %s", id, strings.Join(have, ", "))
}

// on does one thing to a node at a time, in a context that Close ends too.
func (d *docker) on(ctx context.Context, id BrokerID, do func(context.Context, *member) error) error {
	m, err := d.lookup(id)
	if err != nil {
		return err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	m.op.Lock()
	defer m.op.Unlock()
	if d.life.Err() != nil {
		return errClosed
	}
	return do(ctx, m)
}

// within returns a context that ends with ctx and when the cluster is closed.
func (d *docker) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// Kill sends SIGKILL and waits until the process is gone. A frozen broker dies too.
func (d *docker) Kill(ctx context.Context, id BrokerID) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		switch d.stateOf(m) {
		case Stopped:
			return fmt.Errorf("kill %s: it is stopped", m.host())
		case Paused: // engines differ in whether a signal reaches a frozen container
			if _, err := d.engine.api.ContainerUnpause(ctx, m.container, client.ContainerUnpauseOptions{}); err != nil {
				return fmt.Errorf("thaw %s to kill it: %w", m.host(), err)
			}
		}
		return d.end(ctx, m, "SIGKILL")
	})
}

// Stop sends SIGTERM, on which a broker hands its leaderships over, and waits
// until the process is gone.
func (d *docker) Stop(ctx context.Context, id BrokerID) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		if s := d.stateOf(m); s != Running {
			return fmt.Errorf("stop %s: it is %s", m.host(), s)
		}
		return d.end(ctx, m, "SIGTERM")
	})
}

func (d *docker) end(ctx context.Context, m *member, signal string) error {
	if _, err := d.engine.api.ContainerKill(ctx, m.container, client.ContainerKillOptions{Signal: signal}); err != nil {
		return fmt.Errorf("%s to %s: %w", signal, m.host(), err)
	}
	w := d.engine.api.ContainerWait(ctx, m.container, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-w.Result:
	case err := <-w.Error:
		return fmt.Errorf("%s did not end on %s: %w", m.host(), signal, err)
	}
	d.setState(m, Stopped)
	return nil
}

// Start starts a killed or stopped broker on its data, at its old address.
func (d *docker) Start(ctx context.Context, id BrokerID) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		if s := d.stateOf(m); s != Stopped {
			return fmt.Errorf("start %s: it is %s", m.host(), s)
		}
		d.net.Lock()
		defer d.net.Unlock()
		// They sit in namespaces that died with the last incarnation.
		if err := d.removeSidecars(ctx, m); err != nil {
			return fmt.Errorf("old sidecars of %s: %w", m.host(), err)
		}
		if err := d.launch(ctx, m); err != nil {
			return err
		}
		var errs []error
		if len(d.blocked) > 0 {
			errs = append(errs, d.applyBlocked(ctx))
		}
		if len(d.bad) > 0 {
			errs = append(errs, d.applyImpaired(ctx))
		}
		return errors.Join(errs...)
	})
}

// Wipe leaves a mark that the node finds when it starts again.
func (d *docker) Wipe(ctx context.Context, id BrokerID) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		if s := d.stateOf(m); s != Stopped {
			return fmt.Errorf("wipe %s: it is %s", m.host(), s)
		}
		var mark bytes.Buffer
		t := tar.NewWriter(&mark)
		if err := errors.Join(t.WriteHeader(&tar.Header{Name: "tmp/onceproof/wipe", Mode: 0o644, Typeflag: tar.TypeReg}), t.Close()); err != nil {
			return fmt.Errorf("wipe %s: %w", m.host(), err)
		}
		if _, err := d.engine.api.CopyToContainer(ctx, m.container, client.CopyToContainerOptions{DestinationPath: "/", Content: &mark}); err != nil {
			return fmt.Errorf("wipe %s: %w", m.host(), err)
		}
		return nil
	})
}

// Wiped counts what the node itself said when it started.
func (d *docker) Wiped(id BrokerID) int {
	m, err := d.lookup(id)
	if err != nil {
		return 0
	}
	return m.log.wipes()
}

// Pause freezes all of a broker's threads, as SIGSTOP would. While a thread waits for
// a disk or is being started, the freezer of control groups v1 fails; the engine's
// runtime tries for a moment, thaws what it has and says so: then it is asked again.
func (d *docker) Pause(ctx context.Context, id BrokerID) error {
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	return d.toggle(ctx, id, Running, Paused, func(ctx context.Context, m *member) error {
		return until(ctx, func() error {
			_, err := d.engine.api.ContainerPause(ctx, m.container, client.ContainerPauseOptions{})
			if err != nil && !strings.Contains(err.Error(), "unable to freeze") {
				err = giveUp{err}
			}
			return err
		})
	})
}

// Resume lets a frozen broker go on.
func (d *docker) Resume(ctx context.Context, id BrokerID) error {
	return d.toggle(ctx, id, Paused, Running, func(ctx context.Context, m *member) error {
		_, err := d.engine.api.ContainerUnpause(ctx, m.container, client.ContainerUnpauseOptions{})
		return err
	})
}

func (d *docker) toggle(ctx context.Context, id BrokerID, from, to State, do func(context.Context, *member) error) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		if s := d.stateOf(m); s != from {
			return fmt.Errorf("%s is %s, not %s", m.host(), s, from)
		}
		if err := do(ctx, m); err != nil {
			return fmt.Errorf("make %s %s: %w", m.host(), to, err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if m.state == from { // it did not end meanwhile
			m.state = to
		}
		return nil
	})
}
