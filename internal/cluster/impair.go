package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/onceproof/onceproof/internal/cluster/sidecar"
)

// Impairment and Passage are the sidecar's, which brings them about.
type (
	Impairment = sidecar.Impairment
	Passage    = sidecar.Passage
)

// Impairer makes links between nodes bad. Impair replaces the set of bad links; an empty
// one heals and leaves no rule behind.
type Impairer interface {
	Impair(ctx context.Context, links map[Link]Impairment) error
	// Passed tells what passed since the link was made bad; false = it is not bad.
	Passed(l Link) (Passage, bool)
	// RoundTrip makes a connection from within To's network namespace to the port by
	// which From replicates: what comes back comes over the link.
	RoundTrip(ctx context.Context, l Link) (time.Duration, error)
}

// queue is the process in a node's namespace that holds the packets of its bad links.
type queue struct {
	links []Link // in the order in which it tells of them
	stop  func() error

	mu     sync.Mutex
	passed []Passage
}

// Impair has each receiver's packets from the sender held by a process of ours in its
// network namespace. A node that is down gets its part when it starts.
func (d *docker) Impair(ctx context.Context, links map[Link]Impairment) error {
	ctx, cancel := d.within(ctx)
	defer cancel()
	d.net.Lock()
	defer d.net.Unlock()
	if d.life.Err() != nil {
		return errClosed
	}
	d.bad = maps.Clone(links)
	return d.applyImpaired(ctx)
}

// applyImpaired brings every running node's queue in line with d.bad. Call with d.net
// held.
func (d *docker) applyImpaired(ctx context.Context) error {
	ips, err := d.addresses(ctx, len(d.bad) > 0)
	if err != nil {
		return err
	}
	return each(d.members, func(m *member) error {
		var args []string
		var links []Link
		for l, how := range d.bad {
			if ip, up := ips[l.From]; up && l.To == m.id {
				links, args = append(links, l), append(args, how.Arg(dropArg(ip, l.Listener)))
			}
		}
		err := d.requeue(ctx, m, links, args)
		if err != nil && d.stateOf(m) == Stopped { // it ended meanwhile
			return nil
		}
		return err
	})
}

// requeue ends m's queue, and starts another where links are bad.
func (d *docker) requeue(ctx context.Context, m *member, links []Link, args []string) error {
	if q := m.queue; q != nil {
		m.queue = nil
		if err := q.stop(); err != nil && d.stateOf(m) != Stopped {
			return fmt.Errorf("packet queue of %s: %w", m.host(), err)
		}
	}
	if len(links) == 0 || d.stateOf(m) == Stopped {
		return nil
	}
	prog, err := d.program()
	if err != nil {
		return err
	}
	if _, err := d.sidecarOf(ctx, m, networkNamespace); err != nil {
		return err
	}
	q := &queue{links: links, passed: make([]Passage, len(links))}
	q.stop, err = d.engine.attendSidecar(ctx, prog, m.beside[networkNamespace], q.hear, append([]string{"impair"}, args...)...)
	if err != nil {
		return fmt.Errorf("packet queue of %s: %w", m.host(), err)
	}
	m.queue = q
	return nil
}

func (q *queue) hear(line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	json.Unmarshal([]byte(line), &q.passed) // a line that was cut off changes nothing that matters
}

// Passed is what the queue last told.
func (d *docker) Passed(l Link) (Passage, bool) {
	m, err := d.lookup(l.To)
	if err != nil {
		return Passage{}, false
	}
	d.net.Lock()
	defer d.net.Unlock()
	if m.queue == nil {
		return Passage{}, false
	}
	i := slices.Index(m.queue.links, l)
	if i < 0 {
		return Passage{}, false
	}
	m.queue.mu.Lock()
	defer m.queue.mu.Unlock()
	return m.queue.passed[i], true
}

// RoundTrip is measured by the sidecar.
func (d *docker) RoundTrip(ctx context.Context, l Link) (time.Duration, error) {
	from, err := d.lookup(l.From)
	if err != nil {
		return 0, err
	}
	to, err := d.lookup(l.To)
	if err != nil {
		return 0, err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	ip, err := d.address(ctx, from)
	if err != nil {
		return 0, err
	}
	port := replicaPort
	if !from.broker || l.Listener == "controller" {
		port = controllerPort
	}
	out, err := d.look(ctx, to, "roundtrip", netip.AddrPortFrom(ip, uint16(port)).String())
	if err != nil {
		return 0, err
	}
	return time.ParseDuration(out)
}

// attendSidecar starts a command that lasts until stop ends its input. It returns when
// the command has printed its first line; hear gets those that follow.
func (e *engine) attendSidecar(ctx context.Context, prog sidecar.Program, id string, hear func(string), args ...string) (stop func() error, err error) {
	x, err := e.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		User: "0", Cmd: append(slices.Clone(prog.Argv), args...), AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, err
	}
	att, err := e.api.ExecAttach(context.WithoutCancel(ctx), x.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	said := &lineWriter{lines: make(chan string)}
	var errOut strings.Builder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(said.lines)
		stdcopy.StdCopy(said, &errOut, att.Reader) // ends with the command
	}()
	select {
	case _, ok := <-said.lines:
		if !ok {
			att.Close()
			return nil, errors.New(strings.TrimSpace(errOut.String()))
		}
	case <-ctx.Done():
		att.Close()
		for range said.lines { // until it notices
		}
		return nil, context.Cause(ctx)
	}
	var hearing sync.WaitGroup
	hearing.Go(func() {
		for line := range said.lines {
			hear(line)
		}
	})
	return func() error {
		defer att.Close()
		err := att.CloseWrite()
		select {
		case <-ended:
		case <-time.After(makeTimeout):
			att.Close()
			<-ended
			err = errors.Join(err, errors.New("it did not end with its input"))
		}
		hearing.Wait()
		return err
	}, nil
}

// lineWriter gives whole lines to a channel.
type lineWriter struct {
	lines chan string
	rest  string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	in := bufio.NewScanner(strings.NewReader(w.rest + string(p)))
	whole := strings.HasSuffix(string(p), "\n")
	var lines []string
	for in.Scan() {
		lines = append(lines, in.Text())
	}
	w.rest = ""
	if !whole && len(lines) > 0 {
		w.rest, lines = lines[len(lines)-1], lines[:len(lines)-1]
	}
	for _, l := range lines {
		w.lines <- l
	}
	return len(p), nil
}
