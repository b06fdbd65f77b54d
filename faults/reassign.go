package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// reassign moves a partition's replicas to other brokers, as an operator or a
// balancer does: the newcomers copy it, and whoever is left out drops it. With a
// duration they move back at Recover.
type reassign struct {
	env   *Env
	topic string
	part  int32
	to    []int32
	seed  uint64
	back  bool

	was   partition
	owed  bool
	moved []cluster.BrokerID
}

var _ = register(scenario.KindReassign, newReassign)

func newReassign(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	topic, part, err := onePartition("what?", f.Args.TP)
	if err != nil {
		return nil, err
	}
	return &reassign{env: env, topic: topic, part: part, to: f.Args.Replicas, seed: seed, back: f.For.Max > 0}, nil
}

func (r *reassign) Inject(ctx context.Context) (string, error) {
	v, err := look(ctx, r.env.Cluster)
	if err == nil {
		r.was, err = v.partition(r.topic, r.part)
	}
	if err != nil {
		return "", err
	}
	if r.moved, err = r.choose(); err != nil {
		return "", err
	}
	r.owed = r.back
	resolved := fmt.Sprintf(
		"%s/%d from brokers %s to brokers %s", r.topic, r.part, idText(r.was.replicas), idText(r.moved),
	)
	return resolved, r.env.reassign(ctx, r.topic, r.part, rawIDs(r.moved))
}

// victims: the leader at that time.
func (r *reassign) victims() (brokers []int32, clients []string) {
	return []int32{int32(r.was.leader)}, nil
}

// choose is the replicas asked for, or those of now with one replaced.
func (r *reassign) choose() ([]cluster.BrokerID, error) {
	if r.to != nil {
		to := ids(r.to)
		if slices.Equal(to, r.was.replicas) {
			return nil, fmt.Errorf("%w: the replicas of %s/%d are brokers %s already", errNoTarget, r.topic, r.part, idText(to))
		}
		return to, nil
	}
	var others []cluster.BrokerID
	for _, b := range r.env.Cluster.Brokers() {
		if b.State == cluster.Running && !slices.Contains(r.was.replicas, b.ID) {
			others = append(others, b.ID)
		}
	}
	if len(others) == 0 {
		return nil, fmt.Errorf(
			"%w: no running broker is without a replica of %s/%d; its replicas are brokers %s", errNoTarget,
			r.topic, r.part, idText(r.was.replicas),
		)
	}
	slices.Sort(others)
	d := dice(r.seed)
	to := slices.Clone(r.was.replicas)
	to[d.IntN(len(to))] = others[d.IntN(len(others))]
	return to, nil
}

// Effect waits until the replicas are the new ones, and in sync.
func (r *reassign) Effect(ctx context.Context) (string, error) { return await(ctx, r.on(r.moved)) }

// on sees that the partition's replicas are those, all that are not held down in sync.
func (r *reassign) on(want []cluster.BrokerID) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		v, err := look(ctx, r.env.Cluster)
		if err != nil {
			return "", err
		}
		p, err := v.partition(r.topic, r.part)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf(
			"the replicas of %s/%d are brokers %s, in sync are %s", r.topic, r.part, idText(p.replicas),
			idText(p.isr),
		)
		if !slices.Equal(p.replicas, want) {
			return "", errors.New(text)
		}
		for _, id := range want {
			if !slices.Contains(p.isr, id) && len(r.env.ledger.claimantsOf(broker{r.env, id})) == 0 {
				return "", errors.New(text)
			}
		}
		return text + ", as " + tell(v.tellers), nil
	}
}

func (r *reassign) Recover(ctx context.Context) error {
	if !r.owed {
		return nil
	}
	if err := r.env.reassign(ctx, r.topic, r.part, rawIDs(r.was.replicas)); err != nil {
		return err
	}
	r.owed = false
	return nil
}

// Gone waits until the old replicas are back, if they are meant to be.
func (r *reassign) Gone(ctx context.Context) (string, error) {
	if !r.back || r.was.replicas == nil {
		return "nothing to undo: the replicas stay where they are", nil
	}
	return await(ctx, r.on(r.was.replicas))
}

func (r *reassign) patience() (effect, gone time.Duration) { return restartBound, restartBound }

func rawIDs(ids []cluster.BrokerID) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}
