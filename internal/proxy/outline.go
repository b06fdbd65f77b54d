package proxy

import "github.com/twmb/franz-go/pkg/kmsg"

// outline fills resp with the topics, partitions, groups and transactions that
// r asks about, without errors.
func outline(resp kmsg.Response, r *request) {
	if hasTopics(r.api) {
		outlinePartitions(resp, r)
		return
	}
	switch resp := resp.(type) {
	case *kmsg.FindCoordinatorResponse:
		resp.NodeID, resp.Port = -1, -1
		for _, key := range r.body.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.Port = key, -1, -1
			resp.Coordinators = append(resp.Coordinators, c)
		}
	case *kmsg.JoinGroupResponse:
		resp.Generation = -1
		resp.MemberID = r.body.(*kmsg.JoinGroupRequest).MemberID
		resp.Protocol = kmsg.StringPtr("") // not nullable before version 7
	case *kmsg.InitProducerIDResponse:
		resp.ProducerID, resp.ProducerEpoch = -1, -1
	case *kmsg.EndTxnResponse:
		resp.ProducerID, resp.ProducerEpoch = -1, -1
	case *kmsg.LeaveGroupResponse:
		for _, m := range r.body.(*kmsg.LeaveGroupRequest).Members {
			out := kmsg.NewLeaveGroupResponseMember()
			out.MemberID, out.InstanceID = m.MemberID, m.InstanceID
			resp.Members = append(resp.Members, out)
		}
	}
}
