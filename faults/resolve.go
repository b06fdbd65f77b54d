package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/harness/cluster"
	"github.com/onceproof/onceproof/scenarios"
)

// electionWait is how long a target that may exist in a moment is waited for: a
// leader or coordinator between two elections.
const electionWait = 10 * time.Second

// dice returns the draws of one strike.
func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6f6e6365)) }

// resolve returns the brokers that t means now, ascending, and how it came to
// them: "broker 2 (leader of orders/0)". Draws depend on seed alone.
func (e *Env) resolve(ctx context.Context, t scenarios.Target, seed uint64) ([]cluster.BrokerID, string, error) {
	want, err := parseTarget(t)
	if err != nil {
		return nil, "", err
	}
	var found []cluster.BrokerID
	ctx, cancel := context.WithTimeout(ctx, electionWait)
	defer cancel()
	why, err := await(ctx, func(ctx context.Context) (string, error) {
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
	if why != "" {
		text += " (" + why + ")"
	}
	return found, text, nil
}

// resolveOne is resolve for targets that must be a single broker.
func (e *Env) resolveOne(ctx context.Context, t scenarios.Target, seed uint64) (cluster.BrokerID, string, error) {
	found, text, err := e.resolve(ctx, t, seed)
	if err != nil {
		return 0, "", err
	}
	if len(found) != 1 {
		return 0, "", fmt.Errorf("target %s means %s, where one broker is needed", t, text)
	}
	return found[0], text, nil
}

func (e *Env) resolveNow(ctx context.Context, t target, r *rand.Rand) ([]cluster.BrokerID, string, error) {
	brokers := e.Cluster.Brokers()
	all := make([]cluster.BrokerID, len(brokers))
	for i, b := range brokers {
		all[i] = b.ID
	}
	slices.Sort(all)
	draw := func(n int, of []cluster.BrokerID, word string) ([]cluster.BrokerID, string, error) {
		if n < 1 || n > len(of) {
			return nil, "", finalError{fmt.Errorf("%w: %s of %d brokers is nobody", ErrNoTarget, word, len(of))}
		}
		of = slices.Clone(of)
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:n], fmt.Sprintf("%s of %d, drawn", word, len(of)), nil
	}
	switch t.word {
	case "broker":
		if !slices.Contains(all, t.id) {
			return nil, "", finalError{fmt.Errorf("%w; brokers: %s", ErrNoTarget, idText(all))}
		}
		return []cluster.BrokerID{t.id}, "", nil
	case "all":
		return all, "all", nil
	case "any":
		return draw(1, all, "any")
	case "minority":
		return draw((len(all)-1)/2, all, "a minority")
	case "majority":
		return draw(len(all)/2+1, all, "a majority")
	case "leader", "follower":
		return e.replica(ctx, t, r)
	case "controller":
		return e.controller(ctx)
	default:
		return e.coordinator(ctx, t)
	}
}

func (e *Env) replica(ctx context.Context, t target, r *rand.Rand) ([]cluster.BrokerID, string, error) {
	v, err := look(ctx, e.Cluster)
	if err != nil {
		return nil, "", err
	}
	p, err := v.partition(t.topic, t.part)
	if err != nil {
		return nil, "", err
	}
	if p.leader < 0 {
		return nil, "", fmt.Errorf("%w: %s/%d has no leader now; its replicas are %s", ErrNoTarget, t.topic, t.part, brokerText(p.replicas))
	}
	if t.word == "leader" {
		return []cluster.BrokerID{p.leader}, fmt.Sprintf("leader of %s/%d", t.topic, t.part), nil
	}
	followers := slices.DeleteFunc(slices.Sorted(slices.Values(p.replicas)), func(id cluster.BrokerID) bool { return id == p.leader })
	if len(followers) == 0 {
		return nil, "", finalError{fmt.Errorf("%w: %s/%d has no follower; its one replica is broker %d", ErrNoTarget, t.topic, t.part, p.leader)}
	}
	return []cluster.BrokerID{followers[r.IntN(len(followers))]}, fmt.Sprintf("follower of %s/%d", t.topic, t.part), nil
}

// controller asks for the KRaft quorum's leader: brokers in KRaft mode name any
// live broker as controller in their metadata. A cluster without a quorum
// (kfake) is asked for its metadata.
func (e *Env) controller(ctx context.Context) ([]cluster.BrokerID, string, error) {
	quorum := kmsg.NewPtrDescribeQuorumRequest()
	quorum.SetVersion(1)
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	quorum.Topics = append(quorum.Topics, topic)
	_, resp, err := e.askAny(ctx, quorum)
	if err == nil {
		r := resp.(*kmsg.DescribeQuorumResponse)
		if err := code(r.ErrorCode); err != nil {
			return nil, "", fmt.Errorf("DescribeQuorum: %w", err)
		}
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if err := code(p.ErrorCode); err != nil {
					return nil, "", fmt.Errorf("DescribeQuorum: %w", err)
				}
				return []cluster.BrokerID{cluster.BrokerID(p.LeaderID)}, fmt.Sprintf("controller, epoch %d", p.LeaderEpoch), nil
			}
		}
		return nil, "", errors.New("DescribeQuorum: an empty answer")
	}
	if !errors.Is(err, errOldBroker) {
		return nil, "", err
	}
	meta := kmsg.NewPtrMetadataRequest()
	meta.SetVersion(9)
	meta.Topics = []kmsg.MetadataRequestTopic{}
	_, resp, err = e.askAny(ctx, meta)
	if err != nil {
		return nil, "", err
	}
	id := resp.(*kmsg.MetadataResponse).ControllerID
	if id < 0 {
		return nil, "", fmt.Errorf("%w: no controller now", ErrNoTarget)
	}
	return []cluster.BrokerID{cluster.BrokerID(id)}, "controller", nil
}

// coordinator finds the coordinator of a group or transactional id that exists;
// brokers would name one for any name.
func (e *Env) coordinator(ctx context.Context, t target) ([]cluster.BrokerID, string, error) {
	names, known, err := e.keys(ctx, t.kind)
	if err != nil {
		return nil, "", err
	}
	what := map[string]string{"group": "group", "txn": "transactional id"}[t.kind]
	if known && !slices.Contains(names, t.key) {
		return nil, "", fmt.Errorf("%w: no %s is called %q; there are: %s", ErrNoTarget, what, t.key, list(names))
	}
	id, err := e.findCoordinator(ctx, t.kind, t.key)
	if err != nil {
		return nil, "", err
	}
	return []cluster.BrokerID{id}, fmt.Sprintf("coordinator of %s %s", what, t.key), nil
}

func (e *Env) findCoordinator(ctx context.Context, kind, key string) (cluster.BrokerID, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.SetVersion(3) // one key a request
	req.CoordinatorKey = key
	if kind == "txn" {
		req.CoordinatorType = 1
	}
	_, resp, err := e.askAny(ctx, req)
	if err != nil {
		return -1, err
	}
	r := resp.(*kmsg.FindCoordinatorResponse)
	if err := code(r.ErrorCode); err != nil {
		return -1, fmt.Errorf("FindCoordinator of %s %s: %w", kind, key, err)
	}
	return cluster.BrokerID(r.NodeID), nil
}

// keys lists the groups or transactional ids that exist, from all brokers. known
// is false when they could not all be asked.
func (e *Env) keys(ctx context.Context, kind string) (names []string, known bool, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	known = true
	for _, b := range e.Cluster.Brokers() {
		if b.State != cluster.Running {
			known = false // what it coordinated may not have moved yet
			continue
		}
		wg.Go(func() {
			found, err := listKeys(ctx, b.Addr, kind)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				known = false
				return
			}
			names = append(names, found...)
		})
	}
	wg.Wait()
	slices.Sort(names)
	return slices.Compact(names), known, ctx.Err()
}

func listKeys(ctx context.Context, addr, kind string) (names []string, err error) {
	if kind == "group" {
		req := kmsg.NewPtrListGroupsRequest()
		req.SetVersion(5) // 4 knows states, 5 the newer group types
		resp, err := ask(ctx, addr, req)
		if err != nil {
			return nil, err
		}
		r := resp.(*kmsg.ListGroupsResponse)
		for _, g := range r.Groups {
			names = append(names, g.Group)
		}
		return names, code(r.ErrorCode)
	}
	req := kmsg.NewPtrListTransactionsRequest()
	req.SetVersion(0)
	resp, err := ask(ctx, addr, req)
	if err != nil {
		return nil, err
	}
	r := resp.(*kmsg.ListTransactionsResponse)
	for _, t := range r.TransactionStates {
		names = append(names, t.TransactionalID)
	}
	return names, code(r.ErrorCode)
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
		return -1, nil, fmt.Errorf("%w: no broker runs", ErrNoTarget)
	}
	return -1, nil, errors.Join(errs...)
}

// isRetriable says whether a Kafka error passes by itself.
func isRetriable(err error) bool { return kerr.IsRetriable(err) }

// resolveInstances returns the client processes that name means: "till/0" is that
// one, "till/*" all, "till" one of them, drawn from seed.
func (e *Env) resolveInstances(name string, seed uint64) ([]instance, string, error) {
	var exact, every []instance
	var names []string
	for _, i := range e.instances() {
		names = append(names, i.Name())
		if i.Name() == name {
			exact = append(exact, i)
		}
		if clientOf(i.Name()) == clientOf(name) {
			every = append(every, i)
		}
	}
	switch {
	case len(exact) > 0:
		return exact, "client " + name, nil
	case len(every) == 0 || name != clientOf(name) && name != clientOf(name)+"/*":
		return nil, "", fmt.Errorf("client %q: %w; clients: %s", name, ErrNoTarget, list(names))
	case name != clientOf(name):
		return every, fmt.Sprintf("client %s (all %d instances)", name, len(every)), nil
	}
	one := every[dice(seed).IntN(len(every))]
	if len(every) == 1 {
		return []instance{one}, "client " + one.Name(), nil
	}
	return []instance{one}, fmt.Sprintf("client %s (any of %d, drawn)", one.Name(), len(every)), nil
}

// matchInstances returns every client process that name covers: "till" and
// "till/*" all of till's, "till/0" that one, "" all.
func (e *Env) matchInstances(name string) ([]instance, string, error) {
	if name == "" {
		if len(e.instances()) == 0 {
			return nil, "", fmt.Errorf("%w: there are no clients", ErrNoTarget)
		}
		return e.instances(), "all clients", nil
	}
	if name == clientOf(name) {
		name += "/*"
	}
	return e.resolveInstances(name, 0)
}

// clientOf is the client's name of an instance, "till" of "till/0".
func clientOf(instance string) string {
	name, _, _ := strings.Cut(instance, "/")
	return name
}
