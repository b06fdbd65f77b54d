package cluster

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/onceproof/onceproof/internal/cluster/sidecar"
)

const (
	bootTimeout  = 3 * time.Minute // from the first container to a cluster that is ready
	closeTimeout = 30 * time.Second
	makeTimeout  = 30 * time.Second // to create one container or network
	nodeMemory   = 1 << 30          // bytes; a broker at rest takes about 300 MB
)

//go:embed broker.sh
var brokerScript string

// errPortTaken: somebody took a port between our looking and the engine's binding.
var errPortTaken = errors.New("port taken")

// docker is a cluster of KRaft nodes in containers on a network of their own.
// Clients reach each broker at a fixed port of the host's loopback, also after
// it was killed and started again.
type docker struct {
	engine  *engine
	run     string // unique: names containers and the network
	image   string
	labels  map[string]string
	network string // id
	members []*member
	disk    int64  // of each node, 0 = the engine's
	keeper  string // id of the container that has the nodes' disks, "" if they have none
	program func() (sidecar.Program, error)
	born    []string       // dynamicConfigs at the start, of a cluster that a Pool lends
	streams sync.WaitGroup // one goroutine a living container, which copies its output

	life context.Context // ends when the cluster is closed
	die  context.CancelFunc

	mu sync.Mutex // of members' states

	net     sync.Mutex // of the packet filters and sidecars
	blocked []Link
	bad     map[Link]sidecar.Impairment
}

// startDocker starts spec's nodes from an image that is there.
func startDocker(ctx context.Context, e *engine, image string, spec Spec) (d *docker, err error) {
	for range 3 {
		ports, noPort := freePorts(tcp, spec.Brokers)
		if noPort != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, noPort)
		}
		d, err = bootDocker(ctx, e, image, spec, ports)
		if !errors.Is(err, errPortTaken) {
			return d, err
		}
	}
	return nil, err
}

func bootDocker(ctx context.Context, e *engine, image string, spec Spec, ports []int) (_ *docker, err error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	d := &docker{
		engine: e, run: runName(spec.Name), image: image, labels: self().labels(spec.Name),
		program: sync.OnceValues(sidecar.Self), disk: spec.Disk,
	}
	d.life, d.die = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, d.remove())
		}
	}()
	if err := d.createNetwork(ctx); err != nil {
		return nil, err
	}
	nodes := layout(spec, ports)
	clusterID := newClusterID()
	for _, n := range nodes {
		log, err := newNodeLog(spec.LogDir, n.host())
		if err != nil {
			return nil, fmt.Errorf("log of %s: %w", n.host(), err)
		}
		d.members = append(d.members, &member{node: n, log: log, state: Stopped})
	}
	err = each(d.members, func(m *member) error {
		env := map[string]string{
			"ONCEPROOF_PROPERTIES": properties(spec, nodes, m.node),
			"ONCEPROOF_META":       metaProperties(clusterID, m.node),
			"ONCEPROOF_CLUSTER":    clusterID,
			"ONCEPROOF_DATA":       dataDir(spec, m.node),
		}
		return d.create(ctx, m, env)
	})
	if err == nil && d.disk > 0 {
		err = d.startKeeper(ctx)
	}
	if err == nil {
		err = each(d.members, func(m *member) error { return d.launch(ctx, m) })
	}
	if err != nil {
		return nil, err
	}
	if err := waitRegistered(ctx, d.Brokers(), d.ended); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	progress(spec)("brokers registered")
	// Side by side: both wait for the controller more than they work.
	var topics, warm error
	var wg sync.WaitGroup
	wg.Go(func() { topics = createTopics(ctx, d.Brokers(), spec.Topics) })
	wg.Go(func() { warm = warmCoordinators(ctx, d.Brokers()) })
	wg.Wait()
	if warm != nil {
		warm = fmt.Errorf("%w: %w", ErrUnavailable, warm)
	}
	if err := errors.Join(topics, warm); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *docker) createNetwork(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := making(ctx)
	defer cancel()
	n, err := d.engine.api.NetworkCreate(ctx, d.run, client.NetworkCreateOptions{Driver: "bridge", Labels: d.labels})
	if err != nil {
		return fmt.Errorf("%w: create network: %w", ErrUnavailable, err)
	}
	d.network = n.ID
	return nil
}

// making returns a context for a request that creates something. It outlives
// ctx: a request that is cut off may create its thing all the same, and nobody
// would know its id.
func making(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), makeTimeout)
}

// create makes m's container without starting it.
func (d *docker) create(ctx context.Context, m *member, env map[string]string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := making(ctx)
	defer cancel()
	port := network.MustParsePort(strconv.Itoa(clientPort) + "/tcp")
	hostPort := "" // any, for a controller: nothing listens there
	if m.broker {
		hostPort = strconv.Itoa(m.port)
	}
	c, err := d.engine.provider.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image:          d.image,
		Name:           d.run + "-" + m.host(),
		Entrypoint:     []string{"/bin/sh", "-c", brokerScript},
		Cmd:            []string{"onceproof"},
		Env:            env,
		Labels:         maps.Clone(d.labels), // testcontainers adds its own
		ExposedPorts:   []string{port.String()},
		Networks:       []string{d.run},
		NetworkAliases: map[string][]string{d.run: {m.host()}},
		HostConfigModifier: func(h *container.HostConfig) {
			h.PortBindings = network.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), HostPort: hostPort}}}
			h.LogConfig.Type = "none" // we copy the output ourselves
			h.Memory, h.MemorySwap = d.memory(), d.memory()
			if d.disk > 0 {
				h.Mounts = append(h.Mounts, own(m.id, d.disk))
			}
		},
		ConfigModifier: func(c *container.Config) { c.Hostname = m.host() },
	})
	if c != nil {
		m.container = c.GetContainerID()
	}
	if err != nil {
		return fmt.Errorf("%w: create %s: %w", ErrUnavailable, m.host(), err)
	}
	return nil
}

// memory is what a node may use. A disk in memory is its own use too.
func (d *docker) memory() int64 { return nodeMemory + d.disk }

func (d *docker) Backend() string { return "docker" }

func (d *docker) Brokers() []Broker {
	d.mu.Lock()
	defer d.mu.Unlock()
	var bs []Broker
	for _, m := range d.members {
		if m.broker {
			bs = append(bs, Broker{ID: m.id, Addr: loopback(m.port), State: m.state})
		}
	}
	return bs
}

// Controllers are those that are no brokers.
func (d *docker) Controllers() []BrokerID {
	var ids []BrokerID
	for _, m := range d.members {
		if !m.broker {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Probe tries what this engine may lack.
func (d *docker) Probe(need Need) error {
	switch need {
	case OwnDisk:
		if d.keeper == "" {
			return fmt.Errorf("%w: the brokers' disk is the engine's own, which others write to; "+
				"give them disks of their own: cluster.disk, such as 256MiB", ErrUnsupported)
		}
		return nil
	case PacketQueue:
		return d.try(d.engine.tryQueue)
	case PatchedProcess:
		return d.try(d.engine.tryPatch)
	case PacketFilter:
		if _, err := d.program(); err != nil {
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
		return nil
	}
	return fmt.Errorf("%w: nobody knows how to probe for %q", ErrUnsupported, need)
}

// try is the error of a trial that the engine failed.
func (d *docker) try(trial func(context.Context, string) Fact) error {
	ctx, cancel := d.within(context.Background())
	defer cancel()
	if fact := trial(ctx, d.image); !fact.OK {
		return fmt.Errorf("%w: %s: %s; %s", ErrUnsupported, fact.Name, fact.Text, fact.WayOut)
	}
	return nil
}

// Close kills and removes everything. Nothing is stopped in order: a run that
// is over has read what it wants to know.
func (d *docker) Close() error {
	if d.life.Err() != nil {
		return nil
	}
	return errors.Join(d.remove(), d.engine.close())
}

// remove removes what was created so far, also when the run's context is over.
func (d *docker) remove() error {
	d.die()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	errs := []error{each(d.members, func(m *member) error {
		m.op.Lock()
		defer m.op.Unlock()
		d.net.Lock()
		err := d.removeSidecars(ctx, m)
		d.net.Unlock()
		if err != nil {
			return fmt.Errorf("remove the sidecars of %s: %w", m.host(), err)
		}
		if m.container == "" {
			return nil
		}
		if err := d.engine.removeContainer(ctx, m.container); err != nil {
			return fmt.Errorf("remove %s: %w", m.host(), err)
		}
		return nil
	})}
	if d.keeper != "" {
		if err := d.engine.removeContainer(ctx, d.keeper); err != nil {
			errs = append(errs, fmt.Errorf("remove the keeper of the disks: %w", err))
		}
	}
	if d.network != "" {
		if err := d.engine.removeNetwork(ctx, d.network); err != nil {
			errs = append(errs, fmt.Errorf("remove network %s: %w", d.run, err))
		}
	}
	d.streams.Wait()
	for _, m := range d.members {
		errs = append(errs, m.log.Close())
	}
	return errors.Join(errs...)
}

// each does f for all at once and joins the errors.
func each(ms []*member, f func(*member) error) error {
	errs := make([]error, len(ms))
	var wg sync.WaitGroup
	for i, m := range ms {
		wg.Go(func() { errs[i] = f(m) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// runName makes a name for containers out of a run's, and unique.
func runName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, name)
	var salt [4]byte
	rand.Read(salt[:])
	return "onceproof-" + clean[:min(len(clean), 40)] + "-" + hex.EncodeToString(salt[:])
}

// newClusterID is a random UUID as Kafka writes it.
func newClusterID() string {
	var b [16]byte
	for {
		rand.Read(b[:])
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}
