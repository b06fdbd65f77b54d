package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteGroups deletes every group, with its offsets, and waits until no broker
// knows of one. Members of clients that were killed are made to leave.
func (d *docker) deleteGroups(ctx context.Context) error {
	return until(ctx, func() error {
		for _, b := range d.Brokers() {
			ids, err := groupsOf(ctx, b)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				continue
			}
			req := kmsg.NewPtrDeleteGroupsRequest()
			req.Groups = ids
			resp, err := ask[*kmsg.DeleteGroupsResponse](ctx, b.Addr, req)
			if err != nil {
				return err
			}
			for _, g := range resp.Groups {
				err := kerr.ErrorForCode(g.ErrorCode)
				if errors.Is(err, kerr.NonEmptyGroup) {
					err = errors.Join(err, emptyGroup(ctx, b, g.Group))
				}
				if err != nil {
					return fmt.Errorf("delete group %s: %w", g.Group, err)
				}
			}
			return fmt.Errorf("broker %d had %d groups", b.ID, len(ids)) // look again
		}
		return nil
	})
}

func groupsOf(ctx context.Context, b Broker) (ids []string, err error) {
	resp, err := ask[*kmsg.ListGroupsResponse](ctx, b.Addr, kmsg.NewPtrListGroupsRequest())
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("groups of broker %d: %w", b.ID, err)
	}
	for _, g := range resp.Groups {
		ids = append(ids, g.Group)
	}
	return ids, nil
}

// emptyGroup makes a group's members leave.
func emptyGroup(ctx context.Context, coordinator Broker, group string) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version = 4 // the last without flexible headers; tells the instance ids
	req.Groups = []string{group}
	resp, err := ask[*kmsg.DescribeGroupsResponse](ctx, coordinator.Addr, req)
	if err != nil {
		return err
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Version = 3 // the last without flexible headers, the first for many
	leave.Group = group
	for _, g := range resp.Groups {
		for _, m := range g.Members {
			out := kmsg.NewLeaveGroupRequestMember()
			out.MemberID, out.InstanceID = m.MemberID, m.InstanceID
			leave.Members = append(leave.Members, out)
		}
	}
	if len(leave.Members) == 0 {
		return emptyNewerGroup(ctx, coordinator, group)
	}
	_, err = ask[*kmsg.LeaveGroupResponse](ctx, coordinator.Addr, leave)
	return err // whether they left is looked at
}

// emptyNewerGroup is emptyGroup for the consumer protocol of KIP-848.
func emptyNewerGroup(ctx context.Context, coordinator Broker, group string) error {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	resp, err := ask[*kmsg.ConsumerGroupDescribeResponse](ctx, coordinator.Addr, req)
	if err != nil {
		return err
	}
	for _, g := range resp.Groups {
		for _, m := range g.Members {
			leave := kmsg.NewPtrConsumerGroupHeartbeatRequest()
			leave.Group, leave.MemberID, leave.InstanceID, leave.MemberEpoch = group, m.MemberID, m.InstanceID, -1
			if _, err := ask[*kmsg.ConsumerGroupHeartbeatResponse](ctx, coordinator.Addr, leave); err != nil {
				return err
			}
		}
	}
	return nil
}
