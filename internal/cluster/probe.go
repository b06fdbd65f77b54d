package cluster

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/onceproof/onceproof/internal/cluster/sidecar"
	"github.com/onceproof/onceproof/internal/host"
)

// Fact is one thing that this machine can do, or cannot.
type Fact struct {
	Name   string `json:"name"` // one of the names below
	OK     bool   `json:"ok"`
	Text   string `json:"text"`    // what was found
	WayOut string `json:"way-out"` // what to do about it, where it is not OK
}

// Names of facts.
const (
	FactPorts     = "ports"
	FactEngine    = "docker engine"
	FactMemory    = "memory"
	FactImage     = "kafka image"
	FactFilter    = "packet filter"
	FactQueue     = "packet queue"
	FactProcesses = "changed processes"
)

// Probe finds out what the docker backend can do on this machine, by trying. It
// takes a few seconds and leaves nothing behind. image "" is the default one.
func Probe(ctx context.Context, image string) []Fact {
	if image == "" {
		image = defaultImage
	}
	facts := []Fact{probePorts()}
	e, err := connect(ctx)
	if err != nil {
		return append(facts, Fact{Name: FactEngine, Text: strings.ReplaceAll(err.Error(), engineHint(ctx), ""), WayOut: host.EngineHint(ctx, host.System()) + "; runs on backend embedded need none"})
	}
	defer e.close()
	facts = append(facts, Fact{Name: FactEngine, OK: true, Text: "version " + e.version}, e.probeMemory(ctx))

	name, why, err := e.localImage(ctx, image)
	if err != nil || name == "" {
		f := Fact{Name: FactImage, Text: image + " is not here", WayOut: "docker pull " + image + "; without a registry, " + buildHint(image)}
		if err != nil {
			f.Text = err.Error()
		}
		return append(facts, f)
	}
	facts = append(facts, Fact{Name: FactImage, OK: true, Text: why})
	return append(facts, e.probeNetwork(ctx, name)...)
}

// MissingImages are those of the wanted images that are not on this machine, also not
// as a local build of the same Kafka version.
func MissingImages(ctx context.Context, wanted []string) ([]string, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var missing []string
	for _, image := range wanted {
		if image == "" {
			image = defaultImage
		}
		if slices.Contains(missing, image) {
			continue
		}
		name, _, err := e.localImage(ctx, image)
		if err != nil {
			return nil, err
		}
		if name == "" {
			missing = append(missing, image)
		}
	}
	return missing, nil
}

func probePorts() Fact {
	f := Fact{Name: FactPorts, OK: true, Text: fmt.Sprintf("loopback, %d to %d", portLow, portHigh)}
	if _, err := freePorts(tcp, 3); err != nil {
		f.OK, f.Text, f.WayOut = false, err.Error(), "end what holds them"
	}
	return f
}

// probeMemory compares with three brokers under load.
func (e *engine) probeMemory(ctx context.Context) Fact {
	const enough = 2 << 30
	r, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Fact{Name: FactMemory, Text: err.Error(), WayOut: "docker info"}
	}
	return Fact{
		Name: FactMemory, OK: r.Info.MemTotal >= enough,
		Text:   fmt.Sprintf("%.1f GiB, %d processors", float64(r.Info.MemTotal)/(1<<30), runtime.NumCPU()),
		WayOut: "three brokers want 2 GiB; use fewer, or backend: embedded",
	}
}

// probeNetwork tries what is done to nodes from beside them, on containers of its own.
func (e *engine) probeNetwork(ctx context.Context, image string) []Fact {
	return []Fact{e.tryFilter(ctx, image), e.tryQueue(ctx, image), e.tryPatch(ctx, image)}
}

// tryFilter sets a filter for packets of nobody.
func (e *engine) tryFilter(ctx context.Context, image string) Fact {
	f := Fact{Name: FactFilter, Text: "works in a container's network namespace", WayOut: "partitions between brokers need a kernel with nf_tables"}
	return f.tried(e.beside(ctx, image, inNetworkOf("none"), func(prog sidecar.Program, id string) error {
		_, err := e.execSidecar(ctx, prog, id, "drop", "192.0.2.1")
		return err
	}))
}

// tryQueue binds the queue for packets of nobody, and lets go of it.
func (e *engine) tryQueue(ctx context.Context, image string) Fact {
	f := Fact{Name: FactQueue, Text: "holds packets in a container's network namespace", WayOut: "impair, which makes links between brokers slow and lossy, needs a kernel with nf_tables and nfnetlink_queue; between clients and brokers the proxy does it"}
	return f.tried(e.beside(ctx, image, inNetworkOf("none"), func(prog sidecar.Program, id string) error {
		stop, err := e.attendSidecar(ctx, prog, id, func(string) {}, "impair", sidecar.Impairment{}.Arg("192.0.2.1"))
		if err != nil {
			return err
		}
		return stop()
	}))
}

// tryPatch sets the clock of a process that does nothing.
func (e *engine) tryPatch(ctx context.Context, image string) Fact {
	f := Fact{Name: FactProcesses, Text: "a container's process is changed from beside it", WayOut: "skew, slow-disk and freeze-disk need an engine that lets a container have SYS_PTRACE over another's processes, on Linux and amd64"}
	return f.tried(e.beside(ctx, image, inNetworkOf("none"), func(prog sidecar.Program, target string) error {
		return e.beside(ctx, image, pidNamespace.of(target), func(prog sidecar.Program, id string) error {
			_, err := e.execSidecar(ctx, prog, id, "skew", java, "1h0m0s")
			return err
		})
	}))
}

// beside does something in a container of its own.
func (e *engine) beside(ctx context.Context, image string, where func(*container.HostConfig), do func(sidecar.Program, string) error) error {
	prog, err := sidecar.Self()
	if err != nil {
		return err
	}
	id, err := e.startSidecar(ctx, prog, image, runName("probe"), self().labels("probe"), where)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := making(ctx)
		defer cancel()
		e.removeContainer(ctx, id)
	}()
	return do(prog, id)
}

func (f Fact) tried(err error) Fact {
	if f.OK = err == nil; !f.OK {
		f.Text = err.Error()
	}
	return f
}
