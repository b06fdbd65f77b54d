package harness

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/worker"
)

func clusterSpec(cfg Config, say func(string)) cluster.Spec {
	c := cfg.Scenario.Cluster
	spec := cluster.Spec{
		Name: filepath.Base(cfg.Dir), Backend: c.Backend, Brokers: c.Brokers, Controllers: c.Controllers, Disk: c.Disk, Image: c.Image,
		Config: c.Config, Bootstrap: c.Bootstrap, LogDir: filepath.Join(cfg.Dir, "logs"), Progress: say,
	}
	for _, t := range c.Topics {
		spec.Topics = append(spec.Topics, cluster.Topic{Name: t.Name, Partitions: t.Partitions, Replicas: t.Replicas, Config: t.Config})
	}
	return spec
}

func brokerAddrs(c cluster.Cluster) func() map[int32]string {
	return func() map[int32]string {
		addrs := make(map[int32]string)
		for _, b := range c.Brokers() {
			addrs[int32(b.ID)] = b.Addr
		}
		return addrs
	}
}

func header(cfg Config, backend string) history.Header {
	s := cfg.Scenario
	h := history.Header{
		Scenario: s.Metadata.Name, Seed: cfg.Plan.Seed, Backend: backend,
		Started: time.Now().UTC().Format(time.RFC3339Nano), StartT: history.Now(), Control: cfg.Control,
		Broker: s.Cluster.Config, Expect: s.Expect, Tool: cfg.Tool,
	}
	if backend == "docker" {
		h.Image = s.Cluster.Image
	}
	for _, t := range s.Cluster.Topics {
		h.Topics = append(h.Topics, history.TopicInfo{Name: t.Name, Partitions: t.Partitions, Replicas: t.Replicas, Config: t.Config})
	}
	for _, c := range s.Clients {
		info := history.ClientInfo{
			Name: c.Name, Role: c.Role, Library: c.Library, Count: c.Count, Topic: c.Topic, Input: c.Input, Output: c.Output,
			Aside: c.Retry.Topic, Commit: c.Commit, Habits: c.Habits, Retry: c.Retry.Attempts, Config: c.Config, Lines: make(map[string]string),
			Program: len(c.Program) > 0, Makes: c.Makes,
		}
		if info.Program { // when it commits, it does not say
			info.Library, info.Commit = "program", ""
		}
		for property, pos := range c.ConfigPos {
			info.Lines[property] = fmt.Sprintf("%s:%d", cmp.Or(c.ConfigFile[property], s.File), pos.Line)
		}
		h.Clients = append(h.Clients, info)
	}
	return h
}

// noteHellos puts what the workers said of themselves into h.
func noteHellos(h *history.Header, hellos map[string]worker.Hello) {
	for i := range h.Clients {
		hello, ok := hellos[h.Clients[i].Name]
		if !ok {
			continue
		}
		h.Clients[i].Version = hello.Version
		if len(hello.Effective) > 0 {
			h.Clients[i].Config = withTemplates(hello.Effective, h.Clients[i].Config)
		}
	}
}

// withTemplates is what a worker runs with, but for values that each start
// replaces in its own way: of those the scenario's text says more.
func withTemplates(effective, given map[string]string) map[string]string {
	all := maps.Clone(effective)
	for property, v := range given {
		if strings.Contains(v, "${") {
			all[property] = v
		}
	}
	return all
}
