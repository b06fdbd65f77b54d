package cluster

import (
	"context"
	"fmt"
	"runtime"

	"github.com/moby/moby/client"
)

// Fact is one thing that this machine can do, or cannot.
type Fact struct {
	Name   string // "docker engine", "kafka image", "packet filter", "netem", "ports", "memory"
	OK     bool
	Text   string // what was found
	WayOut string // what to do about it, where it is not OK
}

// Probe finds out what the docker backend can do on this machine, by trying. It
// takes about two seconds and leaves nothing behind. image "" is the default one.
func Probe(ctx context.Context, image string) []Fact {
	if image == "" {
		image = defaultImage
	}
	facts := []Fact{probePorts()}
	e, err := connect(ctx)
	if err != nil {
		return append(facts, Fact{Name: "docker engine", Text: err.Error(), WayOut: "as root on Debian: .ci/engine; embedded runs need none"})
	}
	defer e.close()
	facts = append(facts, Fact{Name: "docker engine", OK: true, Text: "version " + e.version}, e.probeMemory(ctx))

	name, why, err := e.localImage(ctx, image)
	if err != nil || name == "" {
		f := Fact{Name: "kafka image", Text: image + " is not here", WayOut: buildHint(image) + "; docker pull " + image + " fetches it where a registry is reached"}
		if err != nil {
			f.Text = err.Error()
		}
		return append(facts, f)
	}
	facts = append(facts, Fact{Name: "kafka image", OK: true, Text: why})
	return append(facts, e.probeNetwork(ctx, name)...)
}

func probePorts() Fact {
	f := Fact{Name: "ports", OK: true, Text: fmt.Sprintf("loopback, %d to %d", portLow, portHigh)}
	if _, err := freePorts(3); err != nil {
		f.OK, f.Text, f.WayOut = false, err.Error(), "end what holds them"
	}
	return f
}

// probeMemory compares with three brokers under load.
func (e *engine) probeMemory(ctx context.Context) Fact {
	const enough = 2 << 30
	r, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Fact{Name: "memory", Text: err.Error(), WayOut: "docker info"}
	}
	return Fact{
		Name: "memory", OK: r.Info.MemTotal >= enough,
		Text:   fmt.Sprintf("%.1f GiB, %d processors", float64(r.Info.MemTotal)/(1<<30), runtime.NumCPU()),
		WayOut: "three brokers want 2 GiB; use fewer, or backend: embedded",
	}
}

// probeNetwork tries the packet filter and the delay queue in a container's
// namespace of its own.
func (e *engine) probeNetwork(ctx context.Context, image string) []Fact {
	filter := Fact{Name: "packet filter", WayOut: "partitions between brokers need a kernel with nf_tables"}
	netem := Fact{Name: "netem", WayOut: "latency between brokers needs a kernel with sch_netem; between clients and brokers the proxy does it"}
	prog, err := selfProgram()
	if err == nil {
		var id string
		if id, err = e.startSidecar(ctx, prog, image, runName("probe"), "none", self().labels("probe")); err == nil {
			defer func() {
				ctx, cancel := making(ctx)
				defer cancel()
				e.removeContainer(ctx, id)
			}()
			filter.Text, filter.OK = tried(e.execSidecar(ctx, prog, id, "drop", "192.0.2.1"))
			netem.Text, netem.OK = tried(e.execSidecar(ctx, prog, id, "netem", "lo"))
		}
	}
	if err != nil {
		filter.Text, netem.Text = err.Error(), err.Error()
	}
	return []Fact{filter, netem}
}

func tried(_ string, err error) (string, bool) {
	if err != nil {
		return err.Error(), false
	}
	return "works in a container's network namespace", true
}
