package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// electionWait is how long a target that may exist in a moment is waited for: a
// leader or coordinator between two elections.
const electionWait = 30 * time.Second

// dice returns the draws of one strike.
func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6f6e6365)) }

// resolve returns the brokers that t means now, ascending, and how it came to
// them: "broker 2 (leader of orders/0)". Draws depend on seed alone.
func (e *Env) resolve(ctx context.Context, t scenario.Target, seed uint64) ([]cluster.BrokerID, string, error) {
	want, err := parseTarget(t)
	if err != nil {
		return nil, "", err
	}
	var found []cluster.BrokerID
	why, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		var why string
		var err error
		found, why, err = e.resolveNow(ctx, want, dice(seed))
		return why, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("target %s: %w", t, err)
	}
	slices.Sort(found)
	text := brokerText(found)
	if len(found) == 1 {
		text = broker{e, found[0]}.String()
	}
	if why != "" {
		text += " (" + why + ")"
	}
	return found, text, nil
}

// resolveOne is resolve for targets that must be a single broker.
func (e *Env) resolveOne(ctx context.Context, t scenario.Target, seed uint64) (cluster.BrokerID, string, error) {
	found, text, err := e.resolve(ctx, t, seed)
	if err != nil {
		return 0, "", err
	}
	if len(found) != 1 {
		return 0, "", fmt.Errorf("target %s means %s, where one broker is needed", t, text)
	}
	return found[0], text, nil
}

func (e *Env) resolveNow(ctx context.Context, t scenario.TargetRef, r *rand.Rand) ([]cluster.BrokerID, string, error) {
	brokers := e.Cluster.Brokers()
	all := make([]cluster.BrokerID, len(brokers))
	for i, b := range brokers {
		all[i] = b.ID
	}
	slices.Sort(all)
	draw := func(n int, of []cluster.BrokerID, word string) ([]cluster.BrokerID, string, error) {
		if n < 1 || n > len(of) {
			return nil, "", finalError{fmt.Errorf("%w: %s of %d brokers is nobody", errNoTarget, word, len(of))}
		}
		of = slices.Clone(of)
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:n], fmt.Sprintf("%s of %d, drawn", word, len(of)), nil
	}
	switch t.Kind {
	case scenario.TargetBroker:
		id := cluster.BrokerID(t.Broker)
		if !slices.Contains(e.nodes(), id) {
			return nil, "", finalError{fmt.Errorf("%w; brokers: %s", errNoTarget, idText(all))}
		}
		return []cluster.BrokerID{id}, "", nil
	case scenario.TargetAll:
		return all, "all", nil
	case scenario.TargetAny:
		return draw(1, all, "any")
	case scenario.TargetMinority:
		return draw((len(all)-1)/2, all, "a minority")
	case scenario.TargetMajority:
		return draw(len(all)/2+1, all, "a majority")
	case scenario.TargetLeader, scenario.TargetFollower:
		return e.replica(ctx, t, r)
	case scenario.TargetController:
		return e.controller(ctx)
	case scenario.TargetGroupCoordinator:
		return e.coordinator(ctx, group, t.Group)
	case scenario.TargetTxnCoordinator:
		return e.coordinator(ctx, txn, t.TxnID)
	}
	return nil, "", finalError{fmt.Errorf("no way to find a %s", t.Kind)}
}

func (e *Env) replica(ctx context.Context, t scenario.TargetRef, r *rand.Rand) ([]cluster.BrokerID, string, error) {
	v, err := look(ctx, e.Cluster)
	if err != nil {
		return nil, "", err
	}
	p, err := v.partition(t.Topic, t.Part)
	if err != nil {
		return nil, "", err
	}
	if p.leader < 0 {
		return nil, "", fmt.Errorf(
			"%w: %s/%d has no leader now; its replicas are %s", errNoTarget, t.Topic, t.Part,
			brokerText(p.replicas),
		)
	}
	if t.Kind == scenario.TargetLeader {
		return []cluster.BrokerID{p.leader}, fmt.Sprintf("leader of %s/%d", t.Topic, t.Part), nil
	}
	followers := slices.DeleteFunc(
		slices.Sorted(slices.Values(p.replicas)), func(id cluster.BrokerID) bool { return id == p.leader },
	)
	if len(followers) == 0 {
		return nil, "", finalError{
			fmt.Errorf("%w: %s/%d has no follower; its one replica is broker %d", errNoTarget, t.Topic, t.Part, p.leader),
		}
	}
	return []cluster.BrokerID{followers[r.IntN(len(followers))]}, fmt.Sprintf("follower of %s/%d", t.Topic, t.Part), nil
}

// askAny asks the running brokers in turn until one answers.
func (e *Env) askAny(ctx context.Context, req kmsg.Request) (cluster.BrokerID, kmsg.Response, error) {
	var errs []error
	version := req.GetVersion()
	for _, b := range e.Cluster.Brokers() {
		if b.State != cluster.Running {
			continue
		}
		req.SetVersion(version)
		resp, err := ask(ctx, b.Addr, req)
		if err == nil {
			return b.ID, resp, nil
		}
		errs = append(errs, fmt.Errorf("broker %d: %w", b.ID, err))
	}
	if len(errs) == 0 {
		return -1, nil, fmt.Errorf("%w: no broker runs", errNoTarget)
	}
	return -1, nil, errors.Join(errs...)
}
