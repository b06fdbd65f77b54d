package faults

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
)

// keyType is what a coordinator coordinates; its value is Kafka's coordinator type.
type keyType int8

const (
	group keyType = 0
	txn   keyType = 1
)

func (k keyType) String() string {
	if k == txn {
		return "transactional id"
	}
	return "group"
}

// coordinator finds the coordinator of a group or transactional id that exists;
// brokers would name one for any name.
func (e *Env) coordinator(ctx context.Context, kind keyType, key string) ([]cluster.BrokerID, string, error) {
	key, err := e.key(ctx, kind, key)
	if err != nil {
		return nil, "", err
	}
	id, err := e.findCoordinator(ctx, kind, key)
	if err != nil {
		return nil, "", err
	}
	return []cluster.BrokerID{id}, fmt.Sprintf("coordinator of %s %s", kind, key), nil
}

// key is the group or transactional id that exists and that a scenario names: by its
// name, or, as "~till-.*", by an expression that the whole name matches, of which the
// first in alphabetical order is taken.
func (e *Env) key(ctx context.Context, kind keyType, name string) (string, error) {
	names, known, err := e.keys(ctx, kind)
	if err != nil {
		return "", err
	}
	pattern, isPattern := strings.CutPrefix(name, "~")
	if !isPattern {
		if known && !slices.Contains(names, name) {
			return "", fmt.Errorf("%w: no %s is called %q; there are: %s", errNoTarget, kind, name, list(names))
		}
		return name, nil
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return "", finalError{err}
	}
	slices.Sort(names)
	if i := slices.IndexFunc(names, re.MatchString); i >= 0 {
		return names[i], nil
	}
	return "", fmt.Errorf("%w: no %s matches %s; there are: %s", errNoTarget, kind, pattern, list(names))
}

func (e *Env) findCoordinator(ctx context.Context, kind keyType, key string) (cluster.BrokerID, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.SetVersion(3) // one key a request
	req.CoordinatorKey, req.CoordinatorType = key, int8(kind)
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

// askCoordinator asks the coordinator of key, as the brokers name it now.
func (e *Env) askCoordinator(ctx context.Context, kind keyType, key string, req kmsg.Request) (kmsg.Response, error) {
	resp, _, err := e.askCoordinatorOf(ctx, kind, key, req)
	return resp, err
}

// askCoordinatorOf also tells who that was.
func (e *Env) askCoordinatorOf(
	ctx context.Context, kind keyType, key string, req kmsg.Request,
) (kmsg.Response, cluster.BrokerID, error) {
	id, err := e.findCoordinator(ctx, kind, key)
	if err != nil {
		return nil, 0, err
	}
	b, err := broker{e, id}.now()
	if err != nil {
		return nil, id, err
	}
	resp, err := ask(ctx, b.Addr, req)
	if err != nil {
		return nil, id, fmt.Errorf(
			"%s to broker %d, coordinator of %s %s: %w", kmsg.NameForKey(req.Key()), id, kind, key, err,
		)
	}
	return resp, id, nil
}

// keys lists the groups or transactional ids that exist, from all brokers. known
// is false when they could not all be asked.
func (e *Env) keys(ctx context.Context, kind keyType) (names []string, known bool, err error) {
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

func listKeys(ctx context.Context, addr string, kind keyType) (names []string, err error) {
	if kind == group {
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
