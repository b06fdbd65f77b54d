package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Limits are what a node may use; zero is what it has without limits.
type Limits struct {
	CPU    float64 // processors
	Memory int64   // bytes, page cache included
}

// CgroupStats are the counters of a node's cgroup: what it used and was refused.
type CgroupStats struct {
	Throttled   uint64 // periods so far in which it was kept from running
	MemoryLimit uint64 // bytes
	MemoryUsed  uint64
	Refusals    uint64 // times so far that it hit its memory limit; 0 on cgroup v2, which does not tell
}

// Limiter limits what nodes may use. Limit replaces the limits of before.
type Limiter interface {
	Limit(ctx context.Context, id BrokerID, l Limits) error
	CgroupStats(ctx context.Context, id BrokerID) (CgroupStats, error)
}

// cpuPeriod is Linux's own, in microseconds.
const cpuPeriod = 100_000

// Limit changes the limits of a node's cgroup, which last over its restarts.
func (d *docker) Limit(ctx context.Context, id BrokerID, l Limits) error {
	return d.on(ctx, id, func(ctx context.Context, m *member) error {
		memory := d.memory()
		if l.Memory > 0 {
			memory = l.Memory
		}
		quota := int64(-1) // none
		if l.CPU > 0 {
			quota = max(int64(l.CPU*cpuPeriod), 1000) // the least that the kernel takes
		}
		_, err := d.engine.api.ContainerUpdate(ctx, m.container, client.ContainerUpdateOptions{Resources: &container.Resources{
			CPUPeriod: cpuPeriod, CPUQuota: quota, Memory: memory, MemorySwap: memory,
		}})
		if err != nil {
			return fmt.Errorf("limit %s: %w (where the kernel has cgroup v1, not below what it uses now)", m.host(), err)
		}
		return nil
	})
}

// CgroupStats asks the engine for a node's cgroup.
func (d *docker) CgroupStats(ctx context.Context, id BrokerID) (CgroupStats, error) {
	m, err := d.lookup(id)
	if err != nil {
		return CgroupStats{}, err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	r, err := d.engine.api.ContainerStats(ctx, m.container, client.ContainerStatsOptions{})
	if err != nil {
		return CgroupStats{}, fmt.Errorf("cgroup of %s: %w", m.host(), err)
	}
	defer r.Body.Close()
	var s container.StatsResponse
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		return CgroupStats{}, fmt.Errorf("cgroup of %s: %w", m.host(), err)
	}
	return CgroupStats{
		Throttled:   s.CPUStats.ThrottlingData.ThrottledPeriods,
		MemoryLimit: s.MemoryStats.Limit, MemoryUsed: s.MemoryStats.Usage, Refusals: s.MemoryStats.Failcnt,
	}, nil
}
