package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/client"
)

// A pool starts no cluster beside more than so many that nobody uses, and keeps to
// half of the engine's memory. A node at rest takes little of a processor.
const (
	idleClusters = 2
	restMemory   = 350 << 20 // bytes of a node
)

// Pool lends docker clusters to runs that follow each other and want the same brokers:
// a cluster starts in six to twenty seconds and is cleaned in two. Between runs it is
// cleaned, and looked at; only one that is seen to be as new is lent again.
//
//	Acquire ──> run ──> Release ──> cleaned, in the background ──> Acquire …
//	                         └──> removed, in the background: tainted, or not seen clean
//
// Whoever makes a pool closes it. A nil *Pool lends nothing twice: Acquire
// starts, Release closes. Safe for concurrent use.
type Pool struct {
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup // cleanings and removals

	mu   sync.Mutex
	lent map[Cluster]*spare
	idle []*spare          // the longest idle first
	lost map[string]string // by brokers: why the last cluster is no more; told to the next that wants it
	errs []error           // of removals
}

// spare is a cluster of a pool.
type spare struct {
	*docker
	key    string // of its brokers
	chosen string
	served int           // runs that it has had
	clean  chan struct{} // closed when it is known whether it is clean
	dirty  error         // why it is not
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	p := &Pool{lent: map[Cluster]*spare{}, lost: map[string]string{}}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Acquire is Start, or lends a cluster that has served so many runs before, with the
// topics of spec, created anew, and nothing else.
func (p *Pool) Acquire(ctx context.Context, spec Spec) (c Cluster, chosen string, served int, err error) {
	if p == nil || !pooled(spec) {
		c, chosen, err = Start(ctx, spec)
		return c, chosen, 0, err
	}
	if err := spec.check(); err != nil {
		return nil, "", 0, err
	}
	key := brokersOf(spec)
	if s := p.borrow(ctx, key); s != nil {
		if err = s.adopt(ctx, spec); err == nil {
			p.mu.Lock()
			p.lent[s.docker] = s
			p.mu.Unlock()
			return s.docker, fmt.Sprintf("%s; brokers of an earlier run, cleaned (they have served %d)", s.chosen, s.served), s.served, nil
		}
		p.discard(s, err.Error())
		if ctx.Err() != nil {
			return nil, "", 0, err
		}
	}
	if why := p.whyLost(key); why != "" {
		progress(spec)("a new cluster: " + why)
	}
	p.makeRoom(ctx, spec.Brokers+spec.Controllers)
	if c, chosen, err = Start(ctx, spec); err != nil {
		return nil, "", 0, err
	}
	if d, ok := c.(*docker); ok {
		if d.born, err = d.dynamicConfigs(ctx); err != nil {
			return nil, "", 0, errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), d.Close())
		}
		p.mu.Lock()
		p.lent[c] = &spare{docker: d, key: key, chosen: chosen}
		p.mu.Unlock()
	}
	return c, chosen, 0, nil
}

// pooled says whether there is anything to keep: what else starts in no time, or is
// somebody else's. A disk in memory still has, for a minute, what was deleted.
func pooled(spec Spec) bool {
	return (spec.Backend == "docker" || spec.Backend == "auto" || spec.Backend == "") && spec.Disk == 0
}

// brokersOf is equal for specs that want the same brokers.
func brokersOf(spec Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %d %q", spec.Brokers, spec.Controllers, spec.Disk, spec.Image)
	for _, k := range slices.Sorted(maps.Keys(spec.Config)) {
		fmt.Fprintf(&b, " %q=%q", k, spec.Config[k])
	}
	return b.String()
}

// borrow returns an idle cluster that is clean, or nil.
func (p *Pool) borrow(ctx context.Context, key string) *spare {
	for {
		p.mu.Lock()
		i := slices.IndexFunc(p.idle, func(s *spare) bool { return s.key == key })
		if i < 0 {
			p.mu.Unlock()
			return nil
		}
		s := p.idle[i]
		p.idle = slices.Delete(p.idle, i, i+1)
		p.mu.Unlock()
		select {
		case <-s.clean:
		case <-ctx.Done():
			p.discard(s, ctx.Err().Error())
			return nil
		}
		if s.dirty == nil {
			return s
		}
		p.discard(s, s.dirty.Error())
	}
}

// adopt makes s the cluster of spec's run.
func (s *spare) adopt(ctx context.Context, spec Spec) error {
	for _, m := range s.members {
		if err := m.log.open(spec.LogDir, m.host(), s.served); err != nil {
			return err
		}
	}
	if err := s.checkEmpty(ctx); err != nil { // it may have been a while
		return err
	}
	return createTopics(ctx, s.Brokers(), spec.Topics)
}

// Release takes a cluster back after its run. taint is what the run may have left in it
// that cleaning does not take away, "" if nothing; a tainted cluster is removed.
func (p *Pool) Release(c Cluster, taint string) error {
	if p == nil {
		return c.Close()
	}
	p.mu.Lock()
	s := p.lent[c]
	delete(p.lent, c)
	p.mu.Unlock()
	if s == nil || p.life.Err() != nil {
		return c.Close()
	}
	s.served++
	var errs []error
	for _, m := range s.members {
		errs = append(errs, m.log.Close())
	}
	if taint != "" {
		p.discard(s, taint)
		return errors.Join(errs...)
	}
	s.clean = make(chan struct{})
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
	p.work.Go(func() {
		defer close(s.clean)
		if s.dirty = s.docker.clean(p.life); s.dirty != nil {
			s.dirty = fmt.Errorf("the last one could not be cleaned: %w", s.dirty)
		}
	})
	return errors.Join(errs...)
}

// makeRoom removes idle clusters before one of so many nodes starts.
func (p *Pool) makeRoom(ctx context.Context, nodes int) {
	p.mu.Lock()
	var idle []int
	for _, s := range p.idle {
		idle = append(idle, len(s.members))
	}
	var memory int64
	if len(p.idle) > 0 {
		if info, err := p.idle[0].engine.api.Info(ctx, client.InfoOptions{}); err == nil {
			memory = info.Info.MemTotal
		}
	}
	n := surplus(idle, nodes, memory)
	gone := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.mu.Unlock()
	for _, s := range gone {
		p.discard(s, "")
	}
}

// surplus is how many of the idle clusters, each of so many nodes, the longest idle
// first, have to go before one of nodes starts on an engine with so much memory.
func surplus(idle []int, nodes int, memory int64) int {
	n := max(0, len(idle)-idleClusters)
	for _, more := range idle[n:] {
		nodes += more
	}
	for n < len(idle) && int64(nodes)*restMemory > memory/2 {
		nodes -= idle[n]
		n++
	}
	return n
}

// discard removes s in the background.
func (p *Pool) discard(s *spare, why string) {
	p.mu.Lock()
	p.lost[s.key] = why
	p.mu.Unlock()
	p.work.Go(func() {
		if err := s.docker.Close(); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.errs = append(p.errs, err)
		}
	})
}

func (p *Pool) whyLost(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	why := p.lost[key]
	delete(p.lost, key)
	return why
}

// Close removes all that nobody has at present, and waits until everything that was
// given back is gone.
func (p *Pool) Close() error {
	if p == nil {
		return nil
	}
	p.end()
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range idle {
		p.discard(s, "")
	}
	p.work.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}
