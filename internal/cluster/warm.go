package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// warmCoordinators waits until the internal topics are there and their
// partitions serve, so that the first group and the first transaction of a run
// do not wait for them. The keys' hashes are neighbours: of three partitions,
// which is what our nodes have, they meet each. Nothing is written.
func warmCoordinators(ctx context.Context, brokers []Broker) error {
	addr := map[int32]string{}
	for _, b := range brokers {
		addr[int32(b.ID)] = b.Addr
	}
	for _, key := range []string{"onceproof-a", "onceproof-b", "onceproof-c"} {
		for kind, serves := range map[int8]func(context.Context, string, string) error{0: groupServed, 1: transactionServed} {
			err := until(ctx, func() error {
				req := kmsg.NewPtrFindCoordinatorRequest()
				req.Version = 2
				req.CoordinatorKey, req.CoordinatorType = key, kind
				resp, err := ask[*kmsg.FindCoordinatorResponse](ctx, brokers[0].Addr, req)
				if err == nil {
					err = kerr.ErrorForCode(resp.ErrorCode)
				}
				if err != nil {
					return err
				}
				return serves(ctx, addr[resp.NodeID], key)
			})
			if err != nil {
				return fmt.Errorf("coordinator of kind %d for %q: %w", kind, key, err)
			}
		}
	}
	return nil
}

func groupServed(ctx context.Context, addr, group string) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 5
	req.Group = group
	resp, err := ask[*kmsg.OffsetFetchResponse](ctx, addr, req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

func transactionServed(ctx context.Context, addr, id string) error {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{id}
	resp, err := ask[*kmsg.DescribeTransactionsResponse](ctx, addr, req)
	if err != nil {
		return err
	}
	for _, t := range resp.TransactionStates {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TransactionalIDNotFound) {
			return err
		}
	}
	return nil
}
