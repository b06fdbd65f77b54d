package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Scenario is whether one shipped scenario can run here.
type Scenario struct {
	Name    string   `json:"name"`
	Runs    bool     `json:"runs"`
	First   []string `json:"first"`             // what has to be done before it can run, if that is all
	Refused string   `json:"refused,omitempty"` // why it cannot run here at all
}

// kernel says which fact of Probe's a kind of fault depends on, on docker.
var kernel = map[scenario.FaultKind]string{
	scenario.KindPartition:  cluster.FactFilter,
	scenario.KindImpair:     cluster.FactQueue,
	scenario.KindSkew:       cluster.FactProcesses,
	scenario.KindSlowDisk:   cluster.FactProcesses,
	scenario.KindFreezeDisk: cluster.FactProcesses,
}

// here is what scenarios are held against.
type here struct {
	docker    bool
	facts     map[string]bool
	images    []string // that scenarios want and that are not on this machine
	libraries []Library
}

func (h here) backend() string {
	if h.docker {
		return "docker"
	}
	return "embedded"
}

// judge says whether s can run.
func (h here) judge(s *scenario.Scenario) Scenario {
	v := Scenario{Name: s.Metadata.Name, First: []string{}}
	switch err := scenario.CheckBackend(s, h.backend()); {
	case !h.docker && s.Cluster.Backend == "docker":
		v.Refused = "it needs real brokers, and there is no Docker engine with a Kafka image"
	case err != nil:
		v.Refused, _, _ = strings.Cut(err.Error(), "\n")
	case h.docker:
		v.Refused = h.lacking(s)
	}
	if v.Refused == "" {
		h.needs(s, &v)
	}
	v.Runs = v.Refused == "" && len(v.First) == 0
	return v
}

// lacking names what this machine's engine or kernel cannot do of s's faults.
func (h here) lacking(s *scenario.Scenario) string {
	for i := range s.Faults {
		for _, f := range s.Faults[i].Each() {
			if fact := kernel[f.Kind]; fact != "" && !h.facts[fact] {
				return fmt.Sprintf("%s needs what is missing above: %s", f.Kind, fact)
			}
		}
	}
	return ""
}

// needs adds the workers and the image that s needs and that are not here.
func (h here) needs(s *scenario.Scenario, v *Scenario) {
	for _, c := range s.Clients {
		if len(c.Command)+len(c.Program) > 0 {
			continue
		}
		first := h.build(c.Library)
		if first != "" && strings.HasPrefix(first, "!") {
			v.Refused = strings.TrimPrefix(first, "!")
			return
		}
		if first != "" && !slices.Contains(v.First, first) {
			v.First = append(v.First, first)
		}
	}
	if h.docker && slices.Contains(h.images, s.Cluster.Image) {
		v.First = append(v.First, "docker pull "+s.Cluster.Image)
	}
}

// build is the command that builds a library's worker, "" if it is built. With ! before
// it, it is why it cannot be.
func (h here) build(spec string) string {
	if _, err := process.Lookup(spec); err == nil {
		return ""
	}
	name, version := process.SplitVersion(spec)
	i := slices.IndexFunc(h.libraries, func(l Library) bool { return l.Name == name })
	if i < 0 {
		return "!no library is named " + name
	}
	if lacks := h.libraries[i].Lacks; len(lacks) > 0 {
		return "!the worker of " + spec + " cannot be built here: " + lacks[0].String()
	}
	return strings.TrimSpace("onceproof clients build " + name + " " + version)
}

// scenarios judges all that ship.
func (h here) scenarios(ctx context.Context) ([]Scenario, error) {
	all, err := scenario.List()
	if err != nil {
		return nil, err
	}
	if h.docker {
		var images []string
		for _, s := range all {
			images = append(images, s.Cluster.Image)
		}
		if h.images, err = cluster.MissingImages(ctx, images); err != nil {
			return nil, err
		}
	}
	var verdicts []Scenario
	for _, s := range all {
		verdicts = append(verdicts, h.judge(s))
	}
	return verdicts, nil
}
